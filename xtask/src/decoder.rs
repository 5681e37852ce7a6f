//! The program that decodes an app's defmt messages (`xtask/peers/defmt`), while its machine runs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use vmos_codegen::source;

use crate::failure::Failure;
use crate::host_program;
use crate::qemu::Serial;
use crate::workspace::{Workspace, cargo};

/// The program.
const PROGRAM: &str = "defmt-peer";
/// The name of the port that the kernel sends to: `vmos::defmt_log::PORT`.
pub const PORT: &str = "defmt";
/// The time for printing the last messages after the machine has ended.
const LIMIT: Duration = Duration::from_secs(2);

/// Returns the port for the messages. Its socket is in the folder for temporary files, because the
/// path of a socket must be short.
#[must_use]
pub fn port() -> Serial {
    let file = format!("vmos-defmt-{}.sock", process::id());
    Serial {
        name: PORT.to_owned(),
        socket: env::temp_dir().join(file),
    }
}

/// Builds the program. Its sources are beside those of xtask, which may be a dependency.
pub fn build(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let manifest = source::library().join("xtask/peers/defmt/Cargo.toml");
    if !workspace.target.join("debug").join(PROGRAM).exists() {
        eprintln!("xtask: building the program that decodes defmt messages");
    }
    let mut build = cargo();
    build
        .args(["build", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .env("CARGO_TARGET_DIR", &workspace.target);
    host_program::build_one(&mut build, PROGRAM).map_err(|failure| match failure {
        Failure::Status(_) => "the program that decodes defmt messages does not compile".into(),
        other => other,
    })
}

/// The running program.
#[derive(Debug)]
pub struct Decoder {
    child: Child,
    socket: PathBuf,
}

impl Decoder {
    /// Starts the program. It waits for QEMU to open the socket.
    pub fn start(program: &Path, elf: &Path, port: &Serial) -> Result<Self, Failure> {
        let child = Command::new(program)
            .args([elf, &port.socket])
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        Ok(Self {
            child,
            socket: port.socket.clone(),
        })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // It ends when QEMU has closed the socket.
        let deadline = Instant::now() + LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        // Both fail if it has ended in time.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_file(&self.socket));
    }
}
