//! The machine the kernel runs on: the drivers that the board names, where the rest of the kernel
//! finds them. The only module that sees the board.

use core::cell::{Cell, RefCell};
use core::fmt::Write;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use critical_section::Mutex;
use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::attestation::Fact;
use vmos_drivers::board::{self, Driver, Line, MemoryMap, PciHostBridge, VirtioMmio};
use vmos_drivers::interrupt::{Interrupt, InterruptController as _};
use vmos_drivers::power::Power as _;
use vmos_drivers::rtc::Clock as _;
use vmos_drivers::timer::Timer as _;

use crate::arch::{self, Processor};
use crate::console::{self, Console, Listener};
use crate::event_loop;
use crate::time::NEVER;

type Board = vmos_board::ThisBoard;
type InterruptController = <Board as board::Board<Processor>>::InterruptController;
type Timer = <Board as board::Board<Processor>>::Timer;
type Transmitter = <Board as board::Board<Processor>>::Console;
type Power = <Board as board::Board<Processor>>::Power;
type Rtc = <Board as board::Board<Processor>>::Rtc;

/// The name of the board's description.
pub(crate) const NAME: &str = <Board as board::Board<Processor>>::NAME;
/// What the board is, for a person.
pub(crate) const TITLE: &str = <Board as board::Board<Processor>>::TITLE;
/// What is where, as described.
pub(crate) const MEMORY: MemoryMap = <Board as board::Board<Processor>>::MEMORY;
/// The virtio-mmio slots, as described.
pub(crate) const VIRTIO_MMIO: Option<VirtioMmio> = <Board as board::Board<Processor>>::VIRTIO_MMIO;
/// The PCI host bridge, as described.
pub(crate) const PCI: Option<PciHostBridge> = <Board as board::Board<Processor>>::PCI;
/// The interrupt lines that are spoken for, as described.
pub(crate) const INTERRUPTS: &[Line] = <Board as board::Board<Processor>>::INTERRUPTS;
/// What the firmware's own tables should say of the board.
pub(crate) const ATTESTATION: &[Fact] = <Board as board::Board<Processor>>::ATTESTATION;

/// How virtio devices are reached.
pub(crate) type Transport = <Board as board::Board<Processor>>::VirtioTransport;
/// How the registers of PCI functions are reached.
pub(crate) type PciConfiguration = <Board as board::Board<Processor>>::PciConfiguration;
/// Where they are, as described.
pub(crate) const PCI_CONFIGURATION: Option<<PciConfiguration as Driver>::Config> =
    <Board as board::Board<Processor>>::PCI_CONFIGURATION;

const TIMER_INTERRUPT: Interrupt = <Board as board::Board<Processor>>::TIMER_INTERRUPT;
const CONSOLE_INTERRUPT: Option<Interrupt> = <Board as board::Board<Processor>>::CONSOLE_INTERRUPT;

static CONSOLE: console::Shared<Transmitter> =
    Mutex::new(RefCell::new(Console::without_transmitter()));
/// Where the console is, should the description be wrong about that.
static CONSOLE_MOVED: Mutex<Cell<Option<PhysicalAddress>>> = Mutex::new(Cell::new(None));
/// Who hears of what the console received and sent, if somebody wants to.
static LISTENER: Mutex<Cell<Option<Listener>>> = Mutex::new(Cell::new(None));
/// Whether the machine was told to stop or to restart.
static STOPPING: AtomicBool = AtomicBool::new(false);
/// How many turns of an empty loop a machine that was told to stop has left at the most: some tenths
/// of a second.
const UNTIL_STOPPED: u32 = 100_000_000;
static TIMER: Mutex<RefCell<Option<Timer>>> = Mutex::new(RefCell::new(None));

// Interrupts are masked from the first instruction on, and one processor runs: the only code that
// can come in between is the report of a fault, which does not return.
struct SingleContext;
critical_section::set_impl!(SingleContext);

// SAFETY: there is one context, so whoever runs is alone.
unsafe impl critical_section::Impl for SingleContext {
    unsafe fn acquire() -> critical_section::RawRestoreState {}
    unsafe fn release(_: critical_section::RawRestoreState) {}
}

/// Starts the console and the clock, so that everything after can be seen and timed. The console is
/// at `console` where firmware says so and the description says otherwise.
///
/// # Safety
///
/// To be called once, before anything else here.
pub(crate) unsafe fn start_console_and_clock(console: Option<PhysicalAddress>) {
    critical_section::with(|cs| CONSOLE_MOVED.borrow(cs).set(console));
    let (console, timer) = (
        // SAFETY: the board describes what is there, and this is the only driver of it.
        unsafe { transmitter() },
        // SAFETY: as above.
        unsafe { Timer::new(&<Board as board::Board<Processor>>::TIMER) },
    );
    critical_section::with(|cs| {
        CONSOLE.borrow_ref_mut(cs).start(console);
        *TIMER.borrow_ref_mut(cs) = Some(timer);
    });
}

/// The console's driver.
///
/// # Safety
///
/// Nothing else may drive the console from here on.
unsafe fn transmitter() -> Transmitter {
    let described = <Board as board::Board<Processor>>::CONSOLE;
    let moved = critical_section::with(|cs| CONSOLE_MOVED.borrow(cs).get());
    let config = moved.and_then(|base| <Transmitter as Driver>::moved(&described, base));
    // SAFETY: the board or its firmware says what is there; the caller promises the rest.
    unsafe { Transmitter::new(&config.unwrap_or(described)) }
}

/// The page of the console's registers, where the description is wrong about it.
pub(crate) fn moved_console() -> Option<Range> {
    const PAGE: u64 = 4096;
    let base = critical_section::with(|cs| CONSOLE_MOVED.borrow(cs).get())?;
    Range::new(base, PAGE)
}

/// Nanoseconds on the board's clock; 0 before it is started.
pub(crate) fn now() -> u64 {
    read_clock()
}

#[inline(always)]
fn read_clock() -> u64 {
    critical_section::with(|cs| {
        // SAFETY: the reference is gone before anybody can borrow the timer: reading a clock calls
        // nothing that does.
        let timer = unsafe { TIMER.borrow(cs).try_borrow_unguarded() };
        timer.map_or(0, |timer| timer.as_ref().map_or(0, |timer| timer.now()))
    })
}

/// How long after the beginning of 1970 the board's clock says it is, if it has one.
pub(crate) fn wall_clock() -> Option<Duration> {
    let place = <Board as board::Board<Processor>>::RTC?;
    // One at a time may read it.
    critical_section::with(|_| {
        // SAFETY: the board describes what is there, and nothing else drives it.
        unsafe { <Rtc as Driver>::new(&place) }.since_1970()
    })
}

/// Whether the clock's rate is known, and it does not stand still.
pub(crate) fn clock_runs() -> bool {
    /// The slowest clock has changed by then: 32 kHz, looked at by the fastest processor.
    const LOOKS: usize = 1_000_000;
    let start = now();
    clock_frequency() > 0 && (0..LOOKS).any(|_| now() != start)
}

/// The clock's frequency in Hz; 0 where nothing tells it.
pub(crate) fn clock_frequency() -> u64 {
    critical_section::with(|cs| {
        TIMER
            .borrow_ref(cs)
            .as_ref()
            .map_or(0, |timer| timer.frequency())
    })
}

/// The clock's frequency in Hz by what the hardware or its firmware says, where they say it.
pub(crate) fn told_clock_frequency() -> Option<u64> {
    critical_section::with(|cs| TIMER.borrow_ref(cs).as_ref()?.told_frequency())
}

/// Lets `write` write to the console; does nothing while there is none.
pub(crate) fn with_console(write: impl FnOnce(&mut dyn Write)) {
    critical_section::with(|cs| {
        if let Some(console) = CONSOLE.borrow_ref_mut(cs).as_mut() {
            write(console);
        }
    });
}

/// Has `listener` hear of what the console receives and sends from now on. False where the console
/// raises no interrupts, so that there would be nothing to hear.
pub(crate) fn listen_to_console(listener: Listener) -> bool {
    critical_section::with(|cs| LISTENER.borrow(cs).set(Some(listener)));
    CONSOLE_INTERRUPT.is_some()
}

/// Sends as many of `bytes` as need not be waited for to the console, as they are; returns how many.
pub(crate) fn send_to_console(bytes: &[u8]) -> usize {
    critical_section::with(|cs| match CONSOLE.borrow_ref_mut(cs).as_mut() {
        Some(console) => console.send_some(bytes),
        None => bytes.len(),
    })
}

/// Whether all that was sent to the console is out.
pub(crate) fn console_is_idle() -> bool {
    critical_section::with(|cs| CONSOLE.borrow_ref_mut(cs).is_empty())
}

/// Lets `write` write to the console whatever state the kernel is in, and waits until it was sent.
pub(crate) fn with_console_in_distress(write: &dyn Fn(&mut dyn Write)) {
    critical_section::with(|cs| {
        if let Ok(mut shared) = CONSOLE.borrow(cs).try_borrow_mut()
            && let Some(console) = shared.as_mut()
        {
            write(console);
            console.flush();
            return;
        }
        // The fault came out of the console's own code, or before it was started.
        // SAFETY: the board describes what is there; whoever drove it before does not go on.
        let transmitter = unsafe { transmitter() };
        let mut console = Console::new(transmitter);
        write(&mut console);
        console.flush();
    });
}

/// Stops the machine with `status`, 0 for success.
pub(crate) fn off(status: u8) -> ! {
    stop_by(|mut power| power.off(status))
}

/// Restarts the machine.
pub(crate) fn reset() -> ! {
    stop_by(|mut power| power.reset())
}

/// Has the board's means of power do something, once: where that faults, the fault's report comes
/// here again.
fn stop_by(act: impl FnOnce(Power)) -> ! {
    flush_console();
    if !STOPPING.swap(true, Ordering::Relaxed) {
        // SAFETY: the board describes what is there, and nothing drives it afterwards.
        act(unsafe { <Power as Driver>::new(&<Board as board::Board<Processor>>::POWER) });
        // The machine may run on for a moment.
        for round in 0..UNTIL_STOPPED {
            black_box(round);
        }
    }
    with_console_in_distress(&|out| {
        let _ = out.write_str("the machine does not stop: see power in the board file\n");
    });
    arch::park()
}

fn flush_console() {
    critical_section::with(|cs| {
        if let Ok(mut shared) = CONSOLE.borrow(cs).try_borrow_mut()
            && let Some(console) = shared.as_mut()
        {
            console.flush();
        }
    });
}

/// What the event loop needs of the machine.
pub(crate) struct Machine {
    controller: InterruptController,
    /// What the timer is set to, in nanoseconds; [`NEVER`] where it raises nothing.
    deadline: u64,
}

impl Machine {
    /// Starts the interrupt controller and lets the timer's and the console's interrupts through.
    ///
    /// # Safety
    ///
    /// To be called once, after the console and the clock were started and memory is mapped.
    pub(crate) unsafe fn start_interrupts() -> Self {
        // SAFETY: the board describes what is there, and this is the only driver of it.
        let mut controller = unsafe {
            InterruptController::new(&<Board as board::Board<Processor>>::INTERRUPT_CONTROLLER)
        };
        controller.initialize();
        controller.enable(TIMER_INTERRUPT);
        if let Some(interrupt) = CONSOLE_INTERRUPT {
            controller.enable(interrupt);
        }
        Self {
            controller,
            deadline: NEVER,
        }
    }

    /// Whether the timer's interrupt comes: without it no sleep ends.
    pub(crate) fn timer_interrupt_comes(&mut self) -> bool {
        /// In nanoseconds; a busy host may take its time.
        const LIMIT: u64 = 5_000_000_000;
        /// How often to pause from one look to the next.
        const REST: usize = 32;
        let start = now();
        set_deadline(Some(start));
        let mut has_come = false;
        while !has_come && now() - start < LIMIT {
            if arch::interrupt_pending()
                && let Some(number) = self.controller.claim()
            {
                has_come = number == TIMER_INTERRUPT.number;
                self.controller.complete(number);
            } else {
                // It comes at once, but for a timer whose host has a thread of its own for it.
                (0..REST).for_each(|_| core::hint::spin_loop());
            }
        }
        set_deadline(None);
        has_come
    }

    /// The interrupt controller, for the devices that are found.
    pub(crate) fn controller(&mut self) -> &mut InterruptController {
        &mut self.controller
    }
}

impl event_loop::Machine for Machine {
    const PENDING_FOLLOWS_LINE: bool = InterruptController::PENDING_FOLLOWS_LINE;

    #[inline]
    fn now(&self) -> u64 {
        read_clock()
    }

    #[inline]
    fn interrupt_pending(&self) -> bool {
        arch::interrupt_pending()
    }

    fn serve_interrupt(&mut self, mut device: impl FnMut(u32)) -> Option<u32> {
        let number = self.controller.claim()?;
        // Whoever asserts a level line is made to let go of it before the controller looks again.
        if number == TIMER_INTERRUPT.number {
            self.deadline = NEVER;
            set_deadline(None);
        } else if CONSOLE_INTERRUPT.is_some_and(|interrupt| interrupt.number == number) {
            critical_section::with(|cs| {
                if let Some(console) = CONSOLE.borrow_ref_mut(cs).as_mut() {
                    let listener = LISTENER.borrow(cs).get();
                    console.serve(listener.unwrap_or(|_| {}));
                }
            });
        } else {
            device(number);
        }
        self.controller.complete(number);
        Some(number)
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
