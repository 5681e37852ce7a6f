//! The interface between the generated code of a board and the kernel.
//!
//! `generated/<board>/board.rs` implements [`Board`]. `P` is the processor: the type in
//! `kernel::arch` that implements the processor traits of the board's drivers, so a driver that
//! does not fit the processor is a compile error.

mod table;

pub use table::{Line, Table};

use crate::address::{PhysicalAddress, Range};
use crate::attestation::Fact;
use crate::console::Console;
use crate::ethernet::Ethernet;
use crate::interrupt::{Interrupt, InterruptController};
use crate::pci::ConfigurationSpace;
use crate::power::Power;
use crate::rtc::Clock;
use crate::timer::Timer;
use crate::virtio::transport::Transport;

/// A device that is present because the board file describes it.
pub trait Driver: Sized {
    /// The configuration of the device in `board.rs`, derived from the board file.
    type Config: 'static;

    /// Takes over the device, which may be in any state.
    ///
    /// # Safety
    ///
    /// `config` must describe a device that is present and that nothing else drives.
    unsafe fn new(config: &Self::Config) -> Self;

    /// Returns a driver for the same device at another address, used if firmware's tables
    /// contradict the board file. `None` if the device is not memory-mapped.
    #[must_use]
    fn moved(_config: &Self::Config, _base: PhysicalAddress) -> Option<Self::Config> {
        None
    }
}

/// Everything that the kernel knows about a board at build time.
pub trait Board<P> {
    /// The name of the board file, without extension.
    const NAME: &'static str;
    /// The title of the board for display.
    const TITLE: &'static str;
    /// The memory map of the board.
    const MEMORY: MemoryMap;
    /// Whether the translation tables have short descriptors (`memory.page-tables`), for a 32-bit
    /// Arm processor without the large physical address extension.
    const SHORT_DESCRIPTORS: bool = false;
    /// The size of the heap in bytes (`memory.heap`); `None` if it gets the rest of RAM.
    const HEAP: Option<u64> = None;
    /// The claimed interrupt lines, ascending.
    const INTERRUPTS: &'static [Line];

    /// The interrupt controller's driver.
    type InterruptController: InterruptController + Driver;
    /// The configuration of the interrupt controller.
    const INTERRUPT_CONTROLLER: <Self::InterruptController as Driver>::Config;

    /// The driver of the clock and its deadline.
    type Timer: Timer + Driver;
    /// The configuration of the timer.
    const TIMER: <Self::Timer as Driver>::Config;
    /// The timer's interrupt.
    const TIMER_INTERRUPT: Interrupt;

    /// The driver of the console, which prints the log.
    type Console: Console + Driver;
    /// The configuration of the console.
    const CONSOLE: <Self::Console as Driver>::Config;
    /// The console's interrupt; `None` if it is not wired.
    const CONSOLE_INTERRUPT: Option<Interrupt>;
    /// The interrupt of the console's transmitter, if it differs from `CONSOLE_INTERRUPT`.
    const CONSOLE_TRANSMIT_INTERRUPT: Option<Interrupt> = None;
    /// The size of the buffer for output that the console has not accepted yet, in bytes: a power of
    /// two (`memory.console-buffer`).
    const CONSOLE_BUFFER: usize = 8192;

    /// The driver that powers off and resets the machine.
    type Power: Power + Driver;
    /// The configuration of the driver that powers off and resets the machine.
    const POWER: <Self::Power as Driver>::Config;

    /// The driver of the real-time clock.
    type Rtc: Clock + Driver;
    /// The configuration of the real-time clock; `None` if the board has none.
    const RTC: Option<<Self::Rtc as Driver>::Config>;

    /// The driver of the Ethernet controller.
    type Ethernet: Ethernet + Driver;
    /// The Ethernet controller; `None` if the board has none.
    const ETHERNET: Option<EthernetPlace<<Self::Ethernet as Driver>::Config>>;

    /// The virtio-mmio slots; `None` if the board has none.
    const VIRTIO_MMIO: Option<VirtioMmio>;
    /// The driver of the PCI configuration space.
    type PciConfiguration: ConfigurationSpace + Driver;
    /// The configuration of the PCI configuration space; `None` if the board has no PCI.
    const PCI_CONFIGURATION: Option<<Self::PciConfiguration as Driver>::Config>;
    /// The PCI host bridge; `None` if the board has none.
    const PCI: Option<PciHostBridge>;
    /// The transports of virtio devices, which is one or two: an
    /// [`AnyTransport`](crate::virtio::transport::AnyTransport) of those that the board has.
    type VirtioTransport: Transport;

    /// The parts that apps drive.
    const PARTS: &'static [Part] = &[];

    /// The names of disks.
    const DISKS: &'static [NamedDevice] = &[];
    /// The names of network devices.
    const NICS: &'static [NamedDevice] = &[];

    /// The values that firmware's tables should contain for this board.
    const ATTESTATION: &'static [Fact];
}

/// A name of a virtio device, with what identifies the device. Any of it may match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedDevice {
    /// The name, the last word of its key in the board file.
    pub name: &'static str,
    /// The hardware address of the network device, as in `52:54:00:12:34:57`, or the serial number of
    /// the disk.
    pub identity: Option<&'static str>,
    /// The number of the device's virtio-mmio slot.
    pub slot: Option<u32>,
    /// The device's place on PCI, as in `00:03.0`.
    pub function: Option<&'static str>,
}

/// The memory map of a board, as described.
#[derive(Clone, Copy, Debug)]
pub struct MemoryMap {
    /// RAM, ascending. Firmware's tables override the sizes.
    pub ram: &'static [Ram],
    /// RAM that must not be used, ascending.
    pub reserved: &'static [Region],
    /// Device registers and address windows, ascending.
    pub mmio: &'static [Region],
}

/// A range of RAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ram {
    /// The key in the board file.
    pub key: &'static str,
    /// The first address of the range.
    pub base: PhysicalAddress,
    /// The size of the range in bytes if QEMU is started as described; 0 if it exists only in a
    /// machine with more memory. Firmware's tables override it.
    pub expected_size: u64,
    /// Whether the board file states the size, so that another size in firmware's tables is a
    /// conflict.
    pub size_is_stated: bool,
}

/// A claimed range of addresses.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// The key in the board file.
    pub key: &'static str,
    /// The range's addresses as seen by the processor.
    pub range: Range,
    /// The range's first address on the bus. It differs from `range` only if the processor cannot
    /// address it there.
    pub physical: PhysicalAddress,
}

impl Region {
    /// Returns the region of `size` bytes at `base`, claimed by `key`.
    #[must_use]
    pub const fn at(key: &'static str, base: u64, size: u64) -> Self {
        Self::seen_at(key, base, size, base)
    }

    /// Returns a region that the processor sees at `seen` instead of `base`.
    #[must_use]
    pub const fn seen_at(key: &'static str, base: u64, size: u64, seen: u64) -> Self {
        Self {
            key,
            range: Range {
                base: PhysicalAddress(seen),
                size,
            },
            physical: PhysicalAddress(base),
        }
    }
}

/// A part that an app drives, with the names that the definition of its kind gives to what it has.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The key in the board file, such as `part.buttons`.
    pub key: &'static str,
    /// The name of the part, the last word of the key.
    pub name: &'static str,
    /// The kind of the part: the name of a file under `parts/`, without `.toml`.
    pub kind: &'static str,
    /// The register ranges of the part.
    pub registers: &'static [(&'static str, Range)],
    /// The interrupts of the part, without those that the board omits.
    pub interrupts: &'static [(&'static str, Interrupt)],
    /// The further values of the part.
    pub values: &'static [(&'static str, u32)],
}

/// An Ethernet controller of the board.
#[derive(Clone, Copy, Debug)]
pub struct EthernetPlace<C> {
    /// The key in the board file, such as `ethernet.lan9118`.
    pub key: &'static str,
    /// The configuration of its driver.
    pub config: C,
    /// The controller's interrupt; `None` if it is not wired, so that the kernel polls it.
    pub interrupt: Option<Interrupt>,
}

/// A series of equal virtio-mmio slots, each empty or with one device.
#[derive(Clone, Copy, Debug)]
pub struct VirtioMmio {
    /// The registers of slot 0.
    pub base: PhysicalAddress,
    /// The distance between slots, in bytes.
    pub stride: u64,
    /// The number of virtio-mmio slots.
    pub count: u32,
    /// The interrupt of slot 0; slot n raises this number plus n.
    pub first_interrupt: Interrupt,
}

/// A PCI host bridge.
#[derive(Clone, Copy, Debug)]
pub struct PciHostBridge {
    /// Who assigns the BARs.
    pub bars: BarAssignment,
    /// The window for 32-bit memory BARs.
    pub memory32: Option<Range>,
    /// The window for 64-bit memory BARs.
    pub memory64: Option<Range>,
    /// The interrupts of the pins. If several entries contain a slot, the first one applies.
    pub pins: &'static [Pins],
    /// Whether the interrupt controller receives messages from functions on this bridge (MSI-X).
    pub message_interrupts: bool,
}

/// Who assigns the BARs of PCI functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BarAssignment {
    /// The kernel assigns them.
    Kernel,
    /// Firmware has assigned the BARs, and the kernel keeps the assignment.
    Firmware,
}

/// The interrupts of the four pins, for a range of slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pins {
    /// The first PCI slot of the range.
    pub first_slot: u8,
    /// The last PCI slot of the range.
    pub last_slot: u8,
    /// The four interrupt lines.
    pub lines: [Interrupt; 4],
    /// How pins map to lines.
    pub wiring: PinWiring,
}

/// How the pins of a slot map to four lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinWiring {
    /// Pin p (INTA = 0) of slot s raises the line `(s + p) % 4`.
    Rotated,
    /// Pin p of every slot raises line p.
    Straight,
}

impl Pins {
    /// Returns the wiring of all slots: line `first` and the three lines after it, rotated by the
    /// slot number.
    #[must_use]
    pub const fn rotated_from(first: Interrupt) -> Self {
        Self::rotated([first, first.after(1), first.after(2), first.after(3)])
    }

    /// Returns the wiring of all slots: `lines`, rotated by the slot number.
    #[must_use]
    pub const fn rotated(lines: [Interrupt; 4]) -> Self {
        Self {
            first_slot: 0,
            last_slot: 31,
            lines,
            wiring: PinWiring::Rotated,
        }
    }

    /// Returns the wiring of the slots from `first_slot` to `last_slot`: `lines`, not rotated.
    #[must_use]
    pub const fn straight(first_slot: u8, last_slot: u8, lines: [Interrupt; 4]) -> Self {
        Self {
            first_slot,
            last_slot,
            lines,
            wiring: PinWiring::Straight,
        }
    }

    /// Returns the interrupt of pin `pin` (INTA = 0) of slot `slot`; `None` if the slot is out of
    /// range.
    #[must_use]
    pub fn line(&self, slot: u8, pin: u8) -> Option<Interrupt> {
        let index = match self.wiring {
            PinWiring::Rotated => usize::from(slot) + usize::from(pin),
            PinWiring::Straight => usize::from(pin),
        };
        (self.first_slot..=self.last_slot)
            .contains(&slot)
            .then(|| self.lines[index % 4])
    }
}
