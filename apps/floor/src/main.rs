//! A loop without a kernel that echoes frames and reads disk blocks, as a lower bound for the cost
//! of the same operations in the kernel. The difference shows what the kernel adds to the cost of
//! the machine itself.
//!
//! It is not a kernel, and checks nothing. Console, clock, interrupt controller and virtio-mmio
//! slots come from the board file, through the same drivers that the kernel uses; from the kernel
//! it uses only the processor support. The loops themselves (`net`, `disk`) access only the queues
//! and two registers.
//!
//! With a disk, it prints the number of completed requests, one line of JSON for each kind. With a
//! network interface and no disk, it answers ARP, pings and datagrams for every address and port.
//! Output and services are those of the app `bench`, which has a kernel.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod disk;
#[cfg(target_os = "none")]
mod machine;
#[cfg(target_os = "none")]
mod net;
#[cfg(target_os = "none")]
mod ring;
#[cfg(target_os = "none")]
mod slot;

#[cfg(target_os = "none")]
use machine::Machine;

/// The function that the board's entry code calls. Apps with a kernel get it from `#[vmos::main]`.
#[cfg(target_os = "none")]
#[unsafe(no_mangle)]
extern "C" fn vmos_start(_: usize, _: usize, _: usize, _: usize) -> ! {
    let mut machine = Machine::start();
    let [net, block] = machine.devices();
    match (net, block) {
        (_, Some(block)) => disk::measure(&mut machine, &block),
        (Some(net), None) => net::serve(&mut machine, &net),
        (None, None) => machine.print("no virtio-mmio device to serve\n"),
    }
    vmos::arch::park()
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("floor runs on a board: cargo xtask run BOARD --app floor");
    std::process::ExitCode::FAILURE
}
