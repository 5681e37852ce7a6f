//! The source of an import: a QEMU machine or a device tree.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use vmos_codegen::board::Architecture;
use vmos_codegen::import::{Origin, QemuOrigin};
use vmos_codegen::machine::Facts;
use vmos_codegen::machine::device_tree::DeviceTree;

use super::Arguments;
use super::processor::architecture;
use crate::emulator;
use crate::failure::{Failure, FileError};
use crate::memory_size::MemorySize;
use crate::qemu::files;
use crate::{inspect, install, target};

/// QEMU arguments for starting the kernel without firmware.
pub(super) const NO_FIRMWARE: [&str; 2] = ["-bios", "none"];

/// The amount of memory in MiB, unless the machine takes no such amount.
const USUAL_MEMORY: u64 = 128;

/// A part of QEMU's message about a sound device without an audio driver, and the arguments that
/// give it one; QEMU 8.2 and later.
const NO_AUDIO: &str = "no default audio driver";
const SILENT: [&str; 2] = ["-audio", "none"];

/// QEMU arguments for a PC that can end QEMU with an exit status.
const DEBUG_EXIT: [&str; 2] = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"];

/// The machine to import, and the source of its facts.
pub(super) struct Source {
    pub(super) origin: Origin,
    /// The device tree, if it was given as a file.
    tree: Option<DeviceTree>,
    /// Whether the processor and the amount of memory are given.
    is_given: [bool; 2],
}

impl From<Origin> for Source {
    fn from(origin: Origin) -> Self {
        Self {
            origin,
            tree: None,
            is_given: [true; 2],
        }
    }
}

impl Source {
    /// Parses the arguments.
    pub(super) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        match (&arguments.file, &arguments.qemu_machine) {
            (Some(file), _) => Self::of_file(arguments, file),
            (None, Some(machine)) => Self::of_machine(arguments, machine),
            (None, None) => Err(Failure::usage(
                "a device tree or --qemu-machine is required",
            )),
        }
    }

    fn of_file(arguments: &Arguments, file: &Path) -> Result<Self, Failure> {
        let tree = read(file)?;
        let told = arguments.arch.map(Ok);
        let told = told.unwrap_or_else(|| architecture(&tree.devices()));
        let architecture = told.map_err(|what| {
            let file = file.display();
            Failure::usage(format!(
                "{file} {what}\n  use --arch to select the architecture"
            ))
        })?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let given = arguments.name.clone();
        let origin = Origin {
            name: given.unwrap_or_else(|| board_name(&stem)),
            architecture,
            qemu: None,
            from: format!("the device tree {}", file.display()),
        };
        Ok(Self {
            origin,
            tree: Some(tree),
            is_given: [true; 2],
        })
    }

    fn of_machine(arguments: &Arguments, machine: &str) -> Result<Self, Failure> {
        let Some(architecture) = arguments.arch else {
            return Err(Failure::usage("--qemu-machine needs --arch"));
        };
        // The board resolves paths from the root, wherever it was imported.
        let mut more = files::to_the_root(arguments.qemu_arg.clone());
        // Not every version of QEMU includes firmware for these.
        if architecture == Architecture::Riscv32 && !more.iter().any(|word| word == "-bios") {
            more.extend(NO_FIRMWARE.map(str::to_owned));
        }
        // Its I/O port lets the kernel end QEMU with an exit status.
        if architecture == Architecture::X86_64
            && !more.iter().any(|word| word.starts_with("isa-debug-exit"))
        {
            more.extend(DEBUG_EXIT.map(str::to_owned));
        }
        let memory = arguments
            .memory
            .as_ref()
            .map_or(USUAL_MEMORY, MemorySize::mebibytes);
        let cpu = arguments.cpu.clone();
        let cpu = cpu.unwrap_or_else(|| usual_processor(architecture).to_owned());
        let given = arguments.name.clone();
        let name = given.unwrap_or_else(|| {
            let (kind, options) = machine.split_once(',').unwrap_or((machine, ""));
            board_name(&format!("{kind}-{}-{options}", short(architecture)))
        });
        let origin = Origin {
            name,
            architecture,
            from: format!("QEMU's machine {machine}"),
            qemu: Some(QemuOrigin {
                machine: machine.to_owned(),
                cpu,
                memory: memory << 20,
                arguments: more,
                version: None,
            }),
        };
        Ok(Self {
            origin,
            tree: None,
            is_given: [arguments.cpu.is_some(), arguments.memory.is_some()],
        })
    }

    /// Reads the machine's facts. Adds the version of QEMU to the origin.
    pub(super) fn facts(&mut self) -> Result<Facts, Failure> {
        if let Some(tree) = &self.tree {
            let teller = self.origin.from.clone();
            return Ok(Facts {
                teller,
                ..Facts::default()
            }
            .with_tree(tree)
            .with_memory());
        }
        let Some(qemu) = &mut self.origin.qemu else {
            return Ok(Facts::default());
        };
        let program = target::qemu_program_for(self.origin.architecture);
        install::qemu(&program)?;
        let architecture = self.origin.architecture;
        let undescribed = |qemu: &QemuOrigin| {
            inspect::undescribed(&command(&program, qemu, [true; 2]), architecture)
        };
        let facts = match with_sound(qemu, undescribed) {
            Err(_) if self.is_given != [true; 2] => {
                // The machine may take no processor or no amount of memory but its own.
                let given @ [processor, memory] = self.is_given;
                let usual =
                    with_sound(qemu, |qemu| inspect::usual(&command(&program, qemu, given)))?;
                if let Some(name) = usual.processor.filter(|_| !processor) {
                    qemu.cpu = name;
                }
                if !memory {
                    qemu.memory = usual.memory;
                }
                with_sound(qemu, undescribed)?
            }
            found => found?,
        };
        let version = facts.teller.strip_prefix("QEMU ").and_then(|version| {
            let mut parts = version.split('.');
            Some(format!("{}.{}", parts.next()?, parts.next()?))
        });
        qemu.version = version;
        // Some machines ignore the processor that they are given. A PC takes every one, under names
        // that stand for others.
        if architecture != Architecture::X86_64
            && let Some(there) = &facts.processor
            && qemu.cpu.split(',').next() != Some(there.as_str())
        {
            qemu.cpu.clone_from(there);
        }
        Ok(facts)
    }

    /// Returns what is unknown of a machine that has neither a device tree nor ACPI tables, and how
    /// to provide it.
    pub(super) fn without_tables(&self, facts: &Facts) -> Option<String> {
        let qemu = self.origin.qemu.as_ref()?;
        let is_pc = self.origin.architecture == Architecture::X86_64;
        let is_without = !is_pc && facts.compatible.is_empty() && !facts.has_tables();
        let is_given = qemu.arguments.iter().any(|word| word == "-dtb");
        if is_without && is_given {
            return Some(format!(
                "QEMU's {} does not load the device tree that -dtb gives it: the addresses are from \
                 QEMU's monitor, and interrupts and clocks are unknown\n  the tree may tell them: \
                 cargo xtask import FILE writes what it contains",
                qemu.machine
            ));
        }
        is_without.then(|| {
            format!(
                "QEMU's {} loads no device tree: the addresses are from QEMU's monitor, and interrupts \
                 and clocks are unknown\n  to import them, give the machine the device tree of its \
                 firmware or of Linux: --qemu-arg -dtb --qemu-arg FILE --force",
                qemu.machine
            )
        })
    }
}

/// Returns QEMU's command for a machine. The processor and the amount of memory are left to QEMU
/// unless they are selected.
fn command(program: &str, qemu: &QemuOrigin, [processor, memory]: [bool; 2]) -> Vec<String> {
    let megabytes = format!("{}M", qemu.memory >> 20);
    let mut words = vec!["-machine", &qemu.machine];
    if processor {
        words.extend(["-cpu", &qemu.cpu]);
    }
    if memory {
        words.extend(["-m", &megabytes]);
    }
    words.extend(["-nodefaults", "-display", "none", "-serial", "null"]);
    let arguments = files::from_the_root(qemu.arguments.clone());
    words.extend(arguments.iter().map(String::as_str));
    let mut command = emulator::words(program);
    command.extend(words.into_iter().map(str::to_owned));
    command
}

/// Starts a machine; if QEMU asks for an audio driver, again with one that plays nothing.
fn with_sound<T>(
    qemu: &mut QemuOrigin,
    start: impl Fn(&QemuOrigin) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match start(qemu) {
        Err(error) if error.to_string().contains(NO_AUDIO) => {
            qemu.arguments.extend(SILENT.map(str::to_owned));
            start(qemu)
        }
        other => other,
    }
}

/// Reads a blob, or compiles source text to one.
fn read(file: &Path) -> Result<DeviceTree, Failure> {
    let is_text = file.extension().is_some_and(|extension| extension == "dts");
    let blob = if is_text {
        install::device_tree_compiler()?;
        let output = Command::new(install::DEVICE_TREE_COMPILER)
            .args(["-q", "-I", "dts", "-O", "dtb", "-o", "-"])
            .arg(file)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            let path = file.display();
            return Err(format!("dtc cannot compile {path}").into());
        }
        output.stdout
    } else {
        fs::read(file).map_err(FileError::at("read", file))?
    };
    let tree = DeviceTree::parse(&blob);
    tree.map_err(|error| format!("{}: {error}", file.display()).into())
}

/// Returns a QEMU processor that all of its generic machines support.
fn usual_processor(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "cortex-a72",
        Architecture::Arm => "cortex-a15",
        Architecture::ArmV6M => "cortex-m0",
        Architecture::ArmV7M => "cortex-m3",
        Architecture::ArmV8M => "cortex-m33",
        Architecture::X86_64 => "qemu64",
        Architecture::Riscv64 => "rv64",
        Architecture::Riscv32 => "rv32",
    }
}

/// Returns the short name of an architecture, as in the names of boards.
fn short(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "arm64",
        Architecture::Arm => "arm32",
        Architecture::ArmV6M => "armv6m",
        Architecture::ArmV7M => "armv7m",
        Architecture::ArmV8M => "armv8m",
        Architecture::X86_64 => "x64",
        Architecture::Riscv64 => "rv64",
        Architecture::Riscv32 => "rv32",
    }
}

/// Converts text to a board name: lower-case letters, digits and hyphens.
fn board_name(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let words = words.map(str::to_ascii_lowercase);
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_derived_from_the_valid_characters() {
        assert_eq!(
            board_name("virt-arm64-gic-version=3"),
            "virt-arm64-gic-version-3"
        );
        assert_eq!(board_name("My Board_2"), "my-board-2");
        assert_eq!(board_name("virt-rv64-"), "virt-rv64");
    }
}
