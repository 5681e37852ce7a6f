//! The stable code of each kind of problem.

use core::fmt;

macro_rules! codes {
    ($($code:ident $name:ident $meaning:literal,)*) => {
        /// The kind of an error. Codes are stable: a number is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// All codes of errors, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the meaning of the code, in one line.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                }
            }

            /// Returns the code as text.
            pub fn written(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($code),)*
                }
            }

            /// Returns whether only a comparison with the machine can find this kind of error.
            pub fn is_of_the_machine(self) -> bool {
                (Self::NotOnMachine..=Self::HidesNothing).contains(&self)
            }

            /// Returns whether the error is a conflict of two values, of which the machine shows
            /// the wrong one.
            pub fn is_of_two(self) -> bool {
                matches!(
                    self,
                    Self::Overlap
                        | Self::InterruptTwice
                        | Self::WrongConduit
                        | Self::UndescribedIsDescribed
                )
            }

            /// Returns the page of the code, from `explain/<code>.md`.
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

// A new code needs a page, explain/E0000.md, with an example of the error and its fix.
codes! {
    // The file.
    E0001 CannotRead "a board file cannot be read",
    E0002 Syntax "the text is not TOML",
    E0003 DuplicateKey "a key or table is given twice in one file",
    E0004 NotABoard "the file has no `[board]` table of its own",
    E0005 SchemaVersion "an unsupported schema version",
    E0006 ExtendsUnknown "`extends` names a missing file",
    E0007 ExtendsCycle "files extend each other in a cycle",
    E0008 WithoutUnknown "`without` names something that is not inherited",
    // Keys and values.
    E0010 UnknownKey "an unknown key",
    E0011 MissingKey "a required key or table is missing",
    E0012 WrongType "a value of the wrong type",
    E0013 UnknownChoice "a value that is not one of the allowed words",
    E0014 UnknownDriver "an unknown driver",
    E0015 OneDriver "no driver, or several, where exactly one is needed",
    E0016 BadAddress "an invalid address",
    E0017 BadQuantity "an invalid size or frequency",
    E0018 BadInterrupt "an interrupt that does not identify one input of the controller",
    E0019 BadNumber "a number outside the range of the key",
    E0020 BadText "empty or multi-line text, or an invalid name",
    E0021 NameMismatch "the board's name differs from its file's",
    E0022 OtherDriver "a driver with the properties of another",
    // Ranges.
    E0030 EmptyRange "an empty range",
    E0031 Misaligned "a misaligned address or size",
    E0032 OutsideAddressSpace "a range that the processor cannot address",
    E0033 Overlap "two ranges that overlap",
    E0034 ReservedOutsideRam "reserved memory that is not in RAM",
    E0035 BlockTooSmall "a range or stride that is too small for the registers",
    // Interrupts.
    E0040 InterruptTwice "an interrupt claimed by two devices",
    E0041 InterruptOutOfRange "an interrupt that the controller does not have",
    E0042 WrongSpace "an interrupt of a kind that the controller or the device cannot have",
    // Dependencies between parts.
    E0050 WrongArchitecture "a driver or emulator that does not fit the architecture",
    E0051 MsiMismatch "message-signalled interrupts that the interrupt controller does not deliver",
    E0052 NoMemoryWindow "a PCI host bridge without a window for memory BARs",
    E0053 WindowAbove4GiB "a window for 32-bit BARs that 32 bits cannot address",
    E0054 RamTooSmall "memory that is too small for the image and the stacks",
    E0055 BadLoadAddress "an address where the loader cannot load the image",
    E0056 QemuMemory "a memory size of QEMU that does not match the described RAM",
    E0057 QemuOption "a device that QEMU's options do not enable, or an interrupt controller that they do not select",
    E0058 WrongConduit "a PSCI conduit that does not reach the firmware",
    E0059 BadBaud "a baud rate that is not possible with the clock",
    // Intentions.
    E0060 UnusedWaiver "an unused waiver",
    E0061 WaiverUnknownKey "a waiver for a key that claims nothing",
    E0062 UndescribedIsDescribed "an address that is both described and left out",
    E0063 NamedTwice "two names for one device",
    // The machine.
    E0070 NotOnMachine "a described device that the machine does not have",
    E0071 NotDescribed "a device of the machine that is neither described nor left out",
    E0072 MachineAddress "an address that differs from the machine",
    E0073 MachineSize "a size that differs from the machine",
    E0074 MachineInterrupt "an interrupt that differs from the machine",
    E0075 MachineFrequency "a frequency that differs from the machine",
    E0076 MachineRow "a stride or count that differs from the machine",
    E0077 MachineProperty "another property that differs from the machine",
    E0078 HidesNothing "a left-out address where the machine has nothing",
    // Reachable memory.
    E0080 WrongMode "a device that is not accessible in the kernel's privilege mode",
    // Errors of the generator.
    E0099 Unresolved "a bug in codegen",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written())
    }
}
