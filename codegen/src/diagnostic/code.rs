//! The stable code of each kind of problem.

use core::fmt;

macro_rules! codes {
    ($($code:ident $name:ident $meaning:literal,)*) => {
        /// What kind of problem a diagnostic tells of. Codes are stable: a number is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// Every code, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What the code stands for, in one line.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                }
            }

            /// The code as it is written.
            pub fn written(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($code),)*
                }
            }

            /// Whether only the machine shows it.
            pub fn is_of_the_machine(self) -> bool {
                (Self::NotOnMachine..=Self::HidesNothing).contains(&self)
            }

            /// What `explain` says of it, from `explain/<code>.md`.
            pub(super) fn explanation(self) -> &'static str {
                match self {
                    $(Self::$name => {
                        include_str!(concat!("explain/", stringify!($code), ".md"))
                    })*
                }
            }
        }
    };
}

// A new code needs its page: explain/E0000.md, with an example that comes to it and one that is right.
codes! {
    // The file.
    E0001 CannotRead "a board file cannot be read",
    E0002 Syntax "the text is not TOML",
    E0003 DuplicateKey "a key or table is given twice in one file",
    E0004 NotABoard "the file has no `[board]` table of its own",
    E0005 SchemaVersion "a version of the schema that is not understood",
    E0006 ExtendsUnknown "`extends` names a file that is not there",
    E0007 ExtendsCycle "files extend one another in a circle",
    E0008 WithoutUnknown "`without` names what is not inherited",
    // Keys and values.
    E0010 UnknownKey "a key that nothing knows",
    E0011 MissingKey "a key or table that must be there is not",
    E0012 WrongType "a value of the wrong type",
    E0013 UnknownChoice "a word that is not among those to choose from",
    E0014 UnknownDriver "a driver that nothing knows",
    E0015 OneDriver "not exactly one driver where exactly one is wanted",
    E0016 BadAddress "an address that cannot be one",
    E0017 BadQuantity "a size or frequency that cannot be read",
    E0018 BadInterrupt "an interrupt that does not name one input of the controller",
    E0019 BadNumber "a number outside what the key takes",
    E0020 BadText "text that is empty, runs over a line or is not a name",
    E0021 NameMismatch "the board's name is not its file's",
    E0022 OtherDriver "a driver with the properties of another",
    // Ranges.
    E0030 EmptyRange "a range of no bytes",
    E0031 Misaligned "an address or size that is not aligned as it must be",
    E0032 OutsideAddressSpace "a range that the processor cannot address",
    E0033 Overlap "two ranges that overlap",
    E0034 ReservedOutsideRam "reserved memory that is not in RAM",
    E0035 BlockTooSmall "a range or stride smaller than the registers in it",
    // Interrupts.
    E0040 InterruptTwice "an interrupt that two devices claim",
    E0041 InterruptOutOfRange "an interrupt that the controller does not have",
    E0042 WrongSpace "an interrupt of a kind that the controller or the device cannot have",
    // Parts that have to fit one another.
    E0050 WrongArchitecture "a driver or emulator that does not fit the architecture",
    E0051 MsiMismatch "message-signalled interrupts that the interrupt controller does not deliver",
    E0052 NoMemoryWindow "a PCI host bridge without a window for memory BARs",
    E0053 WindowAbove4GiB "a window for 32-bit BARs that 32 bits cannot address",
    E0054 RamTooSmall "RAM in which the image and the stack have no room",
    E0055 BadLoadAddress "an address at which the loader cannot put the image",
    E0056 QemuMemory "memory for QEMU that does not fit the RAM that is described",
    E0057 QemuOption "semihosting or a device that QEMU is not told to have",
    E0058 WrongConduit "a PSCI conduit that does not reach the firmware",
    E0059 BadBaud "a baud rate that the clock cannot give",
    // What is meant.
    E0060 UnusedWaiver "a waiver that waives nothing",
    E0061 WaiverUnknownKey "a waiver that does not name two things that lay claim to something",
    E0062 UndescribedIsDescribed "an address that is both described and said not to be",
    // The machine.
    E0070 NotOnMachine "something that is described and that the machine does not have",
    E0071 NotDescribed "something on the machine that is neither described nor left out on purpose",
    E0072 MachineAddress "an address that the machine has otherwise",
    E0073 MachineSize "a size that the machine has otherwise",
    E0074 MachineInterrupt "an interrupt that the machine has otherwise",
    E0075 MachineFrequency "a frequency that the machine has otherwise",
    E0076 MachineRow "a stride or count that the machine has otherwise",
    E0077 MachineProperty "something else that the machine has otherwise",
    E0078 HidesNothing "an address that is left out and at which the machine has nothing",
    // What the kernel reaches.
    E0080 WrongMode "a part that the mode the kernel runs in does not reach",
    // Ourselves.
    E0099 Unresolved "a defect of codegen itself",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written())
    }
}
