//! How much the kernel logs: what is compiled in, and what of that is printed.

use core::fmt;

use clap::ValueEnum;

/// A level of the log. Each holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// What looks wrong.
    Warn,
    /// What happens.
    Info,
    /// What somebody wants to know who looks for a mistake.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The kernel's feature that compiles in what is logged up to here and nothing else.
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
