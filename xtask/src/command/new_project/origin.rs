//! Where a new repository gets VMOS from: the git repository that this copy of VMOS was cloned from,
//! or the copy itself.

use std::path::Path;
use std::process::{Command, Stdio};

use super::template::{Origin, Revision};

/// Returns the git repository that the copy of VMOS in `library` was cloned from, with the commit of
/// the copy, or why it cannot be used.
pub(super) fn of(library: &Path) -> Result<Origin, &'static str> {
    let git = |words: &[&str]| text(library, words);
    let is_top = git(&["rev-parse", "--show-prefix"]).is_some_and(|prefix| prefix.is_empty());
    let is_clone = is_top && library.join(".git").exists();
    if !is_clone {
        return Err("that is no git repository");
    }
    let url = git(&["remote", "get-url", "origin"]).ok_or("its git repository has no `origin`")?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    if changes.is_none_or(|changes| !changes.is_empty()) {
        return Err("it has changes that are not committed");
    }
    let commit = git(&["rev-parse", "HEAD"]).ok_or("its git repository has no commit")?;
    let branches = git(&[
        "branch",
        "--remotes",
        "--contains",
        &commit,
        "--list",
        "origin/*",
    ]);
    if branches.is_none_or(|branches| branches.is_empty()) {
        return Err("`origin` does not have its commit");
    }
    Ok(Origin::Git {
        url: url_for_cargo(&url, library),
        revision: Some(Revision::Commit(commit)),
    })
}

/// Returns what a git command prints, without white space around it, if it succeeds.
fn text(folder: &Path, words: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    let output = git
        .arg("-C")
        .arg(folder)
        .args(words)
        .stderr(Stdio::null())
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// Returns the address of a repository as a URL, which cargo needs. Git also takes a path, relative
/// to the clone, and `user@host:path`.
fn url_for_cargo(written: &str, clone: &Path) -> String {
    if written.contains("://") {
        return written.to_owned();
    }
    match written.split_once(':') {
        Some((host, path)) if !host.contains('/') => {
            format!("ssh://{host}/{}", path.trim_start_matches('/'))
        }
        _ => {
            let path = clone.join(written);
            let path = path.canonicalize().unwrap_or(path);
            format!("file://{}", path.display()).replace(' ', "%20")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_address_becomes_a_url() {
        let url = |written| url_for_cargo(written, Path::new("/clone"));
        assert_eq!(
            url("https://example.org/v.git"),
            "https://example.org/v.git"
        );
        assert_eq!(
            url("git@example.org:a/v.git"),
            "ssh://git@example.org/a/v.git"
        );
        assert_eq!(url("/no/such vmos"), "file:///no/such%20vmos");
        assert_eq!(url("./a:b"), "file:///clone/./a:b");
    }

    #[test]
    fn only_a_commit_that_origin_has_comes_from_git() {
        let folder = tempfile::tempdir().unwrap();
        let (first, clone) = (folder.path().join("first"), folder.path().join("clone"));
        let run = |words: &[&str]| {
            let mut git = Command::new("git");
            git.current_dir(folder.path());
            git.args(["-c", "user.name=x", "-c", "user.email=x@y.z"]);
            git.args(["-c", "commit.gpgsign=false"]).args(words);
            git.output().is_ok_and(|output| output.status.success())
        };
        let why = |clone: &Path| of(clone).err().unwrap_or_default();
        if !run(&["init", "--quiet", "first"]) {
            eprintln!("not run: git is not installed");
            return;
        }
        let commit = |name: &str| {
            let commit = ["commit", "--quiet", "--allow-empty", "--message", "x"];
            assert!(run(&[&["-C", name], &commit[..]].concat()));
        };
        fs::write(first.join("a"), "1").unwrap();
        assert!(run(&["-C", "first", "add", "a"]));
        commit("first");
        assert!(why(&first).contains("has no `origin`"));
        assert!(run(&["clone", "--quiet", "first", "clone"]));
        let Ok(Origin::Git { url, revision }) = of(&clone) else {
            panic!("{}", why(&clone));
        };
        assert_eq!(url, url_for_cargo("../first", &clone));
        let Some(Revision::Commit(hash)) = revision else {
            panic!("no commit");
        };
        assert_eq!(Some(hash), text(&first, &["rev-parse", "HEAD"]));
        fs::write(clone.join("a"), "2").unwrap();
        assert!(why(&clone).contains("not committed"));
        fs::write(clone.join("a"), "1").unwrap();
        commit("clone");
        assert!(why(&clone).contains("does not have its commit"));
        fs::create_dir(clone.join("inside")).unwrap();
        assert!(why(&clone.join("inside")).contains("no git repository"));
    }
}
