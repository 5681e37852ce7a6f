//! Output that survives a reader who leaves early, such as `head`.
//!
//! The macros of the standard library panic if a write fails. This crate replaces them by macros of
//! the same names that keep the error: the command then does its work to the end, so that no file is
//! left half written, and [`outcome`] returns the error if it matters.

use core::fmt;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

/// The first error in writing to stdout. Stdout is not written after an error.
static FIRST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints to stdout, like the macro of the standard library.
macro_rules! print {
    ($($text:tt)*) => { $crate::output::write(format_args!($($text)*)) };
}

/// Prints a line to stdout, like the macro of the standard library.
macro_rules! println {
    () => { $crate::output::write_line(format_args!("")) };
    ($($text:tt)*) => { $crate::output::write_line(format_args!($($text)*)) };
}

/// Prints a line to stderr, like the macro of the standard library.
macro_rules! eprintln {
    () => { $crate::output::complain(format_args!("\n")) };
    ($($text:tt)*) => { $crate::output::complain(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints to stderr, like the macro of the standard library.
macro_rules! eprint {
    ($($text:tt)*) => { $crate::output::complain(format_args!($($text)*)) };
}

/// Writes text to stdout.
pub(crate) fn write(text: fmt::Arguments<'_>) {
    let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    if first.is_none() {
        *first = io::stdout().write_fmt(text).err();
    }
}

/// Writes a line to stdout.
pub(crate) fn write_line(text: fmt::Arguments<'_>) {
    write(format_args!("{text}\n"));
}

/// Writes text to stderr. Nobody can be told if that fails.
pub(crate) fn complain(text: fmt::Arguments<'_>) {
    let _ = io::stderr().write_fmt(text);
}

/// Returns the width of the terminal that stdout writes to, in characters.
pub(crate) fn width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(width.0.into()).filter(|width| *width > 0)
}

/// Writes what is still in stdout's buffer.
///
/// # Errors
/// The first error in writing to stdout, such as a full disk. A reader that closed its end of a pipe
/// has read what it wanted; this is no error.
pub(crate) fn outcome() -> io::Result<()> {
    let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    match first.take().map_or_else(|| io::stdout().flush(), Err) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
