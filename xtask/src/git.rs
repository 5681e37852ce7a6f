//! Reads other revisions of the workspace. This module changes neither the working tree nor the
//! index nor the repository.

use core::error::Error;
use core::fmt;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The git repository of the workspace.
#[derive(Clone, Debug)]
pub struct Git {
    root: PathBuf,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The full hash of the commit.
    pub hash: String,
    /// The name by which the commit was requested.
    pub name: String,
}

impl Commit {
    /// Returns the commit's name and its short hash.
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
    /// Opens the repository of the workspace at `root`.
    pub fn of(root: &Path) -> Result<Self, GitError> {
        let git = Self {
            root: root.to_owned(),
        };
        match git.run(&["rev-parse", "--git-dir"]) {
            Ok(_) => Ok(git),
            // Git also rejects a repository of another user, and says so.
            Err(GitError::Failed { .. }) if !is_in_repository(root) => {
                Err(GitError::NoRepository(root.to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// Resolves a revision to a commit.
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

    /// Returns the merge base of the checked-out revision and the main branch; the last commit if
    /// there is no main branch.
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

    /// Returns the files of a commit under the given paths, each with the hash of its content.
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

    /// Returns the contents with these hashes, in order.
    pub fn contents(&self, names: &[&String]) -> Result<Vec<Vec<u8>>, GitError> {
        let mut child = self
            .command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| GitError::NoGit(error.to_string()))?;
        let asked: String = names.iter().map(|name| format!("{name}\n")).collect();
        let input = child.stdin.take();
        // Write from another thread, so that neither side waits for the other to read.
        let writer =
            std::thread::spawn(move || input.map(|mut input| input.write_all(asked.as_bytes())));
        let output = child
            .wait_with_output()
            .map_err(|error| GitError::NoGit(error.to_string()))?;
        // A broken pipe shows in the output that follows.
        drop(writer.join());
        let mut rest = &output.stdout[..];
        let mut contents = Vec::new();
        for name in names {
            let content = one_content(&mut rest).ok_or_else(|| GitError::Failed {
                words: String::from("cat-file --batch"),
                said: format!("no object {name}"),
            })?;
            contents.push(content);
        }
        Ok(contents)
    }

    /// Returns the files under the given paths that differ from a commit, including untracked files
    /// that are not ignored.
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

    /// Writes the files of a commit into `folder`, through a temporary index.
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
            // Prevents git from refreshing the index.
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null());
        command
    }
}

/// Returns whether a folder, or one around it, is a git repository.
#[must_use]
pub fn is_in_repository(folder: &Path) -> bool {
    folder
        .ancestors()
        .any(|folder| folder.join(".git").exists())
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

/// Parses the next answer of `cat-file --batch`: a line that ends in a length, that many bytes, and
/// a line break.
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
    /// The workspace is not in a git repository.
    NoRepository(PathBuf),
    /// The commit does not exist.
    NoSuchRevision(String),
    /// Git reported an error.
    Failed {
        /// The arguments that git was called with.
        words: String,
        /// Git's error message.
        said: String,
    },
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGit(error) => write!(
                f,
                "cannot start git, which reads other revisions: {error}; install the package git"
            ),
            Self::NoRepository(root) => {
                write!(
                    f,
                    "{} is not in a git repository, so there is no commit to compare with",
                    root.display()
                )
            }
            Self::NoSuchRevision(revision) => write!(
                f,
                "`{revision}` is not a commit of this repository: use a branch, a tag or a hash \
                 (in a shallow clone, `git fetch --unshallow` brings the others)"
            ),
            Self::Failed { words, said } => write!(f, "git {words}: {said}"),
        }
    }
}

impl Error for GitError {}
