//! Simulated ports: they record writes and return the values that a test sets.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::PortIo;

/// The state of the simulated ports.
#[derive(Default)]
pub(crate) struct State {
    /// Every write, with its width in bits.
    pub(crate) written: Vec<(u16, u32, u32)>,
    /// The value of each port; all ones by default.
    pub(crate) reads: BTreeMap<u16, u32>,
}

std::thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Gives a test access to the ports of its thread.
pub(crate) fn with<T>(look: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(look)
}

/// A processor with simulated ports.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct FakePorts;

fn write(port: u16, width: u32, value: u32) {
    with(|state| state.written.push((port, width, value)));
}

fn read(port: u16) -> u32 {
    with(|state| state.reads.get(&port).copied().unwrap_or(u32::MAX))
}

impl PortIo for FakePorts {
    unsafe fn in8(&self, port: u16) -> u8 {
        read(port) as u8
    }
    unsafe fn in16(&self, port: u16) -> u16 {
        read(port) as u16
    }
    unsafe fn in32(&self, port: u16) -> u32 {
        read(port)
    }
    unsafe fn out8(&self, port: u16, value: u8) {
        write(port, 8, value.into());
    }
    unsafe fn out16(&self, port: u16, value: u16) {
        write(port, 16, value.into());
    }
    unsafe fn out32(&self, port: u16, value: u32) {
        write(port, 32, value);
    }
}
