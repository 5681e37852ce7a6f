//! Compares the state in which the machine enters the kernel: the processor's width, its exception
//! level, and whether firmware assigned the BARs.

use super::Comparison;
use crate::board::{Architecture, BarAssignment, ExceptionLevel, PageTables};
use crate::diagnostic::{Code, Diagnostic};
use crate::language::Located;
use crate::machine::processors::has_extensions;
use crate::part::expect::Part;

impl Comparison<'_> {
    /// Compares the processor with the board's architecture and exception level.
    pub(super) fn processor(&mut self) {
        if !self.width() {
            return;
        }
        self.descriptors();
        let around = self.description.surroundings();
        let architecture = around.architecture().map(|one| one.value);
        let (Some(there), Some(architecture)) = (self.facts.exception_level, architecture) else {
            return;
        };
        let stated = around.exception_level();
        let described = match (stated, architecture) {
            (Some(stated), _) => stated.value,
            (None, Architecture::Arm) => ExceptionLevel::Svc,
            (None, _) => ExceptionLevel::El1,
        };
        if there == described || there.architecture() != architecture {
            return;
        }
        let Some(loader) = around.loader.map(|loader| loader.place().clone()) else {
            return;
        };
        let (word, title) = (
            there.word(),
            format!("the machine enters the kernel in {there}"),
        );
        self.problems.report(match stated {
            Some(Located { at, .. }) => Diagnostic::new(Code::MachineProperty, *at, title)
                .label(format!("described as {described}"))
                .write(format!("\"{word}\"")),
            None => Diagnostic::new(Code::MachineProperty, loader.at, title)
                .label(format!("without `exception-level`, {described}"))
                .add(&loader.path, format!("exception-level = \"{word}\"")),
        });
    }

    /// Compares the width of the registers, and returns whether it agrees.
    fn width(&mut self) -> bool {
        let identity = self.description.board.value();
        let architecture = identity.and_then(|board| board.architecture.value());
        let (Some(architecture), Some(there)) = (architecture, self.facts.width) else {
            return true;
        };
        let wanted = match architecture {
            Architecture::Aarch64 | Architecture::X86_64 | Architecture::Riscv64 => 64,
            Architecture::Arm
            | Architecture::ArmV6M
            | Architecture::ArmV7M
            | Architecture::ArmV8M
            | Architecture::Riscv32 => 32,
        };
        let qemu = self.description.qemu.value();
        let cpu = qemu.and_then(|qemu| qemu.cpu.get());
        let Some(cpu) = cpu.filter(|_| there != wanted) else {
            return true;
        };
        let title = format!("the machine's processor has {there} bits");
        self.problems.report(
            Diagnostic::new(Code::MachineProperty, cpu.at, title)
                .label(format!(
                    "an image for {architecture} needs one with {wanted} bits"
                ))
                .help(format!(
                    "write the name of another processor: `qemu-system-{architecture} -machine \
                     {} -cpu help` lists them",
                    qemu.and_then(|qemu| qemu.machine.value())
                        .map_or("...", |machine| machine
                            .0
                            .split(',')
                            .next()
                            .unwrap_or("..."))
                )),
        );
        false
    }

    /// Compares the format of the translation tables with the processor: without the right one, the
    /// kernel runs with the MMU off.
    fn descriptors(&mut self) {
        let identity = self.description.board.value();
        let architecture = identity.and_then(|board| board.architecture.value());
        let memory = self.description.memory.value();
        let tables = memory.and_then(|memory| memory.page_tables.value());
        let is_long = tables == Some(&PageTables::Long);
        let lacks = |name: &&String| !has_extensions(name);
        let qemu = self.description.qemu.value();
        let cpu = qemu.and_then(|qemu| qemu.cpu.get());
        let (Some(cpu), Some(there)) = (cpu, self.facts.processor.as_ref().filter(lacks)) else {
            return;
        };
        // Otherwise the checks report it.
        let is_unstated = has_extensions(&cpu.value.0);
        if architecture == Some(&Architecture::Arm) && is_long && is_unstated {
            let title = format!("the machine's processor, {there}, has no long descriptors");
            self.problems.report(
                Diagnostic::new(Code::MachineProperty, cpu.at, title)
                    .label("needs short ones; otherwise the MMU and the caches stay off")
                    .add("memory", "page-tables = \"short\""),
            );
        }
    }

    /// Reports a part that needs an extension which no hart of a RISC-V machine has.
    pub(super) fn extension(&mut self, part: &Part, name: &str) {
        let sets = self
            .facts
            .devices
            .iter()
            .filter_map(|device| device.word("riscv,isa"));
        let sets: Vec<&str> = sets.collect();
        let has_it = |set: &&str| set.split('_').skip(1).any(|one| one == name);
        if sets.is_empty() || sets.iter().any(has_it) {
            return;
        }
        let title = format!(
            "the machine's harts do not have what `{}` needs",
            part.path()
        );
        self.problems.report(
            Diagnostic::new(Code::MachineProperty, part.place.at, title)
                .label(format!("needs the extension {name}"))
                .note(format!("`riscv,isa` of a hart is \"{}\"", sets[0]))
                .help("describe another timer, or a processor that has the extension"),
        );
    }

    /// Compares who assigns the BARs.
    pub(super) fn bars(&mut self, bars: &Located<BarAssignment>) {
        if bars.value != BarAssignment::Firmware || self.facts.bars_assigned != Some(false) {
            return;
        }
        let title = "no firmware of the machine assigns BARs";
        self.problems.report(
            Diagnostic::new(Code::MachineProperty, bars.at, title)
                .label("PCI devices would have no addresses")
                .write("\"kernel\""),
        );
    }
}
