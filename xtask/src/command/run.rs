//! `cargo xtask run`: builds an app and runs it on a board in QEMU.

mod connection;
mod refusal;
mod watch;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use vmos_codegen::Board;

use crate::boards;
use crate::decoder::{self, Decoder};
use crate::disk;
use crate::failure::Failure;
use crate::fit;
use crate::forward::{Forward, PortTaken, Protocol};
use crate::image::{self, Image};
use crate::install;
use crate::log_level::LogLevel;
use crate::memory_size::MemorySize;
use crate::qemu::{Console, Devices, Disk, GUEST_ADDRESS, Machine, More, Network, Serial};
use crate::session::{self, Ending};
use crate::shell;
use crate::target;
use crate::transport::{self, Attachment, Transport};
use crate::workspace::{App, Workspace, relative_to_here};

use connection::Connection;
use refusal::{
    check_address, check_disk, check_forwards, check_memory, check_serials, check_share,
};

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
  cargo xtask run <BOARD> --qemu-arg=-d --qemu-arg=int --dry-run
  VMOS_QEMU=/opt/qemu-10 cargo xtask run <BOARD>

VMOS_QEMU names the folder of another QEMU than the installed one: where it was built and installed,
or where packages of it were unpacked.")]
pub struct Arguments {
    /// Board: a file in boards/, without `.toml`
    board: String,
    /// App: a folder in apps/; default: `default-app` in the root Cargo.toml
    #[arg(long)]
    app: Option<String>,
    /// Virtio transport; default: the board's first
    #[arg(long, value_enum)]
    transport: Option<Transport>,
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
    /// Add a folder of this host as a read-only disk with a FAT16 file system; the app `fat` shows it
    #[arg(long, value_name = "FOLDER")]
    share: Option<PathBuf>,
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
    /// Record the frames of the first network interface to a file for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Number of processors; the kernel uses the first
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..))]
    smp: Option<u8>,
    /// Wait for a debugger on this port before the first instruction; default: 1234
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "1234")]
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
    let board = boards::load(&workspace, &arguments.board)?;
    arguments.check_that_the_kernel_learns(&board)?;
    let app = workspace
        .app_or_default(arguments.app.as_deref())
        .map_err(Failure::usage)?;
    check_memory(arguments.memory)?;
    arguments.words("ip=").try_for_each(check_address)?;
    if arguments.watch {
        return watch::run(&workspace);
    }
    let mut devices = if transport::is_console_only(&board) {
        arguments.no_devices(&board)?
    } else {
        arguments.devices(&workspace, &board, app)?
    };
    let is_decoded = arguments.is_decoded(&board, app);
    let port = is_decoded.then(decoder::port);
    devices.more.serials.extend(port.clone());
    if !arguments.dry_run {
        for Disk { image, .. } in devices.disks() {
            check_disk(image)?;
        }
        arguments.share.as_deref().map_or(Ok(()), check_share)?;
        check_serials(&arguments.serial)?;
        boards::bring_up_to_date(&workspace, core::slice::from_ref(&board))?;
    }
    let machine = arguments.machine(&workspace, &board, app, devices)?;
    let command = machine.command();
    if arguments.dry_run {
        println!("{}", shell::quote(&command));
        return Ok(());
    }
    let image = prepare(&workspace, &board, app, &machine, arguments.max_log)?;
    if let Some(memory) = arguments.memory {
        fit::check(&image.elf, &board, memory).map_err(Failure::usage)?;
    }
    let decoder = match &port {
        Some(port) => {
            let program = decoder::build(&workspace)?;
            Some(Decoder::start(&program, &image.elf, port)?)
        }
        None => None,
    };
    announce(&board, app, &machine);
    let status = match session::run(&command, &image.elf, &workspace.root)? {
        Ending::Interrupted => 0,
        Ending::Exited(status) => session::status_of_machine(&board, status),
    };
    // Prints the last messages first.
    drop(decoder);
    if status == 0 {
        eprintln!("xtask: {} has stopped", board.name);
        return Ok(());
    }
    eprintln!(
        "xtask: {} has stopped with exit status {status}",
        board.name
    );
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
    install::qemu(&machine.program)?;
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

fn announce(board: &Board, app: &App, machine: &Machine) {
    let over = if transport::is_console_only(board) {
        "with a console only".to_owned()
    } else {
        format!("over {}", machine.devices.attachment.transport())
    };
    eprintln!(
        "xtask: starting {} on {} {over}; Ctrl-C or Ctrl-A X ends it",
        app.name, board.name
    );
    let Some(Network::User { forwards, .. }) = &machine.devices.network else {
        return;
    };
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

impl Arguments {
    fn devices(&self, workspace: &Workspace, board: &Board, app: &App) -> Result<Devices, Failure> {
        let read_only = self.read_only;
        let more_disks = self.disk.iter().skip(1).cloned();
        Ok(Devices {
            attachment: self.attachment(board)?,
            rng: !self.lacks(Device::Rng),
            disk: self.disk(workspace, board)?,
            network: self.network(app)?,
            more: More {
                disks: more_disks.map(|image| Disk { image, read_only }).collect(),
                share: self.share.clone(),
                networks: self.nic.iter().map(Connection::further_network).collect(),
                serials: self.serial.clone(),
            },
        })
    }

    /// Returns whether the app's defmt messages are decoded here: not if `--serial` says where they
    /// go.
    fn is_decoded(&self, board: &Board, app: &App) -> bool {
        app.logs_by_defmt()
            && !transport::is_console_only(board)
            && self
                .serial
                .iter()
                .all(|serial| serial.name != decoder::PORT)
    }

    /// Returns the devices of a machine without virtio; fails if an option asks for one.
    fn no_devices(&self, board: &Board) -> Result<Devices, Failure> {
        let asked = [
            ("--disk", !self.disk.is_empty()),
            ("--read-only", self.read_only),
            ("--net", self.net.is_some()),
            ("--nic", !self.nic.is_empty()),
            ("--serial", !self.serial.is_empty()),
            ("--forward", !self.forward.is_empty()),
            ("--pcap", self.pcap.is_some()),
            ("--legacy", self.legacy),
            ("--intx", self.intx),
            ("--transport", self.transport.is_some()),
        ];
        if let Some((option, _)) = asked.into_iter().find(|(_, is_asked)| *is_asked) {
            let reason = transport::choose(board, self.transport).err();
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            return Err(Failure::usage(format!("{option}{reason}")));
        }
        Ok(Devices {
            attachment: Attachment::Mmio,
            rng: false,
            disk: None,
            network: None,
            more: More::default(),
        })
    }

    fn attachment(&self, board: &Board) -> Result<Attachment, Failure> {
        let asked = self.transport;
        let lacks_all = [Device::Rng, Device::Disk, Device::Net]
            .iter()
            .all(|&d| self.lacks(d));
        if asked.is_none() && lacks_all {
            // Without devices, the transport does not matter, so a board without one works too.
            return Ok(Attachment::Mmio);
        }
        let transport = transport::choose(board, asked).map_err(Failure::usage)?;
        match (transport, self.legacy, self.intx) {
            (Transport::Mmio, false, false) => Ok(Attachment::Mmio),
            (Transport::Mmio, true, false) => Ok(Attachment::MmioLegacy),
            (Transport::Pci, false, false) => Ok(Attachment::Pci),
            (Transport::Pci, false, true) => Ok(Attachment::PciIntx),
            (Transport::Mmio, _, true) => Err(misfit("--intx", Transport::Pci)),
            (Transport::Pci, true, _) => Err(misfit("--legacy", Transport::Mmio)),
        }
    }

    fn lacks(&self, device: Device) -> bool {
        self.without.contains(&device)
    }

    fn machine(
        &self,
        workspace: &Workspace,
        board: &Board,
        app: &App,
        devices: Devices,
    ) -> Result<Machine, Failure> {
        let kernel = self.kernel(board, Image::of(workspace, board, &app.name))?;
        let mut machine = Machine::new(workspace, board, relative_to_here(&kernel))?;
        machine.firmware.clone_from(&self.bios);
        machine.memory = self.memory;
        machine.console = Console::Terminal;
        machine.append = self.command_line(board);
        machine.devices = devices;
        machine.extra = self.extra();
        Ok(machine)
    }

    /// Returns the words to add to QEMU's command line.
    fn extra(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(count) = self.smp {
            words.extend(["-smp".to_owned(), count.to_string()]);
        }
        if let Some(file) = &self.pcap {
            let file = file.to_string_lossy().replace(',', ",,");
            let dump = format!("filter-dump,id=pcap,netdev=net0,file={file}");
            words.extend(["-object".to_owned(), dump]);
        }
        if let Some(port) = self.gdb {
            let port = format!("tcp:127.0.0.1:{port}");
            words.extend(["-gdb".to_owned(), port, "-S".to_owned()]);
        }
        words.extend(self.qemu_arg.iter().cloned());
        words
    }

    /// Rejects options that the kernel of this board cannot receive, because its loader passes
    /// neither the RAM size nor a command line.
    fn check_that_the_kernel_learns(&self, board: &Board) -> Result<(), Failure> {
        if board.boot.leaves_a_table {
            return Ok(());
        }
        let given = [
            ("--memory", self.memory.is_some()),
            ("--append", !self.append.is_empty()),
            ("--log", self.log.is_some()),
        ];
        let Some((option, _)) = given.into_iter().find(|&(_, is_given)| is_given) else {
            return Ok(());
        };
        let instead = match option {
            "--memory" => "; it uses the RAM sizes in memory.ram",
            _ => "",
        };
        Err(Failure::usage(format!(
            "{option}: has no effect on the kernel of `{}`, because [boot.elf] has no \
             `device-tree`{instead}",
            board.name
        )))
    }

    /// Returns the file to pass to QEMU: with firmware, it may differ from the image itself.
    fn kernel(&self, board: &Board, image: Image) -> Result<PathBuf, Failure> {
        let Some(firmware) = &self.bios else {
            return Ok(image.kernel);
        };
        let payload = image.payload.ok_or_else(|| {
            Failure::usage(format!(
                "the board `{}` does not support --bios: its [boot] leaves no room for firmware",
                board.name
            ))
        })?;
        if !firmware.is_file() && !self.dry_run {
            let firmware = firmware.display();
            return Err(Failure::usage(format!(
                "--bios: the file {firmware} does not exist"
            )));
        }
        Ok(payload)
    }

    fn disk(&self, workspace: &Workspace, board: &Board) -> Result<Option<Disk>, Failure> {
        if self.lacks(Device::Disk) {
            return match (&*self.disk, self.read_only) {
                ([], false) => Ok(None),
                ([_, ..], _) => Err(Failure::usage("--disk conflicts with --without disk")),
                ([], true) => Err(Failure::usage("--read-only conflicts with --without disk")),
            };
        }
        let default = || relative_to_here(&disk::default_path(workspace, &board.name));
        let image = self.disk.first().cloned().unwrap_or_else(default);
        Ok(Some(Disk {
            image,
            read_only: self.read_only,
        }))
    }

    fn network(&self, app: &App) -> Result<Option<Network>, Failure> {
        if self.lacks(Device::Net) {
            if !self.forward.is_empty() {
                return Err(Failure::usage("--forward conflicts with --without net"));
            }
            if self.net.is_some() || self.pcap.is_some() {
                return Err(Failure::usage(
                    "--net and --pcap conflict with --without net",
                ));
            }
            return Ok(None);
        }
        let connection = self.net.clone().unwrap_or(Connection::User);
        if connection != Connection::User {
            if !self.forward.is_empty() {
                return Err(Failure::usage("--forward works only with `--net user`"));
            }
            return Ok(Some(connection.further_network()));
        }
        check_forwards(&self.forward)?;
        let taken = self.forward.iter().find(|forward| !forward.is_free());
        if let Some(&taken) = taken {
            return Err(PortTaken(taken).into());
        }
        let mut forwards = self.forward.clone();
        if forwards.is_empty() {
            for &forward in &app.forwards {
                forwards.push(forward.at_a_free_port().ok_or(PortTaken(forward))?);
            }
        }
        let address = self.words("ip=").next().and_then(|ip| ip.split_once('/'));
        let address = address
            .map_or(GUEST_ADDRESS, |(address, _prefix)| address)
            .to_owned();
        Ok(Some(connection.network(&address, forwards)))
    }

    /// Returns the kernel's command line: the user's words, and a static address unless they set
    /// there is none.
    fn command_line(&self, board: &Board) -> String {
        let mut words = Vec::new();
        let has_network = !self.lacks(Device::Net) && !transport::is_console_only(board);
        if has_network && self.words("ip=").next().is_none() {
            words.push(format!("ip={GUEST_ADDRESS}/24{}", self.router()));
        }
        if let Some(level) = self.log {
            words.push(format!("log={level}"));
        }
        words.extend(self.append.iter().cloned());
        words.join(" ")
    }

    /// Returns the gateway and the name server of QEMU's user network, in the form that follows the
    /// address.
    fn router(&self) -> &'static str {
        match self.net {
            None | Some(Connection::User) => ",10.0.2.2,10.0.2.3",
            Some(_) => "",
        }
    }

    /// Returns the values of the words in `--append` that start with a prefix.
    fn words(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let words = self
            .append
            .iter()
            .flat_map(|words| words.split_whitespace());
        words.filter_map(move |word| word.strip_prefix(prefix))
    }
}

/// Returns the error for an option that only another transport supports.
fn misfit(option: &str, transport: Transport) -> Failure {
    Failure::usage(format!(
        "{option} works only with `--transport {transport}`"
    ))
}
