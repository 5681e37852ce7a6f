//! Classes of parts: the interchangeable drivers from which a board selects by name.

use super::draft::Machine;
use super::section::Section;
use crate::machine::device::Device;

/// How to find the part of a driver in a machine, and how to import it.
pub struct Recogniser {
    /// The kinds of matching devices; empty if the part is not a device.
    pub(crate) kinds: &'static [&'static str],
    /// QEMU's names of matching devices, for machines without a device tree.
    pub(crate) models: &'static [&'static str],
    /// Returns the part's table for a board file.
    pub(crate) import: fn(&Machine<'_>, &Device) -> Option<Section>,
}

impl Recogniser {
    /// Returns whether the part is a device of its own.
    pub(crate) fn is_of_device(&self) -> bool {
        !self.kinds.is_empty() || !self.models.is_empty()
    }

    /// Returns the matching devices of a machine.
    pub(crate) fn devices<'m>(&self, machine: &'m Machine<'_>) -> Vec<&'m Device> {
        let mut devices = machine.all(self.kinds);
        devices.extend(machine.all(self.models));
        devices
    }

    /// Returns the table of the first matching device of a machine.
    pub(crate) fn first(&self, machine: &Machine<'_>) -> Option<Section> {
        if !self.is_of_device() {
            return (self.import)(machine, &Device::default());
        }
        self.devices(machine)
            .into_iter()
            .find_map(|device| (self.import)(machine, device))
    }
}

/// Declares a class of drivers: an enum of their bindings, in order of preference if a board may
/// have several. A new driver is one more line.
macro_rules! drivers {
    (
        $(#[doc = $doc:literal])+
        pub enum $Class:ident: $Trait:ident => $Resolved:ty {
            $($Variant:ident($Driver:ty),)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub enum $Class {
            $(
                #[doc = concat!("`", stringify!($Driver), "`")]
                $Variant(Box<$Driver>),
            )+
        }

        impl $crate::language::Class for $Class {
            const DRIVERS: &'static [$crate::language::schema::Driver] = &[
                $($crate::language::schema::Driver {
                    name: <$Driver as $crate::part::Driver>::NAME,
                    kind: &<$Driver as $crate::language::Read>::KIND,
                    architectures: <$Driver as $crate::part::Binding>::architectures,
                    spaces: <$Driver as $crate::part::Driver>::SPACES,
                },)+
            ];

            fn read_driver(
                name: &str,
                given: &$crate::language::Given<'_>,
                problems: &mut $crate::diagnostic::Problems,
            ) -> Option<Self> {
                $(if name == <$Driver as $crate::part::Driver>::NAME {
                    return <$Driver as $crate::language::Read>::read(given, problems)
                        .map(|driver| Self::$Variant(Box::new(driver)));
                })+
                None
            }
        }

        impl $Class {
            /// Returns the recogniser of each driver, in the order of the class.
            pub const RECOGNISERS: &'static [$crate::part::class::Recogniser] = &[
                $($crate::part::class::Recogniser {
                    kinds: <$Driver as $crate::part::Driver>::KINDS,
                    models: <$Driver as $crate::part::Driver>::MODELS,
                    import: <$Driver as $crate::part::Driver>::import,
                },)+
            ];

            /// The ways in which each driver may deliver message-signalled interrupts.
            pub const MESSAGES: &'static [&'static [$crate::board::Msi]] = &[
                $(<$Driver as $crate::part::Driver>::MESSAGES,)+
            ];

            /// Returns the driver's binding.
            pub fn binding(&self) -> &dyn $Trait {
                match self {
                    $(Self::$Variant(driver) => &**driver,)+
                }
            }

            /// Resolves all defaults of the driver; `None` if an error prevents it, which has been
            /// reported.
            pub fn resolve(
                &self,
                around: &$crate::part::surroundings::Surroundings<'_>,
            ) -> Option<$Resolved> {
                match self {
                    $(Self::$Variant(driver) => {
                        $crate::part::Driver::resolve(&**driver, around)
                    })+
                }
            }
        }
    };
}

pub(crate) use drivers;
