//! Tests of the image file, without booting it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use object::{Object as _, ObjectSection as _, ObjectSymbol, SymbolKind};
use vmos_codegen::board::Architecture;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::audit::Audit;
use xtask::boards;
use xtask::flatten;
use xtask::footprint::{self, BUDGET};

use super::Case;
use super::demo::DEMO;

pub(super) const CASES: [Case; 5] = [
    Case::once_a_board("images_are_as_described", images_are_as_described),
    Case::once_a_board("a_corrupted_byte_is_named", a_corrupted_byte_is_named),
    Case::once_a_board("a_large_frame_is_refused", a_large_frame_is_refused),
    Case::once_a_board("the_demo_is_small", the_demo_is_small),
    Case::once_a_board("an_image_names_no_home", an_image_names_no_home),
];

fn images_are_as_described(setting: &Setting) -> Outcome {
    let workspace = setting.workspace();
    let boards = boards::names(workspace)?;
    for app in &workspace.apps {
        let is_left_out = !workspace.tries(&setting.board().name, &boards, &app.name);
        if is_left_out && setting.image(&app.name).is_err() {
            // It is not built for this board without `--all`.
            continue;
        }
        let bytes = fs::read(setting.image(&app.name)?.elf)?;
        let audit = Audit::of(setting.board(), &bytes);
        ensure!(
            audit.findings.is_empty(),
            "{}: {:#?}",
            app.name,
            audit.findings
        );
        ensure!(!audit.table.is_empty(), "{}: it has no table", app.name);
    }
    Ok(())
}

/// Changes every byte of the image's board tables once, many at a time, but never two that would be
/// reported with the same key.
fn a_corrupted_byte_is_named(setting: &Setting) -> Outcome {
    let mut bytes = fs::read(setting.image(DEMO)?.elf)?;
    let table = Audit::of(setting.board(), &bytes).table;
    ensure!(!table.is_empty(), "there is no table");
    let mut open: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for (key, range) in &table {
        for at in range.clone() {
            open.entry(at).or_default().insert(key);
        }
    }
    while !open.is_empty() {
        let mut taken = BTreeSet::new();
        let mut changed = Vec::new();
        open.retain(|&at, keys| {
            let is_free = taken.is_disjoint(keys);
            if is_free {
                taken.extend(keys.iter().copied());
                changed.push((at, keys.clone()));
            }
            !is_free
        });
        changed.iter().for_each(|(at, _)| bytes[*at] ^= 0x10);
        let findings = Audit::of(setting.board(), &bytes).findings;
        changed.iter().for_each(|(at, _)| bytes[*at] ^= 0x10);
        for (at, keys) in changed {
            for key in keys {
                let is_named = findings.iter().any(|finding| {
                    let text = &finding.text;
                    text.contains(&format!("`{key}`")) && text.contains("of the file")
                });
                ensure!(
                    is_named,
                    "byte {at:#x} of `{key}` was changed, but the audit reports: {findings:#?}"
                );
            }
        }
    }
    Ok(())
}

/// Makes the largest function begin with a step of the stack pointer over 64 KiB, which is the size of
/// the guard below the stack.
fn a_large_frame_is_refused(setting: &Setting) -> Outcome {
    let mut bytes = fs::read(setting.image(DEMO)?.elf)?;
    let file = object::File::parse(&*bytes)?;
    let functions = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text);
    let function = functions
        .max_by_key(ObjectSymbol::size)
        .ok_or("no function")?;
    let is_thumb = function.address() & 1 == 1;
    let step: &[u8] = match setting.board().architecture {
        // sub sp, sp, #16, lsl #12
        Architecture::Aarch64 => &[0xff, 0x43, 0x40, 0xd1],
        // sub rsp, 0x10000
        Architecture::X86_64 => &[0x48, 0x81, 0xec, 0, 0, 1, 0],
        // sub.w sp, sp, #0x10000
        Architecture::Arm if is_thumb => &[0xad, 0xf5, 0x80, 0x3d],
        // The same; the audit does not execute it.
        Architecture::ArmV6M | Architecture::ArmV7M | Architecture::ArmV8M => {
            &[0xad, 0xf5, 0x80, 0x3d]
        }
        // sub sp, sp, #0x10000
        Architecture::Arm => &[0x01, 0xd8, 0x4d, 0xe2],
        // lui a2, 16; sub sp, sp, a2
        Architecture::Riscv32 | Architecture::Riscv64 => &[0x37, 6, 1, 0, 0x33, 1, 0xc1, 0x40],
    };
    let address = function.address() - u64::from(is_thumb && step.len() == 4);
    let name = function.name()?.to_owned();
    let section = file.section_by_index(function.section_index().ok_or("no section")?)?;
    let (offset, _) = section.file_range().ok_or("no bytes")?;
    let at = usize::try_from(offset + address - section.address())?;
    let place = at..at + step.len();
    bytes
        .get_mut(place)
        .ok_or("outside the file")?
        .copy_from_slice(step);
    let findings = Audit::of(setting.board(), &bytes).findings;
    let is_named = |text: &str| text.contains("a frame of") && text.contains("larger than 32768");
    ensure!(
        findings.iter().any(|finding| is_named(&finding.text)),
        "{name} steps over 64 KiB, but the audit reports: {findings:#?}"
    );
    Ok(())
}

fn the_demo_is_small(setting: &Setting) -> Outcome {
    let elf = fs::read(setting.image(DEMO)?.elf)?;
    let loadable = footprint::loadable(&elf)?;
    ensure!(
        loadable < BUDGET,
        "{loadable} bytes are loaded, expected less than {BUDGET}: cargo xtask size {}",
        setting.board().name
    );
    Ok(())
}

/// Checks that the loaded bytes of an image name the sources of external crates without the folder
/// of the build machine. Only debug information contains whole paths.
fn an_image_names_no_home(setting: &Setting) -> Outcome {
    let elf = fs::read(setting.image(DEMO)?.elf)?;
    let image = flatten::flatten(&elf)?;
    // The names of external crates must be found, or the check would prove nothing.
    for (text, is_there) in [("embedded-io-async-", true), ("/registry/src/", false)] {
        let found = image
            .bytes
            .windows(text.len())
            .any(|bytes| bytes == text.as_bytes());
        ensure!(found == is_there, "{text} is there: {found}");
    }
    Ok(())
}
