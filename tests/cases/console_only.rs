//! Tests of boards whose machine has only a console, with the app `hello`.

use std::fs;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};
use vmos_codegen::board::Architecture;
use vmos_codegen::source::Folder;
use vmos_codegen::verify::verify;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::audit::Audit;
use xtask::footprint::{Footprint, Ram};
use xtask::inspect;
use xtask::symbolise::{Symboliser, Symbols};

use super::{Case, Need};
use crate::console;

/// The app that needs only a console.
const HELLO: &str = "hello";
/// The app that fails as its image says.
const FAULTS: &str = "faults";
/// The symbol of the word in its image, and the length of the word.
const CHOSEN: &str = "vmos_chosen_fault";
const LENGTH: usize = 16;

/// The largest image of `hello` on a microcontroller, in bytes of flash.
const FLASH: u64 = 24 << 10;
/// The most RAM that it takes, in bytes, with the stacks and the heap.
const RAM: u64 = 4 << 10;

pub(super) const CASES: [Case; 13] = [
    Case::once_a_board("says_hello_and_stops", says_hello),
    Case::once_a_board("names_power_that_is_missing", names_missing_power),
    Case::once_a_board("is_as_described", is_as_described),
    Case::once_a_board("its_image_is_as_described", image_is_as_described),
    Case::once_a_board("hello_is_small", hello_is_small),
    Case::once_a_board("reports_a_panic", |setting| {
        reports(setting, "panic", "requested in the image")
    }),
    Case::once_a_board("reports_an_undefined_instruction", |setting| {
        reports(setting, "undefined", "undefined instruction")
    }),
    Case::once_a_board("reports_a_wild_access", |setting| {
        reports(setting, "wild", "access that is not allowed: 0xa0000000")
    }),
    Case::once_a_board("reports_a_misaligned_access", |setting| {
        reports(setting, "misaligned", "unaligned access")
    }),
    Case::once_a_board("reports_a_stack_overflow", |setting| {
        reports(setting, "stack", "this is a stack overflow")
    }),
    Case::once_a_board("reports_a_null_access", |setting| {
        reports(setting, "null", "this is a null pointer")
    })
    .needing(Need::Protection),
    Case::once_a_board("reports_a_write_to_code", |setting| {
        let expected = "this is memory of the image that is read-only";
        reports(setting, "code", expected)
    })
    .needing(Need::Protection),
    Case::once_a_board("reports_data_that_is_run", |setting| {
        reports(setting, "data", "executing memory that is not executable")
    })
    .needing(Need::Protection),
];

fn says_hello(setting: &Setting) -> Outcome {
    let mut machine = setting.machine(HELLO)?.start()?;
    let board = &setting.board().name;
    let expected = format!("hello from {board}");
    machine.wait_for(&expected, |line| (line == expected).then_some(()))?;
    machine.wait_for("that it stops", |line| {
        line.starts_with("up for ").then_some(())
    })?;
    let status = machine.wait_for_end()?;
    ensure!(status.code() == Some(0), "it ended by {status}");
    Ok(())
}

/// Checks that a machine whose QEMU does not answer semihosting calls, its only way to end, reports
/// that.
fn names_missing_power(setting: &Setting) -> Outcome {
    let mut draft = setting.machine(HELLO)?;
    let arguments = &mut draft.qemu.arguments;
    let option = arguments
        .iter()
        .position(|one| one == "-semihosting-config");
    let Some(place) = option else { return Ok(()) };
    arguments.drain(place..place + 2);
    draft
        .start()?
        .wait_for("that it cannot be powered off", |line| {
            let is_named =
                line == "the machine cannot be powered off: see [power] in the board file";
            is_named.then_some(())
        })
}

fn is_as_described(setting: &Setting) -> Outcome {
    let facts = inspect::board(setting.board()).map_err(|e| e.to_string())?;
    verify(&Folder::new(setting.root()), &setting.board().name, &facts)?;
    Ok(())
}

fn image_is_as_described(setting: &Setting) -> Outcome {
    let bytes = fs::read(setting.image(HELLO)?.elf)?;
    let audit = Audit::of(setting.board(), &bytes);
    ensure!(audit.findings.is_empty(), "{:#?}", audit.findings);
    ensure!(!audit.table.is_empty(), "it has no table");
    Ok(())
}

fn hello_is_small(setting: &Setting) -> Outcome {
    let elf = setting.image(HELLO)?.elf;
    let footprint = Footprint::of(&elf, setting.root()).map_err(|error| error.to_string())?;
    let ram = Ram::of(&elf, setting.board()).map_err(|error| error.to_string())?;
    let ram = ram.ok_or("the image is not in flash")?;
    // A board that leaves the rest of RAM to the heap has larger stacks than this app needs, too.
    let (flash, most) = match ram.heap_is_the_rest {
        true => (2 * FLASH, 2 * RAM),
        false => (FLASH, RAM),
    };
    ensure!(
        footprint.loadable <= flash,
        "{} bytes of flash, more than {flash}",
        footprint.loadable
    );
    ensure!(
        ram.total() <= most,
        "{} bytes of RAM, more than {most}: {:?}",
        ram.total(),
        ram.shares
    );
    Ok(())
}

/// Checks the report of a fault: its reason, a backtrace into the app, and the exit status.
fn reports(setting: &Setting, fault: &str, expected: &str) -> Outcome {
    let image = setting.path(&format!("{fault}.elf"));
    fs::write(
        &image,
        choosing(&fs::read(setting.image(FAULTS)?.elf)?, fault)?,
    )?;
    let mut draft = setting.machine(FAULTS)?;
    draft.qemu.kernel = image;
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    let text = machine.serial.text();
    ensure!(status.code() == Some(101), "it ended by {status}:\n{text}");
    // Version 6-M does not tell the reason of a fault.
    let tells = setting.board().architecture != Architecture::ArmV6M;
    let expected = if tells || expected.starts_with("this is") || fault == "panic" {
        expected
    } else {
        "panic: HardFault"
    };
    ensure!(text.contains(expected), "{expected:?} is not in:\n{text}");
    let events = "last events of the loop:";
    ensure!(
        text.contains(events) && text.contains("] ran tasks"),
        "{text}"
    );
    let symbols = Symbols::read(&setting.image(FAULTS)?.elf, setting.root())
        .map_err(|error| error.to_string())?;
    let mut explained = Vec::new();
    let mut symboliser = Symboliser::new(&mut explained, |address| symbols.describe(address));
    for frame in text.lines().filter(|line| console::is_frame(line)) {
        symboliser.write(format!("{frame}\n").as_bytes())?;
    }
    let explained = String::from_utf8(explained)?;
    // After a stack overflow, version 6-M has lost the registers.
    let is_lost = !tells && fault == "stack";
    let is_named = |line: &str| line.contains("apps/faults/") || line.contains("apps/selftest/");
    ensure!(
        is_lost || explained.lines().any(is_named),
        "no frame is in a function of the app:\n{text}{explained}"
    );
    Ok(())
}

/// Returns an image of the app that fails, with the word for this fault.
fn choosing(elf: &[u8], fault: &str) -> Outcome<Vec<u8>> {
    let file = object::File::parse(elf)?;
    let chosen = file.symbol_by_name(CHOSEN).ok_or("the word is missing")?;
    let section = file.section_by_index(chosen.section_index().ok_or("no section")?)?;
    let (offset, _) = section.file_range().ok_or("no bytes")?;
    let at = usize::try_from(offset + chosen.address() - section.address())?;
    let word = format!("{fault:<LENGTH$}");
    let mut bytes = elf.to_vec();
    let place = bytes.get_mut(at..at + LENGTH).ok_or("outside the file")?;
    place.copy_from_slice(word.as_bytes());
    Ok(bytes)
}
