//! A git repository with a copy of this one's boards, for tests that change it and run commands in
//! it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use xtask::workspace::Workspace;

/// A copy of `boards/` and `generated/`, committed once.
pub(crate) struct Repository {
    /// The temporary folder that contains the repository; removed on drop.
    folder: TempDir,
}

impl Repository {
    pub(crate) fn new() -> Self {
        let repository = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let (from, to) = (Workspace::find().unwrap().root, repository.root());
        fs::create_dir(&to).unwrap();
        for folder in ["boards", "generated"] {
            copy(&from.join(folder), &to.join(folder));
        }
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = []\n";
        fs::write(to.join("Cargo.toml"), manifest).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit("first");
        repository
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("it")
    }

    pub(crate) fn git(&self, words: &[&str]) -> String {
        let settings = [
            "user.name=x",
            "user.email=x@example.org",
            "commit.gpgsign=false",
            "core.hooksPath=/dev/null",
        ];
        let output = Command::new("git")
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .args(words)
            .current_dir(self.root())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {words:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Replaces text that occurs exactly once in a file.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let path = self.root().join(path);
        let text = fs::read_to_string(&path).unwrap();
        let count = text.matches(old).count();
        assert_eq!(count, 1, "{old:?} in {}", path.display());
        fs::write(&path, text.replace(old, new)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
