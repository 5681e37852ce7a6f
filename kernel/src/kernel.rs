//! The kernel as an app sees it: one handle that gives access to everything else.

use core::fmt;

use vmos_drivers::dma::{Buffer, OutOfMemory};
#[cfg(feature = "virtio-balloon")]
use vmos_drivers::virtio::balloon::Statistics as BalloonStatistics;

use crate::block::{BlockingDisk, Disk};
use crate::command_line::CommandLine;
use crate::devices::{Device, Devices, NoSuchDisk};
use crate::entropy::Entropy;
use crate::event_loop::LoopStatistics;
use crate::machine;
use crate::memory::Memory;
#[cfg(feature = "networks")]
use crate::net::Networks;
#[cfg(feature = "embassy-net-driver")]
use crate::net::claim::Card;
use crate::net::{HardwareAddress, Net};
#[cfg(feature = "embassy-net-driver")]
use crate::net::{Interface, InterfaceError};
use crate::part;
#[cfg(feature = "virtio-console")]
use crate::serial::{self, PortState, SerialError, SerialPort};
use crate::statistics::Statistics;
use crate::time;
#[cfg(feature = "virtio-vsock")]
use crate::vsock::Vsock;

/// The parts of the kernel that exist once, from boot until the machine stops.
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

/// The machine has no such device.
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

/// Gives an app access to the devices, the memory, the command line and the counts. All copies
/// refer to the same kernel.
///
/// ```no_run
/// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
/// vmos::println!("{} with {} devices", kernel.board_title(), kernel.devices().len());
/// if kernel.command_line().has("off") {
///     kernel.off(0);
/// }
/// let disk = kernel.disk(0)?;
/// let net = kernel.net()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Kernel {
    state: &'static State,
}

impl Kernel {
    pub(crate) fn new(state: &'static State) -> Self {
        Self { state }
    }

    /// Returns the name of the board.
    #[must_use]
    pub fn board_name(&self) -> &'static str {
        machine::NAME
    }

    /// Returns the title of the board, for display.
    #[must_use]
    pub fn board_title(&self) -> &'static str {
        machine::TITLE
    }

    /// Returns the frequency of the clock in Hz.
    #[must_use]
    pub fn clock_frequency(&self) -> u64 {
        machine::clock_frequency()
    }

    /// Returns the command line of the machine.
    #[must_use]
    pub fn command_line(&self) -> CommandLine<'static> {
        self.state.command_line
    }

    /// Returns the memory found at boot, and its use.
    #[must_use]
    pub fn memory(&self) -> &'static Memory {
        &self.state.memory
    }

    /// Returns the devices found at boot, in the order of their locations.
    #[must_use]
    pub fn devices(&self) -> &'static [Device] {
        self.state.devices.found()
    }

    /// Returns the disk number `index`, counted from 0 in the order of the disks' locations. Adding
    /// a disk behind the others changes no number, and a disk that could not be started keeps its
    /// number. Disks in virtio-mmio slots come before those on PCI. Slots are counted from the last
    /// one, as QEMU fills them; PCI devices by their number, with those behind a bridge at the
    /// place of the bridge. QEMU's first disk is therefore disk 0, unless disks were given explicit
    /// locations.
    ///
    /// # Errors
    ///
    /// Returns [`Absent`] if the machine has no such disk, or if it failed to start.
    pub fn disk(&self, index: usize) -> Result<Disk, Absent> {
        self.state.devices.disk(index).ok_or(Absent {
            kind: "disk",
            index,
        })
    }

    /// Returns the disk with this serial number, wherever it is attached; the first one if several
    /// have it. `None` if no disk has it.
    pub async fn disk_by_serial(&self, serial: &str) -> Option<Disk> {
        self.state.devices.disk_by_serial(serial).await
    }

    /// Returns the disk with this name, wherever it is attached. The name is given by `[disk.NAME]` in
    /// the board file, or by `disk.NAME=` on the command line, which overrides the board file: a serial
    /// number, or a place such as `slot30` or `00:03.0`.
    ///
    /// ```no_run
    /// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
    /// let disk = kernel.disk_by_name("data").await?;
    /// let sector = disk.read(0, kernel.buffer(512)?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If nothing has the name, or the machine does not have the disk.
    pub async fn disk_by_name(&self, name: &str) -> Result<Disk, NoSuchDisk> {
        let command_line = self.command_line();
        self.state.devices.disk_by_name(name, command_line).await
    }

    /// Returns a disk for crates that cannot await, which serves the other devices while an operation
    /// waits; see [`BlockingDisk`].
    ///
    /// ```no_run
    /// # fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
    /// let disk = kernel.blocking(kernel.disk(0)?);
    /// let mut sector = [0; 512];
    /// disk.read(0, &mut sector)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn blocking(&self, disk: Disk) -> BlockingDisk {
        disk.blocking().beside(&self.state.devices)
    }

    /// Returns the network whose device has this hardware address; `None` if the kernel's own stack
    /// uses no such device. It uses one network device: the first one, or the one that `nic=` on the
    /// command line names. With the feature `networks`, it also uses the others, from the first call of
    /// `Kernel::networks`.
    #[must_use]
    pub fn net_by_address(&self, address: HardwareAddress) -> Option<Net> {
        #[cfg(feature = "networks")]
        let net = self.state.devices.interfaces.net_of(address)?;
        #[cfg(not(feature = "networks"))]
        let net = self.state.devices.net()?;
        (net.hardware_address() == address).then_some(net)
    }

    /// Returns the network. Of several network devices, the kernel uses the first one in the order
    /// of [`disk`](Self::disk), or the one whose hardware address follows `nic=` on the command
    /// line.
    ///
    /// # Errors
    ///
    /// Returns [`Absent`] if the machine has no network device, or if it failed to start.
    pub fn net(&self) -> Result<Net, Absent> {
        self.state.devices.net().ok_or(Absent {
            kind: "network device",
            index: 0,
        })
    }

    /// Returns all networks: that of [`net`](Self::net), and one for each other network device that no
    /// other stack has claimed. The first call starts the kernel's stack on those devices.
    ///
    /// ```no_run
    /// # async fn example(kernel: vmos::Kernel) -> vmos::Result<()> {
    /// let networks = kernel.networks();
    /// for network in networks.iter() {
    ///     let configuration = network.net().configured().await;
    ///     vmos::println!("{}: {configuration}", network.name());
    /// }
    /// let socket = networks.udp(7)?;
    /// loop {
    ///     socket.send_back(socket.receive().await?).await?;
    /// }
    /// # }
    /// ```
    #[cfg(feature = "networks")]
    #[must_use]
    pub fn networks(&self) -> Networks {
        let interfaces = &self.state.devices.interfaces;
        Networks::new(interfaces.networks(self.command_line()))
    }

    /// Whether the machine has a network device that can be used.
    #[cfg(feature = "networks")]
    pub(crate) fn has_network_devices(&self) -> bool {
        !self.state.devices.interfaces.cards.is_empty()
    }

    /// Derives all numbers of the networks that attackers must not predict from `key`, which must be
    /// random.
    #[cfg(feature = "networks")]
    pub(crate) fn reseed(&self, key: u128) {
        if let Ok(net) = self.net() {
            net.reseed(key);
        }
        // What follows from the same key would not be independent.
        self.state.devices.interfaces.set_key(!key);
    }

    /// Returns the hardware addresses of the network devices that the kernel's own stack does not use, in
    /// the order of [`disk`](Self::disk).
    #[cfg(feature = "embassy-net-driver")]
    pub fn interfaces(&self) -> impl Iterator<Item = HardwareAddress> + use<> {
        self.cards().map(Card::address)
    }

    /// Claims the network device with this hardware address for another stack, such as embassy-net.
    ///
    /// # Errors
    ///
    /// If there is no such device, if the kernel's own stack uses it, or if it was claimed before.
    #[cfg(feature = "embassy-net-driver")]
    pub fn interface(&self, address: HardwareAddress) -> Result<Interface, InterfaceError> {
        let found = self.cards().find(|card| card.address() == address);
        Interface::claim(found.ok_or(InterfaceError::Absent(address))?)
    }

    /// Returns the network devices that the kernel's own stack does not use.
    #[cfg(feature = "embassy-net-driver")]
    fn cards(self) -> impl Iterator<Item = &'static Card> {
        let cards = self.state.devices.interfaces.cards.iter();
        #[cfg(feature = "networks")]
        let cards = cards.filter(|card| card.claim.stack().is_none());
        cards
    }

    /// Opens the port with this name of a virtio console device. Waits until a device reports such a
    /// port; use [`with_timeout`](time::with_timeout) if there may be none.
    ///
    /// # Errors
    ///
    /// Returns [`SerialError`] if the machine has no console device, or if the port is open already.
    #[cfg(feature = "virtio-console")]
    pub async fn serial_port(&self, name: &str) -> Result<SerialPort, SerialError> {
        serial::open(&self.state.devices.further.consoles, name).await
    }

    /// Returns the ports that the virtio console devices have reported so far.
    #[cfg(feature = "virtio-console")]
    pub fn serial_ports(&self) -> impl Iterator<Item = PortState> + use<> {
        let consoles = self.state.devices.further.consoles.iter();
        consoles.flat_map(|driver| {
            let driver = driver.borrow();
            let ports = driver.ports().map(|(_, facts)| PortState::from(facts));
            ports.collect::<alloc::vec::Vec<_>>()
        })
    }

    /// Returns the socket device, for streams to the host without a network.
    ///
    /// # Errors
    ///
    /// Returns [`Absent`] if the machine has no socket device, or if it failed to start.
    #[cfg(feature = "virtio-vsock")]
    pub fn vsock(&self) -> Result<Vsock, Absent> {
        let driver = self.state.devices.further.vsock;
        driver.map(Vsock::new).ok_or(Absent {
            kind: "socket device",
            index: 0,
        })
    }

    /// Returns the counts of the memory balloon: how much of this machine's memory the host wants, and has.
    ///
    /// # Errors
    ///
    /// Returns [`Absent`] if the machine has no memory balloon, or if it failed to start.
    #[cfg(feature = "virtio-balloon")]
    pub fn balloon(&self) -> Result<BalloonStatistics, Absent> {
        let driver = self.state.devices.further.balloon;
        driver.map(|driver| driver.borrow().counts()).ok_or(Absent {
            kind: "memory balloon",
            index: 0,
        })
    }

    /// Returns the source of random bytes.
    ///
    /// # Errors
    ///
    /// Returns [`Absent`] if the machine has no entropy device, or if it failed to start.
    pub fn entropy(&self) -> Result<Entropy, Absent> {
        self.state.devices.entropy().ok_or(Absent {
            kind: "entropy device",
            index: 0,
        })
    }

    /// Claims the part `name` of the board file, `[part.NAME]`, for its driver. Each part can be claimed
    /// once; the app then owns its registers and interrupts until the machine stops.
    ///
    /// # Errors
    ///
    /// Returns [`Unavailable`](part::Unavailable) if the board has no such part, if it is of another
    /// kind, if it was claimed before, or if the driver does not find what it needs.
    pub fn part<D: part::Driver>(&self, name: &'static str) -> Result<D, D::Error> {
        D::new(part::claim(D::KIND, name)?)
    }

    /// Returns a zeroed buffer of `len` bytes that can be passed to a device.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if the heap has no free block of that size.
    pub fn buffer(&self, len: usize) -> Result<Buffer, OutOfMemory> {
        Buffer::new(len)
    }

    /// Returns all counts of the kernel: of every kind of fault, and of ordinary work. Waits for
    /// the next turn of the event loop.
    pub async fn statistics(&self) -> Statistics {
        let devices = self.state.devices.statistics().await;
        Statistics {
            event_loop: self.state.loop_statistics.counts(),
            timers: time::counts(),
            #[cfg(feature = "tasks")]
            tasks: crate::tasks::statistics(),
            heap: self.state.memory.heap_usage(),
            net: self.net().ok().map(|net| net.statistics()),
            tcp: self.net().ok().map(|net| net.tcp_statistics()),
            #[cfg(feature = "ipv6")]
            ipv6: self.net().ok().map(|net| net.ipv6_statistics()),
            #[cfg(feature = "networks")]
            networks: self.state.devices.interfaces.statistics(),
            devices,
        }
    }

    /// Returns the counts of the event loop.
    #[must_use]
    pub fn loop_statistics(&self) -> &'static LoopStatistics {
        &self.state.loop_statistics
    }

    /// Stops the machine with the exit status `status`; 0 means success.
    pub fn off(&self, status: u8) -> ! {
        machine::off(status)
    }

    /// Restarts the machine.
    pub fn reset(&self) -> ! {
        machine::reset()
    }
}
