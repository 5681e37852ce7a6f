//! Tests the app `vsock`: streams over a virtio socket device, whose host side is in this process.

use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::vsock::{GUEST, HOST, Packet, Vsock};

use super::super::{Case, Need};

pub(super) const CASES: [Case; 1] =
    [
        Case::spread("vsock_carries_streams_to_and_from_the_host", streams)
            .of("vsock")
            .needing(Need::Modern),
    ];

/// Operations (virtio 1.2, 5.10.6).
const REQUEST: u16 = 1;
const RESPONSE: u16 = 2;
const RESET: u16 = 3;
const SHUTDOWN: u16 = 4;
const DATA: u16 = 5;
const CREDIT_UPDATE: u16 = 6;
const CREDIT_REQUEST: u16 = 7;

/// The receive buffer of the host's end: smaller than that of the machine, so that the machine has
/// to wait for credit.
const ALLOCATED: u32 = 5000;
/// Many times what both sides buffer.
const LARGE: usize = 200_000;

/// The host's end of a stream.
struct End<'a> {
    vsock: &'a Vsock,
    here: u32,
    there: u32,
    forwarded: u32,
    sent: u32,
    /// The last packet's credit.
    allocated: u32,
    taken: u32,
}

impl End<'_> {
    fn send(&self, operation: u16, payload: &[u8]) {
        self.vsock.send(&Packet {
            from: (HOST, self.here),
            to: (GUEST, self.there),
            operation,
            flags: if operation == SHUTDOWN { 3 } else { 0 },
            allocated: ALLOCATED,
            forwarded: self.forwarded,
            payload: payload.to_vec(),
        });
    }

    /// Waits for a packet of this stream.
    fn receive(&mut self) -> Outcome<Packet> {
        let packet = self.vsock.receive(LIMIT)?;
        ensure!(
            packet.from == (GUEST, self.there) && packet.to == (HOST, self.here),
            "a packet of another stream: {packet:?}"
        );
        (self.allocated, self.taken) = (packet.allocated, packet.forwarded);
        self.forwarded = self.forwarded.wrapping_add(packet.payload.len() as u32);
        Ok(packet)
    }

    fn expect(&mut self, operation: u16) -> Outcome<Packet> {
        let packet = self.receive()?;
        ensure!(packet.operation == operation, "unexpected: {packet:?}");
        Ok(packet)
    }

    fn credit(&self) -> usize {
        (self.allocated - self.sent.wrapping_sub(self.taken)) as usize
    }
}

fn streams(setting: &Setting) -> Outcome {
    let socket = setting.path("vsock.sock");
    let vsock = Vsock::new(&socket)?;
    let (mut draft, _memory) = setting.machine("vsock")?.observed()?;
    let path = socket.display();
    let device = draft
        .qemu
        .devices
        .device("vsock", ",chardev=vsock")
        .replacen("virtio-vsock", "vhost-user-vsock", 1);
    let chardev = format!("socket,id=vsock,path={path}");
    let words = ["-chardev", &chardev, "-device", &device];
    draft.qemu.extra.extend(words.map(str::to_owned));
    let machine = draft.start()?;
    machine.wait_for("that it echoes", |line| {
        (line == "ready: echo on port 7 of machine 33").then_some(())
    })?;
    greeting(&vsock)?;
    machine_refuses_other_ports(&vsock)?;
    for here in [5000, 5001] {
        echo(&vsock, here)?;
    }
    Ok(())
}

/// The machine connects to the host, sends a greeting and closes.
fn greeting(vsock: &Vsock) -> Outcome {
    let request = vsock.receive(LIMIT)?;
    ensure!(
        request.operation == REQUEST && request.to == (HOST, 1000),
        "unexpected: {request:?}"
    );
    let mut end = End {
        vsock,
        here: 1000,
        there: request.from.1,
        forwarded: 0,
        sent: 0,
        allocated: request.allocated,
        taken: 0,
    };
    end.send(RESPONSE, &[]);
    let said = end.expect(DATA)?.payload;
    ensure!(said == b"hello from the machine", "{said:?}");
    end.expect(SHUTDOWN)?;
    end.send(RESET, &[]);
    Ok(())
}

fn machine_refuses_other_ports(vsock: &Vsock) -> Outcome {
    let mut end = End {
        vsock,
        here: 4999,
        there: 8,
        forwarded: 0,
        sent: 0,
        allocated: 0,
        taken: 0,
    };
    end.send(REQUEST, &[]);
    end.expect(RESET)?;
    Ok(())
}

/// The host connects to the machine, which echoes much more than both buffer.
fn echo(vsock: &Vsock, here: u32) -> Outcome {
    let mut end = End {
        vsock,
        here,
        there: 7,
        forwarded: 0,
        sent: 0,
        allocated: 0,
        taken: 0,
    };
    end.send(REQUEST, &[]);
    end.expect(RESPONSE)?;
    let bytes: Vec<u8> = (0..LARGE).map(|n| n as u8 ^ (n >> 8) as u8).collect();
    let (mut sent, mut echoed) = (0, Vec::new());
    let deadline = Instant::now() + LIMIT;
    while echoed.len() < LARGE {
        ensure!(Instant::now() < deadline, "only {} bytes", echoed.len());
        let count = end.credit().min(LARGE - sent).min(3000);
        if count > 0 {
            end.sent = end.sent.wrapping_add(count as u32);
            end.send(DATA, &bytes[sent..sent + count]);
            sent += count;
            // What is on its way is received in between.
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        let before = end.forwarded;
        let packet = end.receive()?;
        match packet.operation {
            DATA => {
                ensure!(
                    packet.payload.len() <= ALLOCATED as usize,
                    "beyond its credit"
                );
                echoed.extend(packet.payload);
                // The host is slow to tell that it has room again.
                if end.forwarded / 2500 != before / 2500 {
                    end.send(CREDIT_UPDATE, &[]);
                }
            }
            CREDIT_REQUEST => end.send(CREDIT_UPDATE, &[]),
            CREDIT_UPDATE => {}
            _ => return Err(format!("unexpected: {packet:?}").into()),
        }
    }
    ensure!(echoed == bytes, "the echo differs");
    end.send(SHUTDOWN, &[]);
    loop {
        let packet = end.receive()?;
        match packet.operation {
            RESET => return Ok(()),
            CREDIT_UPDATE => {}
            _ => return Err(format!("unexpected: {packet:?}").into()),
        }
    }
}
