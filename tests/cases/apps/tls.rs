//! Tests the app `tls` with a server and certificates of openssl.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::machine::LIMIT;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::ports;
use vmos_machine_tests::setting::Setting;
use xtask::install;

use super::super::{Case, Need};

pub(super) const CASES: [Case; 2] = [
    Case::spread("tls_fetches_from_a_server_that_it_trusts", fetches)
        .of("tls")
        .needing(Need::Table),
    Case::spread("tls_refuses_a_server_of_another_name", refuses)
        .of("tls")
        .needing(Need::Table),
];

/// A server that is stopped when this is dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
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

/// Writes an authority's certificate, `ca.pem`, and that of the server `vmos.example`,
/// `server.pem`.
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
    let request = ["req", "-subj", "/CN=vmos.example"];
    let files = ["-keyout", "server.key", "-out", "server.csr"];
    openssl(folder, &[&request[..], &KEY, &files].concat())?;
    let sign = "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out \
                server.pem";
    openssl(folder, &sign.split_whitespace().collect::<Vec<_>>())?;
    let der = "x509 -in ca.pem -outform DER -out ca.der";
    openssl(folder, &der.split_whitespace().collect::<Vec<_>>())
}

fn serve(folder: &Path) -> Outcome<Server> {
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
    let server = Server { process, port };
    let started = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        ensure!(
            started.elapsed() < LIMIT,
            "openssl s_server does not listen"
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}

/// Runs the app against a server and waits for one of its lines.
fn run(setting: &Setting, name: &str, line: &str, succeeds: bool) -> Outcome {
    install::openssl()?;
    let disk = setting.disk()?;
    let folder = disk.parent().ok_or("the disk is in no folder")?;
    certify(folder)?;
    let mut image = fs::read(&disk)?;
    let certificate = fs::read(folder.join("ca.der"))?;
    image[..certificate.len()].copy_from_slice(&certificate);
    fs::write(&disk, image)?;
    let server = serve(folder)?;
    let draft = setting.machine("tls")?;
    let mut machine = draft
        .append(&format!("tls=10.0.2.2:{},{name}", server.port))
        .start()?;
    machine.wait_for(line, |said| said.contains(line).then_some(()))?;
    let status = machine.wait_for_end()?;
    if setting.board().boot.leaves_a_table && succeeds {
        ensure!(status.code().is_some(), "it ended by {status}");
    }
    Ok(())
}

fn fetches(setting: &Setting) -> Outcome {
    // `-www` shows the session.
    run(setting, "vmos.example", "TLS_AES_128_GCM_SHA256", true)
}

fn refuses(setting: &Setting) -> Outcome {
    run(setting, "other.example", "InvalidCertificate", false)
}
