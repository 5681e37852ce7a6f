//! The data of a board that its parts can query.

mod command_line;
mod identity;
mod memory;
mod qemu;
mod smp;
mod version;

pub(crate) use command_line::Argument;
pub use identity::Identity;
pub use memory::{Flash, Memory, Ram, Reserved};
pub use qemu::{Qemu, System};

use super::claims::{Claimed, Purpose};
use super::{Binding, Controller, Loader};
use crate::board::{self, Architecture, ExceptionLevel, Trigger};
use crate::language::{Interrupt, Located};

/// The data of a board that its parts can query; missing if it could not be read.
#[derive(Clone, Copy)]
pub struct Surroundings<'b> {
    /// The board's name and its architecture.
    pub identity: Option<&'b Located<Identity>>,
    /// The options of QEMU for this board.
    pub qemu: Option<&'b Qemu>,
    /// RAM, reserved memory, and the stack.
    pub memory: Option<&'b Memory>,
    /// The interrupt controller.
    pub controller: Option<&'b dyn Controller>,
    /// The clock and timer of the kernel.
    pub timer: Option<&'b dyn Binding>,
    /// How the kernel is loaded and entered.
    pub loader: Option<&'b dyn Loader>,
    /// The number of drivers that can stop the machine.
    pub means_of_power: usize,
    /// Every claimed row of interrupts; empty until all claims are known to be valid.
    pub used: &'b [board::Claim<board::Interrupt>],
}

impl<'b> Surroundings<'b> {
    /// Returns the architecture, with its location in the board file.
    pub fn architecture(&self) -> Option<&'b Located<Architecture>> {
        self.identity?.value.architecture.get()
    }

    /// Returns the exception level at which the kernel is entered on Arm, if the board file states
    /// it.
    pub fn exception_level(&self) -> Option<&'b Located<ExceptionLevel>> {
        self.loader?.exception_level()
    }

    /// Returns the interrupt controller's own number of the first of a row of interrupts.
    pub fn number(&self, first: Interrupt, count: u32, usual: Trigger) -> Option<board::Interrupt> {
        let inputs = self.controller?.inputs();
        let inputs = inputs.iter().find(|inputs| inputs.space == first.space)?;
        let number = inputs.first.checked_add(first.number)?;
        Some(board::Interrupt {
            number,
            count,
            trigger: first.trigger.unwrap_or(usual),
        })
    }

    /// Returns the controller's own number of an optional interrupt: `Some(None)` if it is absent,
    /// `None` if its number is unknown.
    pub fn optional_number(
        &self,
        interrupt: &crate::language::Field<Interrupt>,
        usual: Trigger,
    ) -> Option<Option<board::Interrupt>> {
        match interrupt.optional()? {
            Some(interrupt) => Some(Some(self.number(interrupt.value, 1, usual)?)),
            None => Some(None),
        }
    }

    /// Returns every claimed row of inputs, ascending, each with the key that claims it.
    pub(crate) fn interrupts(
        &self,
        claimed: &Claimed,
    ) -> Option<Vec<board::Claim<board::Interrupt>>> {
        let claims = claimed.interrupts.iter().map(|claim| {
            Some(board::Claim {
                key: claim.key.clone(),
                what: self.number(claim.first, claim.count, claim.usual)?,
            })
        });
        let mut interrupts = claims.collect::<Option<Vec<_>>>()?;
        interrupts.sort_by(|one, other| (one.what, &one.key).cmp(&(other.what, &other.key)));
        Some(interrupts)
    }

    /// Returns whether all ranges of RAM are known. Otherwise nothing can be reported as outside
    /// RAM.
    pub(crate) fn ram_is_known(&self, claimed: &Claimed) -> bool {
        let count = claimed.of(Purpose::Ram).count();
        let ram = self.memory.and_then(|memory| memory.ram.value());
        ram.is_some_and(|ram| count > 0 && ram.iter().count() == count)
    }
}
