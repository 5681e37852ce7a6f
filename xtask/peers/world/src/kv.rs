//! The outside of the store: values that are set and read, and crashes at any moment.

use std::collections::BTreeMap;

use vmos_simulation::{Broken, Program};

use super::outside::{MILLISECOND, Outside, SECOND};
use super::peer::Connection;

/// The sectors of the disk: the store begins at sector 2048.
const SECTORS: u64 = 2048 + 16 + 16 * 8;
/// The port of the store.
const PORT: u16 = 7;
/// The names.
const NAMES: u64 = 5;
/// How long an answer may take when nothing fails, although an earlier connection must end first.
const SOON: u64 = 10 * SECOND;
/// How long one is waited for while there are faults.
const PATIENCE: u64 = 20 * SECOND;
/// How long a connection that ended without the store's knowledge lives there.
const SETTLED: u64 = 180 * SECOND;

/// What a name may have: any of these values; `None` is none.
type Possible = Vec<Option<String>>;

/// Does one run.
pub(super) fn run(
    seed: u64,
    program: Program,
    is_shown: bool,
) -> (Option<Outside>, Result<(), Broken>) {
    super::judged(Outside::new(seed, program, SECTORS, is_shown), script)
}

fn script(outside: &mut Outside) -> Result<(), Broken> {
    let names = (0..NAMES).map(|number| (format!("n{number}"), vec![None]));
    let mut values: BTreeMap<String, Possible> = names.collect();
    let mut starts = starts(outside)?;
    check_values(outside, &mut values)?;
    for _ in 0..1 + outside.random().below(4) {
        let has_faults = outside.random().below(2) == 0;
        if has_faults {
            outside.begin_faults();
        }
        use_store(outside, &mut values)?;
        if outside.random().below(4) == 0 {
            // A life that does not end by a crash.
            outside.end_faults();
            outside.pass(SETTLED)?;
            if outside.world.is_on(outside.machine) {
                check_values(outside, &mut values)?;
            }
        }
        outside.world.crash(outside.machine)?;
        let delay = outside.random().below(SECOND);
        outside.pass(delay)?;
        if !has_faults || outside.random().below(2) == 0 {
            outside.end_faults();
        }
        outside.world.start(outside.machine)?;
        // Power fails while the store is being opened.
        if outside.random().below(4) == 0 {
            let delay = outside.random().below(3 * MILLISECOND);
            outside.pass(delay)?;
            outside.world.crash(outside.machine)?;
            outside.world.start(outside.machine)?;
        }
        let again = self::starts(outside)?;
        if again <= starts {
            return Err(Broken(format!(
                "what was flushed is lost: start {again} after start {starts}"
            )));
        }
        starts = again;
        outside.end_faults();
        check_values(outside, &mut values)?;
    }
    outside.pass(SETTLED)?;
    let before = outside.usage()?;
    outside.begin_faults();
    use_store(outside, &mut values)?;
    outside.end_faults();
    outside.pass(SETTLED)?;
    if !outside.world.is_on(outside.machine) {
        return Err(Broken("the store has ended".to_owned()));
    }
    check_values(outside, &mut values)?;
    outside.pass(SETTLED)?;
    outside.compare(before)
}

/// Waits until the store is ready; returns the number of its start.
fn starts(outside: &mut Outside) -> Result<u64, Broken> {
    let line = outside.ready("ready: start ")?;
    let number = line
        .split_once(';')
        .and_then(|(number, _)| number.parse().ok());
    number.ok_or_else(|| Broken(format!("the store says `ready: start {line}`")))
}

/// Sends a line and returns the line of the reply, without its end.
fn ask(
    outside: &mut Outside,
    connection: Connection,
    line: &str,
    patience: u64,
) -> Result<Option<String>, Broken> {
    let request = format!("{line}\n");
    let reply = outside.exchange(connection, request.as_bytes(), patience, |reply| {
        reply.ends_with(b"\n")
    })?;
    let text = String::from_utf8_lossy(&reply).into_owned();
    Ok(text.strip_suffix('\n').map(str::to_owned))
}

/// Sets, deletes and reads values.
fn use_store(outside: &mut Outside, values: &mut BTreeMap<String, Possible>) -> Result<(), Broken> {
    let mut connection = outside.peer.connect(PORT);
    let crash_after = outside.random().between(1, 16);
    for number in 0..crash_after {
        let name = format!("n{}", outside.random().below(NAMES));
        let value = match outside.random().below(6) {
            0 => None,
            _ => {
                let len = outside.random().between(1, 60) as usize;
                let digits = format!("{:016x}", outside.random().next());
                Some(digits.chars().cycle().take(len).collect::<String>())
            }
        };
        let line = match &value {
            Some(value) => format!("set {name} {value}"),
            None => format!("delete {name}"),
        };
        // The last one is still being written when power fails.
        let is_last = number + 1 == crash_after;
        let patience = match is_last && outside.random().below(2) == 0 {
            true => outside.random().below(5 * MILLISECOND),
            false => PATIENCE,
        };
        let reply = ask(outside, connection, &line, patience)?;
        let possible = values.entry(name.clone()).or_default();
        match reply.as_deref() {
            Some("ok") => *possible = vec![value],
            Some(error) if !error.starts_with("error: ") => {
                return Err(Broken(format!("`{line}` is answered with `{error}`")));
            }
            // It may have been done or not.
            Some(_) => possible.push(value),
            None => {
                possible.push(value);
                if is_last {
                    break;
                }
                let is_told = outside.random().below(2) == 0;
                outside.forget(connection, is_told);
                connection = outside.peer.connect(PORT);
            }
        }
        if outside.random().below(3) == 0 {
            let line = format!("get {name}");
            match ask(outside, connection, &line, PATIENCE)? {
                Some(reply) if reply.starts_with("error: ") => {}
                Some(reply) => check(&name, &reply, &values[&name])?,
                // A late reply must not be taken for that to the next line.
                None => {
                    outside.forget(connection, false);
                    connection = outside.peer.connect(PORT);
                }
            }
        }
    }
    outside.forget(connection, false);
    Ok(())
}

/// Checks that every name has a value that it can have, which it then keeps.
fn check_values(
    outside: &mut Outside,
    values: &mut BTreeMap<String, Possible>,
) -> Result<(), Broken> {
    // The store serves one connection at a time; one from before a crash is not there any more.
    let connection = outside.peer.connect(PORT);
    for (name, possible) in values.iter_mut() {
        let line = format!("get {name}");
        let reply = ask(outside, connection, &line, SOON + SETTLED)?;
        let Some(reply) = reply else {
            return Err(Broken(format!(
                "`{line}` is not answered although nothing fails"
            )));
        };
        check(name, &reply, possible)?;
    }
    outside.forget(connection, true);
    outside.pass(MILLISECOND)
}

fn check(name: &str, reply: &str, possible: &[Option<String>]) -> Result<(), Broken> {
    let value = Some(reply).filter(|reply| *reply != "none");
    if possible.iter().any(|one| one.as_deref() == value) {
        return Ok(());
    }
    Err(Broken(format!(
        "what was flushed is lost: {name} is `{reply}`, and was {possible:?}"
    )))
}
