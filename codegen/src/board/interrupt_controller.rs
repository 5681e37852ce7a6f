//! Interrupt controllers.

use super::Range;

/// The interrupt controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterruptController {
    /// `interrupt-controller.gic-v2`
    GicV2 {
        /// GICD.
        distributor: Range,
        /// GICC.
        cpu_interface: Range,
        /// The GICv2m frame, where there is one.
        v2m: Option<Range>,
    },
    /// `interrupt-controller.gic-v3`
    GicV3 {
        /// GICD.
        distributor: Range,
        /// The first GICR frame.
        redistributors: u64,
        /// From one GICR frame to the next.
        redistributor_stride: u64,
        /// How many GICR frames there is room for.
        redistributor_count: u32,
        /// GITS, where there is one.
        its: Option<Range>,
    },
    /// `interrupt-controller.apic`
    Apic {
        /// The local APIC.
        local: Range,
        /// The I/O APICs, ascending by their first inputs.
        io: Vec<IoApic>,
        /// The 8259s, where there are some.
        i8259: Option<I8259>,
    },
    /// `interrupt-controller.plic`
    Plic {
        /// Its registers.
        registers: Range,
        /// How many sources it has, numbered from 1 on.
        sources: u32,
        /// The modes of each hart that it delivers to, from hart 0 on; the last stands for the harts
        /// after it.
        contexts: Vec<HartModes>,
    },
}

/// An I/O APIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IoApic {
    /// Its name under `interrupt-controller.apic.io`.
    pub name: String,
    /// Its registers.
    pub registers: Range,
    /// The global system interrupt of its first input.
    pub first: u32,
}

/// The two 8259s of a PC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct I8259 {
    /// The first port of the one that the processor is wired to.
    pub primary: u16,
    /// The first port of the other one.
    pub secondary: u16,
}

/// The modes of a hart that a PLIC delivers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HartModes {
    /// M mode.
    Machine,
    /// S mode.
    Supervisor,
    /// M mode, then S mode.
    Both,
}
