//! TCP services: echo, discard and character generator, with a thread for each connection.

use std::io::{Read as _, Result, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// The size of a read or write, in bytes.
const PIECE: usize = 1 << 16;

/// Starts all services.
pub(crate) fn serve() -> Result<()> {
    accept(7, echo)?;
    accept(9, discard)?;
    accept(19, generate)
}

fn accept(port: u16, service: fn(TcpStream) -> Result<()>) -> Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // An error means that the peer closed the connection.
            thread::spawn(move || service(stream));
        }
    });
    Ok(())
}

fn echo(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut piece = vec![0; PIECE];
    loop {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            length => stream.write_all(&piece[..length])?,
        }
    }
}

fn discard(mut stream: TcpStream) -> Result<()> {
    let mut piece = vec![0; PIECE];
    while stream.read(&mut piece)? > 0 {}
    Ok(())
}

fn generate(mut stream: TcpStream) -> Result<()> {
    let printing: Vec<u8> = (b' '..=b'~').cycle().take(PIECE).collect();
    loop {
        stream.write_all(&printing)?;
    }
}
