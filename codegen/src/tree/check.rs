//! Compares the tree of generated files with the planned files.

use core::fmt;
use std::path::Path;

use similar::TextDiff;

use super::survey::Survey;
use super::{Error, Obstacle, Plan};

/// The largest number of lines of a diff.
const SHOWN: usize = 40;

/// A file that differs from the plan. The path is that in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stale {
    /// The file is missing.
    Missing {
        /// The path of the file in the tree of generated files.
        path: String,
    },
    /// The file exists, but is not planned.
    Extra {
        /// The path in the tree.
        path: String,
    },
    /// The file has another content.
    Changed {
        /// The path in the tree.
        path: String,
        /// The first line that differs, from 1.
        line: usize,
        /// The difference, from the actual to the planned content.
        diff: String,
    },
}

impl Stale {
    /// Returns the path of the file in the tree of generated files.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Missing { path } | Self::Extra { path } | Self::Changed { path, .. } => path,
        }
    }

    /// Returns the output of `cargo xtask gen --check`: each file, and what to do.
    #[must_use]
    pub fn report(stale: &[Self]) -> String {
        let mut text: String = stale.iter().map(|stale| format!("{stale}\n")).collect();
        if !stale.is_empty() {
            text += "generated/ is out of date: run `cargo xtask gen` \
                     and review the diff\n";
        }
        text
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "missing: generated/{path}"),
            Self::Extra { path } => {
                write!(f, "extra: generated/{path}, which belongs to no board")
            }
            Self::Changed { path, diff, .. } => {
                write!(f, "changed: generated/{path}\n{}", diff.trim_end())
            }
        }
    }
}

impl Plan {
    /// Compares the tree at `root` with this plan, without writing. If this plan covers all boards,
    /// files that are not planned are reported too.
    ///
    /// Line ends are not compared, because git may convert them; [`write`](Self::write) corrects
    /// them.
    ///
    /// # Errors
    ///
    /// If a link, or a directory in place of a file, hides a file, or in case of a file system
    /// error.
    pub fn check(&self, root: &Path) -> Result<Vec<Stale>, Error> {
        let Survey { files, obstacles } = Survey::of(root, self)?;
        // The owner of a file only matters for overwriting.
        let hidden: Vec<Obstacle> = obstacles
            .into_iter()
            .filter(|obstacle| matches!(obstacle, Obstacle::Link(_) | Obstacle::Kind(_)))
            .collect();
        if !hidden.is_empty() {
            return Err(Error::Obstacles(hidden));
        }
        let mut stale = Vec::new();
        for (path, text) in &self.files {
            match files.get(path) {
                None => stale.push(Stale::Missing { path: path.clone() }),
                Some(bytes) => {
                    let found = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
                    if found != *text {
                        stale.push(Stale::Changed {
                            path: path.clone(),
                            line: first_difference(&found, text),
                            diff: diff(path, &found, text),
                        });
                    }
                }
            }
        }
        let extra = files.keys().filter(|path| !self.files.contains_key(*path));
        stale.extend(extra.map(|path| Stale::Extra { path: path.clone() }));
        stale.sort_by(|a, b| a.path().cmp(b.path()));
        Ok(stale)
    }
}

/// Returns the first line of `found` that differs from `wanted`, from 1.
fn first_difference(found: &str, wanted: &str) -> usize {
    let same = found.lines().zip(wanted.lines());
    same.take_while(|(found, wanted)| found == wanted).count() + 1
}

fn diff(path: &str, found: &str, wanted: &str) -> String {
    let diff = TextDiff::from_lines(found, wanted);
    let whole = diff
        .unified_diff()
        .context_radius(1)
        .header(
            &format!("generated/{path}"),
            "generated from the description",
        )
        .to_string();
    let lines: Vec<&str> = whole.lines().collect();
    let mut text = lines[..lines.len().min(SHOWN)].join("\n");
    text.push('\n');
    if lines.len() > SHOWN {
        text += &format!("... and {} lines more\n", lines.len() - SHOWN);
    }
    text
}
