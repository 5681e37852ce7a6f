//! The commands that show the state of the machine.

use alloc::format;
use alloc::string::String;
use core::fmt::{Result, Write};

use vmos::{Error, Kernel, Statistics, time};

pub(super) fn devices(kernel: Kernel, answer: &mut String) -> Result {
    for device in kernel.devices() {
        writeln!(answer, "{:8} {device}", device.kind)?;
    }
    Ok(())
}

pub(super) fn event_loop(kernel: Kernel, answer: &mut String) -> Result {
    let counts = kernel.loop_statistics();
    let milliseconds = time::now() / 1_000_000;
    writeln!(
        answer,
        "up for     {}.{:03} s",
        milliseconds / 1000,
        milliseconds % 1000
    )?;
    writeln!(answer, "turns      {}", counts.turns())?;
    writeln!(answer, "interrupts {}", counts.interrupts())?;
    writeln!(answer, "sleeps     {}", counts.sleeps())
}

pub(super) fn memory(kernel: Kernel, answer: &mut String) -> Result {
    let memory = kernel.memory();
    for range in memory.ram() {
        writeln!(answer, "RAM    {} KiB at {}", range.size >> 10, range.base)?;
    }
    let image = memory.image();
    writeln!(answer, "image  {} KiB at {}", image.size >> 10, image.base)?;
    let usage = memory.heap_usage();
    writeln!(
        answer,
        "heap   {} KiB, of which {} KiB are allocated in {} blocks; at most {} KiB so far",
        memory.heap_size() >> 10,
        usage.bytes >> 10,
        usage.allocations,
        usage.peak_bytes >> 10,
    )
}

pub(super) fn network(kernel: Kernel, answer: &mut String) -> Result {
    let Ok(net) = kernel.net() else {
        return writeln!(answer, "none");
    };
    match net.configuration() {
        Some(configuration) => writeln!(answer, "address    {configuration}")?,
        None => writeln!(answer, "no address yet")?,
    }
    let counts = net.statistics();
    let rows = [
        ("received", counts.frames_received),
        ("sent", counts.frames_sent),
        ("no room", counts.receive_queue_full + counts.backlog_full),
        ("no memory", counts.out_of_memory),
        ("damaged", counts.wrong_checksum),
        ("nobody", counts.unreachable + counts.unanswerable),
    ];
    for (what, count) in rows {
        writeln!(answer, "{what:10} {count}")?;
    }
    Ok(())
}

pub(super) fn tasks(statistics: &Statistics, answer: &mut String) -> Result {
    let (name, longest) = ("function", "longest (us)");
    writeln!(answer, "{name:28} running      polls  time (ms) {longest}")?;
    for task in &statistics.tasks {
        let counts = task.counts;
        writeln!(
            answer,
            "{:28} {:>7} {:>10} {:>10} {:>12}",
            task.name,
            counts.running,
            counts.polls,
            counts.time / 1_000_000,
            counts.longest / 1000,
        )?;
    }
    Ok(())
}

pub(super) fn timers(statistics: &Statistics, answer: &mut String) -> Result {
    let timers = statistics.timers;
    writeln!(
        answer,
        "latest     {} us after its time",
        timers.latest / 1000
    )?;
    writeln!(answer, "late       {} by more than 100 ms", timers.late)
}

/// Returns the lines of `counts`, such as `timers.latest 3`, that belong to a part, or all lines. A device
/// is a part, and so are its queues: `disk0` and `disk0.queue0`.
///
/// # Errors
///
/// If there is no such part.
pub(super) fn of_part(counts: &str, part: Option<&str>) -> vmos::Result<String> {
    let Some(part) = part else {
        return Ok(counts.into());
    };
    let belongs = |line: &&str| {
        let rest = line.strip_prefix(part);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ']))
    };
    let lines: String = counts
        .lines()
        .filter(belongs)
        .flat_map(|line| [line, "\n"])
        .collect();
    if lines.is_empty() {
        return Err(Error::new(format!(
            "there are no counts of `{part}`; `statistics` shows those of all parts"
        )));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn counts_of_a_part_are_its_own_and_those_of_its_parts() {
        let counts =
            "timers.latest 3\ndisk0.restarts 0\ndisk0.queue0.errors 1\ndisk00.restarts 2\n";
        let of = |part| of_part(counts, Some(part));
        assert_eq!(of_part(counts, None).unwrap(), counts);
        assert_eq!(
            of("disk0").unwrap(),
            "disk0.restarts 0\ndisk0.queue0.errors 1\n"
        );
        assert_eq!(of("disk0.queue0").unwrap(), "disk0.queue0.errors 1\n");
        assert_eq!(of("timers.latest").unwrap(), "timers.latest 3\n");
        let refused = of("disk").unwrap_err().to_string();
        assert!(
            refused.starts_with("there are no counts of `disk`"),
            "{refused}"
        );
    }
}
