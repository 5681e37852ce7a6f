//! The board's console.

use core::cell::{Cell, RefCell};
use core::fmt::Write;

use critical_section::Mutex;
use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::board::{self, Driver};
use vmos_drivers::interrupt::Interrupt;

use super::Board;
use crate::arch::Processor;
use crate::console::{self, Console, Listener};

type Transmitter = <Board as board::Board<Processor>>::Console;

const RECEIVE_INTERRUPT: Option<Interrupt> = <Board as board::Board<Processor>>::CONSOLE_INTERRUPT;
const TRANSMIT_INTERRUPT: Option<Interrupt> =
    <Board as board::Board<Processor>>::CONSOLE_TRANSMIT_INTERRUPT;
/// The interrupts of the console.
pub(super) const INTERRUPTS: [Option<Interrupt>; 2] = [RECEIVE_INTERRUPT, TRANSMIT_INTERRUPT];

static CONSOLE: console::Shared<Transmitter> =
    Mutex::new(RefCell::new(Console::without_transmitter()));
/// The console's address, if firmware reports another one than the board file.
static CONSOLE_MOVED: Mutex<Cell<Option<PhysicalAddress>>> = Mutex::new(Cell::new(None));
/// The listener for received and sent bytes of the console, if there is one.
static LISTENER: Mutex<Cell<Option<Listener>>> = Mutex::new(Cell::new(None));

/// Starts the console, which is at `moved` if firmware reports another address than the board file.
///
/// # Safety
///
/// Must be called once, before anything else in this module.
pub(super) unsafe fn start(moved: Option<PhysicalAddress>) {
    critical_section::with(|cs| CONSOLE_MOVED.borrow(cs).set(moved));
    // SAFETY: the board describes the hardware, and this is its only driver.
    let transmitter = unsafe { transmitter() };
    critical_section::with(|cs| CONSOLE.borrow_ref_mut(cs).start(transmitter));
}

/// Returns the console's driver.
///
/// # Safety
///
/// Nothing else may drive the console from now on.
unsafe fn transmitter() -> Transmitter {
    let described = <Board as board::Board<Processor>>::CONSOLE;
    let moved = critical_section::with(|cs| CONSOLE_MOVED.borrow(cs).get());
    let config = moved.and_then(|base| <Transmitter as Driver>::moved(&described, base));
    // SAFETY: the address is from the board or from firmware; the caller guarantees the rest.
    unsafe { Transmitter::new(&config.unwrap_or(described)) }
}

/// Returns the page with the console's registers, if its address differs from the board file.
pub(crate) fn moved_console() -> Option<Range> {
    const PAGE: u64 = 4096;
    let base = critical_section::with(|cs| CONSOLE_MOVED.borrow(cs).get())?;
    Range::new(base, PAGE)
}

/// Calls `write` with the console; does nothing before the console is started.
pub(crate) fn with_console(write: impl FnOnce(&mut dyn Write)) {
    critical_section::with(|cs| {
        if let Some(console) = CONSOLE.borrow_ref_mut(cs).as_mut() {
            write(console);
        }
    });
}

/// Makes `listener` receive what the console receives and sends. Returns false if the console has
/// no interrupt, so that the listener would never be called.
pub(crate) fn listen_to_console(listener: Listener) -> bool {
    critical_section::with(|cs| LISTENER.borrow(cs).set(Some(listener)));
    RECEIVE_INTERRUPT.is_some()
}

/// Stores what the console has received, as its interrupt does, unless the console is in use. The
/// interrupt stays pending.
pub(crate) fn serve_console() {
    critical_section::with(|cs| {
        if let Ok(mut console) = CONSOLE.borrow(cs).try_borrow_mut()
            && let Some(console) = console.as_mut()
            && let Some(listener) = LISTENER.borrow(cs).get()
        {
            console.serve(listener);
        }
    });
}

/// Sends as many of `bytes` to the console as it accepts without waiting, unchanged; returns the
/// number.
pub(crate) fn send_to_console(bytes: &[u8]) -> usize {
    critical_section::with(|cs| match CONSOLE.borrow_ref_mut(cs).as_mut() {
        Some(console) => console.send_some(bytes),
        None => bytes.len(),
    })
}

/// Returns whether the console has sent everything.
pub(crate) fn console_is_idle() -> bool {
    critical_section::with(|cs| CONSOLE.borrow_ref_mut(cs).is_empty())
}

/// Calls `write` with the console, even during a crash, and waits until everything was sent.
pub(crate) fn with_console_in_distress(write: &dyn Fn(&mut dyn Write)) {
    critical_section::with(|cs| {
        if let Ok(mut shared) = CONSOLE.borrow(cs).try_borrow_mut()
            && let Some(console) = shared.as_mut()
        {
            write(console);
            console.flush();
            return;
        }
        // The fault occurred in the console's own code, or before the console was started.
        // SAFETY: the board describes the hardware; the code that drove it before does not
        // continue.
        let transmitter = unsafe { transmitter() };
        let mut console = Console::for_report(transmitter);
        write(&mut console);
        console.flush();
    });
}

/// Waits until everything was sent, unless the console is in use.
pub(super) fn flush() {
    critical_section::with(|cs| {
        if let Ok(mut shared) = CONSOLE.borrow(cs).try_borrow_mut()
            && let Some(console) = shared.as_mut()
        {
            console.flush();
        }
    });
}

/// Moves bytes between the console and its buffers, as its interrupts ask for.
pub(super) fn serve_interrupt() {
    critical_section::with(|cs| {
        if let Some(console) = CONSOLE.borrow_ref_mut(cs).as_mut() {
            let listener = LISTENER.borrow(cs).get();
            console.serve(listener.unwrap_or(|_| {}));
        }
    });
}

/// Returns whether an interrupt is one of the console's.
#[inline(always)]
pub(super) fn has_interrupt(number: u32) -> bool {
    let is_it = |interrupt: Interrupt| interrupt.number == number;
    RECEIVE_INTERRUPT.is_some_and(is_it) || TRANSMIT_INTERRUPT.is_some_and(is_it)
}
