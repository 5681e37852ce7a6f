//! Starts the app `demo`, for other cases.

use vmos_machine_tests::machine::{LIMIT, Machine};
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Draft;
use vmos_machine_tests::udp::Caller;
use xtask::qemu::GUEST_ADDRESS;

use crate::console;

/// The name of the app.
pub(super) const DEMO: &str = "demo";

/// Starts a machine and waits until the demo serves.
pub(super) fn serving(draft: Draft<'_>) -> Outcome<Machine> {
    serving_at(draft, GUEST_ADDRESS)
}

/// Does the same for a machine with another address.
pub(super) fn serving_at(draft: Draft<'_>, address: &str) -> Outcome<Machine> {
    let machine = draft.start()?;
    machine.wait_for(&format!("that it is ready at {address}"), |line| {
        console::is_ready(line, address).then_some(())
    })?;
    Ok(machine)
}

/// Starts a machine, waits until the demo serves, and checks that it echoes.
pub(super) fn echoing(draft: Draft<'_>) -> Outcome<(Machine, Caller)> {
    let caller = Caller::new(draft.echo_port()?)?;
    let machine = serving(draft)?;
    caller.call(b"hello", LIMIT)?;
    Ok((machine, caller))
}
