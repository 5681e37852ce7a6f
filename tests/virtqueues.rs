//! Reads the virtqueues of a running machine: their addresses from the kernel's writes to device
//! registers, and their content from the machine's memory.
//!
//! QEMU's own introspection (`x-query-virtio-status` and similar commands) is not used, because it
//! can crash QEMU 11.1.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use vmos_codegen::Board;
use vmos_codegen::board::VirtioMmio;
use xtask::qmp::Qmp;

use crate::machine::LIMIT;
use crate::outcome::Outcome;

mod memory;
mod registers;

use memory::Memory;
use registers::{Layout, Write};

/// The events that QEMU traces: each write to a register, with the name of its device.
const TRACE: &str = "memory_region_ops_write";

/// The devices that tests use, by device ID (virtio 1.2, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The network device: queue 0 receives, queue 1 sends.
    Network = 1,
    /// The block device.
    Disk = 2,
    /// The source of random bytes.
    Rng = 4,
}

/// The memory of a machine, and the recorded writes to its devices.
#[derive(Debug)]
pub struct Virtqueues {
    memory: Memory,
    trace: PathBuf,
    layout: Layout,
}

/// A device with at least one queue.
#[derive(Clone, Debug)]
pub struct Device {
    /// The device's type; `None` if neither its name nor its registers show it.
    pub kind: Option<Kind>,
    /// The address of the device's status register.
    status: u64,
    /// The device's queues that are in use.
    pub queues: Vec<Queue>,
}

impl Device {
    /// Returns the number of the slot in which the device is; `None` for a device on another bus.
    #[must_use]
    pub fn slot(&self, slots: &VirtioMmio) -> Option<u32> {
        let offset = self.status.checked_sub(slots.base)?;
        let slot = u32::try_from(offset / slots.stride).ok()?;
        (slot < slots.count).then_some(slot)
    }
}

/// A queue, with the addresses of its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// The queue's number on its device.
    pub number: u32,
    /// The number of entries of the queue.
    pub size: u32,
    /// The address of the descriptors.
    pub descriptors: u64,
    /// The address of the available ring.
    pub available: u64,
    /// The address of the used ring.
    pub used: u64,
}

/// How long the queues of a machine must not have moved until a chain in flight is a fault: less than the
/// 500 ms after which the kernel notifies a silent device again.
const STILL: Duration = Duration::from_millis(400);
/// The time between two looks at the queues.
const PAUSE: Duration = Duration::from_millis(50);

/// Status bit 6: the device needs a reset (virtio 1.2, 2.1).
const NEEDS_RESET: u64 = 0x40;

impl Virtqueues {
    /// Creates the files of the machine's memory and of its register trace. Changes QEMU's words so
    /// that it uses them.
    pub fn new(
        folder: &Path,
        board: &Board,
        mebibytes: u64,
        words: &mut Vec<String>,
    ) -> Outcome<Self> {
        let base = board.memory.ram.first().map_or(0, |ram| ram.base);
        let memory = Memory::shared(folder, base, mebibytes, words)?;
        let trace = folder.join("registers.trace");
        let arguments = ["-trace", TRACE, "-D", &trace.to_string_lossy()];
        words.extend(arguments.map(str::to_owned));
        Ok(Self {
            memory,
            trace,
            layout: Layout::of(board),
        })
    }

    /// Returns every device with a queue, by address.
    pub fn devices(&self, monitor: &mut Qmp) -> Outcome<Vec<Device>> {
        let trace = fs::read_to_string(&self.trace)?;
        let mut found = BTreeMap::new();
        for write in trace.lines().filter_map(Write::of_line) {
            self.layout.take(&mut found, &write);
        }
        let mut devices = Vec::new();
        for (base, registers) in found {
            let queues = registers.queues();
            if !queues.is_empty() {
                let kind = match registers.kind() {
                    None => kind(word_at(monitor, base + registers::MMIO_DEVICE_ID)?),
                    known => known,
                };
                devices.push(Device {
                    kind,
                    status: registers.status(base),
                    queues,
                });
            }
        }
        Ok(devices)
    }

    /// Returns the devices of one kind.
    pub fn devices_of(&self, monitor: &mut Qmp, kind: Kind) -> Outcome<Vec<Device>> {
        let mut devices = self.devices(monitor)?;
        devices.retain(|device| device.kind == Some(kind));
        Ok(devices)
    }

    /// Reads 16 bits at an address.
    pub fn short(&self, address: u64) -> Outcome<u16> {
        let mut bytes = [0; 2];
        self.read(address, &mut bytes)?;
        Ok(u16::from_le_bytes(bytes))
    }

    /// Reads memory.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Outcome {
        self.memory.read(address, bytes)
    }

    /// Writes memory without the knowledge of the kernel and the device.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Outcome {
        self.memory.write(address, bytes)
    }

    /// Returns how many chains of a queue the device has not returned.
    pub fn outstanding(&self, queue: &Queue) -> Outcome<u16> {
        let available = self.short(queue.available + 2)?;
        Ok(available.wrapping_sub(self.short(queue.used + 2)?))
    }

    /// Returns an error in the queues of a machine that has nothing to do: a device that needs a reset, or a
    /// chain in flight without a reason. `None` if there is none. A machine on a busy host may still be at
    /// work: while its queues move, they have no fault yet.
    pub fn fault(&self, monitor: &mut Qmp) -> Outcome<Option<String>> {
        let deadline = Instant::now() + LIMIT;
        let (mut indices, mut since) = (Vec::new(), Instant::now());
        loop {
            let devices = self.devices(monitor)?;
            let Some(fault) = self.fault_of(monitor, &devices)? else {
                return Ok(None);
            };
            let now = self.indices(&devices)?;
            if now != indices {
                (indices, since) = (now, Instant::now());
            }
            if since.elapsed() >= STILL || Instant::now() >= deadline {
                return Ok(Some(fault));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Returns the available and the used index of each queue.
    fn indices(&self, devices: &[Device]) -> Outcome<Vec<[u16; 2]>> {
        let queues = devices.iter().flat_map(|device| &device.queues);
        let indices = queues.map(|queue| {
            let available = self.short(queue.available + 2)?;
            Ok([available, self.short(queue.used + 2)?])
        });
        indices.collect()
    }

    /// Returns an error in the queues at this moment; see [`Self::fault`].
    fn fault_of(&self, monitor: &mut Qmp, devices: &[Device]) -> Outcome<Option<String>> {
        if devices.is_empty() {
            return Ok(Some("no device has a queue".to_owned()));
        }
        for Device {
            kind,
            status,
            queues,
        } in devices
        {
            let name = kind.map_or("a device".to_owned(), |kind| format!("{kind:?}"));
            if word_at(monitor, *status)? & NEEDS_RESET != 0 {
                return Ok(Some(format!("{name}: the device must be reset")));
            }
            for queue in queues {
                let outstanding = self.outstanding(queue)?;
                let receives = *kind == Some(Kind::Network) && queue.number == 0;
                let limit = u32::from(outstanding);
                let number = queue.number;
                if receives && (limit == 0 || limit > queue.size) {
                    let said = format!("{name}: {outstanding} buffers wait for frames");
                    return Ok(Some(said));
                }
                if !receives && limit != 0 {
                    let said = format!(
                        "{name}: queue {number} has {outstanding} chains in flight, but the machine is idle"
                    );
                    return Ok(Some(said));
                }
            }
        }
        Ok(None)
    }
}

fn kind(number: u64) -> Option<Kind> {
    [Kind::Network, Kind::Disk, Kind::Rng]
        .into_iter()
        .find(|&kind| kind as u64 == number)
}

/// Reads 32 bits at an address through the monitor, for registers, which are not in the memory
/// file.
fn word_at(monitor: &mut Qmp, address: u64) -> Outcome<u64> {
    let printed = monitor.monitor(&format!("xp /1wx {address:#x}"))?;
    let word = printed.split_once(": 0x").map(|(_, word)| word.trim());
    let word = word.and_then(|word| u64::from_str_radix(word, 16).ok());
    word.ok_or_else(|| format!("the monitor shows no word at {address:#x}: {printed}").into())
}
