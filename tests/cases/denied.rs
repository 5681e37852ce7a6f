//! Machines without a part that the board file describes, or with it at another address.

use std::time::Duration;
use std::{fs, thread};

use vmos_codegen::board::Architecture;
use vmos_machine_tests::ensure;

use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::{Draft, Setting};
use vmos_machine_tests::udp::Caller;
use xtask::emulator;

use super::Case;
use super::demo::{DEMO, echoing, serving};

pub(super) const CASES: [Case; 7] = [
    Case::once_a_board("does_without_pci_elsewhere", does_without_pci_elsewhere),
    Case::once_a_board("names_another_controller", names_another_controller),
    Case::once_a_board("names_a_further_controller", names_a_further_controller),
    Case::once_a_board("does_without_pci_that_acpi_denies", |setting| {
        // An MCFG with one entry.
        let entry = [
            &[0; 8][..],
            &0xa000_0000_u64.to_le_bytes(),
            &[0, 0, 0, 255],
            &[0; 4],
        ]
        .concat();
        let Some(draft) = with_table(setting, "MCFG", &entry)? else {
            return Ok(());
        };
        let machine = draft.start()?;
        machine.wait_for("that it goes on without PCI", |line| {
            line.contains("pci.ecam: left out").then_some(())
        })?;
        machine.wait_for("that it has no network", |line| {
            line.contains("network: none").then_some(())
        })?;
        Ok(())
    }),
    Case::once_a_board("names_a_local_controller_elsewhere", |setting| {
        // A MADT without structures.
        let table = [0xfee1_0000_u32.to_le_bytes(), [0; 4]].concat();
        let Some(draft) = with_table(setting, "APIC", &table)? else {
            return Ok(());
        };
        let mut machine = draft.start()?;
        let status = machine.wait_for_end()?;
        let text = machine.serial.text();
        let line = "cannot start: interrupt-controller.apic.local: ";
        ensure!(!status.success() && text.contains(line), "{text}");
        Ok(())
    }),
    Case::once_a_board("names_a_timer_that_is_missing", names_a_missing_timer),
    Case::once_a_board(
        "names_interrupts_of_another_controller",
        names_interrupts_of_another_controller,
    ),
];

/// Returns whether the board's machine has these options: QEMU's machine "virt" for 64-bit Arm.
fn is_arm64(setting: &Setting) -> bool {
    setting.board().architecture == Architecture::Aarch64
}

/// A machine whose firmware adds an ACPI table, after its own: QEMU's machine "q35".
fn with_table<'a>(
    setting: &'a Setting,
    signature: &str,
    content: &[u8],
) -> Outcome<Option<Draft<'a>>> {
    let board = setting.board();
    if board.architecture != Architecture::X86_64 || board.pci.is_none() {
        return Ok(None);
    }
    let file = setting.path(&format!("{signature}.table"));
    fs::write(&file, content)?;
    let mut draft = setting.machine(DEMO)?;
    let table = format!("sig={signature},data={}", file.display());
    let option = ["-acpitable", &table].map(str::to_owned);
    draft.qemu.extra.extend(option);
    Ok(Some(draft))
}

/// Checks that devices in virtio-mmio slots work in a machine whose host bridge has its registers
/// below 4 GiB.
fn does_without_pci_elsewhere(setting: &Setting) -> Outcome {
    if !is_arm64(setting) {
        return Ok(());
    }
    let mut draft = setting.machine(DEMO)?;
    let option = ["-machine", "highmem=off"].map(str::to_owned);
    draft.qemu.extra.extend(option);
    let (machine, _) = echoing(draft)?;
    machine.wait_for("that it goes on without PCI", |line| {
        line.contains("pci.ecam: left out").then_some(())
    })?;
    Ok(())
}

/// Checks that the kernel stops with the key of the interrupt controller if the machine has another
/// version of it.
fn names_another_controller(setting: &Setting) -> Outcome {
    let board = setting.board();
    let key = board.interrupt_controller.part.key.as_str();
    let has_choice = board.qemu.machine.starts_with("virt");
    let other = match key {
        "interrupt-controller.gic-v3" => "gic-version=2",
        "interrupt-controller.gic-v2" if has_choice => "gic-version=3",
        "interrupt-controller.plic" => "aia=aplic",
        "interrupt-controller.aplic" => "aia=none",
        "interrupt-controller.imsic" => "aia=none",
        _ => return Ok(()),
    };
    let mut draft = setting.machine(DEMO)?;
    draft
        .qemu
        .extra
        .extend(["-machine", other].map(str::to_owned));
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    let text = machine.serial.text();
    // An IMSIC has a table for each privilege mode.
    let line = format!("cannot start: {key}");
    ensure!(status.code() == Some(1) && text.contains(&line), "{text}");
    Ok(())
}

/// Checks that the kernel stops with the key of a further interrupt controller if the machine has only
/// one, because it has one socket.
fn names_a_further_controller(setting: &Setting) -> Outcome {
    let controller = &setting.board().interrupt_controller;
    if controller.lines.len() < 2 || controller.part.key != "interrupt-controller.plic" {
        return Ok(());
    }
    let mut draft = setting.machine(DEMO)?;
    let arguments = &mut draft.qemu.arguments;
    for option in ["-numa", "-object", "-smp"] {
        while let Some(place) = arguments.iter().position(|one| one == option) {
            arguments.drain(place..place + 2);
        }
    }
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    let text = machine.serial.text();
    let line = "cannot start: interrupt-controller.plic.further.socket1";
    ensure!(status.code() == Some(1) && text.contains(line), "{text}");
    Ok(())
}

/// Checks that the kernel stops with the timer's key if the hart lacks the extension that the timer
/// needs, or the machine lacks the counter by which the timer is measured.
fn names_a_missing_timer(setting: &Setting) -> Outcome {
    let board = setting.board();
    let (option, line) = match board.timer.part.key.as_str() {
        "timer.sstc" => (["-cpu", "rv64,sstc=off"], "cannot start: timer.sstc: "),
        "timer.local-apic" if board.qemu.machine.starts_with("microvm") => (
            ["-machine", "pit=off"],
            "the reference counter does not count: see timer.local-apic.reference in the board file",
        ),
        _ => return Ok(()),
    };
    let mut draft = setting.machine(DEMO)?;
    draft.qemu.extra.extend(option.map(str::to_owned));
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    let text = machine.serial.text();
    ensure!(!status.success() && text.contains(line), "{text}");
    Ok(())
}

/// Checks a board that describes both PLICs: the interrupts of the devices arrive, on the versions of
/// QEMU that the board names.
fn takes_interrupts_of_every_controller(setting: &Setting) -> Outcome {
    let board = setting.board();
    let program = format!("qemu-system-{}", board.qemu.system);
    let version = emulator::version(&program)?;
    let (machine, _) = echoing(setting.machine(DEMO)?)?;
    let text = machine.serial.text();
    ensure!(!text.contains("another controller"), "{text}");
    if board
        .qemu
        .tested
        .iter()
        .any(|tested| version.starts_with(tested))
    {
        ensure!(!text.contains("without an interrupt"), "{text}");
    }
    Ok(())
}

/// Checks a machine with two sockets, each with a PLIC, whose devices are wired to the second one:
/// the devices are reported, and work at once although none of their interrupts arrives.
fn names_interrupts_of_another_controller(setting: &Setting) -> Outcome {
    let board = setting.board();
    let has_plic = board.interrupt_controller.part.key == "interrupt-controller.plic";
    if board.architecture != Architecture::Riscv64 || !has_plic {
        return Ok(());
    }
    if board.interrupt_controller.lines.len() > 1 {
        return takes_interrupts_of_every_controller(setting);
    }
    let mut draft = setting.machine(DEMO)?;
    let half = board.qemu.memory >> 21;
    let mut options = vec!["-smp".to_owned(), "4,sockets=2".to_owned()];
    for node in 0..2 {
        let backend = format!("memory-backend-ram,size={half}M,id=socket{node}");
        options.extend(["-object".to_owned(), backend]);
        options.extend(["-numa".to_owned(), format!("node,memdev=socket{node}")]);
    }
    draft.qemu.extra.extend(options);
    let caller = Caller::new(draft.echo_port()?)?;
    let machine = serving(draft)?;
    // By then, a device whose interrupts were trusted would rest for 10 s. QEMU drops the datagram if its
    // request for the machine's hardware address has no answer for 1 s.
    thread::sleep(Duration::from_millis(600));
    caller.call(b"hello", LIMIT)?;
    for key in ["virtio-mmio.interrupt", "pci.ecam.intx"] {
        machine.wait_for(&format!("whose interrupts {key} has"), |line| {
            let is_named = line.contains(key) && line.ends_with(" of another controller");
            is_named.then_some(())
        })?;
    }
    // The first frame shows that; it may be logged after the echo.
    machine.wait_for("that no interrupts arrive", |line| {
        line.contains("no interrupts arrive").then_some(())
    })?;
    Ok(())
}
