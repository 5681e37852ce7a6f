//! Log levels: which messages are compiled into the kernel, and which it prints.

use core::fmt;

use clap::ValueEnum;

/// A log level. Each level includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// No messages
    Off,
    /// Errors only
    Error,
    /// Also warnings
    Warn,
    /// Also normal events
    Info,
    /// Also details for debugging
    Debug,
    /// All messages
    Trace,
}

impl LogLevel {
    /// Returns the kernel's feature that compiles in the messages up to this level.
    #[must_use]
    pub fn feature(self) -> String {
        format!("vmos/max-log-{self}")
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        })
    }
}
