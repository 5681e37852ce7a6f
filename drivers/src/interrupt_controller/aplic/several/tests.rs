//! Two sockets, each with an APLIC that delivers to its own harts.

use super::super::tests::Device;
use super::*;
use crate::address::PhysicalAddress;
use crate::interrupt::InterruptController;
use crate::interrupt_controller::sockets::STRIDE;
use crate::interrupt_controller::sockets::harts::{Fake, HARTS};
use crate::riscv::Pending;

const SOURCES: u32 = 40;

const fn unit(base: u64, first_hart: usize) -> Unit {
    let domain = Range {
        base: PhysicalAddress(base),
        size: 0x8000,
    };
    Unit {
        aplic: Domains {
            machine: None,
            supervisor: Some(domain),
            sources: SOURCES,
        },
        first_hart,
        msip: None,
    }
}

/// Two sockets of two harts each.
const UNITS: [Unit; 2] = [unit(0, 0), unit(1, 2)];

fn aplics(kernel: usize, devices: &[Device; 2]) -> Aplics<&Device, Fake, 2> {
    HARTS.with(|harts| harts.kernel.set(kernel));
    let registers = |range: Range| &devices[range.base.0 as usize];
    let mut aplics = Aplics::with_registers(registers, &UNITS);
    aplics.initialize();
    aplics
}

/// The harts of the kernel, each with its index in its own APLIC and the hart that relays the
/// interrupts of the other one.
#[test]
fn the_other_aplic_is_served_through_the_delivery_to_its_first_hart() {
    for follows in [false, true] {
        for (kernel, own, relay) in [(0, 0, 2), (1, 0, 2), (2, 1, 0), (3, 1, 0)] {
            let mut indices = [0, 0];
            indices[own] = kernel % 2;
            let devices = indices.map(|index| Device::for_hart(index, follows));
            HARTS.with(|harts| harts.started.borrow_mut().clear());
            let mut aplics = aplics(kernel, &devices);
            HARTS.with(|harts| assert_eq!(*harts.started.borrow(), [relay]));
            let other = 1 - own;
            let number = other as u32 * STRIDE + 8;
            assert!(aplics.has(number));
            aplics.enable(Interrupt::level(number));
            // The same source of the own APLIC is another interrupt.
            devices[own].set(8, true);
            devices[other].set(8, true);
            HARTS.with(|harts| harts.raised.set(true));
            assert!(aplics.is_relayed());
            assert_eq!(aplics.claim(), Some(number));
            devices[other].set(8, false);
            aplics.complete(number);
            assert_eq!(aplics.claim(), None);
            HARTS.with(|harts| assert_eq!(harts.rearmed.take(), [relay, relay]));
        }
    }
}

#[test]
fn the_sources_of_the_own_aplic_keep_their_numbers_and_triggers() {
    let devices = [0, 0].map(|index| Device::for_hart(index, true));
    let mut aplics = aplics(0, &devices);
    aplics.enable(Interrupt::edge(10));
    aplics.enable(Interrupt::level(STRIDE + 10));
    HARTS.with(|harts| {
        harts.pending.set(Pending {
            timer: false,
            external: true,
        });
    });
    devices[0].set(10, true);
    assert_eq!(aplics.claim(), Some(10));
    aplics.complete(10);
    assert_eq!(aplics.claim(), None);
    aplics.disable(STRIDE + 10);
    devices[1].set(10, true);
    HARTS.with(|harts| harts.raised.set(true));
    assert_eq!(aplics.claim(), None);
}
