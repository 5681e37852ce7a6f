//! Reads the boards at a revision.

use std::collections::BTreeMap;
use std::fs;

use vmos_codegen::source::{Folder, InMemory};
use vmos_codegen::tree::Plan;
use vmos_codegen::{Board, Written, load_written};

use crate::boards;
use crate::failure::Failure;
use crate::git::{Commit, Git};
use crate::workspace::Workspace;

/// The boards and their generated files at one revision.
pub(super) struct Revision {
    /// The boards that can be read, by name.
    pub(super) boards: BTreeMap<String, (Board, Written)>,
    /// The boards that cannot be read, each with the first error.
    pub(super) unread: BTreeMap<String, String>,
    /// The content of `generated/`, by path.
    pub(super) generated: BTreeMap<String, Vec<u8>>,
    /// Whether `generated/` in the working tree is out of date.
    pub(super) generated_is_stale: bool,
}

/// Reads the working tree. `generated` holds what `gen` would write, whether or not it has been
/// written.
pub(super) fn present(workspace: &Workspace) -> Result<Revision, Failure> {
    let folder = Folder::new(&workspace.root);
    let boards::Sound {
        boards: all,
        broken,
    } = boards::Sound::of(workspace)?;
    let root = workspace.root.join("generated");
    let plan = match broken.is_empty() {
        true => Plan::all(&all)?,
        false => boards::plan_some(workspace, &all)?,
    };
    let stale = plan.check(&root)?;
    let files = plan.files().clone().into_iter();
    let mut generated: BTreeMap<String, Vec<u8>> = files
        .map(|(path, text)| (path, text.into_bytes()))
        .collect();
    let mut unread = BTreeMap::new();
    for (name, told) in broken {
        // The generated files of a board with errors stay until the errors are fixed.
        for entry in fs::read_dir(root.join(&name))
            .into_iter()
            .flatten()
            .flatten()
        {
            let file = entry.file_name().to_string_lossy().into_owned();
            let bytes = fs::read(entry.path()).unwrap_or_default();
            generated.insert(format!("{name}/{file}"), bytes);
        }
        let first = told.iter().next().map(|one| one.title.clone());
        unread.insert(name, first.unwrap_or_default());
    }
    let mut boards = BTreeMap::new();
    for board in all {
        let loaded = load_written(&folder, &board.name)?;
        boards.insert(board.name, loaded);
    }
    Ok(Revision {
        boards,
        unread,
        generated,
        generated_is_stale: !stale.is_empty(),
    })
}

/// Reads a commit. The current generator reads its descriptions, so that equal facts compare equal;
/// its generated files are those that were committed.
pub(super) fn committed(git: &Git, commit: &Commit) -> Result<Revision, Failure> {
    let files = git.files(commit, &["boards", "generated"])?;
    let names: Vec<&String> = files.values().collect();
    let contents = git.contents(&names)?;
    let mut sources = InMemory::new();
    let mut generated = BTreeMap::new();
    for (path, content) in files.keys().zip(contents) {
        if let Some(path) = path.strip_prefix("generated/") {
            generated.insert(path.to_owned(), content);
        } else if let Some(name) = board_name(path) {
            sources = sources.with(name, content);
        }
    }
    let mut revision = Revision {
        boards: BTreeMap::new(),
        unread: BTreeMap::new(),
        generated,
        generated_is_stale: false,
    };
    for name in vmos_codegen::board_names_from(&sources)? {
        match load_written(&sources, &name) {
            Ok(loaded) => {
                revision.boards.insert(name, loaded);
            }
            Err(diagnostics) => {
                let first = diagnostics.iter().next();
                let first = first.map(|one| one.title.clone()).unwrap_or_default();
                revision.unread.insert(name, first);
            }
        }
    }
    Ok(revision)
}

/// Returns `x` for `boards/x.toml`.
fn board_name(path: &str) -> Option<&str> {
    let name = path.strip_prefix("boards/")?.strip_suffix(".toml")?;
    (!name.contains('/')).then_some(name)
}
