//! Tests the app `serial`: a port of a virtio console device, from a socket of the host.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use xtask::qemu::Serial;

use super::super::Case;

pub(super) const CASES: [Case; 1] =
    [Case::spread("serial_port_echoes_bytes_of_a_socket", echoes).of("serial")];

/// Many times what both directions buffer, so that each side waits for the other.
const LARGE: usize = 200_000;

fn echoes(setting: &Setting) -> Outcome {
    let mut draft = setting.machine("serial")?;
    // The port is found by its name, whatever the order.
    let named = |name: &str| Serial {
        name: name.to_owned(),
        socket: setting.path(&format!("{name}.sock")),
    };
    draft.qemu.devices.more.serials = ["other", "echo", "more"].map(named).to_vec();
    let machine = draft.start()?;
    say(&machine, "ready: echo on the port `echo`")?;
    for round in 1..=2_u8 {
        let mut stream = UnixStream::connect(setting.path("echo.sock"))?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        say(&machine, &format!("connection {round}: opened by the host"))?;
        let sent: Vec<u8> = (0..LARGE)
            .map(|n| n as u8 ^ (n >> 8) as u8 ^ round)
            .collect();
        let mut writer = stream.try_clone()?;
        let bytes = sent.clone();
        let writing = thread::spawn(move || writer.write_all(&bytes));
        // The machine has to wait, since nothing is read yet.
        thread::sleep(Duration::from_millis(200));
        let mut received = vec![0; LARGE];
        stream.read_exact(&mut received)?;
        ensure!(received == sent, "round {round}: the echo differs");
        writing.join().map_err(|_| "the writer panicked")??;
        drop(stream);
        say(&machine, &format!("connection {round}: closed by the host"))?;
    }
    Ok(())
}

/// Waits for a line of the machine.
fn say(machine: &Machine, line: &str) -> Outcome {
    machine.wait_for(line, |said| (said == line).then_some(()))
}
