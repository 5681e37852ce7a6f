//! What the demo says of memory, randomness and the network.

use vmos::devices::DeviceKind;
use vmos::net::Net;
use vmos::{Kernel, println, time};

/// Says how much memory there is and where it went.
pub(crate) fn memory(kernel: Kernel) {
    let memory = kernel.memory();
    println!(
        "   memory: {} MiB, of which the kernel takes {} KiB",
        memory.total() >> 20,
        memory.image().size >> 10
    );
    if memory.unreachable() > 0 {
        println!(
            "           {} MiB of it are out of this processor's reach",
            memory.unreachable() >> 20
        );
    }
}

/// Says what time of day it is, where the board has a clock for that.
pub(crate) fn date() {
    if let Some(now) = time::wall_clock() {
        println!("     date: {now}");
    }
}

/// Draws random bytes and shows them.
pub(crate) async fn random_bytes(kernel: Kernel) {
    let Ok(entropy) = kernel.entropy() else {
        println!("      rng: none, so nothing here is random");
        return;
    };
    let mut bytes = [0_u8; 8];
    match entropy.fill(&mut bytes).await {
        Ok(()) => println!(
            "      rng: {}; it says {:016x}",
            place(kernel, DeviceKind::RNG),
            u64::from_be_bytes(bytes)
        ),
        Err(error) => println!("      rng: {}; {error}", place(kernel, DeviceKind::RNG)),
    }
}

/// Says where the network device is and what address the machine has.
pub(crate) async fn network(kernel: Kernel, net: Net) {
    let configuration = net.configured().await;
    println!(
        "  network: {}; {configuration}",
        place(kernel, DeviceKind::NET)
    );
}

/// Where the first device of `kind` is and how its interrupts come.
pub(crate) fn place(kernel: Kernel, kind: DeviceKind) -> impl core::fmt::Display {
    core::fmt::from_fn(
        move |f| match kernel.devices().iter().find(|device| device.kind == kind) {
            Some(device) => write!(f, "{device}"),
            None => f.write_str("somewhere"),
        },
    )
}
