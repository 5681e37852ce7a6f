//! Serves tests on the host: echoes datagrams and streams, and executes requests.
//!
//! A request is a datagram to port 99 with a number and a command. The answer begins with the
//! number and `ok` or `failed`.
//!
//! | request | action |
//! |---|---|
//! | `1 disk 8` | writes 4 KiB from sector 8 on, flushes, reads them back and compares |
//! | `1 read 8` | reads 4 KiB from sector 8 on, and answers with the first 8 bytes as a number |
//! | `1 within 50` | reads 4 KiB from sector 64 on, and answers whether that took longer than 50 ms |
//! | `1 cancel` | reads four times, cancels the last request once the first is done, and answers how each ended |
//! | `1 wrap 70000` | reads 70000 times or a little more often, in batches of every size |
//! | `1 rng` | requests 8 random bytes |
//! | `1 rng-within 50` | requests 8 random bytes, and answers whether that took longer than 50 ms |
//! | `1 timer 10` | sleeps for 10 ms, and answers with the actual time in nanoseconds |
//! | `1 ping 5000` | sleeps for 5000 ms, then pings the sender of the request for at most 2 s |
//! | `1 connect 5000` | sleeps for 5000 ms, then connects to TCP port 4711 of the sender |
//! | `1 statistics 0` | answers with counts from the first one on, as many lines as fit |
//!
//! With `keep-alive=2` on the command line, the peer of an echoed stream is probed after 2 s of silence.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use core::net::{Ipv4Addr, SocketAddrV4};

use embedded_io_async::{Read as _, Write as _};
use vmos::block::DiskError;
use vmos::entropy::EntropyError;
use vmos::net::{Datagram, TcpListener, TcpStream, UdpSocket};
use vmos::time::{Duration, Instant, Timer, Within as _};
use vmos::{Error, Kernel, Result, Spawner, println};

/// The port of the echo service (RFC 862).
const ECHO: u16 = 7;
/// The UDP port that accepts requests.
const REQUESTS: u16 = 99;
/// The number of requests that are executed at the same time.
const TASKS: usize = 32;
/// The number of TCP streams that are echoed at the same time.
const STREAMS: usize = 8;
/// The number of bytes that a `disk` request writes and reads.
const BLOCK: usize = 4096;
/// The port that a `connect` request connects to, and the time limit of a `ping` request.
const CONNECTED: u16 = 4711;
const PING: core::time::Duration = core::time::Duration::from_secs(2);
/// The size limit of a `statistics` answer, in bytes.
const ANSWER: usize = 1200;

pub(crate) async fn serve(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    let echo = net.udp(ECHO)?;
    spawner.spawn(echo_datagrams(echo)?);
    let keep_alive = kernel.command_line().value("keep-alive");
    let keep_alive = keep_alive.and_then(|text| text.parse().ok());
    let keep_alive = keep_alive.map(core::time::Duration::from_secs);
    spawner.spawn(accept_streams(net.tcp_listen(ECHO)?, spawner, keep_alive)?);
    let requests: &'static UdpSocket = Box::leak(Box::new(net.udp(REQUESTS)?));
    let address = net.configured().await.address.address();
    println!("ready: UDP echo on {address} port {ECHO}, and TCP");
    loop {
        if let Ok(datagram) = requests.receive().await {
            // If all tasks are busy, the request is lost, as any datagram may be.
            if let Ok(task) = answer(kernel, requests, datagram) {
                spawner.spawn(task);
            }
        }
    }
}

#[vmos::task]
async fn echo_datagrams(socket: UdpSocket) {
    loop {
        if let Ok(datagram) = socket.receive().await {
            let _ = socket.send_back(datagram).await;
        }
    }
}

#[vmos::task]
async fn accept_streams(
    listener: TcpListener,
    spawner: Spawner,
    keep_alive: Option<core::time::Duration>,
) {
    loop {
        match listener.accept().await {
            // If all tasks are busy, the connection is aborted.
            Ok(stream) => {
                if keep_alive.is_some() {
                    stream.set_keep_alive(keep_alive);
                }
                if let Ok(task) = echo_stream(stream) {
                    spawner.spawn(task);
                }
            }
            Err(_) => Timer::after_millis(10).await,
        }
    }
}

#[vmos::task(pool_size = STREAMS)]
async fn echo_stream(mut stream: TcpStream) {
    let mut piece = [0; 512];
    while let Ok(length) = stream.read(&mut piece).await
        && length > 0
        && stream.write_all(&piece[..length]).await.is_ok()
    {}
}

#[vmos::task(pool_size = TASKS)]
async fn answer(kernel: Kernel, socket: &'static UdpSocket, datagram: Datagram) {
    let Ok(request) = core::str::from_utf8(datagram.payload()) else {
        return;
    };
    let mut words = request.split_whitespace();
    let (Some(number), Some(what)) = (words.next(), words.next()) else {
        return;
    };
    let argument = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let from = *datagram.source().ip();
    let answer = match act(kernel, what, argument, from).await {
        Ok(said) => format!("{number} ok {said}"),
        Err(error) => format!("{number} failed {error}"),
    };
    let _ = socket.reply(&datagram, answer.as_bytes()).await;
}

async fn act(kernel: Kernel, what: &str, argument: u64, from: Ipv4Addr) -> Result<String> {
    match what {
        "disk" => write_and_read(kernel, argument).await,
        "read" => read(kernel, argument).await,
        "within" => within(kernel, argument).await,
        "cancel" => cancel(kernel).await,
        "wrap" => wrap(kernel, argument).await,
        "rng" => {
            let mut bytes = [0; 8];
            kernel.entropy()?.fill(&mut bytes).await?;
            Ok(format!("{:016x}", u64::from_le_bytes(bytes)))
        }
        "rng-within" => {
            let mut bytes = [0; 8];
            let entropy = kernel.entropy()?;
            let filling = entropy.fill(&mut bytes);
            match filling.within(Duration::from_millis(argument)).await {
                Ok(()) => Ok("done".to_string()),
                Err(EntropyError::TimedOut) => Ok("timed out".to_string()),
                Err(error) => Err(error.into()),
            }
        }
        "timer" => {
            let before = Instant::now();
            Timer::after_millis(argument).await;
            Ok(before.elapsed().as_nanos().to_string())
        }
        "ping" => {
            Timer::after_millis(argument).await;
            let took = kernel.net()?.ping(from, PING).await?;
            Ok(took.as_nanos().to_string())
        }
        "connect" => {
            Timer::after_millis(argument).await;
            let to = SocketAddrV4::new(from, CONNECTED);
            kernel.net()?.tcp_connect(to).await?;
            Ok("connected".to_string())
        }
        "statistics" => Ok(statistics(kernel, argument as usize).await),
        _ => Err(Error::new("unknown request")),
    }
}

/// Returns the byte at an offset of the written data, which differs with every request.
fn pattern(sector: u64, round: u64) -> impl Iterator<Item = u64> {
    (0..).map(move |word: u64| (sector << 32 ^ round).wrapping_add(word))
}

async fn write_and_read(kernel: Kernel, sector: u64) -> Result<String> {
    let disk = kernel.disk(0)?;
    let round = vmos::time::now();
    let mut buffer = kernel.buffer(BLOCK)?;
    for (word, value) in buffer.chunks_exact_mut(8).zip(pattern(sector, round)) {
        word.copy_from_slice(&value.to_le_bytes());
    }
    let mut buffer = disk.write(sector, buffer).await?;
    disk.flush().await?;
    buffer.fill(0);
    let buffer = disk.read(sector, buffer).await?;
    let mut words = buffer.chunks_exact(8).zip(pattern(sector, round));
    if words.all(|(word, value)| word == value.to_le_bytes()) {
        Ok(format!("{round}"))
    } else {
        Err(Error::new(
            "the disk's content differs from what was written",
        ))
    }
}

async fn read(kernel: Kernel, sector: u64) -> Result<String> {
    let buffer = kernel.disk(0)?.read(sector, kernel.buffer(BLOCK)?).await?;
    let first = buffer.first_chunk().copied().unwrap_or_default();
    Ok(u64::from_le_bytes(first).to_string())
}

/// Reads with a limit in milliseconds.
async fn within(kernel: Kernel, limit: u64) -> Result<String> {
    let disk = kernel.disk(0)?;
    let reading = disk.read(64, kernel.buffer(BLOCK)?);
    match reading.within(Duration::from_millis(limit)).await {
        Ok(_) => Ok("done".to_string()),
        Err(failed) if failed.error() == DiskError::TimedOut => Ok("timed out".to_string()),
        Err(failed) => Err(failed.into()),
    }
}

/// Reads four times, and cancels the last request once the first is done.
async fn cancel(kernel: Kernel) -> Result<String> {
    const MOST: usize = 4;
    let mut requests = kernel.disk(0)?.requests(MOST)?;
    for tag in 0..MOST {
        requests.read(tag, 64, kernel.buffer(BLOCK)?)?;
    }
    let mut said = String::new();
    while let Some(finished) = requests.done().await {
        if said.is_empty() {
            said = format!("cancelled: {};", requests.cancel(MOST - 1));
        }
        let end = match finished.result {
            Ok(_) => "read",
            Err(failed) if failed.error() == DiskError::Cancelled => "cancelled",
            Err(failed) => return Err(failed.into()),
        };
        said += &format!(" {} {end};", finished.tag);
    }
    Ok(said)
}

/// Reads at least `count` times, in batches of one request, of two, and so on.
async fn wrap(kernel: Kernel, count: u64) -> Result<String> {
    const MOST: usize = 24;
    let mut requests = kernel.disk(0)?.requests(MOST)?;
    let mut buffers = Vec::new();
    for _ in 0..MOST {
        buffers.push(kernel.buffer(BLOCK)?);
    }
    let mut done = 0;
    for batch in (1..=MOST).cycle() {
        for buffer in buffers.drain(buffers.len().saturating_sub(batch)..) {
            while !requests.has_room() {
                requests.room().await;
            }
            requests.read(0, 64, buffer)?;
        }
        while let Some(finished) = requests.done().await {
            buffers.push(finished.result?);
            done += 1;
        }
        if done >= count {
            break;
        }
    }
    Ok(format!("{done}"))
}

async fn statistics(kernel: Kernel, first: usize) -> String {
    let all = kernel.statistics().await.to_string();
    let lines: Vec<_> = all.lines().skip(first).collect();
    let mut answer = String::new();
    for line in lines {
        if answer.len() + line.len() >= ANSWER {
            break;
        }
        answer.push_str(line);
        answer.push('\n');
    }
    answer
}
