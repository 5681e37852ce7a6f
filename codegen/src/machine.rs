//! The facts about a machine: from QEMU's memory tree; from the device tree if it has one;
//! otherwise from QEMU's list of devices and from firmware's tables. Devices are identified by
//! their kind (`compatible`) and their address, never by the names of nodes.

pub mod acpi;
pub mod device;
pub mod device_tree;
pub mod memory_tree;
pub mod models;
pub mod processors;

use crate::board::{ExceptionLevel, Range};
use device::Device;
use device_tree::DeviceTree;
use memory_tree::{MemoryTree, Region, RegionKind};

/// The facts about a machine.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The source of the facts, such as "QEMU 7.2.22".
    pub teller: String,
    /// The address ranges that the processor can access.
    pub tree: MemoryTree,
    /// The RAM that firmware reports; empty if only the memory tree is known.
    pub ram: Vec<Range>,
    /// The RAM of the same machine with more memory than fits below 4 GiB, if firmware's tables
    /// contain its ranges.
    pub more_ram: Vec<Range>,
    /// The devices of the machine.
    pub devices: Vec<Device>,
    /// Four interrupt lines, of which pin p of PCI slot s raises number (s + p) % 4; `None` unless
    /// firmware configures them.
    pub intx_lines: Option<[u32; 4]>,
    /// The interrupts of pins A to D of PCI slots; empty unless each slot has its own wiring.
    pub slot_lines: Vec<(u32, [u32; 4])>,
    /// The frequency of the processor's own counter in Hz, if it is known.
    pub timebase: Option<u64>,
    /// The `compatible` strings of the device tree's root.
    pub compatible: Vec<String>,
    /// The address of the device of standard output.
    pub console: Option<u64>,
    /// QEMU's name of the first processor, as for `-cpu`: a machine may ignore the one it is given.
    pub processor: Option<String>,
    /// The width of the processor's registers in bits.
    pub width: Option<u32>,
    /// The exception level or mode in which an Arm processor enters the kernel.
    pub exception_level: Option<ExceptionLevel>,
    /// Whether firmware assigns addresses to PCI functions before the kernel starts.
    pub bars_assigned: Option<bool>,
}

impl Facts {
    /// Returns whether the machine has tables that tell interrupts and frequencies: a device tree
    /// or those of ACPI.
    #[must_use]
    pub fn has_tables(&self) -> bool {
        let mut devices = self.devices.iter();
        devices.any(|device| device.is_of_tree() || device.is_of_acpi())
    }

    /// Adds the content of a device tree.
    #[must_use]
    pub fn with_tree(self, tree: &DeviceTree) -> Self {
        Self {
            ram: tree.memory(),
            devices: tree.devices(),
            timebase: tree.timebase(),
            compatible: tree.compatible(),
            console: tree.console(),
            ..self
        }
    }

    /// Derives the memory tree from the devices, if there is none.
    #[must_use]
    pub fn with_memory(mut self) -> Self {
        if self.tree.memory.is_empty() {
            let devices = self.devices.iter().flat_map(|device| {
                let name = device.kinds.first().cloned().unwrap_or_default();
                let regions = device.regions().map(move |range| (range, name.clone()));
                regions.map(|(range, name)| Region {
                    range,
                    kind: RegionKind::Device,
                    name,
                })
            });
            let ram = self.ram.iter().map(|range| Region {
                range: *range,
                kind: RegionKind::Ram,
                name: "RAM".to_owned(),
            });
            self.tree.memory = devices.chain(ram).collect();
            self.tree.memory.sort_by_key(|region| region.range);
        }
        self
    }

    /// Returns whether the device tree or another source contains devices: some trees only contain
    /// memory and processors.
    pub fn tells_of_devices(&self) -> bool {
        let mut registers = self.devices.iter().flat_map(|device| &device.registers);
        registers.any(Option::is_some)
    }

    /// Returns the region of memory that contains an address.
    pub(crate) fn region_at(&self, address: u64) -> Option<&Region> {
        let holds = |region: &&Region| contains(region.range, address);
        self.tree.memory.iter().find(holds)
    }

    /// Returns the addresses of interrupt controllers, and of those that have the same inputs: a
    /// domain of an APLIC also receives the sources of the domains below it, unless it delegates
    /// them (RISC-V AIA 1.0, 4.2).
    pub(crate) fn with_children(&self, controllers: &[u64]) -> Vec<u64> {
        let mut found = controllers.to_vec();
        let mut next = 0;
        while let Some(base) = found.get(next).copied() {
            next += 1;
            let parents = self.devices.iter().filter(|one| one.base() == Some(base));
            let handles = parents.filter_map(|parent| parent.number("riscv,children"));
            for handle in handles {
                let is_it = |device: &&Device| device.number("phandle") == Some(handle);
                let children = self.devices.iter().filter(is_it);
                let children = children.filter_map(Device::base);
                let new: Vec<u64> = children.filter(|child| !found.contains(child)).collect();
                found.extend(new);
            }
        }
        found
    }

    /// Returns the machine with the inputs of further interrupt controllers numbered from the number
    /// of each on: an equal number of two controllers is another interrupt.
    pub(crate) fn numbered(&self, further: &[(u64, u32)]) -> Self {
        let all = further.iter().flat_map(|(base, first)| {
            let devices = self.with_children(&[*base]).into_iter();
            devices.map(|base| (base, *first))
        });
        let all: Vec<(u64, u32)> = all.collect();
        let first = |controller: Option<u64>| {
            let owner = controller.and_then(|owner| all.iter().find(|(base, _)| *base == owner));
            owner.map_or(0, |(_, first)| *first)
        };
        let mut facts = self.clone();
        for device in &mut facts.devices {
            for (interrupt, owner) in device.interrupts.iter_mut().zip(&device.controllers) {
                *interrupt = interrupt.map(|number| number.saturating_add(first(*owner)));
            }
            if let Some(bridge) = &mut device.bridge {
                let owner = bridge.pins.first().and_then(|pin| pin.controller);
                bridge.intx = bridge.intx.map(|line| line.saturating_add(first(owner)));
                for pin in &mut bridge.pins {
                    pin.interrupt = pin.interrupt.saturating_add(first(pin.controller));
                }
            }
        }
        facts
    }

    /// Returns a description of what is at an address.
    pub(crate) fn describe(&self, address: u64) -> Option<String> {
        let holds = |device: &&Device| {
            let registers = device.registers.iter().flatten();
            registers.into_iter().any(|range| contains(*range, address))
        };
        let device = self.devices.iter().find(holds);
        let kind = device.and_then(|device| device.kinds.first());
        let name = || self.region_at(address).map(|region| &region.name);
        kind.or_else(name).cloned()
    }
}

/// Returns whether a range contains an address.
pub(crate) fn contains(range: Range, address: u64) -> bool {
    address
        .checked_sub(range.base)
        .is_some_and(|offset| offset < range.size)
}

/// Returns whether two ranges share an address.
pub(crate) fn overlap(one: Range, other: Range) -> bool {
    contains(one, other.base) || contains(other, one.base)
}
