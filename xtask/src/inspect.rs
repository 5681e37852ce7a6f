//! Queries a machine: starts QEMU paused, with the arguments that `run` uses. Nothing runs on the
//! machine, except the firmware of a machine without device tree.

use core::error::Error;
use core::fmt;
mod ich9;
mod piix3;

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use vmos_codegen::Board;
use vmos_codegen::machine::acpi::Tables;
use vmos_codegen::machine::device_tree::DeviceTree;
use vmos_codegen::machine::memory_tree::MemoryTree;
use vmos_codegen::machine::{Facts, models};

use crate::disk;
use crate::failure::Failure;
use crate::image::Image;
use crate::install;
use crate::qemu::{Disk, GUEST_ADDRESS, Machine, Network};
use crate::qmp::{Qmp, QmpError};
use crate::workspace::{DEFAULT_APP, Workspace};

/// The time limit for firmware to write its tables, on a busy host.
const FIRMWARE: Duration = Duration::from_secs(20);

/// QEMU's name of the processors whose machines include firmware.
const PC: &str = "x86_64";

/// QEMU's names of the UART at a PC's I/O ports, and of the container of unnamed devices.
const SERIAL: &str = "isa-serial";
const UNATTACHED: &str = "/machine/unattached";

/// Machine option that removes random seeds, so that device trees are reproducible; not all
/// machines have it.
const NOT_RANDOM: &str = "dtb-randomness";

/// Returns the facts of a board's machine.
pub fn board(workspace: &Workspace, board: &Board) -> Result<Facts, Failure> {
    install::qemu(&crate::target::qemu_program(board))?;
    let folder = TempDir::with_prefix("vmos-")?;
    // A machine can be queried before there is any app to run on it.
    let app = workspace.app_or_default(None).ok();
    let app = app.map_or(DEFAULT_APP, |app| app.name.as_str());
    let image = Image::of(workspace, board, app).kernel;
    let mut machine = Machine::described(board, image);
    // Use a separate disk: the board's disk may be in use by a running machine.
    let disk = folder.path().join("disk.img");
    disk::create_if_missing(&disk)?;
    machine.devices.disk = Some(Disk {
        image: disk,
        read_only: false,
    });
    machine.devices.network = Some(Network::User {
        address: GUEST_ADDRESS.to_owned(),
        forwards: Vec::new(),
    });
    let mut words = machine.command();
    // The loaded image does not affect the devices, and need not be built.
    if machine.kernel.is_file() {
        match facts(&words, folder.path()) {
            // QEMU can crash if an image leaves no space for the device tree.
            Err(InspectError::Monitor(QmpError::Io(_) | QmpError::Closed)) => {}
            found => return Ok(found?),
        }
    }
    remove(&mut words, "-kernel");
    remove(&mut words, "-append");
    Ok(facts(&words, folder.path())?)
}

/// Removes an option and its value from a command.
fn remove(words: &mut Vec<String>, option: &str) {
    if let Some(at) = words.iter().position(|word| word == option) {
        words.drain(at..(at + 2).min(words.len()));
    }
}

/// Returns the facts of the machine that `command` starts; uses `folder` for temporary files.
pub fn facts(command: &[String], folder: &Path) -> Result<Facts, InspectError> {
    let plain = |command: &[String]| Paused::start(command, folder);
    let not_random = [
        command,
        &["-machine".to_owned(), format!("{NOT_RANDOM}=off")],
    ]
    .concat();
    let mut paused = match plain(&not_random) {
        Err(InspectError::Ended(said)) if said.contains(NOT_RANDOM) => plain(command)?,
        other => other?,
    };
    let mut facts = paused.facts(folder)?;
    drop(paused);
    if facts.compatible.is_empty() {
        let mut paused = plain(&with_memory(command, MORE_MEMORY))?;
        facts.more_ram = MemoryTree::parse(&paused.qmp.monitor("info mtree -f")?).ram();
    }
    Ok(facts)
}

/// A memory size that exceeds the space below 4 GiB on every machine. None of it is touched.
const MORE_MEMORY: &str = "8G";

/// Returns the command with another amount of memory.
fn with_memory(command: &[String], memory: &str) -> Vec<String> {
    let mut words = command.to_vec();
    let value = words.iter().position(|word| word == "-m").map(|at| at + 1);
    if let Some(value) = value.and_then(|at| words.get_mut(at)) {
        memory.clone_into(value);
    }
    words
}

/// A machine that is started paused. It is killed on drop.
struct Paused {
    qemu: Child,
    qmp: Qmp,
}

impl Paused {
    fn start(command: &[String], folder: &Path) -> Result<Self, InspectError> {
        let [program, arguments @ ..] = command else {
            return Err(InspectError::Ended("no command".to_owned()));
        };
        let socket = folder.join("monitor.sock");
        // Do not connect to a socket left by an earlier machine.
        let _ = fs::remove_file(&socket);
        let mut qemu = Command::new(program)
            .args(arguments)
            .args(["-S", "-qmp"])
            .arg(format!("unix:{},server=on,wait=off", socket.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| InspectError::Start(program.clone(), error))?;
        let alive = || matches!(qemu.try_wait(), Ok(None));
        match Qmp::connect_while(&socket, alive) {
            Ok(qmp) => Ok(Self { qemu, qmp }),
            Err(error) => {
                let _ = qemu.kill();
                let mut said = String::new();
                if let Some(mut errors) = qemu.stderr.take() {
                    let _ = errors.read_to_string(&mut said);
                }
                let _ = qemu.wait();
                match said.trim() {
                    "" => Err(error.into()),
                    said => Err(InspectError::Ended(said.to_owned())),
                }
            }
        }
    }

    fn facts(&mut self, folder: &Path) -> Result<Facts, InspectError> {
        let tree = MemoryTree::parse(&self.qmp.monitor("info mtree -f")?);
        if tree.memory.is_empty() {
            return Err(InspectError::NoMemoryTree);
        }
        let mut facts = Facts {
            teller: self.version()?,
            tree,
            ..Facts::default()
        };
        // A PC is described by firmware's tables and QEMU's device list. Its device tree, if there
        // is one (microvm, from QEMU 11.1 on), contains only what a kernel needs in addition: the
        // occupied slots, with interrupts numbered within one I/O APIC, and no I/O ports.
        let blob = if self.is_pc()? {
            None
        } else {
            self.device_tree(folder)?
        };
        if let Some(blob) = blob {
            let tree = DeviceTree::parse(&blob)
                .map_err(|error| InspectError::DeviceTree(error.to_string()))?;
            facts = facts.with_tree(&tree);
        }
        facts.timebase = facts.timebase.or_else(|| self.counter_frequency());
        if !facts.tells_of_devices() {
            self.without_tree(folder, &mut facts)?;
        }
        Ok(facts)
    }

    /// Adds the facts of a machine without a device tree: QEMU's device list, and firmware's
    /// tables.
    fn without_tree(&mut self, folder: &Path, facts: &mut Facts) -> Result<(), InspectError> {
        let tables = self.tables(folder)?;
        facts.tree = MemoryTree::parse(&self.qmp.monitor("info mtree -f")?);
        let mut devices = models::parse(&self.qmp.monitor("info qtree")?);
        let clock = self.serial_clock();
        for device in devices.iter_mut().filter(|device| device.is(&[SERIAL])) {
            device.clock = clock;
        }
        if let Some(tables) = tables {
            tables.complete(&mut devices);
            devices.extend(tables.devices());
        }
        if devices.iter().any(|device| device.is(&[ich9::MODEL])) {
            let read = |address, size| self.memory(folder, address, size);
            facts.slot_lines = ich9::slot_lines(read);
            for bridge in devices
                .iter_mut()
                .filter_map(|device| device.bridge.as_mut())
            {
                bridge.intx = Some(ich9::INTX);
            }
        }
        if devices.iter().any(|device| device.is(&[piix3::MODEL])) {
            let _ = self.qmp.monitor(&piix3::select());
            facts.intx_lines = piix3::lines(&self.qmp.monitor(piix3::READ)?);
        }
        facts.devices = devices;
        Ok(())
    }

    /// Returns whether the machine has a PC's processor, and so a PC's firmware.
    fn is_pc(&mut self) -> Result<bool, QmpError> {
        let target = self.qmp.execute("query-target", json!({}))?;
        Ok(target["arch"].as_str() == Some(PC))
    }

    /// Reads the tables of a machine's own firmware, which writes them once the machine runs. The
    /// machine runs until they exist; by then, firmware has also mapped its devices.
    fn tables(&mut self, folder: &Path) -> Result<Option<Tables>, InspectError> {
        if !self.is_pc()? {
            return Ok(None);
        }
        self.qmp.execute("cont", json!({}))?;
        let deadline = Instant::now() + FIRMWARE;
        let tables = loop {
            let tables = Tables::read(&mut |address, size| self.memory(folder, address, size));
            if tables.is_some() || Instant::now() >= deadline {
                break tables;
            }
            thread::sleep(Duration::from_millis(20));
        };
        self.qmp.execute("stop", json!({}))?;
        Ok(tables)
    }

    /// Reads memory as the processor sees it.
    fn memory(&mut self, folder: &Path, address: u64, size: usize) -> Option<Vec<u8>> {
        let path = folder.join("memory.bin");
        let asked = json!({"val": address, "size": size, "filename": path.to_string_lossy()});
        self.qmp.execute("pmemsave", asked).ok()?;
        fs::read(path).ok()
    }

    /// UART reference clock; the 16550 divides it by 16 to get the baud base.
    fn serial_clock(&mut self) -> Option<u64> {
        let asked = json!({"path": UNATTACHED});
        let children = self.qmp.execute("qom-list", asked).ok()?;
        let wanted = format!("child<{SERIAL}>");
        let child = children
            .as_array()?
            .iter()
            .find(|child| child["type"].as_str() == Some(wanted.as_str()))?;
        let path = format!("{UNATTACHED}/{}/serial", child["name"].as_str()?);
        let asked = json!({"path": path, "property": "baudbase"});
        let base = self.qmp.execute("qom-get", asked).ok()?.as_u64()?;
        base.checked_mul(16)
    }

    fn version(&mut self) -> Result<String, QmpError> {
        let version = self.qmp.execute("query-version", json!({}))?;
        let number = |part: &str| version["qemu"][part].as_u64().unwrap_or_default();
        Ok(format!(
            "QEMU {}.{}.{}",
            number("major"),
            number("minor"),
            number("micro")
        ))
    }

    /// Returns the device tree blob, if the machine has one.
    fn device_tree(&mut self, folder: &Path) -> Result<Option<Vec<u8>>, InspectError> {
        let path = folder.join("machine.dtb");
        let asked = self
            .qmp
            .execute("dumpdtb", json!({"filename": path.to_string_lossy()}));
        match asked {
            Ok(_) => Ok(Some(fs::read(path).map_err(InspectError::Blob)?)),
            Err(QmpError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the counter frequency of an Arm processor.
    fn counter_frequency(&mut self) -> Option<u64> {
        let processors = self.qmp.execute("query-cpus-fast", json!({})).ok()?;
        let path = processors.get(0)?.get("qom-path")?.clone();
        let asked = json!({"path": path, "property": "cntfrq"});
        self.qmp
            .execute("qom-get", asked)
            .ok()
            .as_ref()
            .and_then(Value::as_u64)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// Why a machine could not be queried.
#[derive(Debug)]
pub enum InspectError {
    /// QEMU could not be started.
    Start(String, io::Error),
    /// QEMU exited immediately with this message.
    Ended(String),
    /// QEMU's monitor did not answer.
    Monitor(QmpError),
    /// QEMU prints no memory tree.
    NoMemoryTree,
    /// The device tree could not be read from QEMU.
    Blob(io::Error),
    /// The device tree is invalid.
    DeviceTree(String),
}

impl From<QmpError> for InspectError {
    fn from(error: QmpError) -> Self {
        Self::Monitor(error)
    }
}

impl fmt::Display for InspectError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(program, error) => write!(
                formatter,
                "cannot start {program}: {error}\n  `cargo xtask setup` installs what is missing"
            ),
            Self::Ended(said) => write!(formatter, "QEMU cannot start the machine: {said}"),
            Self::Monitor(error) => error.fmt(formatter),
            Self::NoMemoryTree => formatter.write_str(
                "QEMU prints no memory tree (`info mtree -f`); version 7.2 and later do",
            ),
            Self::Blob(error) => write!(formatter, "cannot read QEMU's device tree: {error}"),
            Self::DeviceTree(error) => write!(formatter, "QEMU's device tree: {error}"),
        }
    }
}

impl Error for InspectError {}
