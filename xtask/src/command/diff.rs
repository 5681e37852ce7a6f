//! `cargo xtask diff`: what a change does, in terms of boards.

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

/// Say what a change does, in terms of boards.
///
/// Compares the working tree with a commit: which facts of which boards are others, which boards are
/// new or gone, whose generated files are the same byte by byte, and whose images change. Another
/// order or wording, or a comment, is no change. Without a revision it compares with where the
/// branch left main, so that it shows all that a pull request would; on main itself that is the last
/// commit. The working tree is not touched.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask diff
  cargo xtask diff HEAD~3
  cargo xtask diff main --markdown
  cargo xtask diff --build --app demo")]
pub struct Arguments {
    /// The commit to compare with: a branch, a tag, a hash
    #[arg(value_name = "REV")]
    revision: Option<String>,
    /// Print it for a pull request
    #[arg(long)]
    markdown: bool,
    /// Build the images that may change, at both revisions, and compare their bytes
    #[arg(long)]
    build: bool,
    /// The app whose images are built
    #[arg(long, default_value = DEFAULT_APP, requires = "build")]
    app: String,
}

/// Does it.
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
            "xtask: generated/ is out of date; this is what it will be after cargo xtask gen"
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
