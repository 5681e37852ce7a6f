//! Reading other revisions of the workspace. Nothing here writes: not to the working tree, not to
//! the index, not to the repository.

use core::error::Error;
use core::fmt;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository that the workspace is in.
#[derive(Clone, Debug)]
pub struct Git {
    root: PathBuf,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its whole hash.
    pub hash: String,
    /// How it was asked for.
    pub name: String,
}

impl Commit {
    /// Its name and the beginning of its hash.
    #[must_use]
    pub fn describe(&self) -> String {
        let short = self.hash.get(..10).unwrap_or(&self.hash);
        if self.hash.starts_with(&self.name) {
            return short.to_owned();
        }
        format!("{} ({short})", self.name)
    }
}

impl Git {
    /// The repository around the workspace at `root`.
    pub fn of(root: &Path) -> Result<Self, GitError> {
        let git = Self {
            root: root.to_owned(),
        };
        match git.run(&["rev-parse", "--git-dir"]) {
            Ok(_) => Ok(git),
            Err(GitError::Failed { .. }) => Err(GitError::NoRepository(root.to_owned())),
            Err(error) => Err(error),
        }
    }

    /// The commit that a revision names.
    pub fn commit(&self, revision: &str) -> Result<Commit, GitError> {
        let unknown = || GitError::NoSuchRevision(revision.to_owned());
        if revision.is_empty() || revision.starts_with('-') {
            return Err(unknown());
        }
        let wanted = format!("{revision}^{{commit}}");
        let hash = self
            .text(&[
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &wanted,
            ])
            .map_err(|error| match error {
                GitError::Failed { .. } => unknown(),
                other => other,
            })?;
        Ok(Commit {
            hash,
            name: revision.to_owned(),
        })
    }

    /// Where what is checked out left the main branch; the last commit where there is no such
    /// branch.
    pub fn base(&self) -> Result<Commit, GitError> {
        for branch in ["main", "origin/main"] {
            if self.commit(branch).is_err() {
                continue;
            }
            if let Ok(hash) = self.text(&["merge-base", "HEAD", branch]) {
                let name = match self.commit("HEAD") {
                    Ok(head) if head.hash == hash => String::from("HEAD"),
                    _ => format!("the merge base with {branch}"),
                };
                return Ok(Commit { hash, name });
            }
        }
        self.commit("HEAD")
    }

    /// The files of a commit under some paths, each with the name of its content.
    pub fn files(
        &self,
        commit: &Commit,
        paths: &[&str],
    ) -> Result<BTreeMap<String, String>, GitError> {
        let words = ["ls-tree", "-r", "-z", commit.hash.as_str(), "--"];
        let listing = self.run(&[&words, paths].concat())?;
        let listing = String::from_utf8_lossy(&listing).into_owned();
        let entries = listing.split('\0').filter_map(|entry| {
            let (what, path) = entry.split_once('\t')?;
            let content = what.split(' ').nth(2)?;
            Some((path.to_owned(), content.to_owned()))
        });
        Ok(entries.collect())
    }

    /// The contents of these names, in order.
    pub fn contents(&self, names: &[&String]) -> Result<Vec<Vec<u8>>, GitError> {
        let mut child = self
            .command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| GitError::NoGit(error.to_string()))?;
        let asked: String = names.iter().map(|name| format!("{name}\n")).collect();
        let input = child.stdin.take();
        // Both ways at once: neither side waits for the other to read.
        let writer =
            std::thread::spawn(move || input.map(|mut input| input.write_all(asked.as_bytes())));
        let output = child
            .wait_with_output()
            .map_err(|error| GitError::NoGit(error.to_string()))?;
        // A pipe that broke shows in what came back.
        drop(writer.join());
        let mut rest = &output.stdout[..];
        let mut contents = Vec::new();
        for name in names {
            let content = one_content(&mut rest).ok_or_else(|| GitError::Failed {
                words: String::from("cat-file --batch"),
                said: format!("no content {name}"),
            })?;
            contents.push(content);
        }
        Ok(contents)
    }

    /// The files under some paths that are not as in a commit, those included that git does not
    /// know yet and does not ignore.
    pub fn changed(&self, commit: &Commit, paths: &[&str]) -> Result<Vec<String>, GitError> {
        let words = [
            "diff",
            "--name-only",
            "--relative",
            "-z",
            commit.hash.as_str(),
            "--",
        ];
        let mut changed = self.run(&[&words, paths].concat())?;
        let words = ["ls-files", "--others", "--exclude-standard", "-z", "--"];
        changed.extend(self.run(&[&words[..], paths].concat())?);
        let changed = String::from_utf8_lossy(&changed).into_owned();
        let mut changed: Vec<String> = changed
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect();
        changed.sort();
        changed.dedup();
        Ok(changed)
    }

    /// Puts the files of a commit into `folder`, by an index of its own.
    pub fn check_out(&self, commit: &Commit, folder: &Path) -> Result<(), GitError> {
        let index = folder.join(".index");
        let prefix = format!("{}/", folder.display());
        let prefix = format!("--prefix={prefix}");
        let steps: [&[&str]; 2] = [
            &["read-tree", &commit.hash],
            &["checkout-index", "--all", &prefix],
        ];
        for words in steps {
            let mut command = self.command(words);
            command.env("GIT_INDEX_FILE", &index);
            finish(words, &mut command)?;
        }
        Ok(())
    }

    fn text(&self, words: &[&str]) -> Result<String, GitError> {
        let output = self.run(words)?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    fn run(&self, words: &[&str]) -> Result<Vec<u8>, GitError> {
        finish(words, &mut self.command(words))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(words)
            .current_dir(&self.root)
            // Not even the index is brought up to date on the way.
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null());
        command
    }
}

fn finish(words: &[&str], command: &mut Command) -> Result<Vec<u8>, GitError> {
    let output = command
        .output()
        .map_err(|error| GitError::NoGit(error.to_string()))?;
    if !output.status.success() {
        return Err(GitError::Failed {
            words: words.join(" "),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(output.stdout)
}

/// The next answer of `cat-file --batch`: a line that ends in a length, so many bytes, a line break.
fn one_content(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let head = core::str::from_utf8(&rest[..end]).ok()?;
    let length: usize = head.rsplit(' ').next()?.parse().ok()?;
    let content = rest.get(end + 1..end + 1 + length)?.to_vec();
    *rest = rest.get(end + 2 + length..)?;
    Some(content)
}

/// Why a revision cannot be read.
#[derive(Debug)]
pub enum GitError {
    /// Git could not be started.
    NoGit(String),
    /// The workspace is in no repository.
    NoRepository(PathBuf),
    /// There is no such commit.
    NoSuchRevision(String),
    /// Git has said what is wrong.
    Failed {
        /// What it was asked.
        words: String,
        /// What it said.
        said: String,
    },
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGit(error) => write!(f, "cannot start git: {error}"),
            Self::NoRepository(root) => {
                write!(
                    f,
                    "{} is in no git repository, so there is nothing to compare with",
                    root.display()
                )
            }
            Self::NoSuchRevision(revision) => write!(
                f,
                "`{revision}` is no commit of this repository: name a branch, a tag or a hash \
                 (in a shallow clone, `git fetch --unshallow` brings the others)"
            ),
            Self::Failed { words, said } => write!(f, "git {words}: {said}"),
        }
    }
}

impl Error for GitError {}
