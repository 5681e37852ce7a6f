//! The outside of the web server: requests through a bad wire.

use vmos_simulation::{Broken, Program};

use super::outside::{MILLISECOND, Outside, SECOND};
use super::peer::Connection;

/// The port of HTTP (RFC 9110, 4.2.1).
const HTTP: u16 = 80;
/// How long the server keeps a connection whose peer has vanished, and some seconds.
const SETTLED: u64 = 180 * SECOND;
/// How long an answer may take when nothing fails.
const SOON: u64 = 10 * SECOND;
/// How long one is waited for while there are faults.
const PATIENCE: u64 = 8 * SECOND;

/// The requests.
const PAGE: &[u8] = b"GET / HTTP/1.1\r\nHost: 10.0.2.15\r\n\r\n";
const STATE: &[u8] = b"GET /state HTTP/1.1\r\nHost: 10.0.2.15\r\n\r\n";
const MISSING: &[u8] = b"GET /missing HTTP/1.1\r\nHost: 10.0.2.15\r\n\r\n";

/// Does one run.
pub(super) fn run(
    seed: u64,
    program: Program,
    is_shown: bool,
) -> (Option<Outside>, Result<(), Broken>) {
    super::judged(Outside::new(seed, program, 0, is_shown), script)
}

fn script(outside: &mut Outside) -> Result<(), Broken> {
    outside.ready("ready: ")?;
    let page = works(outside)?;
    outside.pass(SETTLED)?;
    let before = outside.usage()?;
    outside.begin_faults();
    let count = outside.random().between(2, 6);
    let mut vanished: Vec<Connection> = Vec::new();
    for _ in 0..count {
        let connection = outside.peer.connect(HTTP);
        if outside.random().below(4) == 0 {
            // A client that vanishes in the middle of its request.
            let len = outside.random().below(PAGE.len() as u64) as usize;
            outside.exchange(connection, &PAGE[..len], 20 * MILLISECOND, |_| false)?;
            vanished.push(connection);
            continue;
        }
        let request = [PAGE, STATE, MISSING][outside.random().below(3) as usize];
        let reply =
            outside.exchange(connection, request, PATIENCE, |reply| body(reply).is_some())?;
        // It may be cut, but what is whole is right.
        check(request, &reply, &page, false)?;
        let is_told = outside.random().below(2) == 0;
        outside.forget(connection, is_told);
    }
    for connection in vanished {
        outside.forget(connection, false);
    }
    outside.end_faults();
    outside.pass(SETTLED)?;
    let again = works(outside)?;
    if again != page {
        return Err(Broken("the page has changed".to_owned()));
    }
    outside.pass(SETTLED)?;
    outside.compare(before)
}

/// Checks that requests are answered, several at a time; returns the page.
fn works(outside: &mut Outside) -> Result<Vec<u8>, Broken> {
    let idle = outside.peer.connect(HTTP);
    let connection = outside.peer.connect(HTTP);
    let reply = outside.exchange(connection, PAGE, SOON, |reply| body(reply).is_some())?;
    let page = body(&reply).unwrap_or_default().to_vec();
    check(PAGE, &reply, &page, true)?;
    for request in [STATE, MISSING, PAGE] {
        let reply = outside.exchange(connection, request, SOON, |reply| body(reply).is_some())?;
        check(request, &reply, &page, true)?;
    }
    outside.forget(connection, true);
    outside.forget(idle, true);
    Ok(page)
}

/// Returns the body of a reply, if it is whole.
fn body(reply: &[u8]) -> Option<&[u8]> {
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = core::str::from_utf8(&reply[..end]).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    reply.get(end..end + length.unwrap_or(0))
}

fn check(request: &[u8], reply: &[u8], page: &[u8], must_be_whole: bool) -> Result<(), Broken> {
    let wrong = |what: &str| {
        let line = request
            .split(|byte| *byte == b'\r')
            .next()
            .unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        Err(Broken(format!("{line}: {what}, of {} bytes", reply.len())))
    };
    let Some(body) = body(reply) else {
        return match must_be_whole {
            true => wrong("no whole reply although nothing fails"),
            false => Ok(()),
        };
    };
    let status: &[u8] = if request == MISSING {
        b"HTTP/1.1 404 "
    } else {
        b"HTTP/1.1 200 "
    };
    if !reply.starts_with(status) {
        return wrong("a reply with another status");
    }
    if request == PAGE && body != page {
        return wrong("a reply with another page");
    }
    if request == STATE && serde_json::from_slice::<serde_json::Value>(body).is_err() {
        return wrong("a reply that is no JSON");
    }
    Ok(())
}
