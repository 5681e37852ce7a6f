//! Tests of the services and measurements of the app `bench`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread;

use serde_json::Value;
use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::ports;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::{Caller, SILENCE};
use xtask::forward::{Forward, Protocol};
use xtask::qemu::{Disk, GUEST_ADDRESS, Network};

use super::{Case, Need};

pub(super) const CASES: [Case; 6] = [
    Case::new("bench_measures_disk_and_timer", measures_disk_and_timer).needing(Need::Table),
    Case::spread(
        "bench_echoes_to_several_connections",
        echoes_to_several_connections,
    ),
    Case::spread(
        "bench_echoes_datagrams_at_its_own_address",
        echoes_datagrams,
    ),
    Case::spread("bench_discards_what_it_is_sent", discards_what_it_is_sent),
    Case::spread("bench_generates_characters", generates_characters),
    Case::spread(
        "bench_keeps_serving_after_it_measured",
        keeps_serving_after_it_measured,
    )
    .needing(Need::Table),
];

const BENCH: &str = "bench";
const ECHO: u16 = 7;
const DISCARD: u16 = 9;
const CHARGEN: u16 = 19;

/// A serving machine, and the loopback ports that are forwarded to it.
struct Serving {
    machine: Machine,
    forwards: Vec<Forward>,
}

impl Serving {
    /// Starts the machine with these words on the kernel's command line.
    fn start(setting: &Setting, words: &str) -> Outcome<Self> {
        let mut draft = setting.machine(BENCH)?.command_line(words);
        let services = [
            (Protocol::Udp, ECHO),
            (Protocol::Udp, DISCARD),
            (Protocol::Tcp, ECHO),
            (Protocol::Tcp, DISCARD),
            (Protocol::Tcp, CHARGEN),
        ];
        let forwards = services.map(|(protocol, guest)| {
            let host = match protocol {
                Protocol::Udp => ports::free_udp(),
                Protocol::Tcp => ports::free_tcp(),
            };
            host.map(|host| Forward {
                protocol,
                host,
                guest,
            })
        });
        let forwards: Option<Vec<_>> = forwards.into_iter().collect();
        let forwards = forwards.ok_or("no port is free")?;
        draft.qemu.devices.network = Some(Network::User {
            ipv6: false,
            address: GUEST_ADDRESS.to_owned(),
            forwards: forwards.clone(),
        });
        let machine = draft.start()?;
        wait_until_ready(&machine)?;
        Ok(Self { machine, forwards })
    }

    fn port(&self, protocol: Protocol, guest: u16) -> Outcome<u16> {
        let leads_there = |to: &&Forward| to.protocol == protocol && to.guest == guest;
        let forward = self.forwards.iter().find(leads_there);
        Ok(forward.ok_or("no port leads there")?.host)
    }

    fn connect(&self, guest: u16) -> Outcome<TcpStream> {
        let port = self.port(Protocol::Tcp, guest)?;
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(stream)
    }
}

fn wait_until_ready(machine: &Machine) -> Outcome {
    machine.wait_for("that READY stands alone on a line", |line| {
        (line == "READY").then_some(())
    })
}

/// Without an address on the command line, the app uses its default.
fn echoes_datagrams(setting: &Setting) -> Outcome {
    let serving = Serving::start(setting, "")?;
    let caller = Caller::new(serving.port(Protocol::Udp, ECHO)?)?;
    for size in [1, 64, 1400] {
        caller.call(&vec![0x5a; size], LIMIT)?;
    }
    Ok(())
}

fn echoes_to_several_connections(setting: &Setting) -> Outcome {
    let serving = Serving::start(setting, "bench=net")?;
    let mut streams = Vec::new();
    for _ in 0..6 {
        streams.push(serving.connect(ECHO)?);
    }
    // Open all connections before using the first.
    for (number, stream) in streams.iter_mut().enumerate() {
        stream.write_all(format!("this is connection {number}").as_bytes())?;
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        let expected = format!("this is connection {number}");
        let mut echo = vec![0; expected.len()];
        stream.read_exact(&mut echo)?;
        ensure!(
            echo == expected.as_bytes(),
            "connection {number} got {:?}",
            String::from_utf8_lossy(&echo)
        );
    }
    let sent: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut writer = streams[0].try_clone()?;
    let to_write = sent.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&to_write)?;
        writer.shutdown(Shutdown::Write)
    });
    let mut echo = Vec::new();
    streams[0].read_to_end(&mut echo)?;
    writing.join().map_err(|_| "the writer panicked")??;
    ensure!(
        echo == sent,
        "sent {} bytes, received {} or other ones",
        sent.len(),
        echo.len()
    );
    Ok(())
}

fn discards_what_it_is_sent(setting: &Setting) -> Outcome {
    let serving = Serving::start(setting, "bench=net")?;
    let caller = Caller::new(serving.port(Protocol::Udp, DISCARD)?)?;
    caller.send(b"a datagram without an answer")?;
    let answer = caller.receive(SILENCE)?;
    ensure!(answer.is_none(), "a datagram to discard got an answer");
    let mut stream = serving.connect(DISCARD)?;
    stream.write_all(&vec![0x5a; 100_000])?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    ensure!(answer.is_empty(), "discard returned {} bytes", answer.len());
    Ok(())
}

fn generates_characters(setting: &Setting) -> Outcome {
    let serving = Serving::start(setting, "bench=net")?;
    let mut stream = serving.connect(CHARGEN)?;
    // The service discards its input.
    stream.write_all(&vec![0x5a; 50_000])?;
    let mut text = vec![0; 200_000];
    stream.read_exact(&mut text)?;
    for (number, line) in text.chunks_exact(74).enumerate() {
        let expected = (0..72).map(|column| b' ' + ((number + column) % 95) as u8);
        let expected: Vec<u8> = expected.chain(*b"\r\n").collect();
        ensure!(
            line == expected,
            "line {number} is {:?}",
            String::from_utf8_lossy(line)
        );
    }
    drop(stream);
    let caller = Caller::new(serving.port(Protocol::Udp, ECHO)?)?;
    caller.call(b"after a connection was broken", LIMIT)?;
    Ok(())
}

fn measures_disk_and_timer(setting: &Setting) -> Outcome {
    let image = setting.path("small.img");
    fs::write(&image, vec![0; 1 << 20])?;
    let mut draft = setting.machine(BENCH)?.command_line("bench=blk,timer");
    draft.qemu.devices.disk = Some(Disk {
        image: image.clone(),
        read_only: false,
    });
    let mut machine = draft.start()?;
    wait_until_ready(&machine)?;
    for (op, bs, qd) in [
        ("randread", 4096, 1),
        ("randread", 4096, 32),
        ("randwrite", 4096, 1),
        ("randwrite", 4096, 32),
        ("seqread", 65536, 8),
        ("seqwrite", 65536, 8),
    ] {
        let result =
            machine.wait_for(&format!("the result of {op}, {qd} outstanding"), |line| {
                let result: Value = serde_json::from_str(line).ok()?;
                let is_it = result["op"] == op && result["bs"] == bs && result["qd"] == qd;
                is_it.then_some(result)
            })?;
        ensure!(
            result["bench"] == "blk"
                && result["ops"].as_u64() > Some(0)
                && result["ns"].as_u64() >= Some(1_000_000_000),
            "the result is not plausible: {result}"
        );
    }
    let timer = machine.wait_for("the result of the timer", |line| {
        let result: Value = serde_json::from_str(line).ok()?;
        (result["bench"] == "timer").then_some(result)
    })?;
    let [median, most, worst] =
        ["late_p50_ns", "late_p99_ns", "late_max_ns"].map(|key| timer[key].as_u64());
    ensure!(
        timer["period_ns"] == 1_000_000
            && timer["ops"] == 2000
            && median.is_some()
            && median <= most
            && most <= worst,
        "the result is not plausible: {timer}"
    );
    machine.wait_for("BENCH_DONE", |line| (line == "BENCH_DONE").then_some(()))?;
    let status = machine.wait_for_end()?;
    ensure!(status.success(), "it ended with {status}");
    let written = fs::read(&image)?;
    ensure!(
        written.len() == 1 << 20 && written.iter().all(|&byte| byte == 0xa5),
        "not every byte of the image was written"
    );
    Ok(())
}

fn keeps_serving_after_it_measured(setting: &Setting) -> Outcome {
    let serving = Serving::start(setting, "bench=net,timer,whatever")?;
    let done = |line: &str| (line == "BENCH_DONE").then_some(());
    serving.machine.wait_for("BENCH_DONE", done)?;
    let mut stream = serving.connect(ECHO)?;
    stream.write_all(b"still there?")?;
    let mut echo = [0; 12];
    stream.read_exact(&mut echo)?;
    ensure!(&echo == b"still there?", "the echo is not what was sent");
    Ok(())
}
