//! What firmware's own tables should say of a board: for the kernel, which looks when it starts.
//!
//! What firmware calls a part, and where it tells of what, stands in the part's binding.

use crate::Board;
use crate::binding::{arm_generic, gic_v2, gic_v3, ns16550, pci_ecam, pl011, psci, virtio_mmio};
use crate::board::{Console, InterruptController, Power, Range, Timer};

/// One row of the table; each is explained at `vmos_drivers::attestation::Fact`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the fields of the kernel's type")]
pub enum Fact {
    /// The first cell of an interrupt says which row of inputs it is in.
    Inputs {
        space: &'static str,
        cell: Option<u32>,
        first: u32,
    },
    /// What follows is about the part of this key.
    Part {
        key: &'static str,
        compatible: &'static str,
    },
    /// The same for a node that is known by a property that it has.
    Holder {
        key: &'static str,
        property: &'static str,
    },
    /// Another name of the part's kind.
    Or { compatible: &'static str },
    /// Where an entry of `reg` is.
    Registers {
        key: &'static str,
        index: usize,
        range: Range,
    },
    /// What an entry of `interrupts` says.
    Interrupt {
        key: &'static str,
        index: usize,
        number: u32,
    },
    /// A frequency.
    Frequency {
        key: &'static str,
        property: &'static str,
        hertz: u64,
    },
    /// A node for each slot of a row.
    Slots {
        base: u64,
        stride: u64,
        count: u32,
        interrupt: u32,
    },
    /// A window of a PCI host bridge.
    Window {
        key: &'static str,
        space: u32,
        range: Range,
    },
    /// What pin INTA of slot 0 raises.
    Intx { key: &'static str, number: u32 },
    /// What a property says.
    Text {
        key: &'static str,
        property: &'static str,
        text: &'static str,
    },
}

/// Everything that is to be found in the tables, part by part.
#[must_use]
pub fn facts(board: &Board) -> Vec<Fact> {
    let mut facts = match &board.interrupt_controller {
        InterruptController::GicV2 {
            distributor,
            cpu_interface,
            v2m,
        } => gic_v2::facts(*distributor, *cpu_interface, *v2m),
        InterruptController::GicV3 {
            distributor,
            redistributors,
            redistributor_stride,
            redistributor_count,
            its,
        } => {
            let redistributors = Range {
                base: *redistributors,
                size: redistributor_stride.saturating_mul((*redistributor_count).into()),
            };
            gic_v3::facts(*distributor, redistributors, *its)
        }
        InterruptController::Plic { .. } | InterruptController::Apic { .. } => vec![],
    };
    facts.extend(match &board.timer {
        Timer::ArmGeneric {
            counter,
            interrupt,
            frequency,
        } => arm_generic::facts(*counter, *interrupt, *frequency),
        Timer::Machine(_) | Timer::Supervisor { .. } | Timer::LocalApic { .. } => vec![],
    });
    facts.extend(match &board.console {
        Console::Pl011 {
            registers,
            interrupt,
            clock,
            ..
        } => pl011::facts(*registers, *interrupt, *clock),
        Console::Ns16550 {
            registers,
            interrupt,
            clock,
            ..
        } => ns16550::facts(*registers, *interrupt, *clock),
    });
    facts.extend(board.power.iter().flat_map(|power| match power {
        Power::Psci { conduit } => psci::facts(*conduit),
        Power::Semihosting
        | Power::SifiveTest { .. }
        | Power::Sbi
        | Power::IsaDebugExit { .. }
        | Power::RegisterWrite { .. }
        | Power::PortWrite { .. } => vec![],
    }));
    facts.extend(board.virtio_mmio.iter().flat_map(virtio_mmio::facts));
    facts.extend(board.pci.iter().flat_map(pci_ecam::facts));
    facts
}
