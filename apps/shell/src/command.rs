//! The commands of the shell.

mod disk;
mod state;

use alloc::string::{String, ToString as _};
use core::fmt::{self, Write};
use core::time::Duration;

use vmos::{Error, Kernel, Result, time};

/// The commands of the shell, each with its name and description.
const COMMANDS: [(&str, &str); 16] = [
    ("date", "show the date and time"),
    ("devices", "list the devices and their locations"),
    ("disk [N]", "show the size of disk N; default: 0"),
    (
        "dump SECTOR [COUNT]",
        "show the content of sectors of the first disk",
    ),
    ("exit", "end the session"),
    (
        "log LEVEL",
        "set the log level: off, error, warn, info, debug or trace",
    ),
    ("loop", "show the counts of the event loop"),
    ("memory", "show the memory and its use"),
    ("network", "show the network's configuration and counts"),
    ("off", "stop the machine"),
    ("ping NAME", "measure the round trip time to a machine"),
    ("reboot", "restart the machine"),
    ("resolve NAME", "show the address of a name"),
    (
        "statistics [PART]",
        "show all counts of the kernel, or those of a part, such as heap or disk0",
    ),
    ("tasks", "show how often and how long each task ran"),
    ("timers", "show how late timers were"),
];

/// The time limit for an answer from another machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// Executes a line and writes the answer; returns whether the session continues.
pub(crate) async fn run(kernel: Kernel, line: &str, answer: &mut String) -> bool {
    let mut words = line.split_ascii_whitespace();
    let Some(name) = words.next() else {
        return true;
    };
    if name == "exit" {
        return false;
    }
    if let Err(error) = command(kernel, name, words, answer).await {
        // Writing to a string cannot fail.
        let _ = writeln!(answer, "{error}");
    }
    true
}

async fn command<'a>(
    kernel: Kernel,
    name: &str,
    mut words: impl Iterator<Item = &'a str>,
    answer: &mut String,
) -> Result<()> {
    match name {
        "help" => help(answer)?,
        "date" => match time::wall_clock() {
            Some(now) => writeln!(answer, "{now}")?,
            None => writeln!(answer, "the time is not set")?,
        },
        "devices" => state::devices(kernel, answer)?,
        "loop" => state::event_loop(kernel, answer)?,
        "memory" => state::memory(kernel, answer)?,
        "network" => state::network(kernel, answer)?,
        "statistics" => {
            let counts = kernel.statistics().await.to_string();
            answer.push_str(&state::of_part(&counts, words.next())?);
        }
        "tasks" => state::tasks(&kernel.statistics().await, answer)?,
        "timers" => state::timers(&kernel.statistics().await, answer)?,
        "disk" => disk::describe(kernel, number(words.next(), 0)?, answer)?,
        "dump" => {
            let sector = number(words.next(), 0)?;
            disk::dump(kernel, sector, number(words.next(), 1)?, answer).await?;
        }
        "log" => set_log_level(words.next())?,
        "ping" => {
            let net = kernel.net()?;
            let address = net.resolve(needed(words.next())?).await?;
            let took = net.ping(address, PATIENCE).await?;
            writeln!(answer, "{address} answered in {} us", took.as_micros())?;
        }
        "resolve" => {
            let name = needed(words.next())?;
            writeln!(answer, "{}", kernel.net()?.resolve(name).await?)?;
        }
        "reboot" => kernel.reset(),
        "off" => kernel.off(0),
        _ => return Err(Error::new("unknown command; `help` lists all commands")),
    }
    Ok(())
}

fn help(answer: &mut String) -> fmt::Result {
    for (command, what) in COMMANDS {
        writeln!(answer, "{command:20} {what}")?;
    }
    Ok(())
}

/// Parses a word as a number; returns `missing` if there is none.
fn number<T: core::str::FromStr>(word: Option<&str>, missing: T) -> Result<T> {
    match word.map(str::parse) {
        None => Ok(missing),
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(Error::new("the argument must be a number")),
    }
}

fn needed(word: Option<&str>) -> Result<&str> {
    word.ok_or_else(|| Error::new("name a machine"))
}

fn set_log_level(word: Option<&str>) -> Result<()> {
    let level = word.and_then(|word| word.parse().ok());
    let level = level
        .ok_or_else(|| Error::new("the level must be off, error, warn, info, debug or trace"))?;
    log::set_max_level(level);
    Ok(())
}
