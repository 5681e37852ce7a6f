//! A TLS server of openssl on a free port of this host, with an authority of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use xtask::install;

use crate::ensure;
use crate::machine::LIMIT;
use crate::outcome::Outcome;
use crate::ports;

/// A server of the name `vmos.example`, which shows the session as a page. It ends with this value.
#[derive(Debug)]
pub struct TlsServer {
    process: Child,
    /// The port of this host's own address.
    pub port: u16,
    /// The certificate of its authority, in DER.
    pub authority: Vec<u8>,
}

impl TlsServer {
    /// The name in the server's certificate.
    pub const NAME: &str = "vmos.example";

    /// Starts a server, with its files in `folder`, and waits until it listens.
    ///
    /// # Errors
    ///
    /// openssl cannot be installed or started, or does not listen.
    pub fn start(folder: &Path) -> Outcome<Self> {
        install::openssl()?;
        certify(folder)?;
        let authority = fs::read(folder.join("ca.der"))?;
        let port = ports::free_tcp().ok_or("no port is free")?;
        let process = Command::new("openssl")
            .args(["s_server", "-www", "-tls1_3", "-quiet"])
            .args(["-cert", "server.pem", "-key", "server.key"])
            .args(["-accept", &format!("127.0.0.1:{port}")])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Self {
            process,
            port,
            authority,
        };
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let has_ended = server.process.try_wait()?.is_some();
            ensure!(
                !has_ended && started.elapsed() < LIMIT,
                "openssl s_server does not listen"
            );
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Writes the certificate of the authority to the start of a disk, where the app `tls` reads it.
    ///
    /// # Errors
    ///
    /// The disk cannot be written, or is too small.
    pub fn write_authority(&self, disk: &Path) -> Outcome {
        let mut image = fs::read(disk)?;
        let start = image.get_mut(..self.authority.len());
        start
            .ok_or("the disk is too small")?
            .copy_from_slice(&self.authority);
        Ok(fs::write(disk, image)?)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> Outcome {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "openssl {arguments:?}: {said}");
    Ok(())
}

/// Writes an authority's certificate, `ca.pem` and `ca.der`, and that of the server, `server.pem`.
fn certify(folder: &Path) -> Outcome {
    const KEY: [&str; 5] = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let ca = ["req", "-x509", "-subj", "/CN=an authority", "-days", "3650"];
    let ca = [&ca[..], &KEY, &["-keyout", "ca.key", "-out", "ca.pem"]].concat();
    openssl(folder, &ca)?;
    let name = format!("/CN={}", TlsServer::NAME);
    let request = ["req", "-subj", &name];
    let files = ["-keyout", "server.key", "-out", "server.csr"];
    openssl(folder, &[&request[..], &KEY, &files].concat())?;
    let sign = "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out \
                server.pem";
    openssl(folder, &sign.split_whitespace().collect::<Vec<_>>())?;
    let der = "x509 -in ca.pem -outform DER -out ca.der";
    openssl(folder, &der.split_whitespace().collect::<Vec<_>>())
}
