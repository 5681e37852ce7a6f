//! What the board is made of.

use crate::Board;
use crate::board::{
    Boot, Conduit, Console, Counter, ImageForm, InterruptController, MachineTimer,
    MachineTimerRegisters, Power, RegisterLayout, Registers, SupervisorTimer, TimeReference, Timer,
};
use crate::emit::notation::{address, frequency, hexadecimal, size};
use crate::emit::table::{self, left};

pub(in crate::emit) type Row = [String; 3];

fn row(what: &str, is: String, key: &str) -> Row {
    [what.to_owned(), is, format!("`{key}`")]
}

/// A row for each part, with the key that it comes from.
pub(super) fn section(board: &Board) -> String {
    table::render(
        &[left("", 20), left("", 54), left("from", 29)],
        &rows(board),
    )
}

/// The same, each row by itself: what it is about, what it says, and the key in quotes.
pub(in crate::emit) fn rows(board: &Board) -> Vec<Row> {
    let processor = board.architecture.to_string();
    let mut rows = vec![
        row("processor", processor, "board.architecture"),
        boot(&board.boot),
        row("stack", size(board.memory.stack), "memory.stack"),
        interrupt_controller(&board.interrupt_controller),
        timer(&board.timer),
        console(&board.console),
    ];
    rows.extend(board.power.iter().map(power));
    if let Some(slots) = &board.virtio_mmio {
        let is = format!("{} slots, {} apart", slots.count, hexadecimal(slots.stride));
        rows.push(row("virtio-mmio", is, "virtio-mmio"));
    }
    rows
}

fn boot(boot: &Boot) -> Row {
    match *boot {
        Boot::LinuxImage {
            load_address,
            exception_level,
        } => {
            let at = address(load_address);
            let is = format!("Linux image at {at}, entered at {exception_level}");
            row("boot", is, "boot.linux-image")
        }
        Boot::Elf {
            load_address,
            exception_level,
            ..
        } => {
            let at = address(load_address);
            let is = format!("ELF file at {at}, entered at {exception_level}");
            row("boot", is, "boot.elf")
        }
        Boot::Pvh { load_address } => {
            let is = format!("PVH, ELF file at {}", address(load_address));
            row("boot", is, "boot.pvh")
        }
        Boot::SbiPayload { load_address, form } => {
            let (what, at) = (image(form), address(load_address));
            let is = format!("SBI payload, {what} at {at}, entered in S mode");
            row("boot", is, "boot.sbi-payload")
        }
        Boot::MachineMode {
            entry,
            load_address,
            form,
        } => {
            let (what, at) = (image(form), address(load_address));
            let is = match entry == load_address {
                true => format!("out of reset, {what} at {at}, entered in M mode"),
                false => format!(
                    "out of reset at {}, {what} at {at}, entered in M mode, or in S mode by firmware",
                    address(entry)
                ),
            };
            row("boot", is, "boot.machine-mode")
        }
    }
}

const fn image(form: ImageForm) -> &'static str {
    match form {
        ImageForm::Elf => "ELF file",
        ImageForm::Flat => "flat image",
    }
}

fn interrupt_controller(controller: &InterruptController) -> Row {
    let (is, key) = match controller {
        InterruptController::GicV2 { v2m: None, .. } => ("GICv2", "gic-v2"),
        InterruptController::GicV2 { .. } => ("GICv2, messages through its v2m frame", "gic-v2"),
        InterruptController::GicV3 { its: None, .. } => ("GICv3", "gic-v3"),
        InterruptController::GicV3 { .. } => ("GICv3, messages through its ITS", "gic-v3"),
        InterruptController::Apic { .. } => ("local APIC and I/O APICs", "apic"),
        InterruptController::Plic { sources, .. } => {
            (&*format!("PLIC, sources 1 to {sources}"), "plic")
        }
    };
    let key = format!("interrupt-controller.{key}");
    row("interrupt controller", is.to_owned(), &key)
}

fn timer(timer: &Timer) -> Row {
    match *timer {
        Timer::ArmGeneric {
            counter,
            frequency: stated,
            ..
        } => {
            let counter = match counter {
                Counter::Virtual => "virtual counter",
                Counter::Physical => "physical counter",
            };
            let rate = stated.map_or_else(|| String::from("at the frequency in CNTFRQ"), frequency);
            let is = format!("Arm generic, {counter}, {rate}");
            row("timer", is, "timer.arm-generic")
        }
        Timer::LocalApic { reference } => {
            let by = match reference {
                TimeReference::Pit { .. } => String::from("the 8254"),
                TimeReference::Hpet { .. } => String::from("the HPET"),
                TimeReference::AcpiPm { .. } => String::from("the ACPI timer"),
                TimeReference::Stated { frequency: stated } => frequency(stated),
            };
            let is = format!("local APIC and time stamps, calibrated with {by}");
            row("timer", is, "timer.local-apic")
        }
        Timer::Machine(MachineTimer {
            registers,
            time,
            supervisor,
            frequency: stated,
            ..
        }) => {
            let (what, key) = match registers {
                MachineTimerRegisters::Clint => ("CLINT", "timer.clint"),
                MachineTimerRegisters::Aclint => ("ACLINT", "timer.aclint"),
            };
            let clock = match time {
                Some(_) => "",
                None => ", time from the `time` CSR",
            };
            let rate = riscv_rate(stated);
            let otherwise = match supervisor {
                None => String::new(),
                Some(timer) => format!("; in S mode {}", supervisor_timer(timer)),
            };
            row("timer", format!("{what}{clock}, {rate}{otherwise}"), key)
        }
        Timer::Supervisor {
            timer,
            frequency: stated,
        } => {
            let key = match timer {
                SupervisorTimer::Sbi => "timer.sbi",
                SupervisorTimer::Sstc => "timer.sstc",
            };
            let is = format!("{}, {}", supervisor_timer(timer), riscv_rate(stated));
            row("timer", is, key)
        }
    }
}

const fn supervisor_timer(timer: SupervisorTimer) -> &'static str {
    match timer {
        SupervisorTimer::Sbi => "the timer of SBI firmware",
        SupervisorTimer::Sstc => "the hart's own (Sstc)",
    }
}

fn riscv_rate(stated: Option<u64>) -> String {
    stated.map_or_else(
        || String::from("at the frequency in the device tree"),
        frequency,
    )
}

fn console(console: &Console) -> Row {
    let line = |clock, baud: Option<u32>| {
        let baud = baud.map_or_else(
            || String::from("baud rate set by firmware"),
            |baud| format!("{baud} baud"),
        );
        format!("{}, {baud}", frequency(clock))
    };
    match *console {
        Console::Pl011 { clock, baud, .. } => {
            let is = format!("PL011, {}", line(clock, baud));
            row("console", is, "console.pl011")
        }
        Console::Ns16550 {
            registers,
            layout: RegisterLayout { stride, width },
            clock,
            baud,
            ..
        } => {
            let of = match registers {
                Registers::Memory(_) => "",
                Registers::Ports(_) => " at ports",
            };
            let apart = match (stride, width) {
                (1, 1) => String::new(),
                _ => format!(", {} bits, {stride:#x} apart", 8 * width),
            };
            let is = format!("NS16550{of}, {}{apart}", line(clock, baud));
            row("console", is, "console.ns16550")
        }
    }
}

fn power(power: &Power) -> Row {
    match power {
        Power::Semihosting => row("power", "semihosting".into(), "power.semihosting"),
        Power::IsaDebugExit { .. } => row("power", "isa-debug-exit".into(), "power.isa-debug-exit"),
        Power::RegisterWrite { .. } => row(
            "power",
            "a write to a register".into(),
            "power.register-write",
        ),
        Power::PortWrite { .. } => row("power", "a write to a port".into(), "power.port-write"),
        Power::SifiveTest { .. } => row("power", "test finisher".into(), "power.sifive-test"),
        Power::Sbi => row("power", "SBI firmware".into(), "power.sbi"),
        Power::Psci { conduit } => {
            let conduit = match conduit {
                Conduit::Hvc => "HVC",
                Conduit::Smc => "SMC",
            };
            row("power", format!("PSCI by {conduit}"), "power.psci")
        }
    }
}
