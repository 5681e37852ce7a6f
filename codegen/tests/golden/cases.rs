//! The cases: each the smallest board but for one thing, and the files that show it.

use vmos_codegen::Board;
use vmos_codegen::board::*;

use crate::fixture::smallest;

/// One case: its name, its board, and the files of the board that it is about.
pub(crate) type Case = (&'static str, Board, &'static [&'static str]);

pub(crate) fn cases() -> Vec<Case> {
    vec![
        (
            "smallest",
            smallest(),
            &["board.md", "board.rs", "linker.ld", "qemu.args"],
        ),
        ("entry", smallest(), &["entry.S", "vectors.S"]),
        ("memory", memory(), &["board.md", "board.rs", "linker.ld"]),
        ("gic-v3", gic_v3(), &["board.rs"]),
        ("timer", timer(), &["board.md", "board.rs"]),
        ("console", console(), &["board.md", "board.rs"]),
        ("power", power(), &["board.rs", "qemu.args"]),
        ("virtio-mmio", virtio_mmio(), &["board.md", "board.rs"]),
        ("pci", pci(), &["board.md", "board.rs"]),
        ("qemu", qemu(), &["board.md", "qemu.args"]),
        (
            "extends",
            extends(),
            &["board.md", "linker.ld", "qemu.args"],
        ),
        ("exceptions", exceptions(), &["board.md"]),
    ]
}

/// A board for every width that a line of `board.rs` can have about where rustfmt would break it.
pub(crate) fn widths() -> Vec<Board> {
    (1..50)
        .map(|width| {
            let mut board = smallest();
            let key = format!("a.{}", "b".repeat(width));
            board.ranges[0].key.clone_from(&key);
            board.ranges[1].key = key;
            board.title = "c".repeat(2 * width);
            board
        })
        .collect()
}

fn claim_range(board: &mut Board, key: &str, what: Range) {
    board.ranges.push(Claim {
        key: key.to_owned(),
        what,
    });
    board.ranges.sort_by_key(|claim| claim.what);
}

fn claim_interrupt(board: &mut Board, key: &str, what: Interrupt) {
    board.interrupts.push(Claim {
        key: key.to_owned(),
        what,
    });
    board.interrupts.sort_by_key(|claim| claim.what);
}

/// Two ranges of RAM with something reserved in the first, one of them of a size that only the
/// firmware knows.
fn memory() -> Board {
    let mut board = smallest();
    board.memory.ram.push(Ram {
        name: String::from("high"),
        base: 0x8_0000_0000,
        expected_size: 0x8000_0000,
        size_is_stated: false,
    });
    let reserved = Range {
        base: 0x8300_0000,
        size: 0x20_0000,
    };
    board.memory.reserved.push(Reserved {
        name: String::from("monitor"),
        range: reserved,
        reason: String::from("the secure monitor lives there"),
    });
    claim_range(&mut board, "memory.reserved.monitor", reserved);
    let high = Range {
        base: 0x8_0000_0000,
        size: 0x8000_0000,
    };
    claim_range(&mut board, "memory.ram.high", high);
    board
}

fn gic_v3() -> Board {
    let mut board = smallest();
    let distributor = Range {
        base: 0x0200_0000,
        size: 0x1_0000,
    };
    let frames = Range {
        base: 0x0210_0000,
        size: 0x8_0000,
    };
    let its = Range {
        base: 0x0208_0000,
        size: 0x2_0000,
    };
    board.interrupt_controller = InterruptController::GicV3 {
        distributor,
        redistributors: frames.base,
        redistributor_stride: 0x2_0000,
        redistributor_count: 4,
        its: Some(its),
    };
    board
        .ranges
        .retain(|claim| !claim.key.starts_with("interrupt-controller"));
    for (part, range) in [
        ("distributor", distributor),
        ("redistributors", frames),
        ("its", its),
    ] {
        claim_range(
            &mut board,
            &format!("interrupt-controller.gic-v3.{part}"),
            range,
        );
    }
    board
}

fn timer() -> Board {
    let mut board = smallest();
    let interrupt = Interrupt {
        number: 30,
        count: 1,
        trigger: Trigger::Level,
    };
    board.timer = Timer::ArmGeneric {
        counter: Counter::Physical,
        interrupt,
        frequency: Some(62_500_000),
    };
    board.interrupts[0].what = interrupt;
    board
}

fn console() -> Board {
    let mut board = smallest();
    let line = Interrupt {
        number: 33,
        count: 1,
        trigger: Trigger::Level,
    };
    let Console::Pl011 {
        interrupt, baud, ..
    } = &mut board.console;
    *interrupt = Some(line);
    *baud = Some(115_200);
    claim_interrupt(&mut board, "console.pl011", line);
    board
}

fn power() -> Board {
    let mut board = smallest();
    let psci = |conduit| Power::Psci { conduit };
    board.power = vec![Power::Semihosting, psci(Conduit::Smc), psci(Conduit::Hvc)];
    board
}

fn virtio_mmio() -> Board {
    let mut board = smallest();
    let interrupts = Interrupt {
        number: 48,
        count: 8,
        trigger: Trigger::Edge,
    };
    board.virtio_mmio = Some(VirtioMmio {
        base: 0x0A00_0000,
        stride: 0x1000,
        count: 8,
        interrupts,
    });
    let slots = Range {
        base: 0x0A00_0000,
        size: 0x8000,
    };
    claim_range(&mut board, "virtio-mmio", slots);
    claim_interrupt(&mut board, "virtio-mmio", interrupts);
    board
}

fn pci() -> Board {
    let mut board = smallest();
    let ecam = Range {
        base: 0x3F00_0000,
        size: 0x100_0000,
    };
    let memory32 = Range {
        base: 0x1000_0000,
        size: 0x1000_0000,
    };
    let intx = Interrupt {
        number: 35,
        count: 4,
        trigger: Trigger::Level,
    };
    board.pci = Some(Pci {
        ecam,
        buses: 16,
        bars: BarAssignment::Firmware,
        io: None,
        memory32: Some(memory32),
        memory64: None,
        intx,
        msi: None,
    });
    claim_range(&mut board, "pci", ecam);
    claim_range(&mut board, "pci.windows.memory32", memory32);
    claim_interrupt(&mut board, "pci.intx", intx);
    board
}

fn qemu() -> Board {
    let mut board = smallest();
    board.qemu.tested = vec![String::from("7.2"), String::from("10.0")];
    board.qemu.arguments = [
        "-global",
        "virtio-mmio.force-legacy=false",
        "-name",
        "it's a test",
    ]
    .map(String::from)
    .to_vec();
    board
}

fn extends() -> Board {
    let mut board = smallest();
    board.sources = ["own", "parent", "grandparent"]
        .map(|name| format!("boards/{name}.toml"))
        .to_vec();
    board
}

fn exceptions() -> Board {
    let mut board = smallest();
    board.undescribed = vec![(
        0x0901_0000,
        String::from("a clock: no app tells the time yet"),
    )];
    board.waivers = vec![Waiver {
        name: String::from("aliased-console"),
        between: (String::from("console.pl011"), String::from("virtio-mmio")),
        reason: String::from("the bus decodes one of them only"),
    }];
    board
}
