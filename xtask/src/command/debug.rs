//! `cargo xtask debug`: runs a board in QEMU under a debugger.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use clap::Args;
use vmos_codegen::Board;

use crate::boards;
use crate::child;
use crate::debug;
use crate::disk;
use crate::failure::{Failure, FileError};
use crate::image::{self, Image};
use crate::install;
use crate::qemu::{Devices, Disk, GUEST_ADDRESS, Machine, Network};
use crate::shell;
use crate::target;
use crate::transport::{self, Attachment, Transport};
use crate::workspace::Workspace;

/// Run a board in QEMU under a debugger, stopped at the kernel's first Rust function
///
/// Builds an image with all symbols and debug assertions, separate from the one that `run` uses.
/// gdb has a variable for each region of the board and these commands: `vmos regions`, `vmos
/// registers DEVICE`, `vmos run SECONDS`, `vmos tasks`, `vmos timers`, `vmos queues`. The machine's
/// output appears between the debugger's. Leaving the debugger stops the machine.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask debug <BOARD>
  cargo xtask debug <BOARD> --execute 'vmos registers console' --execute backtrace
  cargo xtask debug <BOARD> --app demo --transport pci --dry-run")]
pub struct Arguments {
    /// Board: a file in boards/, without `.toml`
    board: String,
    /// App: a folder in apps/; default: `default-app` in the root Cargo.toml
    #[arg(long)]
    app: Option<String>,
    /// Virtio transport; default: the board's first
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// Words to add to the kernel's command line, such as "log=debug". May be repeated
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    append: Vec<String>,
    /// Debugger command to run; the debugger exits after the last one. May be repeated
    #[arg(long, value_name = "COMMAND")]
    execute: Vec<String>,
    /// Use lldb, which has the symbols but not the `vmos` commands
    #[arg(long)]
    lldb: bool,
    /// Only print the command lines of QEMU and the debugger
    #[arg(long)]
    dry_run: bool,
}

/// Cargo settings that make it build images for a debugger: debug assertions and full debug
/// information.
const CONFIGURATION: [&str; 5] = [
    "profile.release.debug=\"full\"",
    "profile.release.debug-assertions=true",
    "profile.release.lto=\"off\"",
    "profile.release.opt-level=1",
    "profile.release.codegen-units=16",
];

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let board = boards::load(&workspace, &arguments.board)?;
    let app = workspace
        .app_or_default(arguments.app.as_deref())
        .map_err(Failure::usage)?;
    // A separate target folder: these images are built with other settings.
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

    // Ctrl-C must stop the machine through the debugger, and not this process.
    ctrlc::set_handler(|| {})?;
    let mut qemu = start(&machine.command())?;
    let [program, words @ ..] = debugger.as_slice() else {
        return Err("no debugger".into());
    };
    let status = Command::new(program).args(words).status();
    // QEMU may have ended already.
    let _ = qemu.kill();
    qemu.wait()?;
    match status?.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::Status(u8::try_from(code).unwrap_or(1))),
        None => Err("the debugger was terminated by a signal".into()),
    }
}

/// Starts a command in a separate process group, without standard input: Ctrl-C and the terminal's
/// input belong to the debugger.
fn start(command: &[String]) -> Result<Child, Failure> {
    let [program, words @ ..] = command else {
        return Err("no command".into());
    };
    let mut qemu = child::bound(program);
    qemu.args(words).stdin(Stdio::null()).process_group(0);
    qemu.spawn()
        .map_err(|error| format!("cannot start {program}: {error}").into())
}

/// Returns a free TCP port of the loopback address.
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
        if self.transport.is_some() || !transport::is_console_only(board) {
            self.add_devices(&mut machine.devices, board, image)?;
        }
        for words in &self.append {
            machine.append = format!("{} {words}", machine.append);
        }
        let stub = format!("tcp:127.0.0.1:{port}");
        machine.extra = vec!["-S".to_owned(), "-gdb".to_owned(), stub];
        Ok(machine)
    }

    /// Adds a disk and a network device.
    fn add_devices(
        &self,
        devices: &mut Devices,
        board: &Board,
        image: &Image,
    ) -> Result<(), Failure> {
        let transport = transport::choose(board, self.transport).map_err(Failure::usage)?;
        devices.attachment = match transport {
            Transport::Mmio => Attachment::Mmio,
            Transport::Pci => Attachment::Pci,
        };
        devices.disk = Some(Disk {
            image: image.elf.with_extension("disk.img"),
            read_only: false,
        });
        devices.network = Some(Network::User {
            ipv6: false,
            address: GUEST_ADDRESS.to_owned(),
            forwards: Vec::new(),
        });
        Ok(())
    }

    /// Returns the debugger's command line.
    fn debugger(&self, image: &Image, script: &std::path::Path, port: u16) -> Vec<String> {
        let elf = image.elf.display().to_string();
        let mut words = Vec::new();
        let mut add = |more: &[&str]| words.extend(more.iter().map(|&word| word.to_owned()));
        if self.lldb {
            add(&["lldb", &elf]);
            add(&["-o", &format!("gdb-remote 127.0.0.1:{port}")]);
            // lldb must be told that the image is loaded at the addresses in the file.
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
