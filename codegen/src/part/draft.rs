//! A machine without a board file, as the bindings see it during import.

use super::Inputs;
use super::section::Section;
use crate::board::{Architecture, Msi, Range};
use crate::language::scalar::example;
use crate::language::schema::Root;
use crate::language::{Frequency, Size, hexadecimal};
use crate::machine::Facts;
use crate::machine::device::Device;

/// The input of an import.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The board's name.
    pub name: String,
    /// The processor's architecture.
    pub architecture: Architecture,
    /// QEMU's options, if they are known.
    pub qemu: Option<QemuOrigin>,
    /// The source of the description, for the comment at the start of the file.
    pub from: String,
}

/// The options of QEMU for this board.
#[derive(Clone, Debug)]
pub struct QemuOrigin {
    /// The value of QEMU's option `-machine`.
    pub machine: String,
    /// The value of QEMU's option `-cpu`.
    pub cpu: String,
    /// The value of QEMU's option `-m`, in bytes.
    pub memory: u64,
    /// Further arguments of QEMU.
    pub arguments: Vec<String>,
    /// The version of QEMU, such as "7.2".
    pub version: Option<String>,
}

/// The arguments with which QEMU starts the kernel itself, without firmware.
pub(crate) const NO_FIRMWARE: [&str; 2] = ["-bios", "none"];

/// The machine that the bindings import from.
pub struct Machine<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) facts: &'a Facts,
    pub(crate) root: &'static Root,
    /// The inputs of the interrupt controller; empty until the controller has been imported.
    pub(crate) inputs: Vec<Inputs>,
    /// How the interrupt controller delivers messages, once that is known.
    pub(crate) messages: Option<Msi>,
}

impl Machine<'_> {
    /// Returns the first device with one of these kinds.
    pub(crate) fn find(&self, kinds: &[&str]) -> Option<&Device> {
        self.facts.devices.iter().find(|device| device.is(kinds))
    }

    /// Returns all devices with one of these kinds, ascending by address.
    pub(crate) fn all(&self, kinds: &[&str]) -> Vec<&Device> {
        let devices = self.facts.devices.iter();
        let mut found: Vec<&Device> = devices.filter(|device| device.is(kinds)).collect();
        found.sort_by_key(|device| device.base());
        found
    }

    /// Returns the device with one of these kinds that a PCI host bridge sends its messages to, or else
    /// the first one with such a kind.
    pub(crate) fn receiver_of_messages(&self, kinds: &[&str]) -> Option<&Device> {
        let all = self.all(kinds);
        let bridges = self.facts.devices.iter();
        let mut named = bridges.filter_map(|device| device.bridge.as_ref()?.messages);
        let named = named.find_map(|base| all.iter().find(|one| one.base() == Some(base)));
        named.or(all.first()).copied()
    }

    /// Adds a key whose value is an input of the interrupt controller, numbered in its interrupt
    /// space.
    pub(crate) fn interrupt(&self, section: Section, key: &str, number: u32) -> Section {
        let place = self.inputs.iter().find_map(|inputs| {
            let offset = number.checked_sub(inputs.first)?;
            (offset < inputs.count).then(|| inputs.space.written(offset))
        });
        match place {
            Some(written) => section.line(key, written),
            None => self.unknown_interrupt(section, key),
        }
    }

    fn unknown_interrupt(&self, section: Section, key: &str) -> Section {
        section.todo(
            key,
            &example(self.root, Some(self.origin.architecture), "1"),
            "the input of the interrupt controller: see the interrupt map in the manual",
        )
    }

    /// Returns whether the machine has a device tree or ACPI tables. Without them, only QEMU's
    /// memory tree and its list of devices are known.
    pub(crate) fn has_tables(&self) -> bool {
        !self.facts.compatible.is_empty() || self.facts.has_tables()
    }

    /// Adds the key `interrupt`, if the device has an interrupt.
    pub(crate) fn own_interrupt(&self, section: Section, device: &Device) -> Section {
        match device.interrupts.first().copied().flatten() {
            Some(interrupt) => self.interrupt(section, "interrupt", interrupt),
            // QEMU's list of devices does not tell their interrupts.
            None if !self.has_tables() => self.unknown_interrupt(section, "interrupt"),
            None => section,
        }
    }

    /// Adds the keys `base` and `size` of a device with one range of registers. `size` is left out
    /// if it equals `usual`.
    pub(crate) fn registers(&self, section: Section, device: &Device, usual: u64) -> Section {
        let Some(registers) = device.registers.first().copied().flatten() else {
            return section.todo(
                "base",
                "0x1000_0000",
                "the address of its registers: see the memory map",
            );
        };
        let size = Some(registers.size).filter(|size| *size != usual);
        section
            .line("base", hexadecimal(registers.base))
            .optional("size", size.map(|size| Size(size).written()))
    }

    /// Adds the key `clock`, or a TODO if the frequency is unknown.
    pub(crate) fn clock(&self, section: Section, device: &Device) -> Section {
        match device.clock {
            Some(clock) => section.line("clock", Frequency(clock).written()),
            None => section.todo(
                "clock",
                "\"24 MHz\"",
                "the frequency of its reference clock: see the clock tree in the manual",
            ),
        }
    }

    /// Returns the address that is `offset` bytes after the start of RAM.
    pub(crate) fn in_ram(&self, offset: u64) -> Option<u64> {
        let ram = self.facts.ram.iter().map(|range| range.base).min();
        ram?.checked_add(offset)
    }

    /// Returns the range up to the end of its last region that responds; the whole range if that is
    /// unknown.
    pub(crate) fn answering(&self, range: Range) -> Range {
        let regions = self.facts.tree.memory.iter();
        let ends = regions
            .filter(|region| range.base <= region.range.base)
            .map(|region| region.range.base - range.base + region.range.size)
            .filter(|end| *end <= range.size);
        Range {
            base: range.base,
            size: ends.max().unwrap_or(range.size),
        }
    }

    /// Returns whether QEMU's machine has an option, such as `secure=on`.
    pub(crate) fn has_option(&self, option: &str) -> bool {
        let qemu = self.origin.qemu.as_ref();
        qemu.is_some_and(|qemu| qemu.machine.split(',').any(|given| given == option))
    }

    /// Returns whether the machine has one processor, which is QEMU's default.
    pub(crate) fn has_one_processor(&self) -> bool {
        let qemu = self.origin.qemu.as_ref();
        qemu.is_some_and(|qemu| qemu.arguments.iter().all(|word| word != "-smp"))
    }

    /// Returns whether the kernel can address a range.
    pub(crate) fn reaches(&self, range: Range) -> bool {
        let is_narrow = matches!(
            self.origin.architecture,
            Architecture::Arm
                | Architecture::ArmV6M
                | Architecture::ArmV7M
                | Architecture::ArmV8M
                | Architecture::Riscv32
        );
        let end = range.base.checked_add(range.size);
        !is_narrow || end.is_some_and(|end| end <= 1 << 32)
    }

    /// Whether the processor is a PC's.
    pub(crate) fn is_pc(&self) -> bool {
        self.origin.architecture == Architecture::X86_64
    }

    /// Returns whether the processor is that of a microcontroller, which no loader starts.
    pub(crate) fn is_microcontroller(&self) -> bool {
        self.origin.architecture.is_m_profile()
    }

    /// Returns the address of a microcontroller's vector table out of reset: QEMU's property, or
    /// that of most microcontrollers.
    pub(crate) fn vector_table(&self) -> u64 {
        let processor = self.find(&["armv7m"]);
        let base = processor.and_then(|processor| processor.number("init-svtor"));
        base.unwrap_or_default().into()
    }

    /// Returns whether the processor is an Arm one.
    pub(crate) fn is_arm(&self) -> bool {
        matches!(
            self.origin.architecture,
            Architecture::Aarch64
                | Architecture::Arm
                | Architecture::ArmV6M
                | Architecture::ArmV7M
                | Architecture::ArmV8M
        )
    }

    /// Returns whether firmware starts the kernel. QEMU has firmware by default.
    pub(crate) fn has_firmware(&self) -> bool {
        let mut words = self.origin.qemu.iter();
        let is_none = words.any(|qemu| qemu.arguments.windows(2).any(|pair| pair == NO_FIRMWARE));
        self.is_risc_v() && !is_none
    }

    /// Returns whether to leave room for firmware before the image.
    pub(crate) fn takes_firmware(&self) -> bool {
        !self.has_firmware() && self.origin.architecture == Architecture::Riscv32
    }

    /// Returns whether the processor is a RISC-V one.
    pub(crate) fn is_risc_v(&self) -> bool {
        matches!(
            self.origin.architecture,
            Architecture::Riscv64 | Architecture::Riscv32
        )
    }
}

/// Returns the n-th register range of a device.
pub(crate) fn register(device: &Device, nth: usize) -> Option<Range> {
    device.registers.get(nth).copied().flatten()
}

/// Formats a range as `{ base = ..., size = ... }`.
pub(crate) fn block(range: Range) -> String {
    let (base, size) = (hexadecimal(range.base), Size(range.size).written());
    format!("{{ base = {base}, size = {size} }}")
}
