//! A simulated machine: the process that runs its kernel.

use std::ffi::OsString;
use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use vmos_drivers::hosted::simulated::{Message, Plan};

/// How long a machine may compute without sleeping, in time of the host. A run takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is on a disk: the sectors that are not all zeroes, each after its number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Image(pub(crate) Vec<u8>);

/// The use of a machine's heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// The bytes that are allocated.
    pub bytes: u64,
    /// The number of blocks that devices access: buffers, frames and rings.
    pub buffers: u64,
}

/// A program that can be a machine.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    /// For a program that becomes one machine after another: its processes that are none now.
    idle: Option<Idle>,
}

/// Processes that wait for the plan of a machine.
type Idle = Arc<Mutex<Vec<Process>>>;

impl Program {
    /// Returns an app that was built for this host, with the words of its command line. Clones share
    /// its processes, so that it is started once for many machines.
    #[must_use]
    pub fn app(path: PathBuf, words: &[&str]) -> Self {
        let options = ["--simulated"].iter().chain(words);
        Self {
            idle: Some(Idle::default()),
            ..Self::new(path, options.map(OsString::from).collect(), Vec::new())
        }
    }

    /// Returns a program that is started for each machine. `{plan}` in its arguments and in its
    /// environment is replaced by the plan.
    #[must_use]
    pub const fn new(
        path: PathBuf,
        arguments: Vec<OsString>,
        environment: Vec<(String, String)>,
    ) -> Self {
        Self {
            path,
            arguments,
            environment,
            idle: None,
        }
    }

    /// Takes back a process whose machine is off.
    pub(crate) fn keep(&self, process: Process) {
        if let Some(idle) = &self.idle {
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(process);
        }
    }

    fn command(&self, plan: &Plan) -> Command {
        let plan = plan.to_string();
        let mut command = Command::new(&self.path);
        command.args(self.arguments.iter().map(|word| match word.to_str() {
            Some(text) => text.replace("{plan}", &plan).into(),
            None => word.clone(),
        }));
        for (name, value) in &self.environment {
            command.env(name, value.replace("{plan}", &plan));
        }
        command
    }
}

/// The process of a machine.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stream: BufReader<UnixStream>,
    errors: Option<JoinHandle<String>>,
    out: Vec<u8>,
}

impl Process {
    /// Starts a machine.
    pub(crate) fn start(program: &Program, plan: &Plan) -> io::Result<Self> {
        let Some(idle) = &program.idle else {
            return Self::spawn(program, plan);
        };
        let spare = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut process = match spare {
            Some(process) => process,
            None => Self::spawn(program, plan)?,
        };
        process.tell(&Message::Begin(plan.to_string()));
        Ok(process)
    }

    fn spawn(program: &Program, plan: &Plan) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        let mut child = program
            .command(plan)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", program.path.display()))
            })?;
        let errors = child.stderr.take().map(|mut errors| {
            thread::spawn(move || {
                let mut text = Vec::new();
                let _ = errors.read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        Ok(Self {
            child,
            stream: BufReader::new(ours),
            errors,
            out: Vec::new(),
        })
    }

    /// Tells the machine something with the next [`send`](Self::send).
    pub(crate) fn tell(&mut self, message: &Message) {
        message.encode(&mut self.out);
    }

    pub(crate) fn send(&mut self) -> io::Result<()> {
        let sent = self.stream.get_ref().write_all(&self.out);
        self.out.clear();
        sent
    }

    pub(crate) fn read(&mut self) -> io::Result<Message> {
        Message::read(&mut self.stream)
    }

    /// Waits for the end of the process; returns what it wrote to its standard error.
    pub(crate) fn end(mut self) -> String {
        self.stop()
    }

    fn stop(&mut self) -> String {
        let _ = self.stream.get_ref().shutdown(Shutdown::Both);
        // One that has not noticed that it is alone would never end.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let errors = self.errors.take().map(JoinHandle::join);
        errors.and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}
