//! Builds the QEMU command line of a machine. This module depends on no board: the differences
//! between boards are in `generated/<board>/qemu.args`.

pub(crate) mod files;

use std::fs;
use std::path::{Path, PathBuf};

use vmos_codegen::Board;
use vmos_codegen::emit::qemu_args;

use crate::emulator;
use crate::failure::FileError;
use crate::forward::Forward;
use crate::memory_size::MemorySize;
use crate::target;
use crate::transport::{Attachment, Transport};
use crate::workspace::Workspace;

pub(crate) mod serial;
mod sizing;

pub use serial::Serial;

/// A machine that QEMU can start.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The QEMU program.
    pub program: String,
    /// The board's own arguments, one word each.
    pub arguments: Vec<String>,
    /// The machine's amount of memory; `None` for the board's default.
    pub memory: Option<MemorySize>,
    /// The path of the image.
    pub kernel: PathBuf,
    /// The kernel's command line.
    pub append: String,
    /// The machine's firmware; `None` for the board's default.
    pub firmware: Option<PathBuf>,
    /// The machine's virtio devices.
    pub devices: Devices,
    /// The connection of the console.
    pub console: Console,
    /// The path of the socket for QEMU's monitor (QMP), if there is one.
    pub qmp: Option<PathBuf>,
    /// Arguments appended to the command line.
    pub extra: Vec<String>,
}

/// QEMU warns about a network interface without a peer. This peer waits for a machine that does not come, on a
/// port that the host chooses.
const NOBODY: &str = "listen=127.0.0.1:0";

/// The devices of a machine: virtio devices, and what the board's own Ethernet controller is connected to.
#[derive(Clone, Debug)]
pub struct Devices {
    /// How the devices are attached; irrelevant if there are none.
    pub attachment: Attachment,
    /// Whether there is a random number generator.
    pub rng: bool,
    /// The first disk; `None` if there is none.
    pub disk: Option<Disk>,
    /// The first network interface; `None` if there is none.
    pub network: Option<Network>,
    /// Whether the first network interface is the board's own Ethernet controller, instead of a virtio
    /// device.
    pub ethernet: bool,
    /// Further disks and network interfaces, after the first one of each kind.
    pub more: More,
}

/// Devices beyond the first of their kind.
#[derive(Clone, Debug, Default)]
pub struct More {
    /// Further disks.
    pub disks: Vec<Disk>,
    /// A folder of this host that the machine sees as a disk with a FAT file system.
    pub share: Option<Share>,
    /// The connection of a network interface.
    pub networks: Vec<Network>,
    /// The ports of a virtio console device; without one, there is no such device.
    pub serials: Vec<Serial>,
    /// Whether there is a memory balloon.
    pub balloon: bool,
}

/// A disk of a machine.
#[derive(Clone, Debug)]
pub struct Disk {
    /// The path of the raw image.
    pub image: PathBuf,
    /// Whether the machine may not write to the disk.
    pub read_only: bool,
}

/// A shared folder.
#[derive(Clone, Debug)]
pub enum Share {
    /// The folder itself, which the machine only reads.
    Folder(PathBuf),
    /// The path of a raw image with its files, which the machine can write.
    Image(PathBuf),
}

/// The connection of a network interface.
#[derive(Clone, Debug)]
pub enum Network {
    /// QEMU's user network, 10.0.2.0/24 with the host at 10.0.2.2.
    User {
        /// Whether there is a router that advertises addresses of IPv6.
        ipv6: bool,
        /// The machine's address that ports are forwarded to.
        address: String,
        /// The ports that are forwarded.
        forwards: Vec<Forward>,
    },
    /// Two unix datagram sockets; each datagram carries a frame.
    Frames {
        /// The path of the machine's socket.
        local: PathBuf,
        /// The path of the socket of the machine's peer.
        remote: PathBuf,
    },
    /// Two UDP ports of the loopback address; each datagram carries a frame.
    Datagrams {
        /// The UDP port of the machine's end.
        local: u16,
        /// The UDP port of the other end.
        remote: u16,
    },
    /// A TAP interface of the host, by its name.
    Tap(String),
    /// A TCP port of the loopback address on which QEMU waits for another machine.
    Listen(u16),
    /// A TCP port of the loopback address on which another machine waits.
    Connect(u16),
    /// The interface is not connected.
    Unconnected,
}

/// The connection of a machine's console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// The terminal, shared with QEMU's monitor: Ctrl-A X ends the machine.
    Terminal,
    /// Standard output, without input.
    Output,
}

/// The serial number of the disk with a [shared folder](More::share).
pub const SHARE: &str = "vmos-share";

/// The address that QEMU's user network assigns to the first machine that asks.
pub const GUEST_ADDRESS: &str = "10.0.2.15";

/// The address of a machine that connects to another one, which has [`GUEST_ADDRESS`].
pub const OTHER_ADDRESS: &str = "10.0.2.16";

impl Machine {
    /// Creates a machine with the board's generated arguments, every device, and its console on
    /// standard output.
    pub fn new(workspace: &Workspace, board: &Board, kernel: PathBuf) -> Result<Self, FileError> {
        let generated = workspace.generated(&board.name).join("qemu.args");
        Ok(Self {
            arguments: files::from_the_root(board_arguments(&generated)?),
            ..Self::described(board, kernel)
        })
    }

    /// Describes a machine like [`Self::new`], but from the description alone, without generated
    /// files.
    #[must_use]
    pub fn described(board: &Board, kernel: PathBuf) -> Self {
        let attachment = Attachment::of(board).first().copied();
        let has_devices = attachment.is_some();
        let attachment = attachment.unwrap_or(Attachment::Mmio);
        let arguments = qemu_args::arguments(board).into_iter();
        Self {
            program: target::qemu_program(board),
            arguments: files::from_the_root(arguments.flat_map(|(_, words)| words).collect()),
            memory: None,
            kernel,
            append: format!("ip={GUEST_ADDRESS}/24"),
            firmware: None,
            devices: Devices {
                attachment,
                rng: has_devices,
                disk: None,
                network: None,
                ethernet: board.ethernet.is_some() && !has_devices,
                more: More::default(),
            },
            console: Console::Output,
            qmp: None,
            extra: Vec::new(),
        }
    }

    /// Returns the command line of the machine without devices and without an image, whose
    /// processors do not start. Its monitor reads standard input.
    #[must_use]
    pub fn stopped_command(&self) -> Vec<String> {
        let mut words = self.sized_command();
        let stopped = ["-nodefaults", "-display", "none", "-monitor", "stdio", "-S"];
        words.extend(stopped.map(str::to_owned));
        words.extend(sizing::words_of(&self.extra).cloned());
        words
    }

    /// Returns the program, the board's own arguments, and the memory.
    fn sized_command(&self) -> Vec<String> {
        let mut words = emulator::words(&self.program);
        words.extend(self.arguments.iter().cloned());
        if let Some(memory) = &self.memory {
            set(&mut words, "-m", memory.option_value());
        }
        words
    }

    /// Returns the command line, the program first.
    #[must_use]
    pub fn command(&self) -> Vec<String> {
        let mut words = self.sized_command();
        if let Some(firmware) = &self.firmware {
            set(&mut words, "-bios", firmware.to_string_lossy().into_owned());
        }
        let mut add = |arguments: &[&str]| words.extend(arguments.iter().map(|&w| w.to_owned()));
        add(&["-nodefaults", "-no-reboot", "-display", "none"]);
        match self.console {
            Console::Terminal => add(&[
                "-chardev",
                "stdio,id=console,mux=on,signal=on",
                "-serial",
                "chardev:console",
                // `-mon` is deprecated since QEMU 11.1; this is taken by every version.
                "-monitor",
                "chardev:console",
            ]),
            Console::Output => {
                add(&[
                    "-chardev",
                    "stdio,id=console,signal=off",
                    "-serial",
                    "chardev:console",
                ]);
            }
        }
        if let Some(socket) = &self.qmp {
            add(&[
                "-qmp",
                &format!("unix:{},server=on,wait=off", option_value(socket)),
            ]);
        }
        add(&["-kernel", &self.kernel.to_string_lossy()]);
        if !self.append.is_empty() {
            add(&["-append", &self.append]);
        }
        for word in self.devices.arguments() {
            add(&[&word]);
        }
        words.extend(self.extra.iter().cloned());
        words
    }
}

impl Devices {
    /// Returns all disks, the first one first.
    pub fn disks(&self) -> impl Iterator<Item = &Disk> {
        self.disk.iter().chain(&self.more.disks)
    }

    /// Returns the connections of all network interfaces, the first one first.
    pub fn networks(&self) -> impl Iterator<Item = &Network> {
        self.network.iter().chain(&self.more.networks)
    }

    fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |name: &str, value: String| words.extend([name.to_owned(), value]);
        let has_disk = self.disks().next().is_some() || self.more.share.is_some();
        let has_more = !self.more.serials.is_empty() || self.more.balloon;
        if self.ethernet && self.network.is_none() {
            // The controller is on the board whether it is used or not.
            add("-nic", format!("socket,{NOBODY}"));
        }
        if !self.rng && !has_disk && !has_more && self.networks().next().is_none() {
            return words;
        }
        let connects_ethernet = self.ethernet && self.network.is_some();
        let has_virtio_network = self.networks().count() > usize::from(connects_ethernet);
        let is_virtio = self.rng || has_disk || has_more || has_virtio_network;
        if is_virtio && self.attachment == Attachment::Mmio {
            add("-global", "virtio-mmio.force-legacy=false".to_owned());
        }
        if self.rng {
            add("-device", self.device("rng", ""));
        }
        for (index, Disk { image, read_only }) in self.disks().enumerate() {
            let image = option_value(image);
            let access = if *read_only { ",readonly=on" } else { "" };
            add(
                "-drive",
                format!("if=none,id=disk{index},format=raw,file={image}{access}"),
            );
            let properties = format!(",drive=disk{index},serial=vmos-disk{index}");
            add("-device", self.device("blk", &properties));
        }
        if let Some(share) = &self.more.share {
            let source = match share {
                Share::Folder(folder) => format!("readonly=on,file=fat:{}", option_value(folder)),
                Share::Image(image) => format!("file={}", option_value(image)),
            };
            add("-drive", format!("if=none,id=share,format=raw,{source}"));
            let properties = format!(",drive=share,serial={SHARE}");
            add("-device", self.device("blk", &properties));
        }
        // A machine that boots from its image needs no boot ROM, which may not be installed.
        let rom = match self.attachment.transport() {
            Transport::Mmio => "",
            Transport::Pci => ",romfile=",
        };
        for (index, network) in self.networks().enumerate() {
            let mac = network.hardware_address(index);
            add("-netdev", network.argument(index));
            if index == 0 && connects_ethernet {
                // A controller on the board is connected by `-net nic`, which names its address differently.
                add(
                    "-net",
                    format!("nic,netdev=net0{mac}").replace(",mac=", ",macaddr="),
                );
                continue;
            }
            let properties = format!(",netdev=net{index}{mac}{rom}");
            add("-device", self.device("net", &properties));
        }
        if self.more.balloon {
            // On PCI, it has only a line, and no property for messages.
            let bus = match self.attachment.transport() {
                Transport::Mmio => "device",
                Transport::Pci => "pci",
            };
            add("-device", format!("virtio-balloon-{bus},deflate-on-oom=on"));
        }
        serial::arguments(self, add);
        words
    }

    /// Returns the argument that adds a virtio device of this kind, such as `blk`. `properties`
    /// starts with a comma, unless it is empty.
    #[must_use]
    pub fn device(&self, kind: &str, properties: &str) -> String {
        let (bus, more) = match self.attachment {
            Attachment::Mmio | Attachment::MmioLegacy => ("device", ""),
            Attachment::Pci => ("pci", ""),
            Attachment::PciIntx => ("pci", ",vectors=0"),
        };
        format!("virtio-{kind}-{bus}{properties}{more}")
    }
}

impl Network {
    /// Returns the property that sets the hardware address; empty for QEMU's default. A machine
    /// that connects to another one needs other addresses than that one.
    fn hardware_address(&self, index: usize) -> String {
        match self {
            Self::Connect(_) => format!(",mac=52:54:00:12:35:{:02x}", 0x56 + index % 0xa0),
            _ => String::new(),
        }
    }

    /// Returns the value of `-netdev`.
    pub(crate) fn argument(&self, index: usize) -> String {
        let id = format!("id=net{index}");
        match self {
            Self::User {
                address,
                forwards,
                ipv6,
            } => {
                let forwards: String = forwards
                    .iter()
                    .map(
                        |Forward {
                             protocol,
                             host,
                             guest,
                         }| {
                            format!(",hostfwd={protocol}:127.0.0.1:{host}-{address}:{guest}")
                        },
                    )
                    .collect();
                let ipv6 = if *ipv6 { "on" } else { "off" };
                // QEMU turns one version off if only the other is mentioned.
                format!("user,{id},ipv4=on,ipv6={ipv6}{forwards}")
            }
            Self::Frames { local, remote } => {
                let (local, remote) = (option_value(local), option_value(remote));
                format!(
                    "dgram,{id},local.type=unix,local.path={local},remote.type=unix,\
                     remote.path={remote}"
                )
            }
            Self::Datagrams { local, remote } => format!(
                "dgram,{id},local.type=inet,local.host=127.0.0.1,local.port={local},\
                 remote.type=inet,remote.host=127.0.0.1,remote.port={remote}"
            ),
            Self::Tap(name) => {
                let name = name.replace(',', ",,");
                format!("tap,{id},ifname={name},script=no,downscript=no")
            }
            Self::Listen(port) => format!("socket,{id},listen=127.0.0.1:{port}"),
            Self::Connect(port) => format!("socket,{id},connect=127.0.0.1:{port}"),
            Self::Unconnected => format!("socket,{id},{NOBODY}"),
        }
    }
}

/// Formats a path as the value of a QEMU option, with commas doubled.
fn option_value(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

/// Reads the arguments that codegen wrote: one per line; lines that start with `#` are comments.
fn board_arguments(path: &Path) -> Result<Vec<String>, FileError> {
    let text = fs::read_to_string(path).map_err(FileError::at("read", path))?;
    Ok(parse_arguments(&text))
}

fn parse_arguments(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(Into::into)
        .collect()
}

/// Replaces the value of an option.
fn set(words: &mut Vec<String>, option: &str, new: String) {
    let value = words
        .iter()
        .position(|word| word == option)
        .map(|flag| flag + 1);
    match value.and_then(|value| words.get_mut(value)) {
        Some(value) => *value = new,
        None => words.extend([option.to_owned(), new]),
    }
}

#[cfg(test)]
mod tests;
