//! Queries a machine: starts QEMU paused, with the arguments that `run` uses and a stand-in for the
//! kernel. Then the machine runs until its firmware has written its tables, or until the loader has
//! entered the stand-in, which is an endless loop.

use core::error::Error;
use core::fmt;
mod ich9;
mod piix3;
mod processor;
mod stand_in;
mod undescribed;

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
use vmos_codegen::machine::device::Device;
use vmos_codegen::machine::device_tree::DeviceTree;
use vmos_codegen::machine::memory_tree::MemoryTree;
use vmos_codegen::machine::{Facts, models};

use crate::disk;
use crate::failure::Failure;
use crate::install;
use crate::qemu::{Disk, GUEST_ADDRESS, Machine, Network};
use crate::qmp::{Qmp, QmpError};
use crate::transport;
use stand_in::StandIn;

pub use undescribed::{undescribed, usual};

/// The time limit for firmware to write its tables, on a busy host.
const FIRMWARE: Duration = Duration::from_secs(20);

/// The time limit for the loader to enter the stand-in, on a busy host.
const ENTRY: Duration = Duration::from_secs(10);

/// QEMU's name of the processors whose machines include firmware.
const PC: &str = "x86_64";

/// QEMU's names of the UART at a PC's I/O ports, and of the container of unnamed devices.
const SERIAL: &str = "isa-serial";
const UNATTACHED: &str = "/machine/unattached";

/// Machine option that removes random seeds, so that device trees are reproducible; not all
/// machines have it.
const NOT_RANDOM: &str = "dtb-randomness";

/// Returns the facts of a board's machine.
pub fn board(board: &Board) -> Result<Facts, Failure> {
    install::qemu(&crate::target::qemu_program(board))?;
    let folder = TempDir::with_prefix("vmos-")?;
    let stand_in = StandIn::of(board, folder.path())?;
    let entry = stand_in.as_ref().map(|image| image.entry);
    let has_image = stand_in.is_some();
    let kernel = stand_in.map(|image| image.file).unwrap_or_default();
    let mut machine = Machine::described(board, kernel);
    if !transport::is_console_only(board) {
        // Use a separate disk: the board's disk may be in use by a running machine.
        let disk = folder.path().join("disk.img");
        disk::create_if_missing(&disk)?;
        machine.devices.disk = Some(Disk {
            image: disk,
            read_only: false,
        });
        machine.devices.network = Some(Network::User {
            ipv6: false,
            address: GUEST_ADDRESS.to_owned(),
            forwards: Vec::new(),
        });
    }
    if board.ethernet.is_some() && !machine.devices.ethernet {
        machine.extra.extend(["-nic", "user"].map(str::to_owned));
    }
    let mut words = machine.command();
    if has_image {
        match facts(&words, folder.path(), entry) {
            // QEMU can crash if an image leaves no space for the device tree.
            Err(InspectError::Monitor(QmpError::Io(_) | QmpError::Closed)) => {}
            found => return Ok(found?),
        }
    }
    remove(&mut words, "-kernel");
    remove(&mut words, "-append");
    Ok(facts(&words, folder.path(), None)?)
}

/// Removes an option and its value from a command.
fn remove(words: &mut Vec<String>, option: &str) {
    if let Some(at) = words.iter().position(|word| word == option) {
        words.drain(at..(at + 2).min(words.len()));
    }
}

/// Returns the facts of the machine that `command` starts with a stand-in for the kernel, which the
/// loader enters at `entry` if that is known; uses `folder` for temporary files.
fn facts(command: &[String], folder: &Path, entry: Option<u64>) -> Result<Facts, InspectError> {
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
    let is_started_by_firmware = command.iter().zip(command.iter().skip(1)).any(is_firmware);
    paused.processor(entry, is_started_by_firmware, &mut facts)?;
    drop(paused);
    if facts.compatible.is_empty() {
        match plain(&with_memory(command, MORE_MEMORY)) {
            Ok(mut paused) => {
                facts.more_ram = MemoryTree::parse(&paused.qmp.monitor("info mtree -f")?).ram();
            }
            // A machine whose memory is bounded has no more of it.
            Err(InspectError::Ended(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(facts)
}

/// Whether an option and its value give the machine firmware of its own.
fn is_firmware((option, value): (&String, &String)) -> bool {
    match option.as_str() {
        "-bios" => !matches!(value.as_str(), "none" | "default"),
        "-pflash" => true,
        "-drive" => value.contains("if=pflash"),
        _ => false,
    }
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
            processor: self.model(),
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
        let printed = self.qmp.monitor("info qtree")?;
        let mut devices = match self.is_pc()? {
            true => models::parse(&printed),
            false => models::parse_in(&printed, &facts.tree),
        };
        if facts.timebase.is_some() {
            devices.push(Device {
                kinds: vec![models::GENERIC_TIMER.to_owned()],
                ..Device::default()
            });
        }
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

    /// Adds the state of the processor at the kernel's entry: runs the machine until the stand-in
    /// runs.
    fn processor(
        &mut self,
        entry: Option<u64>,
        is_started_by_firmware: bool,
        facts: &mut Facts,
    ) -> Result<(), InspectError> {
        if self.is_pc()? {
            facts.width = self.long_mode();
            facts.bars_assigned = self.bars_assigned();
            return Ok(());
        }
        facts.bars_assigned = (!is_started_by_firmware).then_some(false);
        let mut state = processor::parse(&self.qmp.monitor("info registers")?);
        facts.width = state.width;
        // Firmware of its own need not start the stand-in.
        if state.level.is_none() || is_started_by_firmware {
            return Ok(());
        }
        self.qmp.execute("cont", json!({}))?;
        let deadline = Instant::now() + ENTRY;
        while Instant::now() < deadline {
            let before = state.counter;
            thread::sleep(Duration::from_millis(20));
            state = processor::parse(&self.qmp.monitor("info registers")?);
            let is_there = entry.is_none_or(|entry| state.counter == Some(entry));
            if is_there && state.counter == before {
                facts.exception_level = state.level;
                break;
            }
        }
        self.qmp.execute("stop", json!({}))?;
        Ok(())
    }

    /// Returns 32 for a PC's processor without 64-bit mode, and 64 for others.
    fn long_mode(&mut self) -> Option<u32> {
        let has_it = self.of_processor("lm")?.as_bool()?;
        Some(if has_it { 64 } else { 32 })
    }

    /// Returns whether any function on the PCI bus has an address in memory; `None` if there is no
    /// function that needs one.
    fn bars_assigned(&mut self) -> Option<bool> {
        let buses = self.qmp.execute("query-pci", json!({})).ok()?;
        let devices = buses.as_array()?.iter().flat_map(|bus| {
            let devices = bus["devices"].as_array();
            devices.into_iter().flatten()
        });
        let regions = devices.flat_map(|device| device["regions"].as_array().into_iter().flatten());
        let memory = regions.filter(|region| region["type"].as_str() == Some("memory"));
        let addresses: Vec<i64> = memory
            .filter_map(|region| region["address"].as_i64())
            .collect();
        // An address that is not assigned is all ones or zero.
        let is_assigned = |address: &i64| *address > 0;
        (!addresses.is_empty()).then(|| addresses.iter().any(is_assigned))
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
        self.of_processor("cntfrq")?.as_u64()
    }

    /// Returns a property of the first processor.
    fn of_processor(&mut self, property: &str) -> Option<Value> {
        let processors = self.qmp.execute("query-cpus-fast", json!({})).ok()?;
        let path = processors.get(0)?.get("qom-path")?.clone();
        let asked = json!({"path": path, "property": property});
        self.qmp.execute("qom-get", asked).ok()
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
