//! `board.md`: the board for a person to read.

use super::notation::{address, frequency, size};
use super::table::{self, left};
use super::{header, qemu_args};
use crate::Board;
use crate::board::{
    Boot, Conduit, Console, Counter, ExceptionLevel, InterruptController, Power, Timer,
};

mod interrupts;
mod memory;
mod pci;

/// What the board is, its memory map and interrupt map, how QEMU is started, and what was left out.
#[must_use]
pub fn emit(board: &Board) -> String {
    let mut text = format!("<!-- {} -->\n\n", header::of_board(board).join("\n     "));
    text += &format!("# {}\n\n{}\n\n{}", board.name, board.title, identity(board));
    let sections = [
        ("Memory map", memory::section(board)),
        ("Interrupt map", interrupts::section(board)),
        ("PCI", pci::section(board)),
        ("QEMU", qemu(board)),
        ("Left out on purpose", undescribed(board)),
        ("Overlaps that are meant", waivers(board)),
    ];
    for (title, section) in sections {
        if !section.is_empty() {
            text += &format!("\n## {title}\n\n{section}");
        }
    }
    text
}

fn identity(board: &Board) -> String {
    let row = |what: &str, is: String, key: &str| [what.to_owned(), is, format!("`{key}`")];
    let mut rows = vec![row(
        "processor",
        board.architecture.to_string(),
        "board.architecture",
    )];
    let Boot::LinuxImage {
        load_address,
        exception_level,
    } = board.boot;
    let level = match exception_level {
        ExceptionLevel::El1 => "EL1",
        ExceptionLevel::El2 => "EL2",
        ExceptionLevel::El3 => "EL3",
    };
    rows.push(row(
        "boot",
        format!(
            "Linux image at {}, entered at {level}",
            address(load_address)
        ),
        "boot.linux-image",
    ));
    rows.push(row("stack", size(board.memory.stack), "memory.stack"));
    rows.push(match board.interrupt_controller {
        InterruptController::GicV2 { v2m, .. } => {
            let messages = if v2m.is_some() {
                ", messages by its v2m frame"
            } else {
                ""
            };
            row(
                "interrupt controller",
                format!("GICv2{messages}"),
                "interrupt-controller.gic-v2",
            )
        }
        InterruptController::GicV3 { its, .. } => {
            let messages = if its.is_some() {
                ", messages by its ITS"
            } else {
                ""
            };
            row(
                "interrupt controller",
                format!("GICv3{messages}"),
                "interrupt-controller.gic-v3",
            )
        }
    });
    let Timer::ArmGeneric {
        counter,
        frequency: stated,
        ..
    } = board.timer;
    let counter = match counter {
        Counter::Virtual => "virtual counter",
        Counter::Physical => "physical counter",
    };
    let rate = stated.map_or_else(|| String::from("at the rate CNTFRQ tells"), frequency);
    rows.push(row(
        "timer",
        format!("Arm generic, {counter}, {rate}"),
        "timer.arm-generic",
    ));
    let Console::Pl011 { clock, baud, .. } = board.console;
    let baud = baud.map_or_else(
        || String::from("baud rate as firmware set it"),
        |baud| format!("{baud} baud"),
    );
    rows.push(row(
        "console",
        format!("PL011, {}, {baud}", frequency(clock)),
        "console.pl011",
    ));
    for power in &board.power {
        rows.push(match power {
            Power::Semihosting => row("power", "semihosting".into(), "power.semihosting"),
            Power::Psci { conduit } => {
                let conduit = match conduit {
                    Conduit::Hvc => "HVC",
                    Conduit::Smc => "SMC",
                };
                row("power", format!("PSCI by {conduit}"), "power.psci")
            }
        });
    }
    if let Some(slots) = &board.virtio_mmio {
        rows.push(row(
            "virtio-mmio",
            format!(
                "{} slots, {} apart",
                slots.count,
                super::notation::hexadecimal(slots.stride)
            ),
            "virtio-mmio",
        ));
    }
    table::render(&[left("", 20), left("", 54), left("from", 29)], &rows)
}

fn qemu(board: &Board) -> String {
    let mut command = qemu_args::program(board);
    for (_, arguments) in qemu_args::arguments(board) {
        // An option and its values share a line.
        for argument in arguments {
            command += if argument.starts_with('-') {
                " \\\n  "
            } else {
                " "
            };
            command += &quoted(&argument);
        }
    }
    let tested = match &board.qemu.tested[..] {
        [] => String::from("Not yet tried with any version"),
        versions => format!("Tried with QEMU {}", versions.join(", ")),
    };
    format!(
        "```sh\n{command}\n```\n\n`cargo xtask run` adds the image, the devices and the console.\n\
         {tested} (`qemu.tested`).\n"
    )
}

/// `argument` as a shell takes it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=,.:/+@%".contains(c);
    if argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

fn undescribed(board: &Board) -> String {
    if board.undescribed.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 2]> = board
        .undescribed
        .iter()
        .map(|(base, reason)| [address(*base), reason.clone()])
        .collect();
    table::render(
        &[left("address", 16), left("why (`undescribed`)", 60)],
        &rows,
    )
}

fn waivers(board: &Board) -> String {
    if board.waivers.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 3]> = board
        .waivers
        .iter()
        .map(|waiver| {
            let (a, b) = &waiver.between;
            [
                waiver.name.clone(),
                format!("`{a}`, `{b}`"),
                waiver.reason.clone(),
            ]
        })
        .collect();
    table::render(
        &[left("waiver", 20), left("between", 40), left("why", 40)],
        &rows,
    )
}
