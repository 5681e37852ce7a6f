//! Parses the output of the apps, as far as tests need it. If an app's output changes, only this
//! file has to change.

/// Returns whether the line reports that the demo serves, on a machine with this address.
pub(crate) fn is_ready(line: &str, address: &str) -> bool {
    line.contains(&format!("ready: UDP echo on {address} port 7"))
}

/// Returns the memory size that the demo reports, in MiB.
pub(crate) fn memory(line: &str) -> Option<u64> {
    let amount = after(line, "memory:")?;
    let (number, unit) = amount.split_once(' ')?;
    unit.starts_with("MiB").then(|| number.parse().ok())?
}

/// Returns the boot count that the demo reports.
pub(crate) fn boot_count(line: &str) -> Option<u64> {
    let count = after(line, "boot count:")?;
    count
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Returns the demo's report on a device: `rng`, `disk` or `network`.
pub(crate) fn about<'a>(line: &'a str, part: &str) -> Option<&'a str> {
    after(line, &format!("{part}:"))
}

/// Returns whether the report says that the device is missing.
pub(crate) fn is_missing(about: &str) -> bool {
    about.starts_with("none")
}

/// Returns whether the report says that the disk is read-only.
pub(crate) fn is_read_only(about: &str) -> bool {
    about.contains("read-only")
}

/// Returns whether a line is the first one of a panic report.
pub(crate) fn is_panic(line: &str) -> bool {
    line.to_lowercase().contains("panic")
}

/// Returns whether a line is a frame of a backtrace.
pub(crate) fn is_frame(line: &str) -> bool {
    let mut words = line.rsplit(' ').filter(|word| !word.is_empty());
    let address = words.next().is_some_and(|word| word.starts_with("0x"));
    address && words.next().is_some_and(|word| word.starts_with('#'))
}

/// Returns the text after a label, ignoring what precedes it (time and level).
fn after<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let (before, rest) = line.split_once(label)?;
    let begins_a_word = before.is_empty() || before.ends_with([' ', ']']);
    begins_a_word.then(|| rest.trim())
}
