//! Parts of a machine that VMOS has no driver for: an app, or a crate that it uses, drives them.
//!
//! The board file describes such a part (`[part.NAME]`), and `parts/KIND.toml` what a part of its
//! kind has. The kernel checks at boot that firmware's tables agree, maps the registers, and hands
//! the part to one driver:
//!
//! ```no_run
//! use vmos::part::{self, InterruptLine, Part, RegisterRange, Registers as _, Unavailable};
//!
//! /// A timer whose data sheet has a status register at offset 0, cleared by a write.
//! struct Chime {
//!     registers: RegisterRange,
//!     line: InterruptLine,
//! }
//!
//! impl part::Driver for Chime {
//!     const KIND: &'static str = "chime";
//!     type Error = Unavailable;
//!
//!     fn new(mut part: Part) -> Result<Self, Unavailable> {
//!         Ok(Self {
//!             registers: part.registers("control")?,
//!             line: part.interrupt("alarm")?,
//!         })
//!     }
//! }
//!
//! impl Chime {
//!     async fn rings(&mut self) {
//!         while self.registers.read32(0) == 0 {
//!             self.line.wait().await;
//!         }
//!         self.registers.write32(0, 0);
//!     }
//! }
//!
//! # #[vmos::main]
//! # async fn main(kernel: vmos::Kernel, _spawner: vmos::Spawner) -> vmos::Result<()> {
//! let mut chime: Chime = kernel.part("door")?;
//! chime.rings().await;
//! # Ok(())
//! # }
//! ```

mod error;
pub(crate) mod lines;
mod registers;

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

use vmos_drivers::board;
pub use vmos_drivers::mmio::Registers;

use crate::machine;

pub use error::{Entry, Unavailable};
pub use lines::InterruptLine;
pub use registers::RegisterRange;

/// The driver of a kind of part.
pub trait Driver: Sized {
    /// The kind: the name of its definition under `parts/`, without `.toml`.
    const KIND: &'static str;
    /// Why a part cannot be driven; [`Unavailable`] if only the description can be the reason.
    type Error: From<Unavailable>;

    /// Takes over a part, which may be in any state.
    ///
    /// # Errors
    ///
    /// If the part does not have what the driver needs.
    fn new(part: Part) -> Result<Self, Self::Error>;
}

/// A claimed part. Each of its register ranges and interrupts can be taken out once.
///
/// ```no_run
/// use vmos::part::{Part, Unavailable};
///
/// fn describe(mut part: Part) -> Result<(), Unavailable> {
///     let registers = part.registers("gpio")?;
///     let button = part.value("button")?;
///     vmos::println!("{}: {} bytes, button {button}", part.key(), registers.size());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Part {
    described: &'static board::Part,
    taken: Vec<(Entry, &'static str)>,
}

impl Part {
    /// Returns the key of the part in the board file, such as `part.buttons`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.described.key
    }

    /// Returns the registers with this name in the definition, which are mapped as device memory.
    ///
    /// # Errors
    ///
    /// If the definition has no such registers, or they were taken before.
    pub fn registers(&mut self, name: &'static str) -> Result<RegisterRange, Unavailable> {
        let range = self.take(Entry::Registers, self.described.registers, name)?;
        // SAFETY: the board describes the part and the kernel has mapped its registers; a part is
        // claimed once, and each of its ranges is taken once, so nothing else drives it.
        Ok(unsafe { RegisterRange::new(range) })
    }

    /// Returns the interrupt with this name in the definition.
    ///
    /// # Errors
    ///
    /// If the board states no such interrupt, or it was taken before.
    pub fn interrupt(&mut self, name: &'static str) -> Result<InterruptLine, Unavailable> {
        let interrupt = self.take(Entry::Interrupt, self.described.interrupts, name)?;
        Ok(InterruptLine::new(interrupt))
    }

    /// Returns the value with this name in the definition: the board's, or else the default.
    ///
    /// # Errors
    ///
    /// If the definition has no such value.
    pub fn value(&self, name: &'static str) -> Result<u32, Unavailable> {
        find(self.described.values, name).ok_or(self.lacks(Entry::Value, name))
    }

    fn take<T: Copy>(
        &mut self,
        entry: Entry,
        all: &[(&'static str, T)],
        name: &'static str,
    ) -> Result<T, Unavailable> {
        let found = find(all, name).ok_or(self.lacks(entry, name))?;
        if self.taken.contains(&(entry, name)) {
            let key = self.described.key;
            return Err(Unavailable::Taken { key, entry, name });
        }
        self.taken.push((entry, name));
        Ok(found)
    }

    fn lacks(&self, entry: Entry, name: &'static str) -> Unavailable {
        Unavailable::Lacks {
            key: self.described.key,
            kind: self.described.kind,
            entry,
            name,
        }
    }
}

fn find<T: Copy>(all: &[(&'static str, T)], name: &str) -> Option<T> {
    all.iter().find(|(one, _)| *one == name).map(|(_, of)| *of)
}

/// The state of each part of the board.
struct States<const COUNT: usize>([AtomicU8; COUNT]);

/// The part can be claimed.
const FREE: u8 = 0;
/// The part was claimed by a driver.
const CLAIMED: u8 = 1;
/// The machine does not have the part where the board file says.
const LEFT_OUT: u8 = 2;

static STATES: States<{ machine::PARTS.len() }> = States::new();

impl<const COUNT: usize> States<COUNT> {
    const fn new() -> Self {
        Self([const { AtomicU8::new(FREE) }; COUNT])
    }

    fn claim(
        &self,
        parts: &'static [board::Part],
        kind: &'static str,
        name: &'static str,
    ) -> Result<Part, Unavailable> {
        let mut all = parts.iter().zip(&self.0);
        let (described, state) = all
            .find(|(part, _)| part.name == name)
            .ok_or(Unavailable::Absent { name })?;
        let key = described.key;
        if described.kind != kind {
            let found = described.kind;
            return Err(Unavailable::OtherKind { key, found, kind });
        }
        match state.load(Ordering::Relaxed) {
            FREE => {}
            LEFT_OUT => return Err(Unavailable::LeftOut { key }),
            _ => return Err(Unavailable::Claimed { key }),
        }
        state.store(CLAIMED, Ordering::Relaxed);
        Ok(Part {
            described,
            taken: Vec::new(),
        })
    }

    fn leave_out(&self, parts: &[board::Part], key: &str) -> bool {
        let mut all = parts.iter().zip(&self.0);
        let found = all.find(|(part, _)| part.key == key);
        found.is_some_and(|(_, state)| {
            let before = state.load(Ordering::Relaxed);
            state.store(LEFT_OUT, Ordering::Relaxed);
            before != LEFT_OUT
        })
    }
}

/// Claims a part of the board for the driver of a kind.
pub(crate) fn claim(kind: &'static str, name: &'static str) -> Result<Part, Unavailable> {
    STATES.claim(machine::PARTS, kind, name)
}

/// Leaves out the part with this key, because it is not where the board file says. Returns whether
/// there is one that was not left out before.
pub(crate) fn leave_out(key: &str) -> bool {
    STATES.leave_out(machine::PARTS, key)
}

#[cfg(test)]
mod tests;
