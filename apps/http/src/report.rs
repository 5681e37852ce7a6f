//! The content of the page, as JSON.

use alloc::string::String;
use core::fmt::{self, Display, Write};

use picoserve::response::IntoResponse;
use vmos::tasks::TaskStatistics;
use vmos::{Kernel, time};

use crate::latency;

/// Returns the current state of the machine.
pub(crate) async fn json(kernel: Kernel) -> impl IntoResponse {
    let tasks = kernel.statistics().await.tasks;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(kernel, &tasks, &mut text);
    (
        ("Content-Type", "application/json"),
        ("Cache-Control", "no-store"),
        text,
    )
}

fn write(kernel: Kernel, tasks: &[TaskStatistics], to: &mut String) -> fmt::Result {
    let memory = kernel.memory();
    let turns = kernel.loop_statistics();
    write!(
        to,
        r#"{{"board":"{}","title":"{}","uptime":{},"date":"{}","#,
        kernel.board_name(),
        kernel.board_title(),
        time::now() / 1_000_000,
        Optional(time::wall_clock()),
    )?;
    write!(
        to,
        r#""loop":{{"turns":{},"interrupts":{},"sleeps":{}}},"#,
        turns.turns(),
        turns.interrupts(),
        turns.sleeps(),
    )?;
    let usage = memory.heap_usage();
    let image = memory.image();
    write!(
        to,
        r#""memory":{{"total":{},"heap":{},"lent":{},"map":["#,
        memory.total(),
        memory.heap_size(),
        usage.bytes,
    )?;
    let ram = memory.ram().iter().map(|range| ("RAM", *range));
    for (index, (name, range)) in ram.chain([("image", image)]).enumerate() {
        let comma = comma(index);
        write!(
            to,
            r#"{comma}{{"name":"{name}","base":"{}","size":{}}}"#,
            range.base, range.size
        )?;
    }
    to.write_str(r#"]},"devices":["#)?;
    for (index, device) in kernel.devices().iter().enumerate() {
        let comma = comma(index);
        write!(
            to,
            r#"{comma}{{"kind":"{:?}","place":"{}","delivery":"{}"}}"#,
            device.kind, device.place, device.delivery
        )?;
    }
    to.write_str(r#"],"tasks":["#)?;
    for (index, task) in tasks.iter().enumerate() {
        write!(
            to,
            r#"{}{{"name":"{}","running":{},"polls":{},"time":{}}}"#,
            comma(index),
            task.name,
            task.counts.running,
            task.counts.polls,
            task.counts.time / 1000,
        )?;
    }
    to.write_str("],")?;
    if let Ok(net) = kernel.net() {
        let counts = net.statistics();
        write!(
            to,
            r#""network":{{"address":"{}","received":{},"sent":{},"dropped":{}}},"#,
            Optional(net.configuration()),
            counts.frames_received,
            counts.frames_sent,
            counts.receive_queue_full + counts.backlog_full + counts.out_of_memory,
        )?;
    }
    to.write_str(r#""late":["#)?;
    for (index, late) in latency::measured().iter().enumerate() {
        write!(to, "{}{late}", comma(index))?;
    }
    to.write_str("]}")
}

fn comma(index: usize) -> &'static str {
    if index == 0 { "" } else { "," }
}

/// Formats a value as JSON, `None` as `null`.
struct Optional<T>(Option<T>);

impl<T: Display> Display for Optional<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("none"),
        }
    }
}
