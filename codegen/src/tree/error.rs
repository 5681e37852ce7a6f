//! Errors in reading or writing a tree.

use core::fmt;
use std::io;
use std::path::PathBuf;

/// The reason why nothing was written, or the tree could not be compared.
#[derive(Debug)]
pub enum Error {
    /// The tree contains things that the generator may not overwrite or delete: all of them, in the
    /// order of their paths. Nothing was written.
    Obstacles(Vec<Obstacle>),
    /// A file system error.
    Io {
        /// The failed action, such as "cannot read".
        action: &'static str,
        /// The path of the file or directory.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// Something in the tree that the generator may not overwrite or delete.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// A directory without a generated file.
    Directory(PathBuf),
    /// A file that is neither planned nor generated, and so belongs to the user.
    File(PathBuf),
    /// A symbolic link in place of a file or directory.
    Link(PathBuf),
    /// A directory in place of a file, a file in place of a directory, or something else.
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
