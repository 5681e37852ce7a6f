//! What keeps a tree from being read or written.

use core::fmt;
use std::io;
use std::path::PathBuf;

/// Why nothing was written, or the tree could not be compared.
#[derive(Debug)]
pub enum Error {
    /// Things are in the tree that are not the generator's to overwrite or delete: all of them, in
    /// the order of their paths. Nothing was written.
    Obstacles(Vec<Obstacle>),
    /// The file system refused.
    Io {
        /// What was being done, as in "cannot read".
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Something in the tree that is not the generator's to overwrite or delete.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// A directory in which no file is generated.
    Directory(PathBuf),
    /// A file that no board asks for and that is not generated.
    File(PathBuf),
    /// A symbolic link.
    Link(PathBuf),
    /// A directory where a file belongs, a file where a directory belongs, or neither of both.
    Kind(PathBuf),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Obstacles(obstacles) => {
                write!(f, "nothing was written:")?;
                for obstacle in obstacles {
                    write!(f, "\n  {obstacle}")?;
                }
                Ok(())
            }
            Self::Io {
                action,
                path,
                source,
            } => {
                write!(f, "{action} {}: {source}", path.display())
            }
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Obstacles(_) => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(
                f,
                "{}/ is not written by the generator: no file in it is marked as generated; move it away, \
                 or empty it",
                path.display()
            ),
            Self::File(path) => write!(
                f,
                "{} is not marked as generated and belongs to no board; move it away",
                path.display()
            ),
            Self::Link(path) => write!(
                f,
                "{} is a symbolic link, but the generator writes plain files; remove it",
                path.display()
            ),
            Self::Kind(path) => write!(
                f,
                "{} is in the way: only plain files, in one directory for each board, belong \
                 there; move it away",
                path.display()
            ),
        }
    }
}
