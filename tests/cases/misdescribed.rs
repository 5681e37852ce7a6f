//! Machines whose power or timer is not the one that the board file describes: the kernel names the key
//! of each in one line.
//!
//! The board's own image runs on its own machine: QEMU's device tree of it is changed in place, or the
//! means of power are left out.

use std::fs;
use std::path::PathBuf;

use vmos_codegen::Board;
use vmos_codegen::board::Range;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::{Draft, Setting};

use super::Case;
use super::demo::DEMO;

pub(super) const CASES: [Case; 3] = [
    // QEMU reports that it has written the tree.
    Case::once_a_board(
        "names_power_and_timer_of_another_tree",
        names_keys_of_another_tree,
    )
    .provoking(),
    Case::once_a_board("names_power_that_is_missing", names_missing_power),
    Case::once_a_board("stops_by_the_next_power_part", stops_by_the_next),
];

/// A difference of the machine from the board file, and the line that the kernel prints about it.
struct Difference {
    how: How,
    /// The start of the line.
    line: String,
}

/// What makes a machine different.
enum How {
    /// An option of QEMU's machine.
    Option(&'static str),
    /// Bytes of the device tree, which occur once, and those in their place.
    Tree { old: Vec<u8>, new: Vec<u8> },
}

/// Checks that the kernel names the keys of the power and of the timer, as far as the device tree states
/// something about them.
fn names_keys_of_another_tree(setting: &Setting) -> Outcome {
    let differences = differences(setting.board());
    if differences.is_empty() {
        return Ok(());
    }
    let tree = changed_tree(setting, &differences)?;
    let mut draft = different(setting, &differences)?;
    let option = ["-dtb".to_owned(), tree.display().to_string()];
    draft.qemu.extra.extend(option);
    let mut machine = draft.start()?;
    let status = machine.wait_for_end()?;
    let text = machine.serial.text();
    for Difference { line, .. } in &differences {
        let count = text.matches(line).count();
        ensure!(count == 1, "{count} times {line:?}:\n{text}");
    }
    let is_fatal = |one: &Difference| one.line.starts_with("cannot start");
    let is_fatal = differences.iter().any(is_fatal);
    ensure!(status.success() != is_fatal, "{status}: {text}");
    Ok(())
}

/// Returns a machine with the options that make it different. The app has nothing to serve, and ends at
/// once.
fn different<'a>(setting: &'a Setting, differences: &[Difference]) -> Outcome<Draft<'a>> {
    let mut draft = setting.machine(DEMO)?;
    draft.qemu.devices.network = None;
    for difference in differences {
        if let How::Option(option) = difference.how {
            let option = ["-machine", option].map(str::to_owned);
            draft.qemu.extra.extend(option);
        }
    }
    Ok(draft)
}

/// Returns the differences in the parts that the board has.
fn differences(board: &Board) -> Vec<Difference> {
    let mut differences = Vec::new();
    for power in &board.power {
        match power.part.key.as_str() {
            // QEMU replaces the node of a tree that it is given.
            "power.psci" => differences.push(Difference {
                how: How::Option("virtualization=on"),
                line:
                    "power.psci.conduit: the description says \"hvc\", the device tree says \"smc\""
                        .to_owned(),
            }),
            key @ "power.sifive-test" => {
                let line = format!("{key}.base: ");
                differences.extend(range(board, key).map(|at| elsewhere(at, line)));
            }
            _ => {}
        }
    }
    match board.timer.part.key.as_str() {
        "timer.arm-generic" => differences.push(Difference {
            how: How::Tree {
                // The type of a private interrupt, and the number of the virtual timer's.
                old: words(&[1, 11]),
                new: words(&[1, 9]),
            },
            line: "timer.arm-generic.interrupt: ".to_owned(),
        }),
        key @ "timer.clint" => {
            let line = format!("cannot start: {key}: ");
            differences.extend(range(board, key).map(|at| elsewhere(at, line)));
        }
        _ => {}
    }
    differences
}

/// Returns a difference in a `reg` with two cells for the base and two for the size: the base becomes
/// another one.
fn elsewhere(Range { base, size }: Range, line: String) -> Difference {
    let reg = |base: u64| [base.to_be_bytes(), size.to_be_bytes()].concat();
    let how = How::Tree {
        old: reg(base),
        new: reg(base + 0x40_0000),
    };
    Difference { how, line }
}

/// Returns the range that a part claims.
fn range(board: &Board, key: &str) -> Option<Range> {
    let mut claims = board.ranges.iter();
    claims
        .find(|claim| claim.key == key)
        .map(|claim| claim.what)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Writes the device tree of the different machine, with the changes, and returns its path.
fn changed_tree(setting: &Setting, differences: &[Difference]) -> Outcome<PathBuf> {
    let path = setting.path("machine.dtb");
    let mut draft = different(setting, differences)?;
    let option = format!("dumpdtb={}", path.display());
    draft.qemu.extra.extend(["-machine".to_owned(), option]);
    draft.start()?.wait_for_end()?;
    let mut tree = fs::read(&path)?;
    for Difference { how, line } in differences {
        let How::Tree { old, new } = how else {
            continue;
        };
        let places: Vec<usize> = (0..tree.len())
            .filter(|at| tree[*at..].starts_with(old))
            .collect();
        let [at] = places[..] else {
            let count = places.len();
            return Err(format!("for {line:?}: the tree has {count} such places").into());
        };
        tree[at..at + new.len()].copy_from_slice(new);
    }
    fs::write(&path, tree)?;
    Ok(path)
}

/// Checks that a machine reports that it cannot be powered off, on boards of which QEMU can leave out
/// every means of power.
fn names_missing_power(setting: &Setting) -> Outcome {
    let board = setting.board();
    let keys: Vec<&str> = board
        .power
        .iter()
        .map(|power| power.part.key.as_str())
        .collect();
    let (option, machine) = match keys[..] {
        ["power.semihosting"] => ("-semihosting-config", ""),
        // The register is that of ACPI's generic event device.
        ["power.isa-debug-exit", "power.register-write"] => ("-device", ",acpi=off"),
        _ => return Ok(()),
    };
    let mut draft = setting.machine(DEMO)?;
    draft.qemu.devices.network = None;
    let arguments = &mut draft.qemu.arguments;
    let at = |word: &str, arguments: &[String]| arguments.iter().position(|one| one == word);
    let place = at(option, arguments).ok_or("the board has no such argument")?;
    arguments.drain(place..place + 2);
    let place = at("-machine", arguments).ok_or("the board names no machine")?;
    let value = arguments.get_mut(place + 1);
    value.ok_or("the machine has no name")?.push_str(machine);
    draft
        .start()?
        .wait_for("that it cannot be powered off", |line| {
            let is_named =
                line == "the machine cannot be powered off: see [power] in the board file";
            is_named.then_some(())
        })
}

/// Checks that a machine without the first of its power parts stops by the next one: a PC without the
/// device that ends QEMU with a status.
fn stops_by_the_next(setting: &Setting) -> Outcome {
    let parts = setting.board().power.iter();
    let keys: Vec<&str> = parts.map(|power| power.part.key.as_str()).collect();
    if keys != ["power.isa-debug-exit", "power.port-write"] {
        return Ok(());
    }
    let mut draft = setting.machine(DEMO)?;
    draft.qemu.devices.network = None;
    let arguments = &mut draft.qemu.arguments;
    let is_exit = |pair: &[String]| pair[1].starts_with("isa-debug-exit");
    let place = arguments.windows(2).position(is_exit);
    let place = place.ok_or("the board has no such argument")?;
    arguments.drain(place..place + 2);
    let status = draft.start()?.wait_for_end()?;
    ensure!(status.code() == Some(0), "it ended by {status}");
    Ok(())
}
