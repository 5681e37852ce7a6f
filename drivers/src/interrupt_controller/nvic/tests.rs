use super::*;
use crate::mmio::words::WordRegisters;
use core::cell::RefCell;
use std::collections::BTreeSet;

/// An NVIC with the lines of its external interrupts, by their exception numbers.
#[derive(Default)]
struct Device {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    enabled: BTreeSet<u32>,
    pending: BTreeSet<u32>,
    /// The lines that are asserted.
    asserted: BTreeSet<u32>,
    /// The highest word that was written.
    highest_word: usize,
}

impl Device {
    /// Asserts a line, which makes its interrupt pending.
    fn assert(&self, number: u32) {
        let mut state = self.state.borrow_mut();
        state.asserted.insert(number);
        state.pending.insert(number);
    }

    /// Releases a line: its interrupt stays pending (B3.4.1).
    fn release(&self, number: u32) {
        self.state.borrow_mut().asserted.remove(&number);
    }

    fn pulse(&self, number: u32) {
        self.assert(number);
        self.release(number);
    }
}

impl WordRegisters for &Device {
    fn read(&self, offset: usize) -> u32 {
        assert_eq!(offset, ICSR);
        let state = self.state.borrow();
        let is_next = |number: &&u32| **number < FIRST || state.enabled.contains(number);
        let next = state.pending.iter().find(is_next).copied();
        // ISRPENDING, and the number of an exception that is active.
        1 << 22 | 3 | next.unwrap_or(0) << 12
    }

    fn write(&self, offset: usize, value: u32) {
        let state = &mut *self.state.borrow_mut();
        if offset == ICSR {
            assert_eq!(value, PENDSTCLR);
            state.pending.remove(&15);
            return;
        }
        let word = (offset & 0x7f) / 4;
        state.highest_word = state.highest_word.max(word);
        for bit in (0..32).filter(|bit| value >> bit & 1 != 0) {
            let number = 16 + 32 * word as u32 + bit;
            match offset & !0x7f {
                SET_ENABLE => {
                    state.enabled.insert(number);
                }
                CLEAR_ENABLE => {
                    state.enabled.remove(&number);
                }
                CLEAR_PENDING => {
                    if !state.asserted.contains(&number) {
                        state.pending.remove(&number);
                    }
                }
                _ => panic!("no register at {offset:#x}"),
            }
        }
    }
}

fn nvic(device: &Device) -> Nvic<&Device> {
    let mut nvic = Nvic::with_registers(device, 40);
    nvic.initialize();
    nvic
}

#[test]
fn nothing_is_pending_or_enabled_at_first() {
    let device = Device::default();
    device.pulse(20);
    device.state.borrow_mut().enabled.insert(20);
    device.state.borrow_mut().pending.insert(15);
    let mut nvic = nvic(&device);
    assert_eq!(nvic.claim(), None);
    let state = device.state.borrow();
    assert!(state.enabled.is_empty() && state.pending.is_empty());
    assert_eq!(state.highest_word, 1, "40 interrupts have two words");
}

#[test]
fn an_interrupt_is_claimed_once_enabled() {
    let device = Device::default();
    let mut nvic = nvic(&device);
    device.pulse(50);
    assert_eq!(nvic.claim(), None);
    nvic.enable(Interrupt::edge(50));
    assert_eq!(nvic.claim(), Some(50));
    nvic.complete(50);
    assert_eq!(nvic.claim(), None);
    nvic.disable(50);
    device.pulse(50);
    assert_eq!(nvic.claim(), None);
}

#[test]
fn an_edge_during_its_handling_is_not_lost() {
    let device = Device::default();
    let mut nvic = nvic(&device);
    nvic.enable(Interrupt::edge(16));
    device.pulse(16);
    assert_eq!(nvic.claim(), Some(16));
    device.pulse(16);
    nvic.complete(16);
    assert_eq!(nvic.claim(), Some(16));
}

#[test]
fn a_level_that_was_released_is_not_claimed_again() {
    let device = Device::default();
    let mut nvic = nvic(&device);
    nvic.enable(Interrupt::level(17));
    device.assert(17);
    assert_eq!(nvic.claim(), Some(17));
    device.release(17);
    nvic.complete(17);
    assert_eq!(nvic.claim(), None);
}

#[test]
fn a_level_that_is_still_asserted_is_claimed_again() {
    let device = Device::default();
    let mut nvic = nvic(&device);
    nvic.enable(Interrupt::level(17));
    device.assert(17);
    assert_eq!(nvic.claim(), Some(17));
    nvic.complete(17);
    assert_eq!(nvic.claim(), Some(17));
}

#[test]
fn a_line_may_change_its_trigger() {
    let device = Device::default();
    let mut nvic = nvic(&device);
    nvic.enable(Interrupt::level(17));
    nvic.enable(Interrupt::edge(17));
    device.pulse(17);
    assert_eq!(nvic.claim(), Some(17));
    device.pulse(17);
    nvic.complete(17);
    assert_eq!(nvic.claim(), Some(17), "an edge was lost");
}

#[test]
fn systick_is_claimed_by_its_exception_number() {
    let device = Device::default();
    let mut nvic = nvic(&device);
    device.state.borrow_mut().pending.insert(15);
    assert_eq!(nvic.claim(), Some(SYSTICK.number));
    nvic.complete(15);
    assert_eq!(nvic.claim(), None);
}

#[test]
fn other_numbers_are_ignored() {
    let device = Device::default();
    let mut nvic = nvic(&device);
    assert!(nvic.has(15) && nvic.has(16) && nvic.has(55));
    for number in [0, 3, 14, 56, u32::MAX] {
        assert!(!nvic.has(number));
        nvic.enable(Interrupt::level(number));
        nvic.disable(number);
        nvic.complete(number);
    }
    assert!(device.state.borrow().enabled.is_empty());
    assert_eq!(Nvic::with_registers(&device, u32::MAX).interrupts, 496);
}
