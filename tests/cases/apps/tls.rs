//! Tests the app `tls` with a server and certificates of openssl.

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::tls_server::TlsServer;

use super::super::{Case, Need};

pub(super) const CASES: [Case; 2] = [
    Case::spread("tls_fetches_from_a_server_that_it_trusts", fetches)
        .of("tls")
        .needing(Need::Table),
    Case::spread("tls_refuses_a_server_of_another_name", refuses)
        .of("tls")
        .needing(Need::Table),
];

/// Runs the app against a server and waits for one of its lines.
fn run(setting: &Setting, name: &str, line: &str, succeeds: bool) -> Outcome {
    let disk = setting.disk()?;
    let folder = disk.parent().ok_or("the disk is in no folder")?;
    let server = TlsServer::start(folder)?;
    server.write_authority(&disk)?;
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
    // The server's page shows the session.
    run(setting, TlsServer::NAME, "TLS_AES_128_GCM_SHA256", true)
}

fn refuses(setting: &Setting) -> Outcome {
    run(setting, "other.example", "InvalidCertificate", false)
}
