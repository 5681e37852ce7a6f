//! `cargo xtask diff`: summarizes a change in terms of boards.

mod build;
mod facts;
mod image;
mod report;
mod revision;

use clap::Args;

use crate::failure::Failure;
use crate::git::{Git, GitError};
use crate::workspace::{DEFAULT_APP, Workspace};
use report::Comparison;

/// Summarize a change in terms of boards
///
/// Compares the working tree with a commit: which facts differ, which boards were added or removed,
/// which generated files are byte-identical, and which images change. Comments, order and notation
/// do not count. The default commit is the merge base with main, so that the result covers a whole
/// pull request; on main it is the last commit. The working tree is not changed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask diff
  cargo xtask diff HEAD~3
  cargo xtask diff main --markdown
  cargo xtask diff --build --app demo")]
pub struct Arguments {
    /// Commit to compare with: a branch, a tag or a hash
    #[arg(value_name = "REV")]
    revision: Option<String>,
    /// Format the result for a pull request
    #[arg(long)]
    markdown: bool,
    /// Build the images that may change at both revisions, and compare their bytes
    #[arg(long)]
    build: bool,
    /// App whose images are built
    #[arg(long, default_value = DEFAULT_APP, requires = "build")]
    app: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    let git = Git::of(&workspace.root)?;
    let commit = match &arguments.revision {
        Some(revision) => git.commit(revision).map_err(|error| match error {
            GitError::NoSuchRevision(_) => Failure::usage(error),
            other => other.into(),
        })?,
        None => git.base()?,
    };
    let before = revision::committed(&git, &commit)?;
    let after = revision::present(&workspace)?;
    if after.generated_is_stale {
        eprintln!(
            "xtask: generated/ is out of date; comparing the files that cargo xtask gen would write"
        );
    }
    let sources = git.changed(&commit, image::SOURCES)?;
    let mut comparison = Comparison::of(commit.describe(), &before, &after, &sources);
    if arguments.build {
        workspace.app(&arguments.app).map_err(Failure::usage)?;
        build::compare(
            &workspace,
            &git,
            &commit,
            &arguments.app,
            [&before, &after],
            &mut comparison,
        )?;
    }
    print!(
        "{}",
        match arguments.markdown {
            true => comparison.markdown(),
            false => comparison.text(),
        }
    );
    Ok(())
}
