//! `cargo xtask debug`: a board's machine with a debugger on it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use clap::Args;
use vmos_codegen::Board;

use crate::boards;
use crate::debug;
use crate::disk;
use crate::failure::{Failure, FileError};
use crate::image::{self, Image};
use crate::install;
use crate::qemu::{Disk, GUEST_ADDRESS, Machine, Network};
use crate::shell;
use crate::target;
use crate::transport::{self, Attachment, Transport};
use crate::workspace::Workspace;

/// Start a board in QEMU with a debugger on it, stopped where the kernel begins in Rust.
///
/// The image is built with all symbols and with debug assertions, beside the one that `run` uses.
/// gdb has a variable for each region of the board and these commands: `vmos regions`, `vmos
/// registers DEVICE`, `vmos run SECONDS`, `vmos tasks`, `vmos timers`, `vmos queues`. What the machine prints appears
/// between what the debugger says. Leaving the debugger ends the machine.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask debug <BOARD>
  cargo xtask debug <BOARD> --execute 'vmos registers console' --execute backtrace
  cargo xtask debug <BOARD> --app demo --transport pci --dry-run")]
pub struct Arguments {
    /// The board: a file in boards/, without `.toml`
    board: String,
    /// The app: a folder in apps/; `demo` if not given, or the first where there is none
    #[arg(long)]
    app: Option<String>,
    /// How the devices are attached; the board's first if not given
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// Words for the kernel's command line, as "log=debug". May be repeated
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    append: Vec<String>,
    /// A command for the debugger to execute, after which it ends. May be repeated
    #[arg(long, value_name = "COMMAND")]
    execute: Vec<String>,
    /// Use lldb, which has the symbols and none of the `vmos` commands
    #[arg(long)]
    lldb: bool,
    /// Print QEMU's command line and the debugger's, and do nothing else
    #[arg(long)]
    dry_run: bool,
}

/// What has cargo build images that a debugger can read.
const CONFIGURATION: [&str; 5] = [
    "profile.release.debug=\"full\"",
    "profile.release.debug-assertions=true",
    "profile.release.lto=\"off\"",
    "profile.release.opt-level=1",
    "profile.release.codegen-units=16",
];

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let board = boards::load(&workspace, &arguments.board)?;
    let app = workspace
        .app_or_default(arguments.app.as_deref())
        .map_err(Failure::usage)?;
    // Beside what others build, which is built otherwise.
    let images = Workspace {
        target: workspace.target.join("debugging"),
        configuration: CONFIGURATION.map(str::to_owned).to_vec(),
        ..workspace.clone()
    };
    if !arguments.dry_run {
        boards::bring_up_to_date(&workspace, core::slice::from_ref(&board))?;
    }
    let image = Image::of(&images, &board, &app.name);
    let port = free_port()?;
    let machine = arguments.machine(&workspace, &board, &image, port)?;
    let script = image.elf.with_extension("gdb");
    let debugger = arguments.debugger(&image, &script, port);
    if arguments.dry_run {
        println!("{}", shell::quote(machine.command()));
        println!("{}", shell::quote(&debugger));
        return Ok(());
    }
    install::target(target::triple(board.architecture))?;
    install::qemu(&machine.program)?;
    if arguments.lldb {
        install::lldb()?;
    } else {
        install::gdb()?;
    }
    if let Some(Disk { image, .. }) = &machine.devices.disk {
        disk::create_if_missing(image)?;
    }
    eprintln!(
        "xtask: building {} for {} with all symbols",
        app.name, board.name
    );
    image::build(&images, &board, &[&app.name], None)?;
    let text = debug::gdb_script(&board, port, &debug::task_pools(&image.elf));
    fs::write(&script, text).map_err(FileError::at("write", &script))?;

    // Ctrl-C is the debugger's: it stops the machine and not this.
    ctrlc::set_handler(|| {})?;
    let mut qemu = start(&machine.command())?;
    let [program, words @ ..] = debugger.as_slice() else {
        return Err("no debugger".into());
    };
    let status = Command::new(program).args(words).status();
    // It may have ended by itself, which is all that is wanted here.
    let _ = qemu.kill();
    qemu.wait()?;
    match status?.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Status(u8::try_from(code).unwrap_or(1))),
        None => Err("the debugger was ended by a signal".into()),
    }
}

/// A process of its own group, so that Ctrl-C is the debugger's, and without the terminal's input,
/// which is the debugger's too.
fn start(command: &[String]) -> Result<Child, Failure> {
    let [program, words @ ..] = command else {
        return Err("no command".into());
    };
    let mut qemu = Command::new(program);
    qemu.args(words).stdin(Stdio::null()).process_group(0);
    qemu.spawn()
        .map_err(|error| format!("cannot start {program}: {error}").into())
}

/// A port of the loopback address that nobody listens on.
fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Arguments {
    fn machine(
        &self,
        workspace: &Workspace,
        board: &Board,
        image: &Image,
        port: u16,
    ) -> Result<Machine, Failure> {
        let mut machine = Machine::new(workspace, board, image.kernel.clone())?;
        let transport = transport::choose(board, self.transport).map_err(Failure::usage)?;
        machine.devices.attachment = match transport {
            Transport::Mmio => Attachment::Mmio,
            Transport::Pci => Attachment::Pci,
        };
        machine.devices.disk = Some(Disk {
            image: image.elf.with_extension("disk.img"),
            read_only: false,
        });
        machine.devices.network = Some(Network::User {
            address: GUEST_ADDRESS.to_owned(),
            forwards: Vec::new(),
        });
        for words in &self.append {
            machine.append = format!("{} {words}", machine.append);
        }
        let stub = format!("tcp:127.0.0.1:{port}");
        machine.extra = vec!["-S".to_owned(), "-gdb".to_owned(), stub];
        Ok(machine)
    }

    /// The debugger's command line.
    fn debugger(&self, image: &Image, script: &std::path::Path, port: u16) -> Vec<String> {
        let elf = image.elf.display().to_string();
        let mut words = Vec::new();
        let mut add = |more: &[&str]| words.extend(more.iter().map(|&word| word.to_owned()));
        if self.lldb {
            add(&["lldb", &elf]);
            add(&["-o", &format!("gdb-remote 127.0.0.1:{port}")]);
            // Nobody tells it that the image is where its addresses say.
            let load = format!("target modules load --file \"{elf}\" --slide 0");
            add(&["-o", &load]);
            let stop = "breakpoint set --one-shot true --name vmos_start";
            add(&["-o", stop, "-o", "continue"]);
        } else {
            add(&[install::gdb_program(), "-quiet", "-nx", &elf]);
            add(&["-x", &script.display().to_string()]);
        }
        for command in &self.execute {
            add(&[if self.lldb { "-o" } else { "-ex" }, command]);
        }
        if !self.execute.is_empty() {
            add(&[if self.lldb { "--batch" } else { "-batch" }]);
        }
        words
    }
}
