//! The gateway between a process that is a machine and this host: QEMU without a machine, whose user
//! network passes frames to and from the process. Unlike a TAP interface, it needs no rights.

use std::env::consts::ARCH;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::child;
use crate::emulator;
use crate::qemu::Network;

/// The sockets at the ends of the wire, in the folder of the gateway.
const OUR_END: &str = "gateway";
const ITS_END: &str = "process";
/// What QEMU says.
const LOG: &str = "qemu.log";
/// How long QEMU may take to open its end of the wire.
const PATIENCE: Duration = Duration::from_secs(20);
/// The interval at which that is tried.
const EVERY: Duration = Duration::from_millis(2);

/// A gateway that runs. It ends with this value.
#[derive(Debug)]
pub struct Gateway {
    qemu: Child,
    folder: TempDir,
}

/// Returns the name of the QEMU program: any would do.
#[must_use]
pub fn program() -> String {
    format!("qemu-system-{ARCH}")
}

/// Returns QEMU's command for a user network, with the ends of the wire in `folder`.
#[must_use]
pub fn command(user: &Network, folder: &Path) -> Vec<String> {
    let wire = Network::Frames {
        local: folder.join(OUR_END),
        remote: folder.join(ITS_END),
    };
    let mut words = emulator::words(&program());
    words.extend(["-machine", "none", "-nodefaults", "-display", "none"].map(str::to_owned));
    for (index, network) in [user, &wire].into_iter().enumerate() {
        let port = format!("hubport,id=port{index},hubid=0,netdev=net{index}");
        let netdevs = [network.argument(index), port];
        words.extend(
            netdevs
                .into_iter()
                .flat_map(|it| ["-netdev".to_owned(), it]),
        );
    }
    words
}

/// Returns what the option `--net` of the process names for a gateway whose wire is in `folder`.
#[must_use]
pub fn wire(folder: &Path) -> String {
    let [its, ours] = [ITS_END, OUR_END].map(|end| folder.join(end));
    format!("unix={},{}", its.display(), ours.display())
}

impl Gateway {
    /// Starts a gateway for a [user network](Network::User), and waits until it takes frames.
    ///
    /// # Errors
    ///
    /// If QEMU cannot be started or ends: with what it says.
    pub fn start(user: &Network) -> io::Result<Self> {
        let folder = TempDir::with_prefix("vmos-")?;
        let command = command(user, folder.path());
        // A warning that there is no machine is expected.
        let log = File::create(folder.path().join(LOG))?;
        let qemu = child::bound(&command[0])
            .args(&command[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", command[0])))?;
        let mut gateway = Self { qemu, folder };
        gateway.wait()?;
        Ok(gateway)
    }

    /// Returns what the option `--net` of the process names.
    #[must_use]
    pub fn wire(&self) -> String {
        wire(self.folder.path())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn wait(&mut self) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        while !self.path(OUR_END).exists() {
            if let Some(status) = self.qemu.try_wait()? {
                let said = fs::read_to_string(self.path(LOG)).unwrap_or_default();
                let said = said.trim();
                return Err(io::Error::other(format!(
                    "QEMU ended with {status}: {said}"
                )));
            }
            if Instant::now() > end {
                let said = format!("QEMU does not start within {} s", PATIENCE.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, said));
            }
            thread::sleep(EVERY);
        }
        Ok(())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by the same Ctrl-C as the process.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
