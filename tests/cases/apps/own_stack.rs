//! Tests the app `own-stack`: embassy-net on a second network device.

use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::ports;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::udp::Caller;
use xtask::forward::{Forward, Protocol};
use xtask::qemu::{GUEST_ADDRESS, Network};

use super::super::Case;

pub(super) const CASES: [Case; 1] =
    [Case::spread("own_stack_echoes_on_the_second_network_device", echoes).of("own-stack")];

fn echoes(setting: &Setting) -> Outcome {
    let mut draft = setting.machine("own-stack")?;
    let host = ports::free_udp().ok_or("no UDP port is free")?;
    draft.qemu.devices.more.networks.push(Network::User {
        ipv6: false,
        address: GUEST_ADDRESS.to_owned(),
        forwards: vec![Forward {
            protocol: Protocol::Udp,
            host,
            guest: 7,
        }],
    });
    let caller = Caller::new(host)?;
    let machine = draft.start()?;
    machine.wait_for("that embassy-net has an address", |line| {
        let rest = line.strip_prefix("ready: embassy-net on ")?;
        rest.contains(GUEST_ADDRESS).then_some(())
    })?;
    for payload in [&b"hello"[..], &[0xa5; 1472]] {
        caller.call(payload, LIMIT)?;
    }
    // Many frames: none is kept by the driver.
    for number in 0..200_u32 {
        caller.call(&number.to_be_bytes(), LIMIT)?;
    }
    Ok(())
}
