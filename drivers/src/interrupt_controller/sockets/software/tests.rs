//! Two sockets of two harts each, in M mode: the kernel runs on hart 1, and hart 2 is parked.

use core::cell::Cell;

use super::super::harts::{Fake, HARTS};
use super::super::{Controller, STRIDE, Sockets};
use crate::interrupt::{Interrupt, InterruptController};
use crate::mmio::words::WordRegisters;

/// The registers `msip` of two harts, one of which may be waiting for its software interrupt.
#[derive(Default)]
struct Msip {
    words: [Cell<u32>; 2],
    /// The number of writes that raised the software interrupt of the first hart.
    raised: Cell<u32>,
    /// The registers of the kernel's hart, if the first hart raises its software interrupt when it is
    /// woken up.
    answers: Cell<Option<&'static Msip>>,
}

impl WordRegisters for &'static Msip {
    fn read(&self, offset: usize) -> u32 {
        self.words[offset / 4].get()
    }

    fn write(&self, offset: usize, value: u32) {
        self.words[offset / 4].set(value);
        if offset == 4 {
            HARTS.with(|harts| harts.raised.set(value == 1));
        } else if value == 1 {
            self.raised.set(self.raised.get() + 1);
            if let Some(kernel) = self.answers.take() {
                self.words[0].set(0);
                kernel.write(4, 1);
            }
        }
    }
}

/// A controller with source 1 only, which is pending once.
#[derive(Default)]
struct OneSource {
    pending: bool,
}

impl Controller for OneSource {
    fn delivers(&self) -> bool {
        true
    }
    fn reset(&mut self) {}
    fn has_source(&self, source: u32) -> bool {
        source == 1
    }
    fn enable_source(&mut self, _: Interrupt) {
        self.pending = true;
    }
    fn disable_source(&mut self, _: u32) {}
    fn claim_source(&mut self) -> Option<u32> {
        core::mem::take(&mut self.pending).then_some(1)
    }
    fn complete_source(&mut self, _: u32) {}
}

type Both = Sockets<OneSource, &'static Msip, Fake, 2>;

fn sockets(registers: [Option<&'static Msip>; 2]) -> Both {
    HARTS.with(|harts| {
        harts.kernel.set(1);
        harts.without_firmware.set(true);
    });
    let mut sockets = Both::of([0, 2], registers, |_, _, _| OneSource::default());
    sockets.software.start_reads = 10;
    sockets.initialize();
    sockets
}

/// The registers of both sockets, those of the kernel's one first.
fn registers() -> [&'static Msip; 2] {
    [(); 2].map(|()| &*std::boxed::Box::leak(std::boxed::Box::default()))
}

#[test]
fn a_parked_hart_is_woken_up_and_raised_by_its_register() {
    let [kernel, other] = registers();
    other.answers.set(Some(kernel));
    let mut sockets = sockets([Some(kernel), Some(other)]);
    assert!(sockets.has(STRIDE + 1));
    HARTS.with(|harts| {
        assert!(harts.listening.get());
        assert!(harts.started.borrow().is_empty(), "no firmware starts it");
    });
    // Once to start, and once to check the external interrupt.
    assert_eq!(other.raised.get(), 2);
    assert!(!sockets.is_relayed());

    sockets.enable(Interrupt::level(STRIDE + 1));
    kernel.write(4, 1);
    assert!(sockets.is_relayed());
    assert_eq!(sockets.claim(), Some(STRIDE + 1));
    assert_eq!(other.raised.get(), 2, "something may be pending still");
    assert_eq!(sockets.claim(), None);
    assert_eq!(other.raised.get(), 3);
    assert!(!sockets.is_relayed());
    HARTS.with(|harts| assert!(harts.rearmed.borrow().is_empty()));
}

#[test]
fn the_controller_of_a_hart_that_does_not_answer_has_no_inputs() {
    let [kernel, other] = registers();
    let sockets = sockets([Some(kernel), Some(other)]);
    assert!(sockets.has(1) && !sockets.has(STRIDE + 1));
    HARTS.with(|harts| assert!(!harts.listening.get()));
    // It stays parked if it wakes up later.
    assert_eq!(other.words[0].get(), 0);
}

#[test]
fn without_registers_of_both_harts_no_hart_is_woken_up() {
    let [kernel, other] = registers();
    for registers in [[Some(kernel), None], [None, Some(other)], [None, None]] {
        let sockets = sockets(registers);
        assert!(sockets.has(1) && !sockets.has(STRIDE + 1));
    }
    assert_eq!(other.raised.get(), 0);
}

#[test]
fn firmware_serves_both_harts_in_s_mode() {
    let [kernel, other] = registers();
    HARTS.with(|harts| harts.kernel.set(1));
    let registers = [Some(kernel), Some(other)];
    let mut sockets = Both::of([0, 2], registers, |_, _, _| OneSource::default());
    sockets.initialize();
    HARTS.with(|harts| {
        assert_eq!(*harts.started.borrow(), [2]);
        assert_eq!(*harts.rearmed.borrow(), [2]);
        assert!(harts.listening.get());
    });
    assert_eq!(other.raised.get(), 0);
}
