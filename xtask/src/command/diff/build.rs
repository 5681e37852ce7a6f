//! Builds images at both revisions and compares them.

use std::fs;

use object::{Object as _, ObjectSegment as _};

use super::image::Verdict;
use super::report::Comparison;
use super::revision::Revision;
use crate::boards;
use crate::checkout::Checkout;
use crate::failure::{Failure, FileError};
use crate::git::{Commit, Git};
use crate::image;
use crate::install;
use crate::target;
use crate::workspace::Workspace;

/// Builds the images that may have changed, from the commit and from the working tree, and records
/// the results in `comparison`.
pub(super) fn compare(
    workspace: &Workspace,
    git: &Git,
    commit: &Commit,
    app: &str,
    [before, after]: [&Revision; 2],
    comparison: &mut Comparison,
) -> Result<(), Failure> {
    let open = comparison
        .images
        .iter_mut()
        .filter(|(_, verdict)| matches!(verdict, Verdict::Changes(_) | Verdict::MayChange(_)));
    let open: Vec<_> = open.collect();
    if open.is_empty() {
        return Ok(());
    }
    let then = Checkout::new(workspace, git, commit)?;
    for (name, verdict) in open {
        let Some((board, _)) = after.boards.get(name) else {
            continue;
        };
        install::target(target::triple(board.architecture))?;
        boards::bring_up_to_date(workspace, core::slice::from_ref(board))?;
        eprintln!("xtask: building {app} for {name} at {}", commit.describe());
        // The board may have had another architecture in the commit.
        let old = before.boards.get(name).map_or(board, |(board, _)| board);
        let loaded_before = loaded_by(&then.workspace, old, app)?;
        eprintln!("xtask: building {app} for {name} from the working tree");
        let now = loaded_by(workspace, board, app)?;
        let size = |segments: &[Segment]| segments.iter().map(|one| one.bytes.len() as u64).sum();
        *verdict = Verdict::Built {
            same: loaded_before == now,
            sizes: (size(&loaded_before), size(&now)),
        };
    }
    Ok(())
}

/// A loadable segment of an image: its address and content.
#[derive(PartialEq, Eq)]
struct Segment {
    address: u64,
    size: u64,
    flags: object::SegmentFlags,
    bytes: Vec<u8>,
}

fn loaded_by(
    workspace: &Workspace,
    board: &vmos_codegen::Board,
    app: &str,
) -> Result<Vec<Segment>, Failure> {
    let images = image::link(workspace, board, &[app], None)?;
    let mut segments = Vec::new();
    for elf in images {
        let bytes = fs::read(&elf).map_err(FileError::at("read what cargo built,", &elf))?;
        let file = object::File::parse(&*bytes)?;
        for segment in file.segments() {
            segments.push(Segment {
                address: segment.address(),
                size: segment.size(),
                flags: segment.flags(),
                bytes: segment.data()?.to_vec(),
            });
        }
    }
    Ok(segments)
}
