//! A microcontroller that starts from the vector table at the start of its flash (Arm DDI 0403,
//! B1.5.5).

mod room;

use crate::board::{self, Architecture, ImageForm, M_PROFILE, NO_ACCESS};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::table::table;
use crate::language::{Address, hexadecimal};
use crate::machine::device::Device;
use crate::notation;
use crate::part::claims::{Claimed, Purpose, RangeClaim};
use crate::part::draft::Machine;
use crate::part::section::Section;
use crate::part::surroundings::Surroundings;
use crate::part::{Binding, Driver, Loader, place};
use crate::source::Location;

table! {
    /// No loader: out of reset, the processor reads its stack pointer and the address of the first
    /// instruction from the vector table, with which the image in flash starts.
    pub struct VectorTable {
        /// The address of the vector table, at which the image starts.
        base: Address => required,
    }
}

/// The alignment of the vector table: its size, rounded up to a power of two, for up to 240 external
/// interrupts (DDI 0403, B3.2.5). The processor may read the first of its bytes only.
const ALIGNMENT: u64 = 0x400;

/// The sizes of the code between the vector table and the part that the kernel can access: the entry
/// code, and the handler of exceptions, which is largest in version 6-M. A test compares them with the
/// templates.
pub(crate) const ENTRY_CODE: u64 = 104;
pub(crate) const HANDLER: u64 = 244;

/// The size of a vector, and the number of those before the external interrupts (DDI 0403, B1.5.3).
const VECTOR: u64 = 4;
const EXCEPTIONS: u64 = 16;

/// The greatest number of external interrupts whose vectors leave space for that code.
#[expect(clippy::cast_possible_truncation, reason = "NO_ACCESS is small")]
pub(crate) const MOST_INTERRUPTS: u32 =
    ((NO_ACCESS - ENTRY_CODE - HANDLER) / VECTOR - EXCEPTIONS) as u32;

const _: () = assert!((EXCEPTIONS + MOST_INTERRUPTS as u64) * VECTOR <= ALIGNMENT);

/// Returns the error for a vector table without space for the interrupts of the controller.
pub(super) fn too_many(count: i128, at: Location) -> Diagnostic {
    let title = format!("the vector table has no space for {count} interrupts");
    let code = ENTRY_CODE + HANDLER;
    Diagnostic::new(Code::BadNumber, at, title)
        .label(format!("at most {MOST_INTERRUPTS}"))
        .note(format!(
            "the first {NO_ACCESS} bytes of the image contain the vectors, of {VECTOR} bytes each, and \
             {code} bytes of code"
        ))
        .help(format!(
            "if the board uses no interrupt from {MOST_INTERRUPTS} on, write {MOST_INTERRUPTS}: the \
             others stay disabled"
        ))
}

impl Binding for VectorTable {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(M_PROFILE)
    }

    fn choices(&self) -> &'static [&'static str] {
        &["base"]
    }

    fn check(&self, around: &Surroundings<'_>, claimed: &Claimed, problems: &mut Problems) {
        room::in_ram(around, claimed, problems);
        room::sizes_of_ram(around, problems);
        let Some(base) = self.base.get() else {
            return;
        };
        let address = base.value.0;
        if !address.is_multiple_of(ALIGNMENT) {
            let title = format!("`{}` is not a multiple of 1 KiB", base.path);
            problems.report(
                Diagnostic::new(Code::Misaligned, base.at, title)
                    .label("the vector table must be aligned to its size")
                    .help(format!(
                        "the next lower multiple is {}",
                        hexadecimal(address - address % ALIGNMENT)
                    )),
            );
            return;
        }
        let holds = |claim: &RangeClaim| (claim.range.base..=claim.last()).contains(&address);
        if let Some(flash) = claimed.of(Purpose::Flash).find(|flash| holds(flash)) {
            let wrong = room::in_flash(base, flash);
            wrong.into_iter().for_each(|wrong| problems.report(wrong));
            return;
        }
        // Flash that could not be read may contain it.
        if room::flash_is_known(around, claimed) {
            let ram = claimed.of(Purpose::Ram).find(|ram| holds(ram));
            problems.report(room::not_in_flash(base, ram, claimed));
        }
    }
}

impl Loader for VectorTable {
    fn reports_ram(&self) -> bool {
        false
    }
}

impl Driver for VectorTable {
    const NAME: &'static str = "vector-table";
    type Resolved = board::Boot;

    fn import(machine: &Machine<'_>, _device: &Device) -> Option<Section> {
        let section =
            Section::new("boot.vector-table").line("base", hexadecimal(machine.vector_table()));
        machine.is_microcontroller().then_some(section)
    }

    fn resolve(&self, _around: &Surroundings<'_>) -> Option<Self::Resolved> {
        let base = self.base.value()?.0;
        Some(board::Boot {
            key: "boot.vector-table",
            card: format!("vector table at {}, in flash", notation::address(base)),
            load_address: base,
            load_key: "boot.vector-table.base",
            form: ImageForm::Elf,
            reset: None,
            takes_firmware: false,
            leaves_a_table: false,
            has_entry_note: false,
            arguments: &[],
            entry: Vec::new(),
        })
    }
}
