//! The commands that show the state of the machine.

use alloc::string::String;
use core::fmt::{Result, Write};

use vmos::{Kernel, time};

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
