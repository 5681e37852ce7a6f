//! Prints the demo's report on memory, date, random numbers and the network.

use vmos::devices::DeviceKind;
use vmos::net::Net;
use vmos::{Kernel, println, time};

/// Prints the size of the memory and how much the kernel uses.
pub(crate) fn memory(kernel: Kernel) {
    let memory = kernel.memory();
    println!(
        "   memory: {} MiB, of which the kernel uses {} KiB",
        memory.total() >> 20,
        memory.image().size >> 10
    );
    if memory.unreachable() > 0 {
        println!(
            "           {} MiB of it cannot be addressed by this processor",
            memory.unreachable() >> 20
        );
    }
}

/// Prints the date, if the board has a real-time clock.
pub(crate) fn date() {
    if let Some(now) = time::wall_clock() {
        println!("     date: {now}");
    }
}

/// Reads random bytes and prints them.
pub(crate) async fn random_bytes(kernel: Kernel) {
    let Ok(entropy) = kernel.entropy() else {
        println!("      rng: none, so there are no random numbers");
        return;
    };
    let mut bytes = [0_u8; 8];
    match entropy.fill(&mut bytes).await {
        Ok(()) => println!(
            "      rng: {}; read {:016x}",
            place(kernel, DeviceKind::RNG),
            u64::from_be_bytes(bytes)
        ),
        Err(error) => println!("      rng: {}; {error}", place(kernel, DeviceKind::RNG)),
    }
}

/// Prints where the network device is (its slot or PCI function), and the machine's address.
pub(crate) async fn network(kernel: Kernel, net: Net) {
    let configuration = net.configured().await;
    println!(
        "  network: {}; {configuration}",
        place(kernel, DeviceKind::NET)
    );
}

/// Returns where the first device of `kind` is (its slot or PCI function), and its interrupts.
pub(crate) fn place(kernel: Kernel, kind: DeviceKind) -> impl core::fmt::Display {
    core::fmt::from_fn(
        move |f| match kernel.devices().iter().find(|device| device.kind == kind) {
            Some(device) => write!(f, "{device}"),
            None => f.write_str("somewhere"),
        },
    )
}
