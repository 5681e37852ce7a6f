use super::super::tests::{Device, EXTERNAL, SOURCES};
use super::*;
use crate::address::PhysicalAddress;
use crate::interrupt::InterruptController;
use crate::interrupt_controller::plic::{self, Modes};
use crate::interrupt_controller::sockets::STRIDE;
use crate::interrupt_controller::sockets::harts::{Fake, HARTS};
use crate::riscv::TIMER;
use std::collections::BTreeSet;

const fn unit(base: u64, first_hart: usize) -> Unit {
    Unit {
        plic: plic::Config {
            registers: Range {
                base: PhysicalAddress(base),
                size: 0x60_0000,
            },
            sources: SOURCES,
            contexts: &[Modes::Both],
        },
        first_hart,
        msip: None,
    }
}

/// Two sockets of two harts each.
const UNITS: [Unit; 2] = [unit(0, 0), unit(1, 2)];

fn plics(kernel: usize, devices: &[Device; 2]) -> Plics<&Device, Fake, 2> {
    HARTS.with(|harts| harts.kernel.set(kernel));
    let registers = |range: Range| &devices[range.base.0 as usize];
    let mut plics = Plics::with_registers(registers, &UNITS);
    plics.initialize();
    plics
}

/// The harts of the kernel, each with its context in its own PLIC and the one that it uses of the
/// other PLIC.
#[test]
fn the_other_plic_is_served_through_the_context_of_its_first_hart() {
    for (kernel, own, relay) in [(0, 0, 2), (1, 0, 2), (2, 1, 0), (3, 1, 0)] {
        let mut contexts = [1, 1];
        contexts[own] = 2 * (kernel % 2) + 1;
        let devices = contexts.map(Device::new);
        HARTS.with(|harts| harts.started.borrow_mut().clear());
        let mut plics = plics(kernel, &devices);
        HARTS.with(|harts| {
            assert_eq!(*harts.started.borrow(), [relay]);
            assert!(harts.external.get());
        });
        let number = (1 - own) as u32 * STRIDE + 8;
        assert!(plics.has(number));
        plics.enable(Interrupt::level(number));
        devices[1 - own].state.borrow_mut().pending = BTreeSet::from([8, 9]);
        HARTS.with(|harts| harts.raised.set(true));
        assert!(plics.is_relayed());
        assert_eq!(plics.claim(), Some(number));
        plics.complete(number);
        assert_eq!(devices[1 - own].state.borrow().completed, [8]);
        assert_eq!(devices[own].state.borrow().completed, []);
    }
}

#[test]
fn a_relay_is_armed_again_when_its_plic_has_nothing_pending() {
    let devices = [1, 1].map(Device::new);
    let mut plics = plics(0, &devices);
    plics.enable(Interrupt::level(STRIDE + 1));
    devices[1].state.borrow_mut().pending.insert(1);
    HARTS.with(|harts| harts.raised.set(true));
    assert_eq!(plics.claim(), Some(STRIDE + 1));
    // It was armed at the start.
    HARTS.with(|harts| assert_eq!(*harts.rearmed.borrow(), [2]));
    plics.complete(STRIDE + 1);
    assert_eq!(plics.claim(), None);
    HARTS.with(|harts| {
        assert_eq!(*harts.rearmed.borrow(), [2, 2]);
        assert!(!harts.raised.get());
    });
}

#[test]
fn the_sources_of_the_own_plic_keep_their_numbers() {
    let devices = [1, 1].map(Device::new);
    let mut plics = plics(0, &devices);
    plics.enable(Interrupt::level(10));
    devices[0].state.borrow_mut().pending = BTreeSet::from([10]);
    devices[1].state.borrow_mut().pending = BTreeSet::from([10]);
    HARTS.with(|harts| harts.pending.set(EXTERNAL));
    assert_eq!(plics.claim(), Some(10));
    plics.complete(10);
    plics.disable(10);
    devices[0].state.borrow_mut().pending.insert(10);
    assert_eq!(plics.claim(), None);
    assert_eq!(devices[1].state.borrow().completed, []);
}

#[test]
fn a_plic_without_a_relay_has_no_inputs() {
    let devices = [1, 1].map(Device::new);
    HARTS.with(|harts| harts.missing.set(Some(2)));
    let plics = plics(0, &devices);
    assert!(plics.has(1) && plics.has(TIMER.number));
    for number in [0, SOURCES + 1, STRIDE, STRIDE + 1, 2 * STRIDE + 1] {
        assert!(!plics.has(number), "{number}");
    }
}
