//! Tests the app `dice`: each version of getrandom draws from the kernel's generator, or refuses.

use std::collections::BTreeSet;

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::{Draft, Setting};

use super::super::Case;

pub(super) const CASES: [Case; 2] = [
    Case::spread("getrandom_draws_in_every_version", draws).of("dice"),
    Case::spread("getrandom_refuses_without_an_entropy_device", refuses).of("dice"),
];

const VERSIONS: [&str; 3] = ["0.2", "0.3", "0.4"];

/// Returns what the app says about each version of getrandom at a moment.
fn said(draft: Draft<'_>, moments: &[&str]) -> Outcome<Vec<String>> {
    let mut machine = draft.start()?;
    let mut said = Vec::new();
    for moment in moments {
        for version in VERSIONS {
            let start = format!("{moment} the start, getrandom {version}: ");
            let rest =
                machine.wait_for(&start, |line| line.strip_prefix(&start).map(str::to_owned))?;
            said.push(rest);
        }
    }
    let status = machine.wait_for_end()?;
    ensure!(status.code().is_some(), "it ended by {status}");
    Ok(said)
}

fn draws(setting: &Setting) -> Outcome {
    let said = said(setting.machine("dice")?, &["before", "after"])?;
    let (before, after) = said.split_at(VERSIONS.len());
    ensure!(
        before.iter().all(|said| said == "refused"),
        "it draws before there is a generator: {before:?}"
    );
    let numbers = after
        .iter()
        .filter_map(|said| Some(said.split_once(" of ")?.1));
    let numbers: BTreeSet<_> = numbers
        .filter(|it| !it.trim_matches('0').is_empty())
        .collect();
    ensure!(numbers.len() == VERSIONS.len(), "it draws {after:?}");
    Ok(())
}

fn refuses(setting: &Setting) -> Outcome {
    let mut draft = setting.machine("dice")?;
    draft.qemu.devices.rng = false;
    let said = said(draft, &["before", "after"])?;
    ensure!(
        said.iter().all(|said| said == "refused"),
        "it draws without an entropy device: {said:?}"
    );
    Ok(())
}
