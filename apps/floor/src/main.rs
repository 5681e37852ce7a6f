//! The least that an answer can cost: a loop that turns frames around and asks a disk for blocks,
//! with nothing around it. It is what the kernel is measured beside, so that a figure tells what of
//! it is the machine's.
//!
//! This is no kernel and checks nothing. The board is the one that the image is built for: its
//! console, its clock, its interrupt controller and its virtio-mmio slots come from the description
//! by the drivers that the kernel uses too, and of the kernel there is only what makes up a
//! processor. The loops themselves (`net`, `disk`) touch nothing but the queues and two registers.
//!
//! With a disk it prints how many requests were answered, one line of JSON for each kind, and with
//! a network interface and no disk it answers ARP, pings and datagrams for every address and port.
//! Both as `bench` does, which has a kernel.

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

/// Where the entry code of the board continues: a function of this name and signature, which an app
/// with a kernel gets from `#[vmos::main]`.
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
