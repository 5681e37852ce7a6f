//! Decodes the defmt messages of a machine: reads them from a Unix socket, and prints them with the
//! texts of the image. `cargo xtask run` starts it; it is a program of its own, because the decoder
//! has many dependencies, which only apps that log by defmt need.
//!
//! Usage: `defmt-peer IMAGE SOCKET`

#![forbid(unsafe_code)]

mod near;

use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use defmt_decoder::{DecodeError, StreamDecoder, Table};

/// The time within which QEMU must have opened the socket.
const LIMIT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let words: Vec<_> = env::args_os().skip(1).collect();
    let [image, socket] = &*words else {
        eprintln!("usage: defmt-peer IMAGE SOCKET");
        return ExitCode::from(2);
    };
    match decode(Path::new(image), Path::new(socket)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("defmt: {error}");
            ExitCode::FAILURE
        }
    }
}

fn decode(image: &Path, socket: &Path) -> Result<(), Box<dyn Error>> {
    let shown = image.display();
    let mut image = fs::read(image).map_err(|error| format!("cannot read {shown}: {error}"))?;
    near::reduce_addresses(&mut image).map_err(|error| format!("{shown}: {error}"))?;
    let table = Table::parse(&image).map_err(|error| format!("{shown}: {error}"))?;
    let table = table.ok_or_else(|| format!("{shown} has no texts: it does not use defmt"))?;
    let mut stream = connect(socket)?;
    let mut decoder = table.new_stream_decoder();
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                decoder.received(&buffer[..count]);
                print(&mut *decoder)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for QEMU to open the socket.
fn connect(socket: &Path) -> Result<UnixStream, String> {
    let deadline = Instant::now() + LIMIT;
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > deadline => {
                return Err(format!("cannot connect to {}: {error}", socket.display()));
            }
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Prints all complete messages.
fn print(decoder: &mut dyn StreamDecoder) -> Result<(), Box<dyn Error>> {
    let mut output = io::stdout().lock();
    loop {
        match decoder.decode() {
            Ok(frame) => writeln!(output, "defmt {}", frame.display(false))?,
            Err(DecodeError::UnexpectedEof) => return Ok(output.flush()?),
            Err(DecodeError::Malformed) => writeln!(output, "defmt: a message is malformed")?,
        }
    }
}
