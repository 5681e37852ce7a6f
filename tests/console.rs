//! What the apps print, as far as tests look at it. If an app says it differently one day, this is
//! the file to change.

/// The line by which the demo says that it serves, for a machine with this address.
pub(crate) fn is_ready(line: &str, address: &str) -> bool {
    line.contains(&format!("ready: UDP echo on {address} port 7"))
}

/// How much memory the demo found, in MiB.
pub(crate) fn memory(line: &str) -> Option<u64> {
    let amount = after(line, "memory:")?;
    let (number, unit) = amount.split_once(' ')?;
    unit.starts_with("MiB").then(|| number.parse().ok())?
}

/// The number of this start, as the demo counts them on the disk.
pub(crate) fn boot_count(line: &str) -> Option<u64> {
    let count = after(line, "boot count:")?;
    count
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// What the demo says of a part of the machine: `rng`, `disk` or `network`.
pub(crate) fn about<'a>(line: &'a str, part: &str) -> Option<&'a str> {
    after(line, &format!("{part}:"))
}

/// Whether what is said of a part is that it is missing.
pub(crate) fn is_missing(about: &str) -> bool {
    about.starts_with("none")
}

/// Whether what is said of the disk is that it cannot be written.
pub(crate) fn is_read_only(about: &str) -> bool {
    about.contains("read-only")
}

/// The first line of a panic report.
pub(crate) fn is_panic(line: &str) -> bool {
    line.to_lowercase().contains("panic")
}

/// Whether a line is a frame of a backtrace.
pub(crate) fn is_frame(line: &str) -> bool {
    let mut words = line.rsplit(' ').filter(|word| !word.is_empty());
    let address = words.next().is_some_and(|word| word.starts_with("0x"));
    address && words.next().is_some_and(|word| word.starts_with('#'))
}

/// What follows a label, whatever stands before it (the time, the level).
fn after<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let (before, rest) = line.split_once(label)?;
    let begins_a_word = before.is_empty() || before.ends_with([' ', ']']);
    begins_a_word.then(|| rest.trim())
}
