//! Where a new repository gets VMOS from: the git repository that this copy of VMOS was cloned from,
//! or the copy itself.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::install;

use super::template::{Origin, Revision};

/// The folders of VMOS that a project uses: what is not committed there is missing in `origin`.
const USED: [&str; 8] = [
    "boards",
    "codegen",
    "drivers",
    "generated",
    "kernel",
    "parts",
    "templates",
    "xtask",
];

/// Returns the git repository that the copy of VMOS in `library` was cloned from, with the commit of
/// the copy, or why it cannot be used by a project whose board extends `sibling`.
pub(super) fn of(library: &Path, sibling: &str) -> Result<Origin, &'static str> {
    let git = |words: &[&str]| text(library, words);
    if !library.join(".git").exists() {
        return Err("that is no git repository");
    }
    if !install::in_path("git") {
        return Err("git is not installed, so its commit is not known");
    }
    let is_top = git(&["rev-parse", "--show-prefix"]).is_some_and(|prefix| prefix.is_empty());
    if !is_top {
        return Err("git does not read its repository: `git status` there says why");
    }
    let url = git(&["remote", "get-url", "origin"]).ok_or("its git repository has no `origin`")?;
    if has_secret(&url) {
        return Err(
            "the address of its `origin` contains a password or a user name, which may be a token, and \
             the project's Cargo.toml would publish it; to use git, name an address without them with \
             --git URL",
        );
    }
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    let is_unchanged = |changes: Option<String>| changes.is_some_and(|changes| changes.is_empty());
    if !is_unchanged(changes) {
        return Err("it has changes that are not committed");
    }
    let untracked = ["status", "--porcelain", "--untracked-files=all", "--"];
    if !is_unchanged(git(&[&untracked[..], &USED[..]].concat())) {
        return Err("it has new files that are not committed");
    }
    let commit = git(&["rev-parse", "HEAD"]).ok_or("its git repository has no commit")?;
    // A file that git ignores is no change.
    if git(&["cat-file", "-e", &format!("HEAD:boards/{sibling}.toml")]).is_none() {
        return Err("its commit does not have the board that the new one extends");
    }
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

/// Returns whether a URL contains a password, or for HTTP a user name, which may be a token.
fn has_secret(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = host.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':') || scheme.starts_with("http"))
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
    fn a_secret_in_an_address_is_found() {
        for (url, expected) in [
            ("https://me:secret@example.org/v.git", true),
            ("https://token@example.org/v.git", true),
            ("ssh://git:secret@example.org/v.git", true),
            ("https://example.org:8443/a@b:c/v.git", false),
            ("ssh://git@example.org:22/v.git", false),
            ("git@example.org:a/v.git", false),
            ("/no/such@x:y", false),
        ] {
            assert_eq!(has_secret(url), expected, "{url}");
        }
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
        let why = |clone: &Path| of(clone, "some").err().unwrap_or_default();
        if !run(&["init", "--quiet", "first"]) {
            eprintln!("not run: git is not installed");
            return;
        }
        let commit = |name: &str| {
            let commit = ["commit", "--quiet", "--allow-empty", "--message", "x"];
            assert!(run(&[&["-C", name], &commit[..]].concat()));
        };
        fs::create_dir(first.join("boards")).unwrap();
        for (path, text) in [
            ("a", "1"),
            ("boards/some.toml", ""),
            (".gitignore", "hidden*"),
        ] {
            fs::write(first.join(path), text).unwrap();
        }
        assert!(run(&["-C", "first", "add", "."]));
        commit("first");
        assert!(why(&first).contains("has no `origin`"));
        assert!(run(&["clone", "--quiet", "first", "clone"]));
        let Ok(Origin::Git { url, revision }) = of(&clone, "some") else {
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
        // What a project uses must be in the commit, and notes need not be.
        fs::write(clone.join("notes"), "").unwrap();
        assert_eq!(why(&clone), "");
        fs::write(clone.join("boards/extra.toml"), "").unwrap();
        assert!(why(&clone).contains("new files"), "{}", why(&clone));
        fs::remove_file(clone.join("boards/extra.toml")).unwrap();
        fs::write(clone.join("boards/hidden.toml"), "").unwrap();
        assert_eq!(why(&clone), "");
        let hidden = of(&clone, "hidden").err().unwrap_or_default();
        assert!(hidden.contains("does not have the board"), "{hidden}");
        let address = ["-C", "clone", "remote", "set-url", "origin"];
        let secret = "https://me:secret@example.org/v.git";
        assert!(run(&[&address[..], &[secret]].concat()));
        assert!(why(&clone).contains("password"), "{}", why(&clone));
        assert!(run(&[&address[..], &["../first"]].concat()));
        commit("clone");
        assert!(why(&clone).contains("does not have its commit"));
        fs::create_dir(clone.join("inside")).unwrap();
        assert!(why(&clone.join("inside")).contains("no git repository"));
    }
}
