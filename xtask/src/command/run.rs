//! `cargo xtask run`: builds an app and runs it on a board in QEMU.

mod address;
mod claims;
mod connection;
mod host;
mod hosted;
mod identity;
mod options;
mod probe;
mod refusal;
mod share;
mod tap;
mod watch;
mod writable_share;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use vmos_codegen::Board;

use crate::boards;
use crate::decoder::{self, Decoder};
use crate::disk;
use crate::failure::Failure;
use crate::fit;
use crate::forward::{Forward, Protocol};
use crate::image::{self, Image};
use crate::install;
use crate::log_level::LogLevel;
use crate::memory_size::MemorySize;
use crate::qemu::{Disk, Machine, Network, Serial, Share};
use crate::session::{self, Ending};
use crate::shell;
use crate::target;
use crate::time_limit::{self, TimeLimit};
use crate::transport::{self, Transport};
use crate::workspace::{App, Workspace, relative_to_here};

use address::{check_address, check_ipv6_address};
use connection::Connection;
use refusal::{check_disks, check_folders, check_memory, check_serials};
use share::check_share;
use writable_share::WritableShare;

/// Run a board in QEMU, with its console on this terminal
///
/// First generates code, installs the compiler's target and QEMU (after asking, unless you are
/// root), creates the disk image and builds the app, whichever is needed. Ctrl-C or Ctrl-A X stops
/// the machine. The exit status is that of the machine: 0 if it powered itself off or you stopped
/// it, non-zero if it panicked.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask run <BOARD>
  cargo xtask run <BOARD> --transport pci --memory 512M --append \"log=debug\"
  cargo xtask run <BOARD> --without rng --disk disk.img --forward udp:9000:7
  cargo xtask run <BOARD> --app http --watch
  cargo xtask run <BOARD> --disk first.img --disk second.img --nic none --pcap frames.pcap
  cargo xtask run <BOARD> --app fat --share docs
  cargo xtask run <BOARD> --app serial --serial echo=echo.sock
  cargo xtask run <BOARD> --net socket=listen:9000 --gdb
  cargo xtask run hosted --app http
  cargo xtask run <BOARD> --qemu-arg=-d --qemu-arg=int --dry-run
  VMOS_QEMU=/opt/qemu-10 cargo xtask run <BOARD>

VMOS_QEMU names the folder of another QEMU than the installed one: where it was built and installed,
or where packages of it were unpacked.")]
pub struct Arguments {
    /// Board: a file in boards/, without `.toml`; or `hosted`, which runs the app as a process of this
    /// host
    board: String,
    /// App: a folder in apps/; default: `default-app` in the root Cargo.toml
    #[arg(long)]
    app: Option<String>,
    /// Virtio transport; default: the board's first
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// Use the board's own Ethernet controller as the first network interface, instead of a virtio
    /// device
    #[arg(long)]
    ethernet: bool,
    /// Use legacy virtio-mmio devices (version 1, older than the specification)
    #[arg(long)]
    legacy: bool,
    /// Use virtio-pci devices without MSI-X, so that they raise INTx interrupts
    #[arg(long)]
    intx: bool,
    /// Memory size, such as 64M or 4G; default: the board's
    #[arg(long)]
    memory: Option<MemorySize>,
    /// Raw disk image, created if missing; default: `target/disks/<BOARD>.img`. Given again, it
    /// adds another disk
    #[arg(long, value_name = "FILE")]
    disk: Vec<PathBuf>,
    /// Add a folder of this host as a disk with a FAT16 file system, read-only without `--share-writable`;
    /// the app `fat` shows it
    #[arg(long, value_name = "FOLDER")]
    share: Option<PathBuf>,
    /// Let the machine write to the shared folder: it gets a copy, and what it has changed is copied to the
    /// folder when the machine ends
    #[arg(long, requires = "share", conflicts_with_all = ["dry_run", "read_only"])]
    share_writable: bool,
    /// Make the disks read-only
    #[arg(long)]
    read_only: bool,
    /// Forward a host port to the machine: protocol, host port, machine port (udp:8007:7).
    /// Default: the ports that the app serves. May be repeated
    #[arg(long, value_name = "FORWARD")]
    forward: Vec<Forward>,
    /// What the network interface is connected to: `user`, `tap=NAME`, `socket=listen:PORT`,
    /// `socket=connect:PORT` or `none`; default: user
    #[arg(long, value_name = "CONNECTION")]
    net: Option<Connection>,
    /// Add another network interface, with a connection as for `--net`. May be repeated
    #[arg(long, value_name = "CONNECTION")]
    nic: Vec<Connection>,
    /// Add a port to a virtio console device: its name, and a Unix socket on this host. May be
    /// repeated
    #[arg(long, value_name = "NAME=SOCKET")]
    serial: Vec<Serial>,
    /// Add a memory balloon, by which the host takes memory that the machine does not use: press
    /// Ctrl-A C and enter `balloon 64`
    #[arg(long)]
    balloon: bool,
    /// Record the frames of the first network interface to a file for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Number of processors; the kernel uses the first
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..))]
    smp: Option<u8>,
    /// Wait for a debugger on this port before the first instruction; default: 1234
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "1234",
        value_parser = clap::value_parser!(u16).range(1..))]
    gdb: Option<u16>,
    /// Build and start again whenever a source file changes
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// Words to add to the kernel's command line, such as "log=debug ip=dhcp". May be repeated
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    append: Vec<String>,
    /// Log level of the kernel, up to the compiled-in level; default: info
    #[arg(long, value_enum, value_name = "LEVEL")]
    log: Option<LogLevel>,
    /// Highest log level to compile in; default: all
    #[arg(long, value_enum, value_name = "LEVEL")]
    max_log: Option<LogLevel>,
    /// Device to leave out. May be repeated
    #[arg(long, value_enum, value_name = "DEVICE", value_delimiter = ',')]
    without: Vec<Device>,
    /// Word to add to QEMU's command line. May be repeated
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    qemu_arg: Vec<String>,
    /// Firmware image to boot with, instead of the board's default; only for boards that leave room
    /// for firmware
    #[arg(long, value_name = "FILE")]
    bios: Option<PathBuf>,
    /// Stop the machine after this many seconds, and end with exit status 124
    #[arg(long, value_name = "SECONDS", conflicts_with = "watch")]
    time_limit: Option<TimeLimit>,
    /// Only print QEMU's command line
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Device {
    /// The random number generator
    Rng,
    /// The disk
    Disk,
    /// The network interface
    Net,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    if arguments.board == boards::HOSTED {
        let app = workspace.app_or_default(arguments.app.as_deref());
        return arguments.run_hosted(&workspace, app.map_err(Failure::usage)?);
    }
    let board = boards::load(&workspace, &arguments.board)?;
    arguments.check_that_the_kernel_learns(&board)?;
    let app = workspace
        .app_or_default(arguments.app.as_deref())
        .map_err(Failure::usage)?;
    check_memory(arguments.memory.as_ref())?;
    // Those without a name, and those of a network by its name.
    for (key, value) in arguments.words("").filter_map(|word| word.split_once('=')) {
        match key.split_once('.').map_or(key, |(kind, _name)| kind) {
            "ip" => check_address(key, value)?,
            "ip6" => check_ipv6_address(key, value)?,
            _ => {}
        }
    }
    if arguments.watch {
        return watch::run(&workspace, app, &arguments.outputs());
    }
    let mut devices = if transport::is_console_only(&board) {
        arguments.no_devices(&board, app)?
    } else {
        arguments.devices(&workspace, &board, app)?
    };
    arguments.check_claims()?;
    let is_decoded = arguments.is_decoded(&board, app);
    let port = is_decoded.then(decoder::port);
    devices.more.serials.extend(port.clone());
    if !arguments.dry_run {
        check_folders(&arguments.disk)?;
        check_disks(devices.disks())?;
        if let Some(folder) = &arguments.share {
            check_share(folder, arguments.share_writable)?;
        }
        check_serials(&arguments.serial)?;
        arguments.check_host(&devices)?;
        boards::bring_up_to_date(&workspace, core::slice::from_ref(&board))?;
    }
    let share = arguments.writable_share(&workspace)?;
    if let Some(share) = &share {
        devices.more.share = Some(Share::Image(share.image()));
    }
    let machine = arguments.machine(&workspace, &board, app, devices)?;
    let command = machine.command();
    if arguments.dry_run {
        println!("{}", shell::quote(&command));
        return Ok(());
    }
    install::qemu(&machine.program)?;
    probe::check(&machine, &arguments.sizes())?;
    let image = prepare(&workspace, &board, app, &machine, arguments.max_log)?;
    if let Some(memory) = &arguments.memory {
        fit::check(&image.elf, &board, memory).map_err(Failure::usage)?;
    }
    let decoder = match &port {
        Some(port) => {
            let program = decoder::build(&workspace)?;
            Some(Decoder::start(&program, &image.elf, port)?)
        }
        None => None,
    };
    if let Some(share) = &share {
        share.fill()?;
    }
    announce(&board, app, &machine);
    announce_serials(&arguments.serial);
    if let Some(port) = arguments.gdb {
        announce_debugger(port, &image);
    }
    let limit = arguments.time_limit;
    let ending = session::run(&command, &image.elf, &workspace.root, limit);
    let copied = share.map_or(Ok(()), WritableShare::copy_back);
    if let (Err(_), Err(error)) = (&ending, &copied) {
        eprintln!("error: {error}");
    }
    let status = match ending? {
        Ending::Interrupted => 0,
        Ending::TimedOut => {
            tell_time_limit(&board.name, limit);
            time_limit::STATUS
        }
        Ending::Exited(status) => session::status_of_machine(&board, status),
    };
    // Prints the last messages first.
    drop(decoder);
    if status == 0 {
        eprintln!("xtask: {} has stopped", board.name);
        return copied;
    }
    eprintln!(
        "xtask: {} has stopped with exit status {status}",
        board.name
    );
    if let Err(error) = copied {
        eprintln!("error: {error}");
    }
    Err(Failure::Status(status))
}

/// Installs, generates and builds everything that the machine needs.
fn prepare(
    workspace: &Workspace,
    board: &Board,
    app: &App,
    machine: &Machine,
    max_log: Option<LogLevel>,
) -> Result<Image, Failure> {
    install::target(target::triple(board.architecture))?;
    for Disk { image, .. } in machine.devices.disks() {
        if disk::create_if_missing(image)? {
            eprintln!(
                "xtask: created the disk image {}",
                relative_to_here(image).display()
            );
        }
    }
    eprintln!("xtask: building {} for {}", app.name, board.name);
    let mut images = image::build(workspace, board, &[&app.name], max_log)?;
    images.pop().ok_or_else(|| "cargo produced no image".into())
}

/// Says that a machine was stopped at its limit.
fn tell_time_limit(name: &str, limit: Option<TimeLimit>) {
    if let Some(limit) = limit {
        eprintln!("xtask: {name} was still running at its time limit of {limit} s and was stopped");
    }
}

/// Explains why the machine does not start yet, and what to do.
fn announce_debugger(port: u16, image: &Image) {
    eprintln!("xtask: the machine waits for a debugger; in another terminal, run:");
    let elf = relative_to_here(&image.elf);
    let elf = shell::quote(&[elf.display().to_string()]);
    eprintln!("    gdb-multiarch {elf} -ex 'target remote 127.0.0.1:{port}'");
}

fn announce(board: &Board, app: &App, machine: &Machine) {
    let over = if transport::is_console_only(board) {
        match machine.devices.network {
            Some(_) => "with its Ethernet controller".to_owned(),
            None => "with a console only".to_owned(),
        }
    } else {
        format!("over {}", machine.devices.attachment.transport())
    };
    eprintln!(
        "xtask: starting {} on {} {over}; Ctrl-C or Ctrl-A X ends it",
        app.name, board.name
    );
    if let Some(hint) = missing_ethernet(app, machine.devices.ethernet) {
        eprintln!("xtask: {hint}");
    }
    let Some(Network::User { forwards, .. }) = &machine.devices.network else {
        return;
    };
    announce_forwards(forwards);
}

/// Returns what to change if an app that serves ports has no driver for the board's Ethernet controller,
/// which connects the machine.
fn missing_ethernet(app: &App, is_connected_by_ethernet: bool) -> Option<String> {
    let is_missing =
        is_connected_by_ethernet && !app.has_ethernet_driver() && !app.forwards.is_empty();
    is_missing.then(|| {
        let name = &app.name;
        format!(
            "{name} has no driver for the Ethernet controller: enable the feature `ethernet` of vmos in \
             apps/{name}/Cargo.toml"
        )
    })
}

fn announce_forwards(forwards: &[Forward]) {
    for forward in forwards {
        let Forward {
            protocol,
            host,
            guest,
        } = forward;
        let protocol = match protocol {
            Protocol::Udp => "UDP",
            Protocol::Tcp => "TCP",
        };
        eprintln!(
            "xtask: {protocol} port {host} of this host is forwarded to port {guest} of the machine; in another terminal, try:"
        );
        eprintln!("    {}", forward.line_to_try());
    }
}

/// Says how programs of this host reach the ports that the options name.
fn announce_serials(serials: &[Serial]) {
    for Serial { name, socket } in serials {
        eprintln!("xtask: the port `{name}` is a socket of this host; in another terminal, try:");
        eprintln!(
            "    {}",
            shell::quote(["nc", "-U", &*socket.to_string_lossy()])
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_that_serves_over_ethernet_needs_the_driver() {
        let mut app = App {
            name: "echo".to_owned(),
            description: String::new(),
            forwards: vec!["udp:8007:7".parse().unwrap()],
            features: vec!["ipv6".to_owned()],
        };
        let said = missing_ethernet(&app, true).unwrap();
        assert!(
            said.contains("`ethernet` of vmos in apps/echo/Cargo.toml"),
            "{said}"
        );
        assert_eq!(missing_ethernet(&app, false), None);
        app.features.push("ethernet".to_owned());
        assert_eq!(missing_ethernet(&app, true), None);
    }
}
