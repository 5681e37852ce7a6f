//! Where a board is imported from.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use vmos_codegen::board::Architecture;
use vmos_codegen::import::{Origin, QemuOrigin};
use vmos_codegen::machine::Facts;
use vmos_codegen::machine::device_tree::DeviceTree;

use super::Arguments;
use super::processor::architecture;
use crate::emulator;
use crate::failure::{Failure, FileError};
use crate::{inspect, install, shell};

/// Has QEMU start the kernel itself.
pub(super) const NO_FIRMWARE: [&str; 2] = ["-bios", "none"];

/// What is imported, and from where.
pub(super) struct Source {
    pub(super) origin: Origin,
    /// The device tree, if it is a file's.
    tree: Option<DeviceTree>,
}

impl Source {
    /// What the command line asks for.
    pub(super) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        match (&arguments.file, &arguments.qemu_machine) {
            (Some(file), _) => Self::of_file(arguments, file),
            (None, Some(machine)) => Self::of_machine(arguments, machine),
            (None, None) => Err(Failure::usage("name a device tree or a machine of QEMU's")),
        }
    }

    fn of_file(arguments: &Arguments, file: &Path) -> Result<Self, Failure> {
        let tree = read(file)?;
        let told = arguments.arch.map(Ok);
        let told = told.unwrap_or_else(|| architecture(&tree.devices()));
        let architecture = told.map_err(|what| {
            let file = file.display();
            Failure::usage(format!(
                "{file} {what}\n  --arch says what the kernel is to be"
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
        })
    }

    fn of_machine(arguments: &Arguments, machine: &str) -> Result<Self, Failure> {
        let Some(architecture) = arguments.arch else {
            return Err(Failure::usage("--qemu-machine needs --arch"));
        };
        let mut more = arguments.qemu_arg.clone();
        // QEMU has no firmware of its own for these in every version.
        if architecture == Architecture::Riscv32 && !more.iter().any(|word| word == "-bios") {
            more.extend(NO_FIRMWARE.map(str::to_owned));
        }
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
                memory: arguments.memory.mebibytes() << 20,
                arguments: more,
                version: None,
            }),
        };
        Ok(Self { origin, tree: None })
    }

    /// What the machine says of itself. The version of QEMU is noted with where it comes from.
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
        let program = format!("qemu-system-{}", self.origin.architecture);
        install::qemu(&program)?;
        let megabytes = format!("{}M", qemu.memory >> 20);
        let fixed = [
            "-machine",
            &qemu.machine,
            "-cpu",
            &qemu.cpu,
            "-m",
            &megabytes,
            "-nodefaults",
            "-display",
            "none",
            "-serial",
            "null",
        ];
        let words = fixed.iter().copied();
        let words = words.chain(qemu.arguments.iter().map(String::as_str));
        let mut command = emulator::words(&program);
        command.extend(words.map(str::to_owned));
        let folder = TempDir::with_prefix("vmos-")?;
        let facts = inspect::facts(&command, folder.path())?;
        if facts.compatible.is_empty() {
            return Err(format!(
                "{} has no device tree to import\n  start from a board that is like it: cargo xtask \
                 new",
                shell::quote(&command)
            )
            .into());
        }
        let version = facts.teller.strip_prefix("QEMU ").and_then(|version| {
            let mut parts = version.split('.');
            Some(format!("{}.{}", parts.next()?, parts.next()?))
        });
        qemu.version = version;
        Ok(facts)
    }
}

/// Reads a blob, or has one made of text.
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
            return Err(format!("dtc cannot make a device tree of {path}").into());
        }
        output.stdout
    } else {
        fs::read(file).map_err(FileError::at("read", file))?
    };
    let tree = DeviceTree::parse(&blob);
    tree.map_err(|error| format!("{}: {error}", file.display()).into())
}

/// A processor of QEMU's that every one of its general machines takes.
fn usual_processor(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "cortex-a72",
        Architecture::Arm => "cortex-a15",
        Architecture::X86_64 => "qemu64",
        Architecture::Riscv64 => "rv64",
        Architecture::Riscv32 => "rv32",
    }
}

/// What boards call an architecture in their names.
fn short(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "arm64",
        Architecture::Arm => "arm32",
        Architecture::X86_64 => "x64",
        Architecture::Riscv64 => "rv64",
        Architecture::Riscv32 => "rv32",
    }
}

/// A name as boards have them: lower-case letters, digits and hyphens.
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
    fn a_name_is_made_of_what_letters_there_are() {
        assert_eq!(
            board_name("virt-arm64-gic-version=3"),
            "virt-arm64-gic-version-3"
        );
        assert_eq!(board_name("My Board_2"), "my-board-2");
        assert_eq!(board_name("virt-rv64-"), "virt-rv64");
    }
}
