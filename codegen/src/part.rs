//! The vocabulary that parts speak: what every part of a machine answers, and what it is asked with.
//!
//! A binding says what a board file may hold of its part ([`crate::language`]), what the part lays claim
//! to ([`claims`]), what it is in a machine ([`expect`]), what the emitters see of it
//! ([`crate::board::Part`]), and how it is recognised in a machine that nobody has described yet
//! ([`draft`]). Of the rest of the board it knows what [`surroundings`] tell.

pub mod claims;
pub(crate) mod class;
pub mod draft;
pub mod expect;
pub(crate) mod section;
pub mod surroundings;

use crate::board::{self, Architecture, ExceptionLevel};
use crate::diagnostic::Problems;
use crate::language::schema;
use crate::language::{Located, Place, Read, Space};
use crate::machine::device::Device;
use crate::source::Location;
use claims::{Claimed, Claims};
use draft::Machine;
use expect::Expected;
use section::Section;
use surroundings::Surroundings;

/// What the checks require of every binding.
pub trait Binding {
    /// Returns the place of its table.
    fn place(&self) -> &Place;

    /// Returns the architectures that have such a part; `None` if all do.
    fn architectures() -> Option<&'static [Architecture]>
    where
        Self: Sized,
    {
        None
    }

    /// Returns the result of [`architectures`](Self::architectures) for this binding.
    fn fits(&self) -> Option<&'static [Architecture]>;

    /// Claims the addresses and interrupts of the part.
    fn claim(&self, _claims: &mut Claims<'_>) {}

    /// States what the part is in the machine, and which of its keys correspond to what.
    fn expect(&self, _expected: &mut Expected) {}

    /// Returns the keys of its table that the author chooses freely, so that no machine can
    /// contradict them.
    fn choices(&self) -> &'static [&'static str] {
        &[]
    }

    /// Reports what else is wrong, the other parts of the board considered.
    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, _problems: &mut Problems) {}
}

/// A binding that a board selects by its name.
pub trait Driver: Binding + Read {
    /// The name.
    const NAME: &'static str;

    /// What such a device is called in a device tree, or by QEMU where there is none: by these names
    /// [`import`](Self::import) is given its device.
    const KINDS: &'static [&'static str] = &[];

    /// The spaces that its inputs are counted in, where it is an interrupt controller.
    const SPACES: &'static [schema::Space] = &[];

    /// The ways in which it may deliver message-signalled interrupts, where it is an interrupt
    /// controller.
    const MESSAGES: &'static [board::Msi] = &[];

    /// Its form for the emitters.
    type Resolved;

    /// Resolves all defaults. Returns `None` if something is missing or invalid, which has been
    /// reported.
    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved>;

    /// Its table in the board file of a machine that has `device`, one of [`KINDS`](Self::KINDS); for
    /// a part that is no device, of a machine that has the part. `None` where it has not.
    fn import(_machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        None
    }
}

/// What the checks also require of the binding of an interrupt controller.
pub trait Controller: Binding {
    /// Returns its inputs, by the space of their numbers.
    fn inputs(&self) -> Vec<Inputs>;

    /// Returns whether it supports active-low lines.
    fn takes_low(&self) -> bool {
        false
    }

    /// Returns whether it delivers message-signalled interrupts of a kind.
    fn delivers(&self, msi: board::Msi) -> Delivery;

    /// The registers of the timer in each processor, where that is a part of the controller.
    fn timer(&self) -> Option<board::Range> {
        None
    }
}

/// What is asked of the binding of a loader besides.
pub trait Loader: Binding {
    /// Returns the exception level at which it states that an Arm processor enters the kernel.
    fn exception_level(&self) -> Option<&Located<ExceptionLevel>> {
        None
    }

    /// The modes in which a RISC-V processor may enter the kernel, and where that is said.
    fn entered(&self) -> Option<(Entered, Location)> {
        None
    }
}

/// The modes in which a RISC-V processor may enter the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// M mode.
    Machine,
    /// S mode, with firmware below.
    Supervisor,
    /// M mode, or S mode if the machine is started with firmware.
    Either,
}

/// A row of inputs of an interrupt controller.
#[derive(Clone, Copy, Debug)]
pub struct Inputs {
    /// The space in which they are numbered from 0.
    pub space: Space,
    /// The first cell of such an interrupt in a device tree, where that says which row it is in.
    pub cell: Option<u32>,
    /// The controller's own number of the first one.
    pub first: u32,
    /// Their number.
    pub count: u32,
    /// Whether each processor has its own ones; `None` if the controller does not distinguish that.
    pub private: Option<bool>,
}

/// Whether a controller delivers message-signalled interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It does.
    Yes,
    /// It does not, for this reason.
    No(&'static str),
    /// Unknown.
    Unknown,
}

/// Implements the parts of [`Binding`] that are the same for all bindings.
macro_rules! place {
    () => {
        fn place(&self) -> &$crate::language::Place {
            &self.place
        }

        fn fits(&self) -> Option<&'static [$crate::board::Architecture]> {
            Self::architectures()
        }
    };
}

pub(crate) use place;
