//! The tables of parts: adds those that a board lacks, and replaces those of parts that the machine
//! does not have.

use std::collections::BTreeSet;

use vmos_codegen::Diagnostics;
use vmos_codegen::diagnostic::{Code, Diagnostic};

use super::super::edit::File;
use super::{Acceptance, mistakes};
use crate::command::import;

/// The classes of parts that a board may lack.
const OPTIONAL: [&str; 4] = ["rtc", "ethernet", "virtio-mmio", "pci"];

impl Acceptance<'_> {
    /// Adds the tables of devices that have a driver, and replaces or removes the tables of parts
    /// that the machine does not have.
    pub(super) fn with_tables(&self, before: &str, used: &mut BTreeSet<String>) -> String {
        let mut text = before.to_owned();
        let Some(draft) = File::parse(&import::again(self.board, self.facts).text) else {
            return text;
        };
        let mut refused = BTreeSet::new();
        while let Err(told) = self.verify(&text) {
            let mut absent = told.iter().filter_map(absent);
            let Some((path, key)) = absent.find_map(|path| {
                let key = self.selected(path).filter(|_| !refused.contains(path))?;
                Some((path.to_owned(), key))
            }) else {
                break;
            };
            match self.instead(&text, &told, &draft, &path) {
                Some(changed) => {
                    used.extend(key);
                    text = changed;
                }
                None => {
                    refused.insert(path);
                }
            }
        }
        let is_there = [
            self.board.rtc.part.is_some(),
            self.board.ethernet.is_some(),
            self.board.virtio_mmio.is_some(),
            self.board.pci.is_some(),
        ];
        for (class, is_there) in OPTIONAL.into_iter().zip(is_there) {
            let (Some(key), false) = (self.selected(class), is_there) else {
                continue;
            };
            let Err(told) = self.verify(&text) else { break };
            let changed = File::parse(&text).and_then(|mut file| {
                file.add_table(&draft, class)?;
                Some(file.text())
            });
            // If the device is listed under [undescribed], it is left out on purpose.
            if let Some(changed) = changed.filter(|changed| self.is_better(changed, &told)) {
                used.extend(key);
                text = changed;
            }
        }
        text
    }

    /// Returns the text without the part at `path`, and with the part of its class that the machine
    /// has, if it has one that the file lacks.
    fn instead(&self, text: &str, told: &Diagnostics, draft: &File, path: &str) -> Option<String> {
        let mut without = File::parse(text)?;
        without.remove(path)?;
        let without = without.text();
        let class = path.split('.').next()?;
        let drivers = draft.drivers(class).into_iter();
        let with = drivers.filter_map(|driver| {
            let mut file = File::parse(&without)?;
            file.add_driver(draft, class, &driver)?;
            Some(file.text())
        });
        let mut all = with.chain([without.clone()]);
        all.find(|changed| self.is_better(changed, told))
    }

    /// Returns whether the changed file has fewer errors than `told`, and not more errors that the
    /// description has without a machine.
    fn is_better(&self, changed: &str, told: &Diagnostics) -> bool {
        match self.verify(changed) {
            Ok(_) => true,
            Err(left) => left.len() < told.len() && mistakes(&left) <= mistakes(told),
        }
    }
}

/// Returns the path of a part that the machine does not have.
fn absent(one: &Diagnostic) -> Option<&str> {
    let key = one.key.as_ref()?;
    (one.code == Code::NotOnMachine).then_some(key.path.as_str())
}
