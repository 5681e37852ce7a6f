//! How the virtio devices are attached to the machine.

use core::error::Error;
use core::fmt;

use vmos_codegen::Board;

/// A virtio transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Transport {
    /// Registers at fixed addresses (virtio-mmio).
    Mmio,
    /// Functions on the PCI bus (virtio-pci).
    Pci,
}

impl Transport {
    /// The attachment that has all that the transport offers.
    #[must_use]
    pub fn attachment(self) -> Attachment {
        match self {
            Self::Mmio => Attachment::Mmio,
            Self::Pci => Attachment::Pci,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Mmio => "mmio",
            Self::Pci => "pci",
        })
    }
}

/// A transport, with what else has to be said to attach devices by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attachment {
    /// virtio-mmio, the version of the specification (2).
    Mmio,
    /// virtio-mmio as it was before the specification (1), which is QEMU's default.
    MmioLegacy,
    /// virtio-pci with all the message interrupts that the device has.
    Pci,
    /// virtio-pci without message interrupts, so that the INTx lines are used.
    PciIntx,
}

impl Attachment {
    /// Every attachment that can tell something about the board, in order.
    #[must_use]
    pub fn of(board: &Board) -> Vec<Self> {
        let mut all = Vec::new();
        if board.virtio_mmio.is_some() {
            all.extend([Self::Mmio, Self::MmioLegacy]);
        }
        if let Some(pci) = &board.pci {
            all.push(Self::Pci);
            if pci.msi.is_some() {
                all.push(Self::PciIntx);
            }
        }
        all
    }

    /// Its transport.
    #[must_use]
    pub fn transport(self) -> Transport {
        match self {
            Self::Mmio | Self::MmioLegacy => Transport::Mmio,
            Self::Pci | Self::PciIntx => Transport::Pci,
        }
    }
}

impl fmt::Display for Attachment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Mmio => "mmio",
            Self::MmioLegacy => "mmio-legacy",
            Self::Pci => "pci",
            Self::PciIntx => "pci-intx",
        })
    }
}

/// The transports of a board, the one taken by default first.
#[must_use]
pub fn transports(board: &Board) -> Vec<Transport> {
    let mmio = board.virtio_mmio.as_ref().map(|_| Transport::Mmio);
    let pci = board.pci.as_ref().map(|_| Transport::Pci);
    mmio.into_iter().chain(pci).collect()
}

/// Chooses the transport: the one asked for, or the board's first.
pub fn choose(board: &Board, asked: Option<Transport>) -> Result<Transport, NoSuchTransport> {
    let there = transports(board);
    let chosen = asked.or(there.first().copied());
    chosen
        .filter(|transport| there.contains(transport))
        .ok_or_else(|| NoSuchTransport {
            board: board.name.clone(),
            asked,
            there,
        })
}

/// The board does not have the transport.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSuchTransport {
    /// The board.
    pub board: String,
    /// What was asked for, if anything was.
    pub asked: Option<Transport>,
    /// What there is.
    pub there: Vec<Transport>,
}

impl fmt::Display for NoSuchTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = |transport| match transport {
            Transport::Mmio => "[virtio-mmio]",
            Transport::Pci => "[pci.ecam]",
        };
        let board = &self.board;
        match self.asked {
            Some(asked) => write!(
                formatter,
                "the board `{board}` has no {asked} transport: boards/{board}.toml has no table {}",
                table(asked)
            )?,
            None => write!(formatter, "the board `{board}` has no virtio transport")?,
        }
        match self.there.first() {
            Some(there) => write!(formatter, "\n  it has {there}: `--transport {there}`"),
            None => write!(
                formatter,
                "\n  it runs `--without rng --without disk --without net`"
            ),
        }
    }
}

impl Error for NoSuchTransport {}
