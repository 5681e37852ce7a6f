//! The first process of the Linux that `bench --linux` measures.
//!
//! It provides the services of `apps/bench` on the same ports, reads the same word `bench=` and
//! prints the same lines. It keeps the number of system calls low: batches of datagrams, and
//! asynchronous requests to the disk that bypass the page cache.

#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod interface;
#[cfg(target_os = "linux")]
mod setup;
#[cfg(target_os = "linux")]
mod tcp;
#[cfg(target_os = "linux")]
mod timer;
#[cfg(target_os = "linux")]
mod udp;

#[cfg(target_os = "linux")]
fn main() {
    if let Err(error) = serve() {
        println!("linux-peer: {error}");
        setup::power_off();
    }
}

/// Runs the task that is named on the kernel's command line.
#[cfg(target_os = "linux")]
fn serve() -> std::io::Result<()> {
    let command_line = setup::file_systems()?;
    setup::load_modules(&command_line)?;
    let words = setup::value(&command_line, "bench=").unwrap_or("net");
    let asked = |what| words.split(',').any(|word| word == what);
    if asked("net") {
        interface::configure("eth0", [10, 0, 2, 15], [255, 255, 255, 0])?;
        let ports = setup::value(&command_line, "ports=").unwrap_or("0");
        let ports = ports.parse().map_err(std::io::Error::other)?;
        udp::open(ports)?;
        udp::serve()?;
        tcp::serve()?;
    }
    println!("READY");
    if asked("blk") {
        disk::measure()?;
    }
    if asked("timer") {
        timer::measure()?;
    }
    if asked("blk") || asked("timer") {
        println!("BENCH_DONE");
    }
    loop {
        std::thread::park();
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("linux-peer only runs as the first process of Linux; use cargo xtask bench --linux");
}
