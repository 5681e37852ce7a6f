//! The machine that the options of `cargo xtask run` describe.

use std::path::PathBuf;

use vmos_codegen::Board;

use crate::decoder;
use crate::disk;
use crate::failure::Failure;
use crate::forward::PortTaken;
use crate::image::Image;
use crate::qemu::{
    Console, Devices, Disk, GUEST_ADDRESS, Machine, More, Network, OTHER_ADDRESS, Share,
};
use crate::transport::{self, Attachment, Transport};
use crate::workspace::{App, Workspace, relative_to_here};

use super::connection::Connection;
use super::host::{check_connections, check_debugger, check_record};
use super::refusal::check_forwards;
use super::writable_share::WritableShare;
use super::{Arguments, Device};

impl Arguments {
    pub(super) fn devices(
        &self,
        workspace: &Workspace,
        board: &Board,
        app: &App,
    ) -> Result<Devices, Failure> {
        let read_only = self.read_only;
        let more_disks = self.disk.iter().skip(1).cloned();
        Ok(Devices {
            attachment: self.attachment(board)?,
            rng: !self.lacks(Device::Rng),
            disk: self.disk(workspace, board)?,
            network: self.network(app)?,
            ethernet: self.uses_ethernet(board)?,
            more: More {
                disks: more_disks.map(|image| Disk { image, read_only }).collect(),
                share: self.share.clone().map(Share::Folder),
                networks: self.nic.iter().map(Connection::further_network).collect(),
                serials: self.serial.clone(),
                balloon: self.balloon,
            },
        })
    }

    /// Returns the copy of the shared folder, if the machine may write it.
    pub(super) fn writable_share(
        &self,
        workspace: &Workspace,
    ) -> Result<Option<WritableShare>, Failure> {
        let folder = self.share.as_deref().filter(|_| self.share_writable);
        folder
            .map(|folder| WritableShare::new(folder, &workspace.target))
            .transpose()
    }

    /// Returns whether the app's defmt messages are decoded here: not if `--serial` says where they
    /// go.
    pub(super) fn is_decoded(&self, board: &Board, app: &App) -> bool {
        app.logs_by_defmt()
            && !transport::is_console_only(board)
            && self
                .serial
                .iter()
                .all(|serial| serial.name != decoder::PORT)
    }

    /// Returns whether the first network interface is the board's own Ethernet controller.
    fn uses_ethernet(&self, board: &Board) -> Result<bool, Failure> {
        if self.ethernet && board.ethernet.is_none() {
            return Err(Failure::usage(format!(
                "--ethernet: the board `{0}` has no Ethernet controller: boards/{0}.toml has no table \
                 in [ethernet]",
                board.name
            )));
        }
        let is_only = transport::is_console_only(board) && board.ethernet.is_some();
        Ok(self.ethernet || is_only)
    }

    /// Returns the devices of a machine without virtio, which is at most a network interface; fails if an
    /// option asks for another one.
    pub(super) fn no_devices(&self, board: &Board, app: &App) -> Result<Devices, Failure> {
        let ethernet = self.uses_ethernet(board)?;
        let asked = [
            ("--disk", !self.disk.is_empty()),
            ("--read-only", self.read_only),
            ("--share", self.share.is_some()),
            ("--net", self.net.is_some() && !ethernet),
            ("--nic", !self.nic.is_empty()),
            ("--serial", !self.serial.is_empty()),
            ("--balloon", self.balloon),
            ("--forward", !self.forward.is_empty() && !ethernet),
            ("--pcap", self.pcap.is_some() && !ethernet),
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
            network: if ethernet { self.network(app)? } else { None },
            ethernet,
            more: More::default(),
        })
    }

    pub(super) fn attachment(&self, board: &Board) -> Result<Attachment, Failure> {
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

    pub(super) fn lacks(&self, device: Device) -> bool {
        self.without.contains(&device)
    }

    pub(super) fn machine(
        &self,
        workspace: &Workspace,
        board: &Board,
        app: &App,
        devices: Devices,
    ) -> Result<Machine, Failure> {
        let kernel = self.kernel(board, Image::of(workspace, board, &app.name))?;
        let mut machine = Machine::new(workspace, board, relative_to_here(&kernel))?;
        machine.firmware.clone_from(&self.bios);
        machine.memory.clone_from(&self.memory);
        machine.console = Console::Terminal;
        machine.append = self.command_line(board);
        machine.devices = devices;
        machine.extra = self.extra();
        Ok(machine)
    }

    /// Returns the words to add to QEMU's command line.
    pub(super) fn extra(&self) -> Vec<String> {
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

    /// Returns the options that change the size of the machine, as the user wrote them.
    pub(super) fn sizes(&self) -> Vec<String> {
        let memory = self
            .memory
            .as_ref()
            .map(|memory| format!("--memory {memory}"));
        let count = self.smp.map(|count| format!("--smp {count}"));
        memory.into_iter().chain(count).collect()
    }

    /// Rejects options for which this host lacks something.
    pub(super) fn check_host(&self, devices: &Devices) -> Result<(), Failure> {
        let connections: Vec<_> = self.connections().collect();
        check_connections(&connections)?;
        if let Some(file) = &self.pcap {
            check_record(file, devices.disks())?;
        }
        check_debugger(self.gdb)
    }

    /// Rejects options that the kernel of this board cannot receive, because its loader passes
    /// neither the RAM size nor a command line.
    pub(super) fn check_that_the_kernel_learns(&self, board: &Board) -> Result<(), Failure> {
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
            "--log" => "; to build in fewer messages, use --max-log",
            _ => "",
        };
        let why = match board.boot.key {
            key @ "boot.elf" => format!("[{key}] has no `device-tree`"),
            key => format!("[{key}] passes it neither the RAM size nor a command line"),
        };
        Err(Failure::usage(format!(
            "{option}: has no effect on the kernel of `{}`, because {why}{instead}",
            board.name
        )))
    }

    /// Returns the file to pass to QEMU: with firmware, it may differ from the image itself.
    pub(super) fn kernel(&self, board: &Board, image: Image) -> Result<PathBuf, Failure> {
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
                "--bios {firmware}: there is no such file"
            )));
        }
        Ok(payload)
    }

    pub(super) fn disk(
        &self,
        workspace: &Workspace,
        board: &Board,
    ) -> Result<Option<Disk>, Failure> {
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

    pub(super) fn network(&self, app: &App) -> Result<Option<Network>, Failure> {
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
        if connection == Connection::Unconnected && self.pcap.is_some() {
            return Err(Failure::usage("--pcap conflicts with `--net none`"));
        }
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
                let free = forward.free_ports().find(|free| {
                    let is_forwarded = forwards.iter().any(|other| other.is_at_the_port_of(free));
                    !is_forwarded && !self.claims_port(free.protocol, free.host)
                });
                forwards.push(free.ok_or(PortTaken(forward))?);
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
    pub(super) fn command_line(&self, board: &Board) -> String {
        let mut words = Vec::new();
        let has_network = !self.lacks(Device::Net) && !transport::is_console_only(board);
        if has_network && self.words("ip=").next().is_none() {
            words.push(format!("ip={}/24{}", self.address(), self.router()));
        }
        if let Some(level) = self.log {
            words.push(format!("log={level}"));
        }
        words.extend(self.append.iter().cloned());
        words.join(" ")
    }

    /// Returns the machine's address, if the user sets none: two connected machines need two.
    pub(super) fn address(&self) -> &'static str {
        match self.net {
            Some(Connection::Connect(_)) => OTHER_ADDRESS,
            _ => GUEST_ADDRESS,
        }
    }

    /// Returns the gateway and the name server of QEMU's user network, in the form that follows the
    /// address.
    pub(super) fn router(&self) -> &'static str {
        match self.net {
            None | Some(Connection::User) => ",10.0.2.2,10.0.2.3",
            Some(_) => "",
        }
    }

    /// Returns the values of the words in `--append` that start with a prefix.
    pub(super) fn words(&self, prefix: &str) -> impl Iterator<Item = &str> {
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
