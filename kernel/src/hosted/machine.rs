//! The machine, if the kernel is a process of a host: the parts are those in
//! [`vmos_drivers::hosted`], and the devices those that the program's arguments name.

mod arguments;
mod heap;
mod probe;
mod runner;
mod simulation;
mod start;

use core::fmt::{self, Write};
use core::time::Duration;

use vmos_drivers::address::{PhysicalAddress, Range};
use vmos_drivers::board::{self, Driver as _, EthernetPlace, PciHostBridge, VirtioMmio};
use vmos_drivers::console::Console as _;
use vmos_drivers::ethernet::NoEthernet;
use vmos_drivers::hosted::{self, Exit, HostClock, HostTime, Lines, SlotRegisters, Terminal};
use vmos_drivers::interrupt::{Interrupt, InterruptController as _};
use vmos_drivers::mmio::Mmio;
use vmos_drivers::pci::Ecam;
use vmos_drivers::power::Power as _;
use vmos_drivers::rtc::Clock as _;
use vmos_drivers::timer::Timer as _;
use vmos_drivers::virtio::mmio::{Found, ProbeError, probe_registers};
use vmos_drivers::virtio::transport::{Absent, AnyTransport, MmioTransport};

use crate::console::Listener;
use crate::event_loop;
use crate::time::NEVER;

pub use heap::ProcessHeap;
pub(crate) use heap::usage as heap_usage;
pub use simulation::{Network, test_alone, test_network};
pub use start::run;

/// The board's name.
pub(crate) const NAME: &str = "hosted";
/// The board's title.
pub(crate) const TITLE: &str = "a process of this host";

/// Whether a process has a place for the devices that the kernel drives.
pub(crate) const HAS_DEVICES: bool = true;
/// The size of the console's buffer.
pub(crate) const CONSOLE_BUFFER: usize = 8192;

/// The virtio-mmio slots. Their registers are not in memory; see [`probe_slot`].
pub(crate) const VIRTIO_MMIO: Option<VirtioMmio> = Some(VirtioMmio {
    base: PhysicalAddress(0),
    stride: SLOT_SIZE as u64,
    count: hosted::SLOTS,
    first_interrupt: Interrupt::level(hosted::FIRST_SLOT),
});
/// The size of a slot's registers, in bytes.
const SLOT_SIZE: usize = 0x200;

/// The transport of virtio devices.
pub(crate) type Transport = AnyTransport<MmioTransport<SlotRegisters>, Absent>;
/// The driver of the Ethernet controller, which a process does not have.
pub(crate) type Ethernet = NoEthernet;
/// There is no Ethernet controller.
pub(crate) const ETHERNET: Option<EthernetPlace<NoEthernet>> = None;
/// The driver of PCI configuration space, of which a process has none.
pub(crate) type PciConfiguration = Ecam<Mmio>;
/// There is no PCI.
pub(crate) const PCI_CONFIGURATION: Option<Range> = None;
/// There is no PCI.
pub(crate) const PCI: Option<PciHostBridge> = None;
/// Whether there is a place for virtio devices.
pub(crate) const HAS_VIRTIO: bool = true;
/// The parts that apps drive: a host has none.
pub(crate) const PARTS: &[board::Part] = &[];
/// The names of disks: a host has no board file that gives any.
pub(crate) const DISKS: &[board::NamedDevice] = &[];
/// The names of network devices.
#[cfg(feature = "networks")]
pub(crate) const NICS: &[board::NamedDevice] = &[];

/// Probes a virtio-mmio slot; returns `None` if it is empty.
///
/// # Errors
///
/// Never.
///
/// # Safety
///
/// Nothing else may drive the device in this slot while its transport is in use.
pub(crate) unsafe fn probe_slot(
    _slots: &VirtioMmio,
    slot: u32,
) -> Result<Option<Found<SlotRegisters>>, ProbeError> {
    probe_registers(SlotRegisters::new(hosted::slot(slot)), SLOT_SIZE)
}

/// Returns the nanoseconds since the process started.
pub(crate) fn now() -> u64 {
    clock().now()
}

fn clock() -> HostClock {
    // SAFETY: the clock has no state.
    unsafe { HostClock::new(&()) }
}

/// Returns the clock's frequency in Hz.
pub(crate) fn clock_frequency() -> u64 {
    clock().frequency()
}

/// Returns the time since the start of 1970; `None` if the host does not know.
pub(crate) fn wall_clock() -> Option<Duration> {
    // SAFETY: the clock has no state.
    unsafe { HostTime::new(&()) }.since_1970()
}

fn terminal() -> Terminal {
    // SAFETY: the state is the thread's, and each access to it is complete in itself.
    unsafe { Terminal::new(&()) }
}

/// Calls `write` with the standard output.
pub(crate) fn with_console(write: impl FnOnce(&mut dyn Write)) {
    struct Output;
    impl Write for Output {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            terminal().write(text.as_bytes());
            Ok(())
        }
    }
    write(&mut Output);
}

std::thread_local! {
    /// The listener for bytes of the console, if there is one.
    static LISTENER: core::cell::Cell<Option<Listener>> = const { core::cell::Cell::new(None) };
}

/// Makes `listener` receive what the console receives and sends.
pub(crate) fn listen_to_console(listener: Listener) -> bool {
    LISTENER.set(Some(listener));
    if !hosted::simulated::is_simulated() {
        hosted::take_keys();
    }
    true
}

/// Writes to the standard output, and returns the number of bytes written.
pub(crate) fn send_to_console(bytes: &[u8]) -> usize {
    terminal().write(bytes)
}

/// Returns true: the standard output takes everything at once.
pub(crate) fn console_is_idle() -> bool {
    true
}

/// Ends the process with `status`.
pub(crate) fn off(status: u8) -> ! {
    // SAFETY: the driver has no state.
    unsafe { Exit::new(&()) }.off(status);
    unreachable!("the process has ended")
}

/// Starts the program again, in the same process.
pub(crate) fn reset() -> ! {
    // SAFETY: the driver has no state.
    unsafe { Exit::new(&()) }.reset();
    unreachable!("the process has ended")
}

/// Lets the devices do what they can. While a task waits for one without the event loop, nothing else
/// does.
pub(crate) fn serve_devices() {
    let _ = hosted::is_pending();
}

/// The interrupt lines and the timer, for the event loop.
pub(crate) struct Machine {
    lines: Lines,
}

impl Machine {
    /// Starts the interrupt lines.
    pub(crate) fn start() -> Self {
        // SAFETY: the state is the thread's, and each access to it is complete in itself.
        let mut lines = unsafe { Lines::new(&()) };
        lines.initialize();
        lines.enable(Interrupt::level(hosted::TIMER));
        lines.enable(Interrupt::level(hosted::CONSOLE));
        Self { lines }
    }

    /// Returns the interrupt lines, to set up those of devices.
    pub(crate) fn controller(&mut self) -> &mut Lines {
        &mut self.lines
    }
}

impl event_loop::Machine for Machine {
    const PENDING_FOLLOWS_LINE: bool = Lines::PENDING_FOLLOWS_LINE;

    fn now(&self) -> u64 {
        now()
    }

    fn interrupt_pending(&self) -> bool {
        hosted::is_pending()
    }

    fn serve_interrupt(&mut self, mut device: impl FnMut(u32) -> bool) -> Option<u32> {
        let number = self.lines.claim()?;
        let mut is_masked = false;
        match number {
            hosted::TIMER => clock().set_deadline(None),
            hosted::CONSOLE => serve_console(),
            _ => is_masked = device(number),
        }
        self.lines.complete(number);
        if is_masked {
            self.lines.disable(number);
        }
        Some(number)
    }

    fn enable(&mut self, interrupt: Interrupt) {
        self.lines.enable(interrupt);
    }

    fn sleep_until(&mut self, deadline: u64) {
        clock().set_deadline(Some(deadline).filter(|deadline| *deadline != NEVER));
        hosted::wait();
    }
}

/// Stores what the terminal has received.
pub(crate) fn serve_console() {
    let listener = LISTENER.get().unwrap_or(|_| {});
    let mut terminal = terminal();
    while let Some(byte) = terminal.read() {
        listener(Some(byte));
    }
    terminal.notify_when_writable(false);
    listener(None);
}
