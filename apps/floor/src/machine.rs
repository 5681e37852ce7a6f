//! Sets up the machine.

use core::hint::black_box;
use core::sync::atomic::AtomicU32;

use vmos::arch::{self, Processor};
use vmos::bare;
use vmos_drivers::address::Range;
use vmos_drivers::board::{Board, Driver as _};
use vmos_drivers::console::Console as _;
use vmos_drivers::interrupt::InterruptController as _;
use vmos_drivers::timer::Timer as _;

use crate::ring::address_of;
use crate::slot::{self, Slot};

type ThisBoard = vmos_board::ThisBoard;
type Controller = <ThisBoard as Board<Processor>>::InterruptController;
type Timer = <ThisBoard as Board<Processor>>::Timer;
type Console = <ThisBoard as Board<Processor>>::Console;

/// Whether every raised interrupt must be claimed, because it stays pending even after its device
/// has deasserted the line.
const CLAIMS: bool = !Controller::PENDING_FOLLOWS_LINE;

/// The memory that drivers allocate from.
#[repr(C, align(4096))]
struct Memory([AtomicU32; 1024]);

static MEMORY: Memory = Memory([const { AtomicU32::new(0) }; 1024]);

/// The drivers of the machine.
pub(crate) struct Machine {
    console: Console,
    timer: Timer,
    controller: Controller,
}

impl Machine {
    /// Initializes the drivers and calls the measurement loop.
    pub(crate) fn start() -> Self {
        // The loop does not read firmware's tables, but every image contains the board's expected
        // values.
        black_box(<ThisBoard as Board<Processor>>::ATTESTATION);
        let memory = Range {
            base: address_of(&MEMORY),
            size: size_of::<Memory>() as u64,
        };
        // SAFETY: the memory is part of the image, and nothing else uses it.
        unsafe { bare::add_memory(memory) };
        let mut machine = Self {
            // SAFETY: the board describes what is there, and nothing else drives it.
            console: unsafe { Console::new(&<ThisBoard as Board<Processor>>::CONSOLE) },
            // SAFETY: as above.
            timer: unsafe { Timer::new(&<ThisBoard as Board<Processor>>::TIMER) },
            // SAFETY: as above.
            controller: unsafe {
                Controller::new(&<ThisBoard as Board<Processor>>::INTERRUPT_CONTROLLER)
            },
        };
        machine.controller.initialize();
        machine
    }

    /// Returns the first network interface and the first disk in the slots, with their interrupts
    /// enabled.
    pub(crate) fn devices(&mut self) -> [Option<Slot>; 2] {
        let mut found = [const { None }; 2];
        let Some(slots) = <ThisBoard as Board<Processor>>::VIRTIO_MMIO else {
            return found;
        };
        for number in 0..slots.count {
            let Some(slot) = Slot::look(&slots, number) else {
                continue;
            };
            let place = match slot.kind {
                slot::NET => 0,
                slot::BLOCK => 1,
                _ => continue,
            };
            self.controller.enable(slots.interrupt(number));
            found[place].get_or_insert(slot);
        }
        found
    }

    /// Returns the time in nanoseconds.
    pub(crate) fn now(&self) -> u64 {
        self.timer.now()
    }

    /// Sleeps until `slot` raises an interrupt; may return early.
    #[inline]
    pub(crate) fn wait_for(&mut self, slot: &Slot) {
        arch::wait_for_interrupt();
        if CLAIMS && arch::interrupt_pending() {
            let number = self.controller.claim();
            slot.acknowledge();
            if let Some(number) = number {
                self.controller.complete(number);
            }
        } else {
            slot.acknowledge();
        }
    }

    /// Prints text on the console.
    pub(crate) fn print(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let written = self.console.write(rest);
            rest = &rest[written..];
        }
    }

    /// Prints a decimal number on the console.
    pub(crate) fn print_number(&mut self, number: u64) {
        if number >= 10 {
            self.print_number(number / 10);
        }
        let digit = b'0' + (number % 10) as u8;
        while self.console.write(&[digit]) == 0 {}
    }
}
