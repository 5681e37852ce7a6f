//! A machine that nobody has described yet, as the bindings look at it to write their tables.

use super::Inputs;
use super::section::Section;
use crate::board::{Architecture, Msi, Range};
use crate::language::scalar::example;
use crate::language::schema::Root;
use crate::language::{Frequency, Size, hexadecimal};
use crate::machine::Facts;
use crate::machine::device::Device;

/// What to import.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The board's name.
    pub name: String,
    /// The processor.
    pub architecture: Architecture,
    /// QEMU's options, if they are known.
    pub qemu: Option<QemuOrigin>,
    /// The source, for the comment at the top.
    pub from: String,
}

/// The options of QEMU for this board.
#[derive(Clone, Debug)]
pub struct QemuOrigin {
    /// `-machine`
    pub machine: String,
    /// `-cpu`
    pub cpu: String,
    /// `-m`, in bytes.
    pub memory: u64,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Its version, such as "7.2".
    pub version: Option<String>,
}

/// Has QEMU start the kernel itself.
pub(crate) const NO_FIRMWARE: [&str; 2] = ["-bios", "none"];

/// What the bindings look into.
pub struct Machine<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) facts: &'a Facts,
    pub(crate) root: &'static Root,
    /// The inputs of its interrupt controller, once that is known.
    pub(crate) inputs: Vec<Inputs>,
    /// How its interrupt controller delivers messages, once that is known.
    pub(crate) messages: Option<Msi>,
}

impl Machine<'_> {
    /// The first device of these kinds.
    pub(crate) fn find(&self, kinds: &[&str]) -> Option<&Device> {
        self.facts.devices.iter().find(|device| device.is(kinds))
    }

    /// Returns all devices of these kinds, ascending by address.
    pub(crate) fn all(&self, kinds: &[&str]) -> Vec<&Device> {
        let devices = self.facts.devices.iter();
        let mut found: Vec<&Device> = devices.filter(|device| device.is(kinds)).collect();
        found.sort_by_key(|device| device.base());
        found
    }

    /// Adds a key with an input of the interrupt controller, in the number of its space.
    pub(crate) fn interrupt(&self, section: Section, key: &str, number: u32) -> Section {
        let place = self.inputs.iter().find_map(|inputs| {
            let offset = number.checked_sub(inputs.first)?;
            (offset < inputs.count).then(|| (inputs.space.word(), offset))
        });
        match place {
            Some((space, number)) => section.line(key, format!("{{ {space} = {number} }}")),
            None => section.todo(
                key,
                &example(self.root, Some(self.origin.architecture), "1"),
                "the input of the interrupt controller: see the interrupt map in the manual",
            ),
        }
    }

    /// Adds the key `interrupt`, if the device raises one.
    pub(crate) fn own_interrupt(&self, section: Section, device: &Device) -> Section {
        match device.interrupts.first().copied().flatten() {
            Some(interrupt) => self.interrupt(section, "interrupt", interrupt),
            None => section,
        }
    }

    /// The table of a device with registers in one place, whose size is `usual` unless it is said.
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

    /// Adds the key `clock`, or what to look up.
    pub(crate) fn clock(&self, section: Section, device: &Device) -> Section {
        match device.clock {
            Some(clock) => section.line("clock", Frequency(clock).written()),
            None => section.todo(
                "clock",
                "\"24 MHz\"",
                "the reference clock of the UART: see the clock tree in the manual",
            ),
        }
    }

    /// Where RAM begins, and this many bytes later.
    pub(crate) fn in_ram(&self, offset: u64) -> Option<u64> {
        let ram = self.facts.ram.iter().map(|range| range.base).min();
        ram?.checked_add(offset)
    }

    /// Returns the part of a range that responds, if that is smaller.
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

    /// Returns whether QEMU gives the machine one processor, which it does unless it is told another
    /// number.
    pub(crate) fn has_one_processor(&self) -> bool {
        let qemu = self.origin.qemu.as_ref();
        qemu.is_some_and(|qemu| qemu.arguments.iter().all(|word| word != "-smp"))
    }

    /// Returns whether the kernel can address a range.
    pub(crate) fn reaches(&self, range: Range) -> bool {
        let is_narrow = matches!(
            self.origin.architecture,
            Architecture::Arm | Architecture::Riscv32
        );
        let end = range.base.checked_add(range.size);
        !is_narrow || end.is_some_and(|end| end <= 1 << 32)
    }

    /// Whether the processor is a PC's.
    pub(crate) fn is_pc(&self) -> bool {
        self.origin.architecture == Architecture::X86_64
    }

    /// Whether the processor is one of Arm's.
    pub(crate) fn is_arm(&self) -> bool {
        matches!(
            self.origin.architecture,
            Architecture::Aarch64 | Architecture::Arm
        )
    }

    /// Returns whether firmware starts the kernel. QEMU has firmware by default.
    pub(crate) fn has_firmware(&self) -> bool {
        let mut words = self.origin.qemu.iter();
        let is_none = words.any(|qemu| qemu.arguments.windows(2).any(|pair| pair == NO_FIRMWARE));
        self.is_risc_v() && !is_none
    }

    /// Returns whether the image leaves room for firmware.
    pub(crate) fn takes_firmware(&self) -> bool {
        !self.has_firmware() && self.origin.architecture == Architecture::Riscv32
    }

    /// Whether the processor is a RISC-V hart.
    pub(crate) fn is_risc_v(&self) -> bool {
        matches!(
            self.origin.architecture,
            Architecture::Riscv64 | Architecture::Riscv32
        )
    }
}

/// The n-th register set of a device.
pub(crate) fn register(device: &Device, nth: usize) -> Option<Range> {
    device.registers.get(nth).copied().flatten()
}

/// `{ base = ..., size = ... }`
pub(crate) fn block(range: Range) -> String {
    let (base, size) = (hexadecimal(range.base), Size(range.size).written());
    format!("{{ base = {base}, size = {size} }}")
}
