//! Tests of boards whose machine has only a console, with the app `hello`.

use std::fs;

use vmos_codegen::source::Folder;
use vmos_codegen::verify::verify;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::audit::Audit;
use xtask::footprint::Footprint;
use xtask::inspect;

use super::Case;

/// The app that needs only a console.
const HELLO: &str = "hello";

/// The largest image of `hello` on a microcontroller, in bytes of flash.
const FLASH: u64 = 24 << 10;

pub(super) const CASES: [Case; 4] = [
    Case::once_a_board("says_hello_and_stops", says_hello),
    Case::once_a_board("is_as_described", is_as_described),
    Case::once_a_board("its_image_is_as_described", image_is_as_described),
    Case::once_a_board("hello_is_small", hello_is_small),
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
    ensure!(
        footprint.loadable <= FLASH,
        "{} bytes of flash, more than {FLASH}",
        footprint.loadable
    );
    Ok(())
}
