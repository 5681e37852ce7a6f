//! How a command fails, and with which exit status.

use core::error::Error;
use core::fmt;

use vmos_codegen::Diagnostics;

/// Why a command ends with an exit status other than 0.
#[derive(Debug)]
pub enum Failure {
    /// The arguments are invalid: exit status 2.
    Usage(Box<dyn Error + Send + Sync>),
    /// The command failed: exit status 1.
    Failed(Box<dyn Error + Send + Sync>),
    /// A description has errors: exit status 1.
    Mistakes(Box<Diagnostics>),
    /// The command has already printed everything, and ends with this exit status.
    Status(u8),
}

impl Failure {
    /// Creates an error for invalid arguments.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Usage(error.into())
    }

    /// Creates an error from the errors of a description.
    #[must_use]
    pub fn mistakes(mistakes: Diagnostics) -> Self {
        Self::Mistakes(Box::new(mistakes))
    }

    /// Returns the exit status of the process.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Mistakes(_) => 1,
            Self::Status(status) => *status,
        }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) | Self::Failed(error) => error.fmt(formatter),
            Self::Mistakes(mistakes) => mistakes.fmt(formatter),
            Self::Status(status) => write!(formatter, "exit status {status}"),
        }
    }
}

/// A file that could not be read or written.
#[derive(Debug)]
pub struct FileError {
    /// The action that failed, such as `create the disk image`.
    pub action: &'static str,
    /// The path of the file.
    pub path: std::path::PathBuf,
    /// The operating system's error.
    pub error: std::io::Error,
}

impl FileError {
    /// Returns a closure that adds an action and a path to the system's error.
    pub fn at(
        action: &'static str,
        path: impl Into<std::path::PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self {
            action,
            path,
            error,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "cannot {} {}: {}",
            self.action,
            self.path.display(),
            self.error
        )
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
