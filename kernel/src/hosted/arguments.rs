//! The arguments of an app that is a process: its devices, and its command line.
//!
//! ```text
//! --disk FILE[,read-only][,serial=TEXT]
//! --net udp=LOCAL,REMOTE | unix=LOCAL,REMOTE | connect=ADDRESS | connect=PATH
//! WORD..
//! ```

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use std::fs::OpenOptions;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::{env, fs, io};

use vmos_drivers::hosted::{self, Datagrams, Disk, Entropy, Nic, Stream};

/// The hardware address of the first network device: locally administered, as QEMU's.
const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

/// The devices and the command line of a process.
#[derive(Default, Debug)]
pub(super) struct Arguments {
    disks: Vec<String>,
    networks: Vec<String>,
    words: Vec<String>,
}

/// An argument cannot be used.
#[derive(Debug)]
pub(super) struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Arguments {
    /// Reads the arguments of the program.
    pub(super) fn of_program() -> Result<Self, Unusable> {
        Self::read(env::args().skip(1))
    }

    fn read(words: impl IntoIterator<Item = String>) -> Result<Self, Unusable> {
        let mut read = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let list = match word.as_str() {
                "--disk" => &mut read.disks,
                "--net" => &mut read.networks,
                _ if word.starts_with("--") => {
                    return Err(Unusable(format!(
                        "unknown option {word}: there are --disk FILE[,read-only][,serial=TEXT], and \
                         --net udp=LOCAL,REMOTE, unix=LOCAL,REMOTE or connect=ADDRESS"
                    )));
                }
                _ => {
                    read.words.push(word);
                    continue;
                }
            };
            let value = words.next();
            list.push(value.ok_or_else(|| Unusable(format!("{word} needs a value")))?);
        }
        Ok(read)
    }

    /// Puts the devices into slots, and returns the command line.
    pub(super) fn attach(&self) -> Result<String, Unusable> {
        let attach = |attached: Option<u32>| {
            let slot = attached.map(drop);
            slot.ok_or_else(|| Unusable(format!("more than {} devices", hosted::SLOTS)))
        };
        let entropy = Entropy::of_host();
        let entropy = entropy.map_err(|error| Unusable(format!("the host's entropy: {error}")))?;
        attach(hosted::attach(entropy))?;
        for disk in &self.disks {
            attach(hosted::attach(open_disk(disk)?))?;
        }
        for (number, network) in self.networks.iter().enumerate() {
            let mut mac = MAC;
            mac[5] = mac[5].wrapping_add(number as u8);
            let refused = |error| Unusable(format!("--net {network}: {error}"));
            attach(connect(mac, network).map_err(refused)?)?;
        }
        Ok(self.words.join(" "))
    }
}

fn open_disk(text: &str) -> Result<Disk, Unusable> {
    let (path, options) = text.split_once(',').unwrap_or((text, ""));
    let (mut is_read_only, mut serial) = (false, "");
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            None if option == "read-only" => is_read_only = true,
            Some(("serial", text)) => serial = text,
            _ => {
                return Err(Unusable(format!(
                    "--disk {text}: unknown option {option}: there are read-only and serial=TEXT"
                )));
            }
        }
    }
    let refused = |error: io::Error| Unusable(format!("--disk {path}: {error}"));
    let file = OpenOptions::new().read(true).write(!is_read_only).open(path);
    Disk::new(file.map_err(refused)?, is_read_only, serial).map_err(refused)
}

fn connect(mac: [u8; 6], text: &str) -> Result<Option<u32>, String> {
    let said = |error: io::Error| error.to_string();
    let (kind, value) = text.split_once('=').unwrap_or((text, ""));
    let two = || value.split_once(',').ok_or("LOCAL,REMOTE is missing");
    let nic = match kind {
        "udp" => {
            let (local, remote) = two()?;
            let socket = UdpSocket::bind(local).map_err(said)?;
            socket.connect(remote).map_err(said)?;
            Nic::new(mac, Datagrams::new(socket).map_err(said)?)
        }
        "unix" => {
            let (local, remote) = two()?;
            // What an earlier process left is in the way.
            let _ = fs::remove_file(local);
            let socket = UnixDatagram::bind(local).map_err(said)?;
            socket.connect(remote).map_err(said)?;
            Nic::new(mac, Datagrams::new(socket).map_err(said)?)
        }
        "connect" if value.contains('/') => {
            let stream = UnixStream::connect(value).map_err(said)?;
            Nic::new(mac, Stream::over_unix(stream).map_err(said)?)
        }
        "connect" => {
            let stream = TcpStream::connect(value).map_err(said)?;
            Nic::new(mac, Stream::over_tcp(stream).map_err(said)?)
        }
        _ => {
            return Err("there are udp=LOCAL,REMOTE, unix=LOCAL,REMOTE and connect=ADDRESS".into());
        }
    };
    Ok(hosted::attach(nic))
}
