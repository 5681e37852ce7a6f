//! The kernel as an app sees it: one handle, from which everything else is reached.

use core::fmt;

use vmos_drivers::dma::{Buffer, OutOfMemory};

use crate::block::Disk;
use crate::command_line::CommandLine;
use crate::devices::{Device, Devices};
use crate::entropy::Entropy;
use crate::event_loop::LoopStatistics;
use crate::machine;
use crate::memory::Memory;
use crate::net::{HardwareAddress, Net};
use crate::statistics::Statistics;
use crate::time;

/// Everything there is one of, for as long as the machine runs.
pub(crate) struct State {
    memory: Memory,
    command_line: CommandLine<'static>,
    pub(crate) devices: Devices,
    pub(crate) loop_statistics: LoopStatistics,
}

impl State {
    pub(crate) fn new(
        memory: Memory,
        command_line: CommandLine<'static>,
        devices: Devices,
    ) -> Self {
        Self {
            memory,
            command_line,
            devices,
            loop_statistics: LoopStatistics::default(),
        }
    }
}

/// A device that was asked for and is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Absent {
    kind: &'static str,
    index: usize,
}

impl fmt::Display for Absent {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, index } = self;
        write!(
            f,
            "there is no {kind} {index} on this machine: add the device, or do without it"
        )
    }
}

impl core::error::Error for Absent {}

/// A handle on the kernel. Copies of it are the same kernel.
#[derive(Clone, Copy)]
pub struct Kernel {
    state: &'static State,
}

impl Kernel {
    pub(crate) fn new(state: &'static State) -> Self {
        Self { state }
    }

    /// The name of the description of the board it runs on.
    #[must_use]
    pub fn board_name(&self) -> &'static str {
        machine::NAME
    }

    /// What the board is, for a person.
    #[must_use]
    pub fn board_title(&self) -> &'static str {
        machine::TITLE
    }

    /// The clock's frequency in Hz.
    #[must_use]
    pub fn clock_frequency(&self) -> u64 {
        machine::clock_frequency()
    }

    /// The words the machine was started with.
    #[must_use]
    pub fn command_line(&self) -> CommandLine<'static> {
        self.state.command_line
    }

    /// What memory was found, and what is in use.
    #[must_use]
    pub fn memory(&self) -> &'static Memory {
        &self.state.memory
    }

    /// The devices that were found, in the order of their places on the machine.
    #[must_use]
    pub fn devices(&self) -> &'static [Device] {
        self.state.devices.found()
    }

    /// The disk `index`, in the order of their places on the machine. One that is added behind the others
    /// changes no other's number, and neither does one that cannot be brought up. Disks at virtio-mmio
    /// slots are in front of those on PCI. The last slot comes first, as QEMU fills them; on PCI the
    /// lowest device number, and what is behind a bridge where the bridge is. So QEMU's first disk is
    /// disk 0 on both, unless the disks were given places in another order.
    ///
    /// # Errors
    ///
    /// [`Absent`] where the machine has no such disk, or it could not be brought up.
    pub fn disk(&self, index: usize) -> Result<Disk, Absent> {
        self.state.devices.disk(index).ok_or(Absent {
            kind: "disk",
            index,
        })
    }

    /// The disk with this serial number, wherever it is attached; the first of them where there are
    /// several. None where there is no such disk.
    pub async fn disk_by_serial(&self, serial: &str) -> Option<Disk> {
        for disk in self.state.devices.disks() {
            if disk
                .serial()
                .await
                .is_ok_and(|one| one.as_bytes() == serial.as_bytes())
            {
                return Some(disk);
            }
        }
        None
    }

    /// The network whose device has this hardware address. None where there is none: of several network
    /// devices one is the network, the first or the one that `nic=` on the command line names.
    #[must_use]
    pub fn net_by_address(&self, address: HardwareAddress) -> Option<Net> {
        let net = self.state.devices.net()?;
        (net.hardware_address() == address).then_some(net)
    }

    /// The network: of several network devices the first in the order of [`disk`](Self::disk), or the one
    /// whose hardware address follows `nic=` on the command line.
    ///
    /// # Errors
    ///
    /// [`Absent`] where the machine has no network device, or it could not be brought up.
    pub fn net(&self) -> Result<Net, Absent> {
        self.state.devices.net().ok_or(Absent {
            kind: "network device",
            index: 0,
        })
    }

    /// The source of random bytes.
    ///
    /// # Errors
    ///
    /// [`Absent`] where the machine has no such device, or it could not be brought up.
    pub fn entropy(&self) -> Result<Entropy, Absent> {
        self.state.devices.entropy().ok_or(Absent {
            kind: "entropy device",
            index: 0,
        })
    }

    /// A zeroed buffer of `len` bytes that a device can be given.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] where the heap has no block as large.
    pub fn buffer(&self, len: usize) -> Result<Buffer, OutOfMemory> {
        Buffer::new(len)
    }

    /// What was counted so far: every fault that was met, and what was done beside. The answer comes
    /// with the next turn of the loop.
    pub async fn statistics(&self) -> Statistics {
        let devices = self.state.devices.statistics().await;
        Statistics {
            event_loop: self.state.loop_statistics.counts(),
            timers: time::counts(),
            heap: self.state.memory.heap_usage(),
            net: self.net().ok().map(|net| net.statistics()),
            tcp: self.net().ok().map(|net| net.tcp_statistics()),
            devices,
        }
    }

    /// What the loop did so far.
    #[must_use]
    pub fn loop_statistics(&self) -> &'static LoopStatistics {
        &self.state.loop_statistics
    }

    /// Stops the machine with `status`, 0 for success.
    pub fn off(&self, status: u8) -> ! {
        machine::off(status)
    }

    /// Restarts the machine.
    pub fn reset(&self) -> ! {
        machine::reset()
    }
}
