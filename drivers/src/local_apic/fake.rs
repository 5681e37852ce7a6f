//! A simulated local APIC: its registers in memory, and its processor.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::ModelSpecific;
use crate::mmio::words::WordRegisters;

/// The state shared by a test and the simulation.
#[derive(Default)]
pub(crate) struct State {
    /// `cpuid` leaf 1, ecx.
    pub(crate) features: u32,
    /// The model-specific registers.
    pub(crate) model_specific: BTreeMap<u32, u64>,
    /// The memory-mapped registers.
    pub(crate) memory: BTreeMap<usize, u32>,
    /// Every write to either kind; model-specific registers by number.
    pub(crate) written: Vec<(usize, u64)>,
    /// The vectors that the processor has accepted.
    pub(crate) vectors: Vec<u8>,
    /// The time stamp counter; each read advances it by `step`.
    pub(crate) time_stamp: u64,
    pub(crate) step: u64,
}

/// The processor and its local APIC's registers, with a common state.
#[derive(Clone, Default)]
pub(crate) struct Fake(pub(crate) Rc<RefCell<State>>);

impl Fake {
    pub(crate) fn written(&self) -> Vec<(usize, u64)> {
        core::mem::take(&mut self.0.borrow_mut().written)
    }
}

impl ModelSpecific for Fake {
    fn identify(&self, leaf: u32) -> [u32; 4] {
        let features = self.0.borrow().features;
        [0, 0, if leaf == 1 { features } else { 0 }, 0]
    }

    fn read(&self, number: u32) -> u64 {
        let state = self.0.borrow();
        state.model_specific.get(&number).copied().unwrap_or(0)
    }

    fn write(&mut self, number: u32, value: u64) {
        let mut state = self.0.borrow_mut();
        state.model_specific.insert(number, value);
        state.written.push((number as usize, value));
    }
}

impl WordRegisters for Fake {
    fn read(&self, offset: usize) -> u32 {
        self.0.borrow().memory.get(&offset).copied().unwrap_or(0)
    }

    fn write(&self, offset: usize, value: u32) {
        let mut state = self.0.borrow_mut();
        state.memory.insert(offset, value);
        state.written.push((offset, value.into()));
    }
}
