//! The machine, set up once.

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

/// Whether an interrupt that is not claimed goes away by itself once its device has nothing more to
/// say. Where it does not, every one is claimed.
const CLAIMS: bool = !Controller::PENDING_FOLLOWS_LINE;

/// What drivers allocate as they start.
#[repr(C, align(4096))]
struct Memory([AtomicU32; 1024]);

static MEMORY: Memory = Memory([const { AtomicU32::new(0) }; 1024]);

/// The machine.
pub(crate) struct Machine {
    console: Console,
    timer: Timer,
    controller: Controller,
}

impl Machine {
    /// Takes charge of it.
    pub(crate) fn start() -> Self {
        // Nobody asks the firmware here, but an image carries what its board says of it.
        black_box(<ThisBoard as Board<Processor>>::ATTESTATION);
        let memory = Range {
            base: address_of(&MEMORY),
            size: size_of::<Memory>() as u64,
        };
        // SAFETY: the memory is part of the image, and nobody else uses it.
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

    /// The first network interface and the first disk in the slots, with their interrupts let
    /// through.
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

    /// Nanoseconds on its clock.
    pub(crate) fn now(&self) -> u64 {
        self.timer.now()
    }

    /// Sleeps until `slot` has something to say, or for no reason.
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

    /// Prints a text.
    pub(crate) fn print(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let written = self.console.write(rest);
            rest = &rest[written..];
        }
    }

    /// Prints a number.
    pub(crate) fn print_number(&mut self, number: u64) {
        if number >= 10 {
            self.print_number(number / 10);
        }
        let digit = b'0' + (number % 10) as u8;
        while self.console.write(&[digit]) == 0 {}
    }
}
