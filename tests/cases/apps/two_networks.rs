//! Tests the app `two-networks`: two network devices on the kernel's own stack.

use std::net::{Ipv4Addr, TcpListener};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::ports;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::{AT_ONCE, Caller};

use super::super::{Case, Need};

pub(super) const CASES: [Case; 1] =
    [
        Case::spread("two_networks_serve_two_devices_by_name", serves_two_devices)
            .needing(Need::Room),
    ];

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
    let host = ports::free_udp().ok_or("no UDP port is free")?;
    let lan = Caller::new(host)?;
    let device = draft
        .qemu
        .devices
        .device("net", &format!(",id=second,netdev=lan,mac={SECOND}"));
    let network = "user,id=lan,net=192.168.7.0/24,dhcpstart=192.168.7.15";
    let forward = format!("hostfwd=udp:127.0.0.1:{host}-192.168.7.15:7");
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
        lan.receive(AT_ONCE)?.is_none(),
        "a network without a link answers"
    );
    link(true)?;
    lan.call(b"back again", LIMIT)?;
    Ok(())
}

fn says(machine: &Machine, expected: &str) -> Outcome {
    machine.wait_for(expected, |line| line.starts_with(expected).then_some(()))
}
