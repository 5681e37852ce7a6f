//! Which cases have passed, where, and with which QEMU.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use vmos_codegen::Board;
use vmos_machine_tests::outcome::Outcome;
use xtask::transport::Attachment;
use xtask::{emulator, target};

use super::{Fault, LIST, MEND, VERSIONS};
use crate::cases::{self, Scope};
use crate::matrix;

const FILE: &str = "tests/faults.json";
/// The versions of QEMU on which the faults must have been tried.
const QEMU: [&str; 3] = ["7.2", "10.0", "11.1"];
/// The one with which every fault must have been tried on every architecture and transport.
const REFERENCE: &str = QEMU[0];

/// A case that has passed: the version of QEMU, the case, and the board with the attachment.
type Pass = (String, &'static str, String);

/// The cases that have passed in this process.
static PASSED: Mutex<Vec<Pass>> = Mutex::new(Vec::new());

/// Records that a case has passed.
pub(crate) fn passed(board: &Board, attachment: Attachment, case: &'static str) {
    let Ok(version) = emulator::version(&target::qemu_program(board)) else {
        return;
    };
    let parts: Vec<_> = version.split('.').take(2).collect();
    let place = format!("{}/{attachment}", board.name);
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    passed.push((parts.join("."), case, place));
}

/// The places where cases have passed, by version of QEMU and case.
pub(super) struct Record(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Record {
    pub(super) fn read(root: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(root.join(FILE))?;
        let mut record = Self(BTreeMap::new());
        let all: Value = serde_json::from_str(&text)?;
        for (version, cases) in all.as_object().into_iter().flatten() {
            for (case, places) in cases.as_object().into_iter().flatten() {
                let places = places.as_array().into_iter().flatten();
                let places = places.filter_map(Value::as_str).map(str::to_owned);
                let of_version = record.0.entry(version.clone()).or_default();
                of_version.insert(case.clone(), places.collect());
            }
        }
        Ok(record)
    }

    pub(super) fn write(&self, root: &Path) -> Outcome {
        let text = serde_json::to_string_pretty(&json!(self.0))?;
        fs::write(root.join(FILE), text + "\n")?;
        Ok(())
    }

    /// Adds what has passed in this process. Cases that no longer exist are left out.
    pub(super) fn add_passed(&mut self) {
        let passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
        for (version, case, place) in &*passed {
            let cases = self.0.entry(version.clone()).or_default();
            let places = cases.entry((*case).to_owned()).or_default();
            places.insert(place.clone());
        }
        for cases in self.0.values_mut() {
            cases.retain(|name, _| cases::all().any(|case| case.name == name));
        }
    }

    /// Returns where the cases of a fault have passed, by version.
    pub(super) fn places(&self, fault: &Fault) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut found = BTreeMap::<&str, BTreeSet<&str>>::new();
        for (version, cases) in &self.0 {
            let tested = |case: &str| fault.id == VERSIONS || fault.is_tested_by(case);
            let cases = cases.iter().filter(|(case, _)| tested(case));
            let places: BTreeSet<_> = cases
                .flat_map(|(_, places)| places)
                .map(|place| &**place)
                .collect();
            if !places.is_empty() {
                found.insert(version, places);
            }
        }
        found
    }

    /// Returns a line for each place where a fault should have been tried and was not: with each
    /// architecture and transport on which one of its cases can be, and with each version of QEMU.
    pub(super) fn gaps(&self, fault: &Fault, boards: &[Board]) -> Vec<String> {
        let cases: Vec<_> = cases::all()
            .filter(|case| fault.is_tested_by(case.name) && case.scope != Scope::Soak)
            .collect();
        if cases.is_empty() {
            return Vec::new();
        }
        let places = self.places(fault);
        let missing = |what: String| {
            format!(
                "{LIST}: {} has not passed {what}; after it has: {MEND}",
                fault.id
            )
        };
        let mut gaps = Vec::new();
        for version in QEMU {
            if !places.contains_key(version) {
                gaps.push(missing(format!("with QEMU {version}")));
            }
        }
        let (mut wanted, mut found) = (BTreeSet::new(), BTreeSet::new());
        for board in boards {
            for (position, attachment) in Attachment::of(board).into_iter().enumerate() {
                let is_tried = cases.iter().any(|case| {
                    (case.scope != Scope::Board || position == 0)
                        && matrix::can_be_tried(case.need, board, attachment) == Some(true)
                });
                let kind = (
                    board.architecture.to_string(),
                    attachment.transport().to_string(),
                );
                let place = format!("{}/{attachment}", board.name);
                let of_reference = places.get(REFERENCE);
                if of_reference.is_some_and(|places| places.contains(&*place)) {
                    found.insert(kind.clone());
                }
                if is_tried {
                    wanted.insert(kind);
                }
            }
        }
        for (architecture, transport) in wanted.difference(&found) {
            gaps.push(missing(format!("on {architecture} with {transport}")));
        }
        gaps
    }
}
