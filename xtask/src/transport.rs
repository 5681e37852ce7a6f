//! How virtio devices are attached to a machine.

use core::error::Error;
use core::fmt;

use vmos_codegen::Board;

/// A virtio transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Transport {
    /// Memory-mapped registers at fixed addresses (virtio-mmio)
    Mmio,
    /// Functions on the PCI bus (virtio-pci)
    Pci,
}

impl Transport {
    /// The number of virtio transports.
    pub const COUNT: usize = 2;

    /// Returns the attachment that uses all features of the transport.
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

/// A transport and its variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attachment {
    /// Modern virtio-mmio (version 2).
    Mmio,
    /// Legacy virtio-mmio (version 1), older than the specification and QEMU's default.
    MmioLegacy,
    /// virtio-pci with as many MSI-X vectors as the device supports.
    Pci,
    /// virtio-pci without MSI-X, so that devices raise INTx interrupts.
    PciIntx,
}

impl Attachment {
    /// Returns the attachments worth testing on a board, in order.
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

    /// Returns the transport of the attachment.
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

/// Returns the transports of a board, the default first.
#[must_use]
pub fn transports(board: &Board) -> Vec<Transport> {
    let mmio = board.virtio_mmio.as_ref().map(|_| Transport::Mmio);
    let pci = board.pci.as_ref().map(|_| Transport::Pci);
    mmio.into_iter().chain(pci).collect()
}

/// Returns whether the board describes a machine without virtio devices: it has neither
/// `[virtio-mmio]` nor a PCI host bridge.
#[must_use]
pub fn is_console_only(board: &Board) -> bool {
    transports(board).is_empty()
}

/// Chooses the requested transport, or the board's default.
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

/// The error for a transport that the board does not have.
#[derive(Debug, PartialEq, Eq)]
pub struct NoSuchTransport {
    /// The name of the board.
    pub board: String,
    /// The requested transport, if there was one.
    pub asked: Option<Transport>,
    /// The transports that the board has.
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
            Some(there) => write!(
                formatter,
                "\n  the board has {there}: `--transport {there}`"
            ),
            None => write!(
                formatter,
                "\n  boards/{board}.toml has neither [virtio-mmio] nor a table in [pci]: its machine \
                 has only a console"
            ),
        }
    }
}

impl Error for NoSuchTransport {}
