//! What the generator writes for every board, and the kernel reads.
//!
//! `generated/<board>/board.rs` implements [`Board`] once. `P` is the processor: the type in
//! `kernel::arch` that implements whatever processor traits the board's drivers ask for, so that a
//! board whose drivers do not fit the processor is an error of the compiler too.

mod table;

pub use table::{Line, Table};

use crate::address::{PhysicalAddress, Range};
use crate::attestation::Fact;
use crate::console::Console;
use crate::interrupt::{Interrupt, InterruptController};
use crate::pci::ConfigurationSpace;
use crate::power::Power;
use crate::rtc::Clock;
use crate::timer::Timer;
use crate::virtio::transport::Transport;

/// A device that is there because the description says so.
pub trait Driver: Sized {
    /// What the description says of it.
    type Config: 'static;

    /// Takes charge of the device.
    ///
    /// # Safety
    ///
    /// `config` must describe a device that is really there and that nothing else drives.
    unsafe fn new(config: &Self::Config) -> Self;

    /// The same device at another address: what firmware says where the description is wrong about
    /// it. `None` where the device is not reached through memory.
    #[must_use]
    fn moved(_config: &Self::Config, _base: PhysicalAddress) -> Option<Self::Config> {
        None
    }
}

/// Everything that is known of a board before it starts.
pub trait Board<P> {
    /// The name of its description.
    const NAME: &'static str;
    /// What it is, for a person.
    const TITLE: &'static str;
    /// What is where.
    const MEMORY: MemoryMap;
    /// The interrupt lines that are spoken for.
    const INTERRUPTS: &'static [Line];

    /// The interrupt controller's driver.
    type InterruptController: InterruptController + Driver;
    /// Where the interrupt controller is.
    const INTERRUPT_CONTROLLER: <Self::InterruptController as Driver>::Config;

    /// The driver of the clock and of the next deadline.
    type Timer: Timer + Driver;
    /// Which timer.
    const TIMER: <Self::Timer as Driver>::Config;
    /// What the timer raises.
    const TIMER_INTERRUPT: Interrupt;

    /// The driver of the console that the log goes to.
    type Console: Console + Driver;
    /// Where the console is.
    const CONSOLE: <Self::Console as Driver>::Config;
    /// What the console raises, if it is wired.
    const CONSOLE_INTERRUPT: Option<Interrupt>;

    /// How the machine is stopped.
    type Power: Power + Driver;
    /// By which means.
    const POWER: <Self::Power as Driver>::Config;

    /// The driver of the clock that tells the time of day.
    type Rtc: Clock + Driver;
    /// Where it is, where the board has one.
    const RTC: Option<<Self::Rtc as Driver>::Config>;

    /// The virtio-mmio slots, where the board has any.
    const VIRTIO_MMIO: Option<VirtioMmio>;
    /// How the registers of PCI functions are reached.
    type PciConfiguration: ConfigurationSpace + Driver;
    /// Where they are.
    const PCI_CONFIGURATION: Option<<Self::PciConfiguration as Driver>::Config>;
    /// The PCI host bridge, where the board has one.
    const PCI: Option<PciHostBridge>;
    /// The transports of virtio devices, which is one or two: an
    /// [`AnyTransport`](crate::virtio::transport::AnyTransport) of those that the board has.
    type VirtioTransport: Transport;

    /// What the firmware's own tables should say of all this.
    const ATTESTATION: &'static [Fact];
}

/// A board's memory, as described.
#[derive(Clone, Copy, Debug)]
pub struct MemoryMap {
    /// RAM, ascending. How much there really is comes from the firmware where it tells.
    pub ram: &'static [Ram],
    /// RAM that must be left alone, ascending.
    pub reserved: &'static [Region],
    /// Device registers and windows, ascending.
    pub mmio: &'static [Region],
}

/// A range of RAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ram {
    /// The key in the description that it comes from.
    pub key: &'static str,
    /// Its first address.
    pub base: PhysicalAddress,
    /// Its length in bytes when QEMU is started as described, 0 where it is there only in a machine
    /// with more memory; where a firmware table tells the true length, that one holds.
    pub expected_size: u64,
    /// Whether the description states the length, so that another one contradicts it.
    pub size_is_stated: bool,
}

/// A range of addresses with a purpose.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// The key in the description that it comes from.
    pub key: &'static str,
    /// Where it is, as the processor addresses it.
    pub range: Range,
    /// Where it really begins: another address only for what a processor cannot address where it is.
    pub physical: PhysicalAddress,
}

impl Region {
    /// The `size` bytes at `base`, claimed by `key`.
    #[must_use]
    pub const fn at(key: &'static str, base: u64, size: u64) -> Self {
        Self::seen_at(key, base, size, base)
    }

    /// The same, which the processor is to address at `seen` instead.
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

/// A row of equal virtio-mmio slots, each empty or holding one device.
#[derive(Clone, Copy, Debug)]
pub struct VirtioMmio {
    /// The registers of slot 0.
    pub base: PhysicalAddress,
    /// From one slot's registers to the next one's, in bytes.
    pub stride: u64,
    /// How many slots there are.
    pub count: u32,
    /// What slot 0 raises; slot n raises this number plus n.
    pub first_interrupt: Interrupt,
}

/// A PCI host bridge.
#[derive(Clone, Copy, Debug)]
pub struct PciHostBridge {
    /// Who has assigned the BARs when the kernel starts.
    pub bars: BarAssignment,
    /// Where 32-bit memory BARs may be placed.
    pub memory32: Option<Range>,
    /// Where 64-bit memory BARs may be placed.
    pub memory64: Option<Range>,
    /// What the pins raise; of several entries for a slot the first holds.
    pub pins: &'static [Pins],
    /// Whether messages written by functions on this bridge reach the interrupt controller.
    pub message_interrupts: bool,
}

/// Who assigns the BARs of PCI functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BarAssignment {
    /// Nobody has: the kernel does.
    Kernel,
    /// Firmware has, and its choice stands.
    Firmware,
}

/// What the four pins of some slots raise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pins {
    /// The first of the slots.
    pub first_slot: u8,
    /// The last of them.
    pub last_slot: u8,
    /// Four lines.
    pub lines: [Interrupt; 4],
    /// Which pin has which.
    pub wiring: PinWiring,
}

/// Which of four lines a pin raises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinWiring {
    /// Pin p (INTA = 0) of slot s raises the line `(s + p) % 4`.
    Rotated,
    /// Pin p raises the line p, whatever the slot.
    Straight,
}

impl Pins {
    /// Of every slot: `first` and the three lines after it, rotated.
    #[must_use]
    pub const fn rotated_from(first: Interrupt) -> Self {
        Self::rotated([first, first.after(1), first.after(2), first.after(3)])
    }

    /// Of every slot: `lines`, rotated.
    #[must_use]
    pub const fn rotated(lines: [Interrupt; 4]) -> Self {
        Self {
            first_slot: 0,
            last_slot: 31,
            lines,
            wiring: PinWiring::Rotated,
        }
    }

    /// Of the slots from `first_slot` to `last_slot`: `lines`, the same for each.
    #[must_use]
    pub const fn straight(first_slot: u8, last_slot: u8, lines: [Interrupt; 4]) -> Self {
        Self {
            first_slot,
            last_slot,
            lines,
            wiring: PinWiring::Straight,
        }
    }

    /// What pin `pin` (INTA = 0) of slot `slot` raises, where it is one of these slots.
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
