//! The sizes that a board file may state for stacks, the heap and the console's buffer.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Field, Size};

/// The alignment of a stack where there are no pages (Arm AAPCS32, 6.2.1.2), in bytes.
pub(crate) const STACK_ALIGNMENT: u64 = 8;

/// The smallest stack of a microcontroller, for an event loop with a console, in bytes.
pub(crate) const LEAST_SMALL_STACK: u64 = 1024;

/// The smallest and the largest buffer of the console, in bytes.
const CONSOLE_BUFFER: core::ops::RangeInclusive<u64> = 16..=1 << 20;

/// Reports the size of a stack or of the heap that is not a multiple of `unit`, or smaller than `least`.
/// Both are in bytes; `what` is the stack with its article.
pub(crate) fn check_block(
    size: &Field<Size>,
    what: &str,
    unit: u64,
    least: u64,
    problems: &mut Problems,
) {
    let Some(size) = size.get() else {
        return;
    };
    let bytes = size.value.0;
    let diagnostic = if bytes == 0 {
        Diagnostic::new(Code::EmptyRange, size.at, format!("{what} is empty")).label("no bytes")
    } else if !bytes.is_multiple_of(unit) {
        let unit = Size(unit).written().replace('"', "");
        let title = format!("the size of {what} is not a multiple of {unit}");
        let label = match unit.as_str() {
            "4 KiB" => format!("{what} must consist of whole pages"),
            _ => format!("{what} must be aligned"),
        };
        Diagnostic::new(Code::Misaligned, size.at, title).label(label)
    } else if bytes < least {
        let label = format!("at least {} are needed", Size(least).written());
        Diagnostic::new(Code::BlockTooSmall, size.at, format!("{what} is too small")).label(label)
    } else {
        return;
    };
    problems.report(diagnostic);
}

/// Returns whether the console's buffer may have this size.
pub(crate) fn is_usable_buffer(bytes: u64) -> bool {
    CONSOLE_BUFFER.contains(&bytes) && bytes.is_power_of_two()
}
