//! `cargo xtask import`: a board file from a machine, or from its device tree.

mod processor;
mod source;

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use vmos_codegen::board::{Architecture, Board, Boot};
use vmos_codegen::import::{Draft, Origin, QemuOrigin, import};
use vmos_codegen::machine::Facts;
use vmos_codegen::source::Folder;
use vmos_codegen::verify;

use crate::failure::{Failure, FileError};
use crate::memory_size::MemorySize;
use crate::workspace::{Workspace, relative_to_here};

use source::Source;

/// Write a board file from a machine of QEMU's, or from a device tree.
///
/// Reads what the machine says of itself and writes `boards/<NAME>.toml`, each part that there is a
/// driver for as a table, everything else under `[undescribed]`. What cannot be told is a TODO with
/// what to look up. What was written is checked and held against the machine at once. A file that is
/// there is left alone, unless --force is given.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask import --qemu-machine \"virt,gic-version=3\" --arch arm64 --name my-arm64
  cargo xtask import --qemu-machine virt --arch riscv64 --qemu-arg -bios --qemu-arg none
  cargo xtask import board.dtb --name my-board")]
pub struct Arguments {
    /// A device tree: a blob, or its text (.dts), for which `dtc` is needed
    #[arg(
        required_unless_present = "qemu_machine",
        conflicts_with = "qemu_machine"
    )]
    file: Option<PathBuf>,
    /// A machine of QEMU's with its options, as after -machine
    #[arg(long, value_name = "MACHINE", requires = "arch")]
    qemu_machine: Option<String>,
    /// The architecture: arm64, arm32, riscv64, riscv32; of a device tree it is told by the
    /// processor if not given
    #[arg(long, value_name = "ARCH", value_parser = architecture)]
    arch: Option<Architecture>,
    /// The processor with its options, as after -cpu
    #[arg(long)]
    cpu: Option<String>,
    /// How much memory QEMU gives it
    #[arg(long, default_value = "128M")]
    memory: MemorySize,
    /// A word for QEMU's command line, which the board keeps. May be repeated
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    qemu_arg: Vec<String>,
    /// The board's name; made of the machine's or the file's if not given
    #[arg(long)]
    name: Option<String>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

fn architecture(word: &str) -> Result<Architecture, String> {
    let known = "arm64, arm32, riscv64, riscv32";
    Architecture::named(word).ok_or_else(|| format!("there are {known}"))
}

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let mut source = Source::of(arguments)?;
    let name = source.origin.name.clone();
    let path = workspace.root.join("boards").join(format!("{name}.toml"));
    // Told before a machine is started for nothing.
    if path.exists() && !arguments.force {
        return Err(Failure::usage(exists(&path)));
    }
    let facts = source.facts()?;
    let draft = import(&source.origin, &facts);
    write(&path, &draft.text, arguments.force)?;
    println!("wrote {}", relative_to_here(&path).display());
    if !draft.todo.is_empty() {
        println!("{}", left(&draft));
        return Ok(());
    }
    let agreed =
        verify::verify(&Folder::new(&workspace.root), &name, &facts).map_err(Failure::mistakes)?;
    println!(
        "it is as {} has it: {} ranges, {} interrupts; {} left out\n\
         next: cargo xtask run {name}",
        facts.teller, agreed.ranges, agreed.interrupts, agreed.undescribed
    );
    Ok(())
}

/// What `import` makes of the machine of a board that there is.
#[must_use]
pub fn again(board: &Board, facts: &Facts) -> Draft {
    let qemu = &board.qemu;
    let mut arguments = qemu.arguments.clone();
    if matches!(board.boot, Boot::MachineMode { .. }) {
        arguments.extend(source::NO_FIRMWARE.map(str::to_owned));
    }
    let origin = Origin {
        name: board.name.clone(),
        architecture: board.architecture,
        from: format!("the machine of {}", board.name),
        qemu: Some(QemuOrigin {
            machine: qemu.machine.clone(),
            cpu: qemu.cpu.clone(),
            memory: qemu.memory,
            arguments,
            version: None,
        }),
    };
    import(&origin, facts)
}

fn exists(path: &Path) -> String {
    format!(
        "{} is there already\n  --force writes over it, --name gives the board another name",
        relative_to_here(path).display()
    )
}

/// What the machine did not tell.
fn left(draft: &Draft) -> String {
    let mut text = "left to be found out, each marked TODO in the file:".to_owned();
    for todo in &draft.todo {
        text += &format!("\n  {todo}");
    }
    text + "\nthen: cargo xtask gen tells what is still wrong, at its line"
}

/// Writes the file, all of it or nothing; over one that is there only if told so.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    if force {
        fs::write(path, text).map_err(FileError::at("write", path))?;
        return Ok(());
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    match file {
        Ok(mut file) => file
            .write_all(text.as_bytes())
            .map_err(FileError::at("write", path))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Failure::usage(exists(path)));
        }
        Err(error) => return Err(FileError::at("write", path)(error).into()),
    }
    Ok(())
}
