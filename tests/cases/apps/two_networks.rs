//! Tests the app `two-networks`: two network devices on the kernel's own stack.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::packet::{self, ITS_ADDRESS};
use vmos_machine_tests::ports;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::{Caller, SILENCE};

use super::super::{Case, Need};

pub(super) const CASES: [Case; 2] = [
    Case::spread("two_networks_serve_two_devices_by_name", serves_two_devices)
        .of("two-networks")
        .needing(Need::Room),
    Case::spread(
        "two_networks_answer_while_a_task_waits_for_the_disk",
        answers_while_the_disk_is_slow,
    )
    .of("two-networks"),
];

/// The port of the echo service.
const ECHO: u16 = 7;
/// The port that answers with a sector of the disk.
const SECTOR: u16 = 8;
/// How many sectors are asked for at once.
const ASKED: usize = 4;
/// The hardware address that QEMU gives the first network device.
const FIRST: &str = "52:54:00:12:34:56";
/// The hardware address of the second one.
const SECOND: &str = "52:54:00:12:34:99";

fn serves_two_devices(setting: &Setting) -> Outcome {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = server.local_addr()?.port();
    let draft = setting.machine("two-networks")?;
    let mut draft = draft.append(&format!(
        "nic.wan={FIRST} nic.lan={SECOND} connect=10.0.2.2:{port},192.168.7.2:{port},127.0.0.1:80"
    ));
    let wan = Caller::new(draft.echo_port()?)?;
    let streams = [
        draft.forward_tcp(ECHO)?,
        ports::free_tcp().ok_or("no TCP port is free")?,
    ];
    let host = ports::free_udp().ok_or("no UDP port is free")?;
    let lan = Caller::new(host)?;
    let device = draft
        .qemu
        .devices
        .device("net", &format!(",id=second,netdev=lan,mac={SECOND}"));
    let network = "user,id=lan,net=192.168.7.0/24,dhcpstart=192.168.7.15";
    let forward = format!(
        "hostfwd=udp:127.0.0.1:{host}-192.168.7.15:7,hostfwd=tcp:127.0.0.1:{}-192.168.7.15:7",
        streams[1]
    );
    draft.qemu.extra.extend([
        "-netdev".to_owned(),
        format!("{network},{forward}"),
        "-device".to_owned(),
        device,
    ]);
    let machine = draft.start()?;
    // The first has its address from the command line; the second asks the DHCP server of its network.
    for expected in [
        "wan: UDP echo on port 7 of 10.0.2.15/24".to_owned(),
        "lan: UDP echo on port 7 of 192.168.7.15/24".to_owned(),
        format!("10.0.2.2:{port}: connected over wan"),
        format!("192.168.7.2:{port}: connected over lan"),
        "127.0.0.1:80: ".to_owned(),
    ] {
        says(&machine, &expected)?;
    }
    for caller in [&wan, &lan] {
        for payload in [&b"hello"[..], &[0xa5; 1472]] {
            caller.call(payload, LIMIT)?;
        }
    }
    // The echo of streams uses the traits of edge-nal.
    for (port, peer) in streams.into_iter().zip(["10.0.2.2:", "192.168.7.2:"]) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(b"hello")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        ensure!(answer == *b"hello", "{peer} another answer: {answer:?}");
        machine.wait_for(peer, |line| {
            (line.starts_with(peer) && line.ends_with("connected to TCP echo")).then_some(())
        })?;
    }
    // Many frames: none is kept by a driver.
    for number in 0..200_u32 {
        lan.call(&number.to_be_bytes(), LIMIT)?;
        wan.call(&number.to_be_bytes(), LIMIT)?;
    }
    // A link that is down is one network's matter.
    let mut monitor = machine.monitor()?;
    let mut link = |up| monitor.execute("set_link", json!({"name": "second", "up": up}));
    link(false)?;
    says(&machine, "lan: link down")?;
    wan.call(b"still here", LIMIT)?;
    lan.send(b"lost")?;
    ensure!(
        lan.receive(SILENCE)?.is_none(),
        "a network without a link answers"
    );
    link(true)?;
    lan.call(b"back again", LIMIT)?;
    Ok(())
}

/// Checks that the kernel answers ARP and takes datagrams while the only task that is ready waits for a
/// disk without awaiting.
fn answers_while_the_disk_is_slow(setting: &Setting) -> Outcome {
    let (draft, wire) = setting.machine("two-networks")?.wired()?;
    let machine = draft.start()?;
    says(
        &machine,
        "52:54:00:12:34:56: UDP echo on port 7 of 10.0.2.15/24",
    )?;
    // It opens the port once it has found the disk.
    says(&machine, "first sector of the disk on UDP port 8")?;
    let mac = wire.resolve(LIMIT)?;
    // One request a second; the first is within the burst.
    let mut monitor = machine.monitor()?;
    let limits = json!({"device": "disk0", "bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": 1,
        "iops_rd": 0, "iops_wr": 0});
    monitor.execute("block_set_io_throttle", limits)?;
    for _ in 0..ASKED {
        wire.send(&packet::summed_datagram(mac, SECTOR, b"sector"))?;
    }
    let is_sector = |frame: &[u8]| Some(packet::echoed(frame)?.len() == 512).filter(|is| *is);
    wire.receive(LIMIT, is_sector)
        .ok_or("the first sector did not come")?;
    // The task does not yield before it has read the others, which takes some seconds.
    for _ in 0..3 {
        wire.send(&packet::arp_request(ITS_ADDRESS))?;
        let before = wire.receive(LIMIT, |frame| {
            let is_reply = packet::arp_reply(frame, ITS_ADDRESS).is_some();
            let is_sector = is_sector(frame).is_some();
            (is_reply || is_sector).then_some(is_reply)
        });
        ensure!(
            before == Some(true),
            "ARP is answered only after the disk was read"
        );
    }
    // More datagrams than the device has buffers for are taken, as far as the socket has room.
    for number in 0..40_u32 {
        wire.send(&packet::summed_datagram(mac, ECHO, &number.to_be_bytes()))?;
    }
    let (mut sectors, mut echoes) = (1, 0);
    while sectors < ASKED || echoes < 40 {
        let length = wire.receive(LIMIT, |frame| Some(packet::echoed(frame)?.len()));
        match length.ok_or_else(|| format!("{sectors} sectors and {echoes} echoes came"))? {
            512 => sectors += 1,
            _ => echoes += 1,
        }
    }
    Ok(())
}

fn says(machine: &Machine, expected: &str) -> Outcome {
    machine.wait_for(expected, |line| line.starts_with(expected).then_some(()))
}
