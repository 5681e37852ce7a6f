//! Tests the apps `http` and `fetch`.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use serde_json::Value;
use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::segment::{Segment, flag};
use vmos_machine_tests::setting::{Draft, Setting};

use super::super::{Case, Need};

pub(super) const CASES: [Case; 3] = [
    Case::spread("http_shows_the_machine_at_work", shows_the_machine).of("http"),
    Case::spread(
        "http_answers_as_many_as_a_browser_opens",
        answers_many_at_once,
    )
    .of("http"),
    Case::spread("fetch_shows_what_a_server_has", fetches)
        .of("fetch")
        .needing(Need::Table),
];

/// The port of HTTP.
const HTTP: u16 = 80;
/// More connections than a browser opens at once.
const MANY: u16 = 24;
/// The port of the first connection.
const FIRST_PORT: u16 = 50_000;

fn serving(setting: &Setting) -> Outcome<(Machine, u16)> {
    let mut draft = setting.machine("http")?;
    let port = draft.forward_tcp(HTTP)?;
    Ok((ready(draft)?, port))
}

fn ready(draft: Draft<'_>) -> Outcome<Machine> {
    let machine = draft.start()?;
    machine.wait_for("that it is ready", |line| {
        line.contains("ready: http://").then_some(())
    })?;
    Ok(machine)
}

/// Sends a request on a connection, and returns the body of the answer.
fn get(stream: &mut BufReader<TcpStream>, path: &str) -> Outcome<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: vmos\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes())?;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 200"), "{path}: {line}");
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(String::from_utf8(body)?)
}

fn connect(port: u16) -> Outcome<BufReader<TcpStream>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(BufReader::new(stream))
}

fn shows_the_machine(setting: &Setting) -> Outcome {
    let (_machine, port) = serving(setting)?;
    // One connection is used for all requests.
    let mut stream = connect(port)?;
    let page = get(&mut stream, "/")?;
    ensure!(page.contains("<title>VMOS</title>"), "the page is {page}");
    let first: Value = serde_json::from_str(&get(&mut stream, "/state")?)?;
    let board = &setting.board().name;
    ensure!(first["board"] == **board, "it says that it is {first}");
    let devices = first["devices"].as_array().map_or(0, Vec::len);
    ensure!(devices == 3, "it has {devices} devices: {first}");
    let main = first["tasks"].as_array().and_then(|tasks| tasks.first());
    ensure!(
        main.is_some_and(|main| main["name"] == "http::main" && main["polls"].as_u64() > Some(0)),
        "its first task is not the app: {first}"
    );
    let second: Value = serde_json::from_str(&get(&mut stream, "/state")?)?;
    let turns = |state: &Value| state["loop"]["turns"].as_u64();
    ensure!(
        turns(&second) > turns(&first),
        "the count of turns does not change: {first}, then {second}"
    );
    Ok(())
}

/// Opens all connections at once, before any request. QEMU's own network would open them one after
/// the other, so the segments are written here.
fn answers_many_at_once(setting: &Setting) -> Outcome {
    let (draft, wire) = setting.machine("http")?.wired()?;
    let _machine = ready(draft)?;
    let mac = wire.resolve(LIMIT)?;
    let send = |port: u16, flags: u8, (sequence, acknowledged): (u32, u32), payload: &[u8]| {
        let segment = Segment {
            source: port,
            destination: HTTP,
            sequence,
            acknowledged,
            flags,
            window: u16::MAX,
            options: &[],
            payload,
        };
        wire.send(&segment.frame(mac))
    };
    for port in FIRST_PORT..FIRST_PORT + MANY {
        send(port, flag::SYN, (0, 0), b"")?;
    }
    // Nothing is sent twice, so a connection that is refused or forgotten is never answered.
    let (mut open, mut answered) = (BTreeSet::new(), BTreeSet::new());
    while answered.len() < usize::from(MANY) {
        let heard = wire.receive(LIMIT, |frame| {
            let segment = Segment::of(frame, true)?;
            let is_ours = (FIRST_PORT..FIRST_PORT + MANY).contains(&segment.destination);
            let says_ok = segment.payload.starts_with(b"HTTP/1.1 200");
            let port = segment.destination;
            is_ours.then_some((port, segment.flags, segment.sequence, says_ok))
        });
        let (port, flags, sequence, says_ok) = heard.ok_or_else(|| {
            let (open, answered) = (open.len(), answered.len());
            format!("of {MANY} connections, {open} were opened and {answered} answered")
        })?;
        if says_ok {
            answered.insert(port);
        }
        if flags == flag::SYN | flag::ACK && open.insert(port) {
            let request = b"GET /state HTTP/1.1\r\nHost: vmos\r\n\r\n";
            let next = sequence.wrapping_add(1);
            send(port, flag::ACK | flag::PSH, (1, next), request)?;
        }
    }
    Ok(())
}

fn fetches(setting: &Setting) -> Outcome {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = server.local_addr()?.port();
    let serving = thread::spawn(move || -> Outcome<String> {
        let (stream, _) = server.accept()?;
        let mut stream = BufReader::new(stream);
        let mut asked = String::new();
        stream.read_line(&mut asked)?;
        let mut line = String::new();
        while stream.read_line(&mut line)? > 2 {
            line.clear();
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello, guest";
        stream.get_mut().write_all(answer.as_bytes())?;
        Ok(asked)
    });
    let draft = setting.machine("fetch")?;
    // The host's address for the machine.
    let mut machine = draft
        .append(&format!("url=http://10.0.2.2:{port}/page"))
        .start()?;
    machine.wait_for("the page", |line| {
        line.contains("hello, guest").then_some(())
    })?;
    let asked = serving.join().map_err(|_| "the server panicked")??;
    ensure!(asked.starts_with("GET /page HTTP/1.1"), "it asked {asked}");
    let status = machine.wait_for_end()?;
    ensure!(status.code().is_some(), "it ended with {status}");
    Ok(())
}
