//! `cargo xtask import`: writes a board file from a QEMU machine or a device tree.

mod processor;
mod source;

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use vmos_codegen::board::{Architecture, Board};
use vmos_codegen::import::{Draft, Origin, QemuOrigin, import};
use vmos_codegen::is_board_name;
use vmos_codegen::machine::Facts;
use vmos_codegen::source::Folder;
use vmos_codegen::verify;

use crate::boards;
use crate::failure::Failure;
use crate::files;
use crate::memory_size::MemorySize;
use crate::workspace::{Workspace, relative_to_here};

use source::Source;

/// Write a board file from a QEMU machine or a device tree
///
/// Writes `boards/<NAME>.toml`, with a table for each device that has a driver, and all other
/// devices under `[undescribed]`. A value that cannot be determined is a TODO that says what to
/// look up. A complete file is checked and compared with the machine. An existing file is only
/// overwritten with --force.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask import --qemu-machine \"virt,gic-version=3\" --arch arm64 --name my-arm64
  cargo xtask import --qemu-machine virt --arch riscv64 --qemu-arg -bios --qemu-arg none
  cargo xtask import board.dtb --name my-board")]
pub struct Arguments {
    /// Device tree: a blob (.dtb), or source text (.dts), which needs `dtc`
    #[arg(
        required_unless_present = "qemu_machine",
        conflicts_with = "qemu_machine"
    )]
    file: Option<PathBuf>,
    /// QEMU machine with its options, as after -machine
    #[arg(long, value_name = "MACHINE", requires = "arch")]
    qemu_machine: Option<String>,
    /// Architecture: arm64, arm32, armv6-m, armv7-m, armv8-m, x86_64, riscv64 or riscv32; for a
    /// device tree, default: from the processor's node
    #[arg(long, value_name = "ARCH", value_parser = architecture)]
    arch: Option<Architecture>,
    /// Processor with its options, as after -cpu; default: a common one, or the machine's own if it
    /// takes no other
    #[arg(long)]
    cpu: Option<String>,
    /// Amount of memory in QEMU; default: 128M, or what the machine has if it takes no other
    #[arg(long)]
    memory: Option<MemorySize>,
    /// Word for QEMU's command line, which the board file keeps. May be repeated
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    qemu_arg: Vec<String>,
    /// Name of the board; default: derived from the machine or the file
    #[arg(long)]
    name: Option<String>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

fn architecture(word: &str) -> Result<Architecture, String> {
    let known = "arm64, arm32, armv6-m, armv7-m, armv8-m, x86_64, riscv64, riscv32";
    Architecture::named(word).ok_or_else(|| format!("expected one of {known}"))
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let mut source = Source::of(arguments)?;
    let name = source.origin.name.clone();
    let path = workspace.root.join("boards").join(format!("{name}.toml"));
    // Fail before a machine is started.
    boards::refuse_taken(&name)?;
    boards::refuse_name_of_vmos(&workspace.root, &name, &format!("--name my-{name}"))?;
    if !is_board_name(&name) {
        return Err(Failure::usage(format!(
            "`{name}` cannot be the name of a board: it must have lower-case letters, digits and \
             single hyphens, a letter first"
        )));
    }
    if path.exists() && !arguments.force {
        return Err(Failure::usage(exists(&path)));
    }
    let facts = source.facts()?;
    let draft = import(&source.origin, &facts);
    write(&path, &draft.text, arguments.force)?;
    println!("wrote {}", relative_to_here(&path).display());
    if let Some(note) = source.without_tables(&facts) {
        println!("{note}");
    }
    if !draft.unserved.is_empty() {
        println!(
            "left out, because their interrupts go to a controller that the kernel does not use: {} \
             (see [undescribed])",
            draft.unserved.join(", ")
        );
    }
    if !draft.todo.is_empty() {
        println!("{}", left(&draft));
        return Ok(());
    }
    let agreed =
        verify::verify(&Folder::new(&workspace.root), &name, &facts).map_err(Failure::mistakes)?;
    println!(
        "the board file matches {}: {} ranges, {} interrupts ({} devices left out)\n\
         next: cargo xtask run {name}",
        facts.teller, agreed.ranges, agreed.interrupts, agreed.undescribed
    );
    Ok(())
}

/// Starts a machine and imports it. Returns the text of the board file.
pub fn of(origin: Origin) -> Result<String, Failure> {
    let mut source = Source::from(origin);
    let facts = source.facts()?;
    Ok(import(&source.origin, &facts).text)
}

/// Imports the machine of an existing board.
#[must_use]
pub fn again(board: &Board, facts: &Facts) -> Draft {
    let qemu = &board.qemu;
    let mut arguments = qemu.arguments.clone();
    arguments.extend(board.boot.arguments.iter().map(|word| (*word).to_owned()));
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
        "{} already exists\n  use --force to overwrite it, or --name to choose another name",
        relative_to_here(path).display()
    )
}

/// Lists the values that must be looked up.
fn left(draft: &Draft) -> String {
    let mut text = "to be looked up, each marked TODO in the file:".to_owned();
    for todo in &draft.todo {
        text += &format!("\n  {todo}");
    }
    text + "\nthen run cargo xtask gen, which reports what is still missing"
}

/// Writes the whole file or nothing; overwrites an existing file only if `force` is set.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let written = match force {
        true => files::write(path, text),
        false => files::create(path, text),
    };
    written.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(exists(path)),
        _ => error.into(),
    })
}
