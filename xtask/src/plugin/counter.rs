//! Reads the counts of the plugin from outside, while the machine runs.

use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long QEMU may take to start, and the plugin to answer.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a machine may take to become idle.
const LONGEST_TURN: Duration = Duration::from_secs(60);

/// How long a machine must have been idle to count as settled: longer than any thread of QEMU's
/// takes to pass on what it has for the machine.
const SETTLED: Duration = Duration::from_millis(15);

/// What a machine has done since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Instructions executed, firmware's among them.
    pub instructions: u64,
    /// How often the processor went idle.
    pub idles: u64,
    /// How often it left the idle state: wake-ups.
    pub resumes: u64,
    /// Reads of device registers that are memory-mapped; ports of a PC are not among them.
    pub reads: u64,
    /// Writes to them.
    pub writes: u64,
    /// Instructions translated after there was no more room to count each by itself.
    pub left_out: u64,
}

impl Counts {
    /// What has been done since an earlier moment.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let Self {
            instructions,
            idles,
            resumes,
            reads,
            writes,
            left_out,
        } = *self;
        Self {
            instructions: instructions - earlier.instructions,
            idles: idles - earlier.idles,
            resumes: resumes - earlier.resumes,
            reads: reads - earlier.reads,
            writes: writes - earlier.writes,
            left_out,
        }
    }

    /// Whether the processor waits for an interrupt. Before its first instruction it does not wait:
    /// it has not started.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.instructions > 0 && self.idles > self.resumes
    }

    fn from_words(words: [u64; 6]) -> Self {
        let [instructions, idles, resumes, reads, writes, left_out] = words;
        Self {
            instructions,
            idles,
            resumes,
            reads,
            writes,
            left_out,
        }
    }
}

/// The counts of a machine that runs.
#[derive(Debug)]
pub struct Counter {
    socket: BufReader<UnixStream>,
}

impl Counter {
    /// Connects to the plugin, which makes the socket as QEMU starts.
    ///
    /// # Errors
    /// There is nobody at the socket for half a minute, or QEMU is not `alive` any more.
    pub fn connect(path: &Path, mut alive: impl FnMut() -> bool) -> io::Result<Self> {
        let deadline = Instant::now() + LIMIT;
        loop {
            match UnixStream::connect(path) {
                Ok(socket) => {
                    socket.set_read_timeout(Some(LIMIT))?;
                    return Ok(Self {
                        socket: BufReader::new(socket),
                    });
                }
                Err(error) if Instant::now() >= deadline || !alive() => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// What the machine has done so far.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn read(&mut self) -> io::Result<Counts> {
        self.socket.get_mut().write_all(b"c")?;
        Ok(Counts::from_words(read_words(&mut self.socket)?))
    }

    /// The address of every instruction executed so far, and how often it was. An address may be
    /// there several times, to be added up.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn instructions(&mut self) -> io::Result<Vec<(u64, u64)>> {
        self.socket.get_mut().write_all(b"i")?;
        let [count] = read_words(&mut self.socket)?;
        let length = usize::try_from(count).map_err(io::Error::other)? * 16;
        let mut bytes = vec![0; length];
        self.socket.read_exact(&mut bytes)?;
        let mut rest = &bytes[..];
        let mut executed = Vec::new();
        while !rest.is_empty() {
            let [address, times] = read_words(&mut rest)?;
            if times > 0 {
                executed.push((address, times));
            }
        }
        Ok(executed)
    }

    /// Waits until the processor is idle; what the machine has done by then.
    ///
    /// # Errors
    /// QEMU has ended, or the machine does not become idle within a minute.
    pub fn idle(&mut self) -> io::Result<Counts> {
        let deadline = Instant::now() + LONGEST_TURN;
        loop {
            let counts = self.read()?;
            if counts.is_idle() {
                return Ok(counts);
            }
            if Instant::now() >= deadline {
                let error = format!("the machine is not idle after {LONGEST_TURN:?}");
                return Err(io::Error::other(error));
            }
            thread::yield_now();
        }
    }

    /// Waits until the processor has been idle for a while, so that nothing is under way any more;
    /// what the machine has done by then.
    ///
    /// # Errors
    /// As for [`idle`](Self::idle). A machine that wakes again and again by itself is taken as it is
    /// after a second.
    pub fn settled(&mut self) -> io::Result<Counts> {
        let give_up = Instant::now() + Duration::from_secs(1);
        let mut counts = self.idle()?;
        loop {
            thread::sleep(SETTLED);
            let now = self.idle()?;
            if now == counts || Instant::now() >= give_up {
                return Ok(now);
            }
            counts = now;
        }
    }
}

fn read_words<const N: usize>(from: &mut impl Read) -> io::Result<[u64; N]> {
    let mut words = [0; N];
    for word in &mut words {
        let mut bytes = [0; 8];
        from.read_exact(&mut bytes)?;
        *word = u64::from_ne_bytes(bytes);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_that_has_not_resumed_is_idle() {
        let counts = Counts::from_words([10, 3, 2, 0, 0, 0]);
        assert!(counts.is_idle());
        assert!(
            !Counts {
                resumes: 3,
                ..counts
            }
            .is_idle()
        );
    }
}
