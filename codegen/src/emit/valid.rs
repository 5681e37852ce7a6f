//! Checks that a board's texts keep their meaning in the generated files.

use super::Error;
use crate::Board;

/// # Errors
///
/// For the first text that would change the meaning of its file.
pub(super) fn check(board: &Board) -> Result<(), Error> {
    name(&board.name)?;
    let of = |key: &str| (key.to_owned(), false);
    let mut texts = vec![
        (of("board.title"), &board.title),
        (of("qemu.system"), &board.qemu.system),
        (of("qemu.machine"), &board.qemu.machine),
        (of("qemu.cpu"), &board.qemu.cpu),
    ];
    texts.extend(
        board
            .qemu
            .tested
            .iter()
            .map(|text| (of("qemu.tested"), text)),
    );
    texts.extend(
        board
            .qemu
            .arguments
            .iter()
            .map(|text| (of("qemu.arguments"), text)),
    );
    texts.extend(board.sources.iter().map(|text| (of("extends"), text)));
    texts.extend(
        board
            .memory
            .ram
            .iter()
            .map(|ram| (of("memory.ram"), &ram.name)),
    );
    texts.extend(
        board
            .memory
            .flash
            .iter()
            .map(|flash| (of("memory.flash"), &flash.name)),
    );
    for range in &board.memory.reserved {
        texts.push((of("memory.reserved"), &range.name));
        texts.push((
            of(&format!("memory.reserved.{}.reason", range.name)),
            &range.reason,
        ));
    }
    texts.extend(
        board
            .ranges
            .iter()
            .map(|claim| ((claim.key.clone(), true), &claim.key)),
    );
    texts.extend(
        board
            .interrupts
            .iter()
            .map(|claim| ((claim.key.clone(), true), &claim.key)),
    );
    texts.extend(
        board
            .undescribed
            .iter()
            .map(|(_, reason)| (of("undescribed"), reason)),
    );
    for named in board.disks.iter().chain(&board.nics) {
        let texts_of = [&named.identity, &named.function];
        texts.extend(
            texts_of
                .into_iter()
                .flatten()
                .map(|text| (of(&named.key), text)),
        );
    }
    for part in &board.parts {
        texts.push((of(&part.key), &part.title));
    }
    for waiver in &board.waivers {
        texts.push((of("waiver"), &waiver.name));
        texts.push((
            of(&format!("waiver.{}.reason", waiver.name)),
            &waiver.reason,
        ));
    }
    for ((key, is_key), text) in texts {
        let fault = if text.chars().any(char::is_control) {
            "has a line break or another control character in it"
        } else if text.contains("*/") {
            "has `*/` in it, which would end a comment"
        } else if is_key && text.is_empty() {
            "is empty"
        } else {
            continue;
        };
        return Err(Error::Text {
            board: board.name.clone(),
            key: key.escape_debug().to_string(),
            fault,
        });
    }
    let arguments = &board.qemu.arguments;
    if arguments
        .iter()
        .any(|text| text.is_empty() || text.starts_with('#'))
    {
        return Err(Error::Text {
            board: board.name.clone(),
            key: String::from("qemu.arguments"),
            fault: "has an argument that is empty or begins with `#`, which qemu.args cannot hold",
        });
    }
    Ok(())
}

/// Checks a name that becomes a directory, a cargo feature and, with `_` for `-`, a module.
///
/// # Errors
///
/// If it is not valid for all of them.
pub(super) fn name(name: &str) -> Result<(), Error> {
    let fits = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name != "default";
    if fits {
        Ok(())
    } else {
        Err(Error::Name {
            board: name.to_owned(),
        })
    }
}
