//! Repeats the counts recorded in the repository, and compares.

use core::ops::Range;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use vmos_codegen::Board;

use super::cost::Cost;
use super::counting::{self, Costs, Plan};
use super::image_text;
use super::kept::{Figures, Kept};
use super::running::{NullDisk, Start, Task};
use crate::guest::outcome::Outcome;
use crate::image::Image;
use crate::plugin::Plugin;
use crate::profile::attribution::Profile;
use crate::symbolise::Symbols;
use crate::transport::Attachment;
use crate::workspace::Workspace;

/// The keys of the recorded figures.
const KEPT: [&str; 13] = [
    "boot",
    "icmp",
    "idle",
    "read-1",
    "read-32",
    "tcp-echo",
    "tcp-received",
    "tcp-sent",
    "udp",
    "udp-32x1400",
    "udp-32x64",
    "write-1",
    "write-32",
];

/// How many times a figure is counted for the record. On a busy host, requests that otherwise arrive together
/// arrive one by one, which costs more; so the smallest count is the meaningful one.
const ATTEMPTS: usize = 3;
/// How many times a figure is counted at most while it is higher than the record allows.
const MOST_ATTEMPTS: usize = 6;

/// How long the idle machine is observed.
const IDLE: Duration = Duration::from_secs(1);

/// A board, with the image whose costs are counted.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The workspace that contains the image.
    pub workspace: &'a Workspace,
    /// The board of the image.
    pub board: &'a Board,
    /// How the board's devices are attached.
    pub attachment: Attachment,
    /// The image whose instructions are counted.
    pub image: &'a Image,
    /// QEMU's plugin that counts instructions.
    pub plugin: &'a Plugin,
}

/// The smallest count of each figure, by key.
type Fewest = BTreeMap<&'static str, f64>;

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// A message for each figure that exceeds its tolerance.
    pub exceeded: Vec<String>,
    /// The figures that decreased so much that they should be recorded again.
    pub outdone: Vec<String>,
}

impl Subject<'_> {
    /// Counts all recorded figures, with their functions.
    ///
    /// # Errors
    /// The machine does not start, or does not answer.
    pub fn figures(&self) -> Outcome<Figures> {
        let mut counts: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for _ in 0..ATTEMPTS {
            for (key, cost) in self.count(false)? {
                counts.entry(key).or_default().push(cost.instructions);
            }
        }
        let mut figures = Figures::new();
        for (key, profile) in self.profiles()? {
            let counts = counts.get(key);
            let counts = counts.ok_or_else(|| format!("the repeated count of {key} is missing"))?;
            figures.insert(key.to_owned(), Kept::new(counts, &profile.largest()));
        }
        Ok(figures)
    }

    fn count_again(&self, fewest: &mut Fewest) -> Outcome {
        for (key, cost) in self.count(false)? {
            let least = fewest.entry(key).or_insert(f64::MAX);
            *least = least.min(cost.instructions);
        }
        Ok(())
    }

    /// Repeats the recorded counts and compares.
    ///
    /// # Errors
    /// The machine does not start, or does not answer.
    pub fn check(&self, recorded: &Figures) -> Outcome<Verdict> {
        let mut fewest = Fewest::new();
        let is_too_much = |key: &str, count: f64| {
            let kept = recorded.get(key);
            kept.is_some_and(|kept| kept.is_exceeded_by(key, count))
        };
        for _ in 0..MOST_ATTEMPTS {
            self.count_again(&mut fewest)?;
            if !fewest.iter().any(|(key, &count)| is_too_much(key, count)) {
                break;
            }
        }
        let mut verdict = Verdict::default();
        let mut profiles = None;
        for (key, &count) in &fewest {
            let Some(kept) = recorded.get(*key) else {
                verdict.exceeded.push(format!("{key}: no recorded count"));
                continue;
            };
            if kept.is_outdone_by(key, count) {
                verdict.outdone.push((*key).to_owned());
            }
            if kept.is_exceeded_by(key, count) {
                if profiles.is_none() {
                    profiles = Some(self.profiles()?);
                }
                let profile = profiles.as_ref().and_then(|all| all.get(key));
                let functions = profile.map(Profile::largest);
                let said = kept.complaint(key, count, &functions.unwrap_or_default());
                verdict.exceeded.push(said);
            }
        }
        Ok(verdict)
    }

    /// Counts each figure by function and line.
    fn profiles(&self) -> Outcome<BTreeMap<&'static str, Profile>> {
        let text = image_text::of(&self.image.elf)?;
        let symbols = self.symbols(&self.image.elf)?;
        let profile = |(key, cost): (_, Cost)| {
            let executions = cost.executions.unwrap_or_default();
            (key, Profile::new(&executions, &symbols, &text))
        };
        Ok(self.count(true)?.into_iter().map(profile).collect())
    }

    fn symbols(&self, elf: &Path) -> Outcome<Symbols> {
        let symbols = Symbols::read(elf, &self.workspace.root);
        Ok(symbols.map_err(|error| error.to_string())?)
    }

    fn count(&self, looks_at_instructions: bool) -> Outcome<Costs> {
        let start = |task| Start {
            workspace: self.workspace,
            board: self.board,
            attachment: self.attachment,
            kernel: &self.image.kernel,
            task,
            disk: Some(NullDisk::Slow),
            append: "",
            words: &[],
            plugin: Some(self.plugin),
        };
        let text: Range<u64> = image_text::of(&self.image.elf)?;
        let plan = Plan {
            text: Some(text),
            idle: IDLE,
            tcp: true,
            looks_at_instructions,
        };
        let (running, mut costs) = counting::serving(&start(Task::Net), &plan)?;
        drop(running);
        costs.extend(counting::disk(&start(Task::Disk), looks_at_instructions)?);
        costs.retain(|(key, _)| KEPT.contains(key));
        Ok(costs)
    }
}
