//! The MQTT broker mosquitto, on a free port of this host.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use xtask::install::{self, MOSQUITTO};

use crate::ensure;
use crate::machine::LIMIT;
use crate::outcome::Outcome;
use crate::ports;

/// A broker. It ends with this value.
#[derive(Debug)]
pub struct Broker {
    child: Child,
    /// The port of this host's own address.
    pub port: u16,
    /// The file in which it names each subscription.
    pub log: PathBuf,
}

impl Broker {
    /// Starts a broker, with its files in `folder`, and waits until it listens.
    ///
    /// # Errors
    ///
    /// The broker cannot be installed or started, or does not listen.
    pub fn start(folder: &Path) -> Outcome<Self> {
        install::mosquitto()?;
        let port = ports::free_tcp().ok_or("no port is free")?;
        let configuration = folder.join("mosquitto.conf");
        let log = folder.join("mosquitto.log");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nlog_type subscribe\n"
        );
        fs::write(&configuration, text)?;
        let child = Command::new(MOSQUITTO)
            .arg("-c")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let broker = Self { child, port, log };
        let deadline = Instant::now() + LIMIT;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(Instant::now() < deadline, "mosquitto does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(broker)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
