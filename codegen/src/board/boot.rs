//! The boot protocol of a board: how the kernel is loaded and entered.

use core::fmt;

/// How the loader loads and enters the kernel. What differs from protocol to protocol is here; the
/// protocol itself is known to its binding only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The key path of the protocol's table, as `boot.elf`.
    pub key: &'static str,
    /// A description in one line, for readers.
    pub card: String,
    /// The load address of the image.
    pub load_address: u64,
    /// The key path of the load address.
    pub load_key: &'static str,
    /// The format of the file that QEMU is given.
    pub form: ImageForm,
    /// Where the processor starts out of reset; `None` if a loader enters the kernel.
    pub reset: Option<Reset>,
    /// Whether firmware can run before the kernel, which then starts in S mode.
    pub takes_firmware: bool,
    /// Whether the loader leaves a table with the RAM ranges and the kernel's command line.
    pub leaves_a_table: bool,
    /// Whether the file has a note that states its entry.
    pub has_entry_note: bool,
    /// QEMU's options for the protocol.
    pub arguments: &'static [&'static str],
    /// The values for the entry code, by name.
    pub entry: Vec<(&'static str, EntryValue)>,
}

/// Where the processor starts out of reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// The address of the first instruction.
    pub address: u64,
    /// The key path of the address.
    pub key: &'static str,
}

/// A value for the entry code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryValue {
    /// A word that selects code.
    Word(&'static str),
    /// Several words, each of which selects code.
    Words(Vec<&'static str>),
    /// Whether code is needed.
    Flag(bool),
    /// An address or another number, if there is one.
    Number(Option<u64>),
}

impl Boot {
    /// Returns the address of the jump to the image, which is a part of the image: where the
    /// processor starts, if the image is elsewhere.
    #[must_use]
    pub fn jump(&self) -> Option<u64> {
        let reset = self.reset.map(|reset| reset.address);
        reset.filter(|address| *address != self.load_address)
    }

    /// Returns the lowest address of the file that QEMU is given.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.jump().unwrap_or(self.load_address)
    }
}

impl fmt::Display for ImageForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elf => "ELF file",
            Self::Flat => "flat image",
        })
    }
}

/// The file format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageForm {
    /// An ELF file, whose segments state their addresses.
    Elf,
    /// A flat image: the bytes in memory from the load address on.
    Flat,
}

/// An exception level of a 64-bit Arm processor, or the closest mode of a 32-bit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExceptionLevel {
    /// EL1, the level of an operating system.
    El1,
    /// EL2, the level of a hypervisor.
    El2,
    /// EL3, the level of the secure monitor.
    El3,
    /// Supervisor mode of a 32-bit processor in the non-secure state.
    Svc,
    /// Hyp mode of a 32-bit processor.
    Hyp,
    /// Supervisor mode of a 32-bit processor in the secure state.
    SecureSvc,
}

impl fmt::Display for ExceptionLevel {
    /// Writes the level or mode in the notation of the architecture's manual.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::El1 => "EL1",
            Self::El2 => "EL2",
            Self::El3 => "EL3",
            Self::Svc => "Supervisor mode",
            Self::Hyp => "Hyp mode",
            Self::SecureSvc => "secure Supervisor mode",
        })
    }
}
