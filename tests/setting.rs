//! The environment of a test case: a board, an attachment, and an empty folder.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;
use vmos_codegen::Board;
use xtask::disk;
use xtask::forward::{Forward, Protocol};
use xtask::image::Image;
use xtask::qemu::{self, Disk, GUEST_ADDRESS, Network};
use xtask::shell;
use xtask::transport::{self, Attachment};
use xtask::workspace::Workspace;

use crate::ensure;
use crate::ethernet::Wire;
use crate::lines::Lines;
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::ports;
use crate::serial::Serial;
use crate::virtqueues::Virtqueues;

/// The environment of a test case.
#[derive(Debug)]
pub struct Setting {
    workspace: Arc<Workspace>,
    board: Arc<Board>,
    attachment: Attachment,
    folder: TempDir,
    log: Mutex<Vec<(String, Arc<Serial>)>>,
}

/// A machine that has not been started: QEMU's command in parts, which a case may change.
#[derive(Debug)]
pub struct Draft<'a> {
    setting: &'a Setting,
    /// QEMU's command, in parts.
    pub qemu: qemu::Machine,
}

/// The size up to which a file of a failed case is kept, in bytes.
const LARGEST: u64 = 16 << 20;

impl Setting {
    /// Creates an environment with an empty folder.
    pub fn new(
        workspace: Arc<Workspace>,
        board: Arc<Board>,
        attachment: Attachment,
    ) -> Outcome<Self> {
        let folder = TempDir::with_prefix("vmos-")?;
        Ok(Self {
            workspace,
            board,
            attachment,
            folder,
            log: Mutex::default(),
        })
    }

    /// Returns the image of an app for the board.
    pub fn image(&self, app: &str) -> Outcome<Image> {
        let image = Image::of(&self.workspace, &self.board, app);
        let board = &self.board.name;
        ensure!(
            image.kernel.is_file() && image.elf.is_file(),
            "the image of {app} for {board} is missing: cargo xtask build {board} --app {app}"
        );
        Ok(image)
    }

    /// Returns the folder of the workspace.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.workspace.root
    }

    /// Returns the workspace.
    #[must_use]
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Returns the board of the case.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Returns how the devices are attached.
    #[must_use]
    pub fn attachment(&self) -> Attachment {
        self.attachment
    }

    /// Returns a path in the folder of this case.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the disk image of this case, empty at first.
    pub fn disk(&self) -> Outcome<PathBuf> {
        let path = self.path("disk.img");
        disk::create_if_missing(&path)?;
        Ok(path)
    }

    /// Returns a machine with every device that the board can have, for an app.
    pub fn machine(&self, app: &str) -> Outcome<Draft<'_>> {
        let mut qemu = qemu::Machine::new(&self.workspace, &self.board, self.image(app)?.kernel)?;
        if transport::is_console_only(&self.board) {
            return Ok(Draft {
                setting: self,
                qemu,
            });
        }
        qemu.devices.attachment = self.attachment;
        qemu.devices.disk = Some(Disk {
            image: self.disk()?,
            read_only: false,
        });
        let host = ports::free_udp().ok_or("no UDP port is free")?;
        let forward = Forward {
            protocol: Protocol::Udp,
            host,
            guest: 7,
        };
        let address = GUEST_ADDRESS.to_owned();
        qemu.devices.network = Some(Network::User {
            ipv6: false,
            address,
            forwards: vec![forward],
        });
        Ok(Draft {
            setting: self,
            qemu,
        })
    }

    /// Returns a machine whose only device is the Ethernet controller of the board, for an app.
    pub fn ethernet_machine(&self, app: &str) -> Outcome<Draft<'_>> {
        let mut qemu = qemu::Machine::new(&self.workspace, &self.board, self.image(app)?.kernel)?;
        let host = ports::free_udp().ok_or("no UDP port is free")?;
        qemu.devices.rng = false;
        qemu.devices.ethernet = true;
        qemu.devices.network = Some(Network::User {
            ipv6: false,
            address: GUEST_ADDRESS.to_owned(),
            forwards: vec![Forward {
                protocol: Protocol::Udp,
                host,
                guest: 7,
            }],
        });
        let setting = self;
        Ok(Draft { setting, qemu })
    }

    /// Returns QEMU's messages about all machines of this case.
    #[must_use]
    pub fn complaints(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().map(|(_, serial)| serial.complaints()).collect()
    }

    /// Copies files that help to find the cause of a failure into a folder: each machine's output,
    /// network frames, monitor messages, and writes to its devices.
    pub fn keep(&self, folder: &Path) -> io::Result<()> {
        // Files of an earlier run would be misleading.
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder)?;
        fs::write(folder.join("serial.log"), self.log())?;
        for entry in fs::read_dir(self.folder.path())? {
            let path = entry?.path();
            let is_kept = path.extension().is_some_and(|extension| {
                ["log", "pcap", "trace"]
                    .map(OsStr::new)
                    .contains(&extension)
            });
            // A machine that spins writes records without end.
            let is_kept = is_kept && path.metadata()?.len() <= LARGEST;
            if let Some(name) = path.file_name().filter(|_| is_kept) {
                fs::copy(&path, folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Returns the output of all machines of this case.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (command, serial) in &*log {
            text += &format!("\n  $ {command}\n");
            for line in serial.text().lines() {
                text += &format!("  | {line}\n");
            }
        }
        text
    }
}

impl Draft<'_> {
    /// Adds words to the kernel's command line.
    #[must_use]
    pub fn append(mut self, words: &str) -> Self {
        self.qemu.append = format!("{} {words}", self.qemu.append);
        self
    }

    /// Replaces the kernel's command line.
    #[must_use]
    pub fn command_line(mut self, words: &str) -> Self {
        words.clone_into(&mut self.qemu.append);
        self
    }

    /// Returns the loopback port that is forwarded to the machine's echo service.
    pub fn echo_port(&self) -> Outcome<u16> {
        match &self.qemu.devices.network {
            Some(Network::User { forwards, .. }) => {
                Ok(forwards.first().ok_or("no port is forwarded")?.host)
            }
            _ => Err("this machine has no forwarded port".into()),
        }
    }

    /// Forwards a free UDP port of the loopback address to the machine's port `guest`; returns the
    /// free port.
    pub fn forward_udp(&mut self, guest: u16) -> Outcome<u16> {
        let host = ports::free_udp().ok_or("no port is free")?;
        self.forward(Forward {
            protocol: Protocol::Udp,
            host,
            guest,
        })
    }

    /// Forwards a free TCP port of the loopback address to the machine's port `guest`; returns the
    /// free port.
    pub fn forward_tcp(&mut self, guest: u16) -> Outcome<u16> {
        let host = ports::free_tcp().ok_or("no port is free")?;
        self.forward(Forward {
            protocol: Protocol::Tcp,
            host,
            guest,
        })
    }

    fn forward(&mut self, forward: Forward) -> Outcome<u16> {
        let Some(Network::User { forwards, .. }) = &mut self.qemu.devices.network else {
            return Err("this machine has no forwarded port".into());
        };
        let host = forward.host;
        forwards.push(forward);
        Ok(host)
    }

    /// Forwards the same port to another address of the machine.
    #[must_use]
    pub fn at_address(mut self, new: &str) -> Self {
        if let Some(Network::User { address, .. }) = &mut self.qemu.devices.network {
            new.clone_into(address);
        }
        self
    }

    /// Connects the network to a link for raw frames.
    pub fn wired(mut self) -> Outcome<(Self, Wire)> {
        let (machine, here) = (
            self.setting.path("machine.sock"),
            self.setting.path("here.sock"),
        );
        let wire = Wire::new(&here, &machine)?;
        self.qemu.devices.network = Some(Network::Frames {
            local: machine,
            remote: here,
        });
        Ok((self, wire))
    }

    /// Puts the machine's memory into a file, and records writes to its devices.
    pub fn observed(mut self) -> Outcome<(Self, Virtqueues)> {
        let board = &self.setting.board;
        let mebibytes = match &self.qemu.memory {
            Some(memory) => memory.mebibytes(),
            None => board.qemu.memory >> 20,
        };
        let folder = self.setting.folder.path();
        let queues = Virtqueues::new(folder, board, mebibytes, &mut self.qemu.arguments)?;
        Ok((self, queues))
    }

    /// Makes the machine's interrupt lines controllable from outside.
    #[must_use]
    pub fn with_lines(mut self) -> (Self, Lines) {
        let (lines, arguments) = Lines::new(self.setting.folder.path());
        self.qemu.extra.extend(arguments);
        (self, lines)
    }

    /// Starts the machine.
    pub fn start(mut self) -> Outcome<Machine> {
        let mut log = self
            .setting
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let number = log.len();
        if self.qemu.devices.disk.is_some() {
            // A flush would wait for everything else that is written to the disk of a busy host, longer than
            // a kernel waits for its device. What was written outlives QEMU without it.
            let cache = ["-set", "drive.disk0.cache=unsafe"].map(str::to_owned);
            self.qemu.extra.extend(cache);
        }
        if self.qemu.devices.network.is_some() {
            let file = self.setting.path(&format!("frames{number}.pcap"));
            let dump = format!("filter-dump,id=dump0,netdev=net0,file={}", file.display());
            self.qemu.extra.extend(["-object".to_owned(), dump]);
        }
        let monitor = self.setting.path(&format!("monitor{number}.sock"));
        self.qemu.qmp = Some(monitor.clone());
        let command = self.qemu.command();
        let serial = Arc::<Serial>::default();
        log.push((shell::quote(&command), Arc::clone(&serial)));
        Machine::start(&command, &monitor, serial)
    }
}

/// Reads a disk image.
pub fn read_image(path: &Path) -> Outcome<Vec<u8>> {
    Ok(fs::read(path)?)
}
