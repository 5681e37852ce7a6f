//! The machine that the kernel runs on: the drivers that the board selects. No other module of the
//! kernel uses the board crate.

mod console;
mod stop;

use core::cell::RefCell;
use core::time::Duration;

use critical_section::Mutex;
use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::attestation::Fact;
use vmos_drivers::board::{
    self, Driver, EthernetPlace, Line, MemoryMap, PciHostBridge, VirtioMmio,
};
use vmos_drivers::interrupt::{Interrupt, InterruptController as _};
use vmos_drivers::rtc::Clock as _;
use vmos_drivers::timer::Timer as _;
use vmos_drivers::virtio::mmio;

use crate::arch::{self, Processor};
use crate::event_loop;
use crate::optional::Optional;
use crate::part::lines;
use crate::time::NEVER;
pub(crate) use console::{
    console_is_idle, listen_to_console, moved_console, send_to_console, serve_console,
    with_console, with_console_in_distress,
};
pub(crate) use stop::{call_at_end, off, reset};

type Board = vmos_board::ThisBoard;
type InterruptController = <Board as board::Board<Processor>>::InterruptController;
type Timer = <Board as board::Board<Processor>>::Timer;
type Power = <Board as board::Board<Processor>>::Power;
type Rtc = <Board as board::Board<Processor>>::Rtc;

/// The name of the board.
pub(crate) const NAME: &str = <Board as board::Board<Processor>>::NAME;
/// The title of the board, for display.
pub(crate) const TITLE: &str = <Board as board::Board<Processor>>::TITLE;
/// The memory map from the board file.
pub(crate) const MEMORY: MemoryMap = <Board as board::Board<Processor>>::MEMORY;
/// Whether the translation tables have short descriptors, from the board file.
pub(crate) const SHORT_DESCRIPTORS: bool = <Board as board::Board<Processor>>::SHORT_DESCRIPTORS;
/// The size of the heap from the board file, in bytes; `None` if it gets the rest of RAM, as in every
/// image that uses an Ethernet controller.
pub(crate) const HEAP: Option<u64> = match ETHERNET {
    None => <Board as board::Board<Processor>>::HEAP,
    Some(_) => None,
};
/// The virtio-mmio slots from the board file.
pub(crate) const VIRTIO_MMIO: Option<VirtioMmio> = <Board as board::Board<Processor>>::VIRTIO_MMIO;
/// The PCI host bridge from the board file.
pub(crate) const PCI: Option<PciHostBridge> = <Board as board::Board<Processor>>::PCI;
/// The interrupt lines from the board file.
pub(crate) const INTERRUPTS: &[Line] = <Board as board::Board<Processor>>::INTERRUPTS;
/// The parts that apps drive, from the description.
pub(crate) const PARTS: &[board::Part] = <Board as board::Board<Processor>>::PARTS;
/// The names of disks, from the board file.
pub(crate) const DISKS: &[board::NamedDevice] = <Board as board::Board<Processor>>::DISKS;
/// The names of network devices, from the board file.
#[cfg(feature = "networks")]
pub(crate) const NICS: &[board::NamedDevice] = <Board as board::Board<Processor>>::NICS;
/// The values that the board expects in firmware's tables.
pub(crate) const ATTESTATION: &[Fact] = <Board as board::Board<Processor>>::ATTESTATION;
/// The difference between the interrupt numbers of two controllers; 0 if the board has one.
pub(crate) const CONTROLLER_STRIDE: u32 = InterruptController::CONTROLLER_STRIDE;

/// The transport of virtio devices.
pub(crate) type Transport = <Board as board::Board<Processor>>::VirtioTransport;
/// The driver of the Ethernet controller.
#[cfg(feature = "ethernet")]
pub(crate) type Ethernet = <Board as board::Board<Processor>>::Ethernet;
/// The Ethernet controller from the board file.
#[cfg(feature = "ethernet")]
pub(crate) const ETHERNET: Option<EthernetPlace<<Ethernet as Driver>::Config>> =
    <Board as board::Board<Processor>>::ETHERNET;
/// The driver of the Ethernet controller, which the app does not use.
#[cfg(not(feature = "ethernet"))]
pub(crate) type Ethernet = vmos_drivers::ethernet::NoEthernet;
/// The app does not use the Ethernet controller.
#[cfg(not(feature = "ethernet"))]
pub(crate) const ETHERNET: Option<EthernetPlace<Ethernet>> = None;

// The linker script gives an image with this symbol the stack of `ethernet.*.stack`.
#[cfg(feature = "ethernet")]
core::arch::global_asm!(".globl __vmos_ethernet", ".set __vmos_ethernet, 1");
/// The driver of PCI configuration space.
pub(crate) type PciConfiguration = <Board as board::Board<Processor>>::PciConfiguration;
/// The configuration of PCI configuration space, from the board file.
pub(crate) const PCI_CONFIGURATION: Option<<PciConfiguration as Driver>::Config> =
    <Board as board::Board<Processor>>::PCI_CONFIGURATION;

/// The size of the console's buffer from the board file, in bytes.
pub(crate) const CONSOLE_BUFFER: usize = <Board as board::Board<Processor>>::CONSOLE_BUFFER;
/// Whether the board has a place for virtio devices. Without one, an image contains no code for them.
pub(crate) const HAS_VIRTIO: bool = VIRTIO_MMIO.is_some() || PCI.is_some();
/// Whether the board has a place for any device that the kernel drives.
pub(crate) const HAS_DEVICES: bool = HAS_VIRTIO || ETHERNET.is_some();

const TIMER_INTERRUPT: Interrupt = <Board as board::Board<Processor>>::TIMER_INTERRUPT;

static TIMER: Mutex<RefCell<Option<Timer>>> = Mutex::new(RefCell::new(None));

// Interrupts are always masked, and one processor runs. Only the report of a fault can interrupt
// other code, and it does not return.
struct SingleContext;
critical_section::set_impl!(SingleContext);

// SAFETY: there is only one context, so the running code always has exclusive access.
unsafe impl critical_section::Impl for SingleContext {
    unsafe fn acquire() -> critical_section::RawRestoreState {}
    unsafe fn release(_: critical_section::RawRestoreState) {}
}

/// Starts the console and the clock, so that later steps can log and have times. `console` is the
/// console's address if firmware reports another one than the board file.
///
/// # Safety
///
/// Must be called once, before anything else in this module.
pub(crate) unsafe fn start_console_and_clock(console: Option<PhysicalAddress>) {
    // SAFETY: the caller guarantees that this is the first call.
    unsafe { console::start(console) };
    // SAFETY: the board describes the hardware, and this is its only driver.
    let timer = unsafe { Timer::new(&<Board as board::Board<Processor>>::TIMER) };
    critical_section::with(|cs| *TIMER.borrow_ref_mut(cs) = Some(timer));
}

/// Returns the time of the monotonic clock in nanoseconds; 0 before it is started.
pub(crate) fn now() -> u64 {
    read_clock()
}

#[inline(always)]
fn read_clock() -> u64 {
    critical_section::with(|cs| {
        // SAFETY: the reference is dropped before the timer can be borrowed: reading a clock calls
        // nothing that borrows it.
        let timer = unsafe { TIMER.borrow(cs).try_borrow_unguarded() };
        timer.map_or(0, |timer| timer.as_ref().map_or(0, |timer| timer.now()))
    })
}

/// Returns the board clock's time since the start of 1970; `None` if the board has no such clock.
pub(crate) fn wall_clock() -> Option<Duration> {
    let place = <Board as board::Board<Processor>>::RTC?;
    if Optional::Rtc.is_left_out() {
        return None;
    }
    // Only one reader at a time.
    critical_section::with(|_| {
        // SAFETY: the board describes the hardware, and nothing else drives it.
        unsafe { <Rtc as Driver>::new(&place) }.since_1970()
    })
}

/// Probes a virtio-mmio slot; returns `None` if it is empty.
///
/// # Errors
///
/// Returns [`ProbeError`] if the slot does not match the board's description.
///
/// # Safety
///
/// Nothing else may drive the device in this slot while its transport is in use.
pub(crate) unsafe fn probe_slot(
    slots: &VirtioMmio,
    slot: u32,
) -> Result<Option<mmio::Found>, mmio::ProbeError> {
    // SAFETY: the board describes the slots; the caller guarantees the rest.
    unsafe { mmio::probe(slots, slot) }
}

/// Returns whether the clock's frequency is known and the clock runs.
pub(crate) fn clock_runs() -> bool {
    /// The number of reads after which even the slowest clock, 32 kHz, has changed on the fastest
    /// processor.
    const LOOKS: usize = 1_000_000;
    let start = now();
    clock_frequency() > 0 && (0..LOOKS).any(|_| now() != start)
}

/// Returns what the processor lacks for the timer, with the timer's key; `None` if it lacks
/// nothing.
pub(crate) fn missing_timer() -> Option<&'static str> {
    critical_section::with(|cs| TIMER.borrow_ref(cs).as_ref()?.missing())
}

/// Returns the clock's frequency in Hz; 0 if it is unknown.
pub(crate) fn clock_frequency() -> u64 {
    critical_section::with(|cs| {
        TIMER
            .borrow_ref(cs)
            .as_ref()
            .map_or(0, |timer| timer.frequency())
    })
}

/// Returns the clock's frequency in Hz according to the hardware or firmware; `None` if they do not
/// report it.
pub(crate) fn told_clock_frequency() -> Option<u64> {
    critical_section::with(|cs| TIMER.borrow_ref(cs).as_ref()?.told_frequency())
}

/// Does nothing: devices work by themselves. Only those of a process are served by the kernel.
pub(crate) fn serve_devices() {}

/// The board's interrupt controller and timer, for the event loop.
pub(crate) struct Machine {
    controller: InterruptController,
    /// The deadline that the timer is set to, in nanoseconds; [`NEVER`] if it is off.
    deadline: u64,
}

impl Machine {
    /// Starts the interrupt controller and enables the interrupts of the timer and the console.
    ///
    /// # Safety
    ///
    /// Must be called once, after the console and the clock were started and memory was mapped.
    pub(crate) unsafe fn start_interrupts() -> Self {
        // SAFETY: the board describes the hardware, and this is its only driver.
        let mut controller = unsafe {
            InterruptController::new(&<Board as board::Board<Processor>>::INTERRUPT_CONTROLLER)
        };
        controller.initialize();
        controller.enable(TIMER_INTERRUPT);
        console::INTERRUPTS
            .into_iter()
            .flatten()
            .for_each(|interrupt| controller.enable(interrupt));
        Self {
            controller,
            deadline: NEVER,
        }
    }

    /// Returns whether the timer's interrupt arrives. Without it, no sleep would end.
    pub(crate) fn timer_interrupt_comes(&mut self) -> bool {
        /// How long to wait for the timer's interrupt, in nanoseconds; long enough for a busy host.
        const LIMIT: u64 = 5_000_000_000;
        /// The number of processor pauses between two reads of the clock.
        const REST: usize = 32;
        let start = now();
        set_deadline(Some(start));
        let mut has_come = false;
        while !has_come && now().wrapping_sub(start) < LIMIT {
            if self.has_interrupt()
                && let Some(number) = self.controller.claim()
            {
                has_come = number == TIMER_INTERRUPT.number;
                self.controller.complete(number);
            } else {
                // It arrives at once, except on a host that runs timers in a separate thread.
                (0..REST).for_each(|_| core::hint::spin_loop());
            }
        }
        set_deadline(None);
        has_come
    }

    /// Returns whether an interrupt is pending, for this processor or passed on by another one.
    #[inline]
    fn has_interrupt(&self) -> bool {
        arch::interrupt_pending() || self.controller.is_relayed()
    }

    /// Returns the interrupt controller, to set up the interrupts of devices.
    pub(crate) fn controller(&mut self) -> &mut InterruptController {
        &mut self.controller
    }
}

impl Machine {
    /// Enables and disables the lines of parts as their tasks require.
    fn set_lines(&mut self) {
        lines::set(|line, enabled| match enabled {
            true => self.controller.enable(line),
            false => self.controller.disable(line.number),
        });
    }
}

impl event_loop::Machine for Machine {
    const PENDING_FOLLOWS_LINE: bool = InterruptController::PENDING_FOLLOWS_LINE;

    #[inline]
    fn now(&self) -> u64 {
        critical_section::with(|cs| {
            // SAFETY: the reference is dropped before the timer can be borrowed to be changed:
            // reading a clock calls nothing that does, and setting a deadline reads no clock here.
            let timer = unsafe { &*TIMER.borrow(cs).as_ptr() };
            // SAFETY: a machine exists only after the clock was started.
            unsafe { timer.as_ref().unwrap_unchecked() }.now()
        })
    }

    #[inline]
    fn interrupt_pending(&self) -> bool {
        self.has_interrupt()
    }

    fn serve_interrupt(&mut self, mut device: impl FnMut(u32) -> bool) -> Option<u32> {
        let number = self.controller.claim()?;
        let mut is_masked = false;
        // The source of a level-triggered interrupt must release the line before the controller
        // checks it again.
        if number == TIMER_INTERRUPT.number {
            self.deadline = NEVER;
            set_deadline(None);
        } else if console::has_interrupt(number) {
            console::serve_interrupt();
        } else {
            is_masked = device(number);
        }
        self.controller.complete(number);
        if is_masked {
            self.controller.disable(number);
        }
        Some(number)
    }

    fn pass_deadlines(&mut self) {
        if !PARTS.is_empty() {
            self.set_lines();
        }
    }

    fn enable(&mut self, interrupt: Interrupt) {
        self.controller.enable(interrupt);
    }

    #[inline]
    fn sleep_until(&mut self, deadline: u64) {
        if deadline != self.deadline {
            self.deadline = deadline;
            set_deadline(Some(deadline).filter(|deadline| *deadline != NEVER));
        }
        arch::wait_for_interrupt();
    }
}

fn set_deadline(deadline: Option<u64>) {
    critical_section::with(|cs| {
        if let Some(timer) = TIMER.borrow_ref_mut(cs).as_mut() {
            timer.set_deadline(deadline);
        }
    });
}
