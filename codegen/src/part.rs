//! The interface between the parts of a board and the rest of the generator: what each part
//! provides, and what it can query.
//!
//! A binding provides the properties of its part in a board file ([`crate::language`]), the
//! addresses and interrupts that the part claims ([`claims`]), the data expected in the machine
//! ([`expect`]), the form that the emitters use ([`crate::board::Part`]), and the import of the
//! part from a machine without a board file ([`draft`]). It accesses the rest of the board only
//! through [`surroundings`].

pub mod claims;
pub(crate) mod class;
pub mod draft;
pub mod expect;
pub(crate) mod section;
pub(crate) mod sizes;
pub mod surroundings;

use crate::board::{self, Architecture, ExceptionLevel};
use crate::diagnostic::Problems;
use crate::language::schema;
use crate::language::{Address, Field, Located, Place, Read, Space};
use crate::machine::device::Device;
use crate::source::Location;
use claims::{Claimed, Claims};
use draft::Machine;
use expect::Expected;
use section::Section;
use surroundings::Surroundings;

/// The interface of a part to the checks.
pub trait Binding {
    /// Returns the path and location of the part's table.
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

    /// States which data of the machine the keys of the part correspond to.
    fn expect(&self, _expected: &mut Expected) {}

    /// Returns the address of the software interrupts of the harts of a RISC-V machine, from hart 0 on,
    /// at the key that states it; `None` if such a part has none.
    fn software_interrupts(&self) -> Option<&Field<Address>> {
        None
    }

    /// Returns the keys of the part's table that cannot be compared with the machine.
    fn choices(&self) -> &'static [&'static str] {
        &[]
    }

    /// Reports further errors of the part, such as conflicts with other parts of the board.
    fn check(&self, _around: &Surroundings<'_>, _claimed: &Claimed, _problems: &mut Problems) {}
}

/// A binding that a board selects by its name.
pub trait Driver: Binding + Read {
    /// The driver's name in board files.
    const NAME: &'static str;

    /// The names of such a device in a device tree, or in QEMU if there is no tree.
    /// [`import`](Self::import) is called for devices with these names.
    const KINDS: &'static [&'static str] = &[];

    /// The names of QEMU's models of the device, by which an import finds it on a machine without a
    /// device tree.
    const MODELS: &'static [&'static str] = &[];

    /// The interrupt spaces of the part's inputs; empty unless it is an interrupt controller.
    const SPACES: &'static [schema::Space] = &[];

    /// The ways in which the part delivers message-signalled interrupts; empty unless it is an
    /// interrupt controller.
    const MESSAGES: &'static [board::Msi] = &[];

    /// The part in the form that the emitters use.
    type Resolved;

    /// Resolves all defaults. Returns `None` if something is missing or invalid, which has been
    /// reported.
    fn resolve(&self, around: &Surroundings<'_>) -> Option<Self::Resolved>;

    /// Returns the part's table in the board file of a machine that has `device`, one of
    /// [`KINDS`](Self::KINDS) or [`MODELS`](Self::MODELS). `None` if the machine lacks the part. For a part that is not a
    /// device, `device` is empty.
    fn import(_machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        None
    }
}

/// The additional interface of interrupt controllers.
pub trait Controller: Binding {
    /// Returns the inputs in rows, one for each interrupt space.
    fn inputs(&self) -> Vec<Inputs>;

    /// Returns the further controllers of the same kind, each of which receives its own interrupts.
    fn further(&self) -> Vec<Further> {
        Vec::new()
    }

    /// Returns whether all further controllers of the board file could be read.
    fn has_all_further(&self) -> bool {
        true
    }

    /// Returns the key that the table lacks and needs once it has further controllers, if there is one.
    fn missing_for_further(&self) -> Option<&'static str> {
        None
    }

    /// Returns how many harts of a RISC-V machine the described controllers deliver to, from hart 0
    /// on, if an undescribed one delivers to the rest; otherwise `None`. `mode` is the mode of the
    /// kernel.
    fn reach(&self, _devices: &[Device], _mode: Entered) -> Option<u32> {
        None
    }

    /// Returns the option of QEMU's machines that selects such a controller, if there is one.
    fn selected(&self) -> Option<Selection> {
        None
    }

    /// Returns whether the controller supports active-low lines.
    fn takes_low(&self) -> bool {
        false
    }

    /// Returns whether the controller delivers message-signalled interrupts of a kind.
    fn delivers(&self, msi: board::Msi) -> Delivery;

    /// Returns the registers of the timer in each processor, if the timer is part of the
    /// controller.
    fn timer(&self) -> Option<board::Range> {
        None
    }
}

/// The additional interface of boot protocols.
pub trait Loader: Binding {
    /// Returns the exception level at which the kernel is entered on Arm, if the board file states
    /// it.
    fn exception_level(&self) -> Option<&Located<ExceptionLevel>> {
        None
    }

    /// Returns whether firmware or the loader reports the sizes of RAM to the kernel.
    fn reports_ram(&self) -> bool {
        true
    }

    /// Returns the number of the hart that runs the kernel if a RISC-V processor enters it in M mode.
    fn hart(&self) -> Option<Located<u32>> {
        None
    }

    /// Returns the modes in which the kernel may be entered on RISC-V, with their location in the
    /// board file.
    fn entered(&self) -> Option<(Entered, Location)> {
        None
    }
}

/// The modes in which a RISC-V processor may enter the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// The kernel is entered in M mode.
    Machine,
    /// The kernel is entered in S mode, with firmware in M mode.
    Supervisor,
    /// The kernel is entered in M mode, or in S mode if the machine is started with firmware.
    Either,
}

/// A row of consecutive inputs of an interrupt controller.
#[derive(Clone, Copy, Debug)]
pub struct Inputs {
    /// The interrupt space in which the inputs are numbered from 0.
    pub space: Space,
    /// The first cell of such an interrupt in a device tree, if it selects the row.
    pub cell: Option<u32>,
    /// The controller's own number of the first input.
    pub first: u32,
    /// The lowest number of an input in the space; lower ones stand for no interrupt.
    pub least: u32,
    /// The number of inputs, from 0 on.
    pub count: u32,
    /// Whether each processor has its own instance of the inputs; `None` if the controller does not
    /// distinguish that.
    pub private: Option<bool>,
}

/// An option of QEMU's machines that selects the interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The name of the option, such as "gic-version".
    pub option: &'static str,
    /// The values that select the controller, the usual one first.
    pub values: &'static [&'static str],
}

/// A further controller of the same kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Further {
    /// The path of its table in the board file.
    pub path: String,
    /// The board's number of the controller's own number 0.
    pub first: u32,
}

/// Whether a controller delivers message-signalled interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The controller delivers message-signalled interrupts.
    Yes,
    /// The controller does not deliver message-signalled interrupts, for this reason.
    No(&'static str),
    /// It is unknown whether the controller delivers message-signalled interrupts.
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
