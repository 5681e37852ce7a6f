//! A simulated GIC for the tests of its drivers. Its lines are controlled by the test.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::gic;
use crate::mmio::Registers;

/// The number of interrupt lines.
pub(super) const LINES: u32 = 96;

/// The state of a line in its registers.
#[derive(Clone, Copy, Default)]
pub(super) struct Line {
    pub(super) enabled: bool,
    pub(super) group_1: bool,
    pub(super) edge: bool,
    pub(super) priority: u8,
    pub(super) active: bool,
    /// The device asserts the line.
    pub(super) asserted: bool,
    /// An edge that has not been taken yet.
    pub(super) latched: bool,
}

/// The state shared by the test and the registers.
pub(super) struct Gic {
    pub(super) control: u32,
    pub(super) lines: Vec<Line>,
    /// Whether only lines of group 1 are delivered.
    pub(super) only_group_1: bool,
}

impl Default for Gic {
    fn default() -> Self {
        // State that an earlier kernel may have left.
        let left = Line {
            enabled: true,
            latched: true,
            active: true,
            ..Line::default()
        };
        Self {
            control: 0,
            lines: vec![left; LINES as usize],
            only_group_1: false,
        }
    }
}

impl Gic {
    /// A device asserts the line.
    pub(super) fn assert(&mut self, number: u32) {
        let line = &mut self.lines[number as usize];
        line.latched |= line.edge && !line.asserted;
        line.asserted = true;
    }

    /// A device deasserts the line.
    pub(super) fn release(&mut self, number: u32) {
        self.lines[number as usize].asserted = false;
    }

    /// A device pulses the line.
    pub(super) fn pulse(&mut self, number: u32) {
        self.assert(number);
        self.release(number);
    }

    /// The processor takes an interrupt.
    pub(super) fn take(&mut self) -> Option<u32> {
        let only_group_1 = self.only_group_1;
        let number = self.lines.iter().position(|line| {
            let pending = line.latched || line.asserted && !line.edge;
            pending && line.enabled && !line.active && (line.group_1 || !only_group_1)
        })?;
        self.lines[number].latched = false;
        self.lines[number].active = true;
        Some(number as u32)
    }

    /// The processor ends an interrupt.
    pub(super) fn end(&mut self, number: u32) {
        let line = &mut self.lines[number as usize];
        assert!(line.active, "interrupt {number} was not taken");
        line.active = false;
    }

    /// Reads a register of the distributor, or of a redistributor's private lines.
    pub(super) fn read(&self, offset: usize) -> u32 {
        match offset {
            gic::CTLR => self.control,
            gic::TYPER => LINES / 32 - 1,
            gic::ICFGR.. => {
                let first = (offset - gic::ICFGR) * 4;
                let lines = &self.lines[first..first + 16];
                let bits = lines.iter().enumerate();
                bits.fold(0, |word, (index, line)| {
                    word | u32::from(line.edge) << (2 * index + 1)
                })
            }
            _ => panic!("no readable register at {offset:#x}"),
        }
    }

    /// Writes a register of the distributor, or of a redistributor's private lines.
    pub(super) fn write(&mut self, offset: usize, value: u32) {
        if offset == gic::CTLR {
            self.control = value;
            return;
        }
        if offset >= gic::ICFGR {
            let first = (offset - gic::ICFGR) * 4;
            for (index, line) in self.lines[first..first + 16].iter_mut().enumerate() {
                let edge = value & 0b10 << (2 * index) != 0;
                assert!(
                    edge == line.edge || !line.enabled,
                    "the trigger of an enabled line was changed"
                );
                line.edge = edge;
            }
            return;
        }
        let (register, first) = (offset & !0x7f, (offset & 0x7f) * 8);
        for (index, line) in self.lines[first..first + 32].iter_mut().enumerate() {
            let set = value & 1 << index != 0;
            match register {
                gic::IGROUPR => line.group_1 = set,
                gic::ISENABLER => line.enabled |= set,
                gic::ICENABLER => line.enabled &= !set,
                gic::ICPENDR => line.latched &= !set,
                gic::ICACTIVER => line.active &= !set,
                _ => panic!("no writable register at {offset:#x}"),
            }
        }
    }

    /// Writes a byte of `GICD_IPRIORITYR`.
    pub(super) fn write_priority(&mut self, number: usize, priority: u8) {
        self.lines[number].priority = priority;
    }
}

/// The GIC, shared by all of its register frames.
pub(super) type Shared = Rc<RefCell<Gic>>;

/// A register frame of the simulated GIC; its methods have the effects of reads and writes.
pub(super) trait Frame {
    fn read(&self, offset: usize) -> u64;
    fn write(&self, offset: usize, value: u64);
}

/// A frame as drivers use it, for accesses of any width.
pub(super) struct Frames<F>(pub(super) F);

impl<F: Frame> Registers for Frames<F> {
    fn read8(&self, offset: usize) -> u8 {
        self.0.read(offset) as u8
    }
    fn read16(&self, offset: usize) -> u16 {
        self.0.read(offset) as u16
    }
    fn read32(&self, offset: usize) -> u32 {
        self.0.read(offset) as u32
    }
    fn read64(&self, offset: usize) -> u64 {
        self.0.read(offset)
    }
    fn write8(&self, offset: usize, value: u8) {
        self.0.write(offset, value.into());
    }
    fn write16(&self, offset: usize, value: u16) {
        self.0.write(offset, value.into());
    }
    fn write32(&self, offset: usize, value: u32) {
        self.0.write(offset, value.into());
    }
    fn write64(&self, offset: usize, value: u64) {
        self.0.write(offset, value);
    }
}
