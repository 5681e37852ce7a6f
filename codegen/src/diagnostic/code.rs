//! The stable code of each kind of problem.

use core::fmt;

macro_rules! codes {
    ($($number:literal $name:ident $meaning:literal,)*) => {
        /// What kind of problem a diagnostic tells of. Codes are stable: a number is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name = $number,)*
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
        }
    };
}

codes! {
    // The file.
    1 CannotRead "a board file cannot be read",
    2 Syntax "the text is not TOML",
    3 DuplicateKey "a key or table is given twice in one file",
    4 NotABoard "the file has no `[board]` table of its own",
    5 SchemaVersion "the version of the schema is missing or not one that is understood",
    6 ExtendsUnknown "`extends` names a file that is not there",
    7 ExtendsCycle "files extend one another in a circle",
    8 WithoutUnknown "`without` names what is not inherited",
    // Keys and values.
    10 UnknownKey "a key that nothing knows",
    11 MissingKey "a key or table that must be there is not",
    12 WrongType "a value of the wrong type",
    13 UnknownChoice "a word that is not among those to choose from",
    14 UnknownDriver "a driver that nothing knows",
    15 OneDriver "not exactly one driver where exactly one is wanted",
    16 BadAddress "an address that cannot be one",
    17 BadQuantity "a size or frequency that cannot be read",
    18 BadInterrupt "an interrupt that does not name one input of the controller",
    19 BadNumber "a number outside what the key takes",
    20 BadText "text that is empty, runs over a line or is not a name",
    21 NameMismatch "the board's name is not its file's",
    22 OtherDriver "a driver with the properties of another",
    // Ranges.
    30 EmptyRange "a range of no bytes",
    31 Misaligned "an address or size that is not aligned as it must be",
    32 OutsideAddressSpace "a range that the processor cannot address",
    33 Overlap "two ranges that overlap",
    34 ReservedOutsideRam "reserved memory that is not in RAM",
    35 BlockTooSmall "a range or stride smaller than the registers in it",
    // Interrupts.
    40 InterruptTwice "an interrupt that two devices claim",
    41 InterruptOutOfRange "an interrupt that the controller does not have",
    42 WrongSpace "an interrupt of a kind that the controller or the device cannot have",
    // Parts that have to fit one another.
    50 WrongArchitecture "a driver or emulator that does not fit the architecture",
    51 MsiMismatch "message-signalled interrupts that the interrupt controller does not deliver",
    52 NoMemoryWindow "a PCI host bridge without a window for memory BARs",
    53 WindowAbove4GiB "a window for 32-bit BARs that 32 bits cannot address",
    54 RamTooSmall "RAM in which the image and the stack have no room",
    55 BadLoadAddress "an address at which the loader cannot put the image",
    56 QemuMemory "memory for QEMU that does not fit the RAM that is described",
    57 QemuSemihosting "semihosting that QEMU is not told to enable",
    58 WrongConduit "a PSCI conduit that does not reach the firmware",
    59 BadBaud "a baud rate that the clock cannot give",
    // What is meant.
    60 UnusedWaiver "a waiver that waives nothing",
    61 WaiverUnknownKey "a waiver that does not name two things that lay claim to something",
    62 UndescribedIsDescribed "an address that is both described and said not to be",
    // The machine.
    70 NotOnMachine "something that is described and that the machine does not have",
    71 NotDescribed "something on the machine that is neither described nor left out on purpose",
    72 MachineAddress "an address that the machine has otherwise",
    73 MachineSize "a size that the machine has otherwise",
    74 MachineInterrupt "an interrupt that the machine has otherwise",
    75 MachineFrequency "a frequency that the machine has otherwise",
    76 MachineRow "a stride or count that the machine has otherwise",
    77 MachineProperty "something else that the machine has otherwise",
    78 HidesNothing "an address that is left out and at which the machine has nothing",
    // Ourselves.
    99 Unresolved "a defect of codegen itself",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", *self as u16)
    }
}
