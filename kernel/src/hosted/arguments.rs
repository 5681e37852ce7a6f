//! The arguments of an app that is a process: its devices, its memory and its command line.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::{fs, io};

use vmos_drivers::hosted::simulated::{self, Crossing, Plan, SimulatedEntropy};
use vmos_drivers::hosted::{self, Datagrams, Disk, Entropy, Nic, Stream, Tap};

use super::heap;
use crate::net::HardwareAddress;

/// The options, as `--help` shows them.
pub(super) const HELP: &str = "\
Runs this app as a process: the process is the machine.

Usage: [OPTIONS] [WORD]..

Words are the command line of the kernel and of the app: log=, ip=, ip6=, nic= and the app's own.

Options:
  --disk FILE[,read-only][,serial=TEXT][,aio=io_uring|threads]
          Attaches a disk whose blocks are in this file; can be repeated. The file is accessed by io_uring,
          or by a thread where the host refuses that; with aio=io_uring, a refusal is an error
  --net tap=NAME
          Attaches a network device to a TAP interface of the host; can be repeated, as all of --net
  --net udp=ADDRESS:PORT,ADDRESS:PORT
          Receives each frame as a datagram at the first port, and sends to the second, as QEMU's
          -netdev dgram does
  --net unix=PATH,PATH
          The same with Unix sockets
  --net connect=ADDRESS:PORT, --net connect=PATH
          Connects to QEMU's -netdev stream, over TCP or to a Unix socket
  --mac ADDRESS
          The hardware address of the network device before it; default: 52:54:00:12:34:56, and the
          following ones. Of two machines on one wire, one needs another
  --memory MIB
          Limits the heap, in MiB; default: 128
  --simulated
          Runs machines in the time and with the devices that a simulation gives over standard input:
          for `cargo xtask simulate`
  --no-entropy
          Attaches no entropy device
  --help
          Shows this text
";

/// The hardware address of the first network device, that of QEMU's first one; the next ones follow.
const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A machine.
    Run(Arguments),
    /// The options.
    Help,
}

/// The devices, the memory and the command line of a process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arguments {
    disks: Vec<String>,
    /// The wires of the network devices, with their hardware addresses.
    networks: Vec<(String, HardwareAddress)>,
    /// The limit of the heap, in bytes.
    memory: usize,
    has_entropy: bool,
    is_simulated: bool,
    words: Vec<String>,
}

/// An argument cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Unusable {
    /// Returns the error for an argument that is not UTF-8.
    pub(super) fn not_text(word: &OsStr) -> Self {
        Self(format!("{}: not UTF-8; see --help", word.display()))
    }
}

impl Wish {
    /// Reads the arguments of a program, without its name.
    pub(super) fn read(words: impl IntoIterator<Item = String>) -> Result<Self, Unusable> {
        let mut read = Arguments {
            disks: Vec::new(),
            networks: Vec::new(),
            memory: heap::DEFAULT_LIMIT,
            has_entropy: true,
            is_simulated: false,
            words: Vec::new(),
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next();
                value.ok_or_else(|| Unusable(format!("{word} needs a value; see --help")))
            };
            match word.as_str() {
                "--disk" => read.disks.push(value()?),
                "--net" => {
                    let mut mac = MAC;
                    mac[5] = mac[5].wrapping_add(read.networks.len() as u8);
                    read.networks.push((value()?, HardwareAddress(mac)));
                }
                "--mac" => {
                    let text = value()?;
                    let address = text.parse();
                    let address =
                        address.map_err(|error| Unusable(format!("--mac {text}: {error}")))?;
                    match read.networks.last_mut() {
                        Some((_, mac)) => *mac = address,
                        None => {
                            let said = format!("--mac {text}: there is no --net before it");
                            return Err(Unusable(said));
                        }
                    }
                }
                "--memory" => read.memory = bytes(&value()?)?,
                "--simulated" => read.is_simulated = true,
                "--no-entropy" => read.has_entropy = false,
                "--help" => return Ok(Self::Help),
                _ if word.starts_with('-') => {
                    return Err(Unusable(format!("unknown option {word}; see --help")));
                }
                _ => read.words.push(word),
            }
        }
        Ok(Self::Run(read))
    }
}

/// Returns the bytes of a number of MiB.
fn bytes(text: &str) -> Result<usize, Unusable> {
    let count: Option<usize> = text.parse().ok();
    let bytes = count.and_then(|count| count.checked_mul(1 << 20));
    bytes
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| Unusable(format!("--memory {text}: not a number of MiB")))
}

impl Arguments {
    /// Sets the limit of the heap, puts the devices into slots, and returns the command line, with the
    /// seed of a simulated machine.
    pub(super) fn apply(&self) -> Result<(String, Option<u64>), Unusable> {
        heap::set_limit(self.memory);
        let words = self.words.join(" ");
        if self.is_simulated {
            let seed = become_machine();
            let seed = seed.map_err(|error| Unusable(format!("--simulated: {error}")))?;
            return Ok((words, Some(seed)));
        }
        hosted::as_device(|| self.attach())?;
        Ok((words, None))
    }

    /// Puts the devices into slots.
    fn attach(&self) -> Result<(), Unusable> {
        if self.has_entropy {
            let entropy = Entropy::of_host();
            let said = |error| Unusable(format!("the host's random bytes: {error}"));
            attached(hosted::attach(entropy.map_err(said)?))?;
        }
        for disk in &self.disks {
            attached(hosted::attach(open_disk(disk)?))?;
        }
        for (network, HardwareAddress(mac)) in &self.networks {
            let said = |error| Unusable(format!("--net {network}: {error}"));
            attached(hosted::attach(connect(*mac, network).map_err(said)?))?;
        }
        Ok(())
    }
}

/// Waits until this process is a copy that is a machine, and returns the machine's seed.
fn become_machine() -> io::Result<u64> {
    let stream = world()?;
    // SAFETY: the arguments are read in the only thread of the program, before the app begins.
    let plan = unsafe { simulated::copies(&stream) }?;
    simulated::report_panics();
    simulate(&plan)?;
    Ok(plan.seed)
}

/// Returns the connection to the world, which is standard input.
fn world() -> io::Result<UnixStream> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// Puts the devices of a plan into slots.
pub(super) fn simulate(plan: &Plan) -> io::Result<()> {
    hosted::as_device(|| attach_simulated(plan))
}

fn attach_simulated(plan: &Plan) -> io::Result<()> {
    let stream = world()?;
    let disks = simulated::begin(plan, stream, heap::in_use)?;
    let full = || io::Error::other("the machine has too few slots for the devices");
    hosted::attach(Entropy::new(SimulatedEntropy)).ok_or_else(full)?;
    for disk in disks {
        hosted::attach(disk).ok_or_else(full)?;
    }
    for port in 0..plan.networks {
        let mut mac = MAC;
        mac[5] = plan.address.wrapping_add(port);
        hosted::attach(Nic::new(mac, Crossing { port })).ok_or_else(full)?;
    }
    Ok(())
}

fn attached(slot: Option<u32>) -> Result<(), Unusable> {
    match slot {
        Some(_) => Ok(()),
        None => Err(Unusable(format!(
            "there are more than {} devices",
            hosted::SLOTS
        ))),
    }
}

fn open_disk(text: &str) -> Result<Disk, Unusable> {
    let mut options = text.split(',');
    let path = options.next().unwrap_or_default();
    let (mut is_read_only, mut serial, mut aio) = (false, "", None);
    for option in options {
        match option.split_once('=') {
            None if option == "read-only" => is_read_only = true,
            Some(("serial", text)) => serial = text,
            Some(("aio", name)) => {
                let said = |_| format!("--disk {text}: aio={name} is neither io_uring nor threads");
                aio = Some(name.parse().map_err(said).map_err(Unusable)?);
            }
            _ => {
                return Err(Unusable(format!(
                    "--disk {text}: unknown option {option}; there are read-only, serial=TEXT and aio=NAME"
                )));
            }
        }
    }
    let said = |error: io::Error| Unusable(format!("--disk {path}: {error}"));
    let file = OpenOptions::new()
        .read(true)
        .write(!is_read_only)
        .open(path)
        .map_err(said)?;
    lock(&file, path, is_read_only)?;
    Disk::new(file, is_read_only, serial, aio).map_err(said)
}

/// Locks an image until the process ends: one that writes it needs it alone, and several can read it.
fn lock(file: &File, path: &str, is_read_only: bool) -> Result<(), Unusable> {
    let locked = match is_read_only {
        true => file.try_lock_shared(),
        false => file.try_lock(),
    };
    match locked {
        Ok(()) => Ok(()),
        // Some network file systems have no locks; their images work as before.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(Unusable(format!(
            "--disk {path}: it cannot be locked against other processes: {error}"
        ))),
        Err(TryLockError::WouldBlock) => Err(Unusable(format!(
            "--disk {path}: another process or another --disk uses this file; end that process, or name \
             another file"
        ))),
    }
}

fn connect(mac: [u8; 6], text: &str) -> Result<Nic, String> {
    let said = |error: io::Error| error.to_string();
    let (kind, value) = text.split_once('=').unwrap_or((text, ""));
    let two = || value.split_once(',').ok_or("it takes two, with a comma");
    Ok(match kind {
        "tap" => Nic::new(mac, Tap::open(value).map_err(said)?),
        "udp" => {
            let (local, remote) = two()?;
            let socket = UdpSocket::bind(local).map_err(said)?;
            socket.connect(remote).map_err(said)?;
            Nic::new(mac, Datagrams::over_udp(socket).map_err(said)?)
        }
        "unix" => {
            let (local, remote) = two()?;
            Nic::new(
                mac,
                Datagrams::over_unix(bind(local).map_err(said)?, remote).map_err(said)?,
            )
        }
        "connect" if value.contains('/') => {
            let stream = UnixStream::connect(value).map_err(said)?;
            Nic::new(mac, Stream::over_unix(stream).map_err(said)?)
        }
        "connect" => {
            let stream = TcpStream::connect(value).map_err(said)?;
            Nic::new(mac, Stream::over_tcp(stream).map_err(said)?)
        }
        _ => return Err("there are tap=, udp=, unix= and connect=; see --help".into()),
    })
}

/// Returns a socket at `local`.
fn bind(local: &str) -> io::Result<UnixDatagram> {
    // The socket of a process that has ended is in the way; another file is not removed.
    let is_socket = fs::symlink_metadata(local).is_ok_and(|found| found.file_type().is_socket());
    let probe = UnixDatagram::unbound()?.connect(local);
    if is_socket && probe.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        fs::remove_file(local)?;
    }
    UnixDatagram::bind(local)
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;

    use super::*;

    fn read(text: &str) -> Result<Wish, Unusable> {
        Wish::read(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_no_option_is_the_command_line() {
        let Ok(Wish::Run(arguments)) = read("log=debug --memory 16 ip=10.0.0.2/24 --no-entropy")
        else {
            panic!("the arguments are refused");
        };
        assert_eq!(arguments.words, ["log=debug", "ip=10.0.0.2/24"]);
        assert_eq!(arguments.memory, 16 << 20);
        assert!(!arguments.has_entropy);
    }

    #[test]
    fn devices_keep_their_order() {
        let Ok(Wish::Run(arguments)) = read("--disk a --net tap=t --disk b,read-only") else {
            panic!("the arguments are refused");
        };
        assert_eq!(arguments.disks, ["a", "b,read-only"]);
        assert_eq!(
            arguments.networks,
            [("tap=t".to_owned(), HardwareAddress(MAC))]
        );
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (text, message) in [
            ("--disk", "--disk needs a value; see --help"),
            ("--fast", "unknown option --fast; see --help"),
            ("--memory much", "--memory much: not a number of MiB"),
            ("--memory 0", "--memory 0: not a number of MiB"),
            (
                "--mac 52:54:00:00:00:01",
                "--mac 52:54:00:00:00:01: there is no --net before it",
            ),
        ] {
            assert_eq!(read(text), Err(Unusable(message.to_owned())), "{text}");
        }
    }

    #[test]
    fn an_image_that_is_written_has_one_user() {
        let path = std::env::temp_dir().join(format!("vmos-lock-{}.img", std::process::id()));
        fs::write(&path, [0; 512]).unwrap();
        let shown = path.display().to_string();
        let disk = |text: &str| open_disk(text).map_err(|error| error.0);
        let file = |is_read_only| {
            let file = File::open(&path).unwrap();
            lock(&file, &shown, is_read_only).map(|()| file)
        };
        let readers = [file(true).unwrap(), file(true).unwrap()];
        let refused = disk(&shown).err().unwrap_or_default();
        assert!(refused.starts_with(&format!("--disk {shown}: another process")));
        drop(readers);
        let writer = file(false).unwrap();
        for text in [&shown, &format!("{shown},read-only")] {
            assert!(disk(text).is_err(), "{text}");
        }
        drop(writer);
        let _disk = disk(&shown).unwrap();
        assert!(file(true).is_err());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_device_that_cannot_be_attached_is_named() {
        let missing = open_disk("/nonexistent/disk").err().map(|error| error.0);
        assert!(missing.is_some_and(|said| said.starts_with("--disk /nonexistent/disk: ")));
        let unknown = open_disk("disk,fast").err().map(|error| error.0);
        assert!(unknown.is_some_and(|said| said.contains("unknown option fast")));
        let unknown = open_disk("disk,aio=native").err().map(|error| error.0);
        assert!(unknown.is_some_and(|said| said.contains("neither io_uring nor threads")));
        assert!(connect(MAC, "udp=127.0.0.1:0").is_err_and(|said| said.contains("two")));
        let text = open_disk(env!("CARGO_MANIFEST_DIR"))
            .err()
            .map(|error| error.0);
        assert!(text.is_some_and(|said| said.starts_with("--disk ")));
        assert!(connect(MAC, "slow").is_err_and(|said| said.contains("there are tap=")));
    }
}
