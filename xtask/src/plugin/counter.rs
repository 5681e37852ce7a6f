//! Reads the plugin's counts while the machine runs.

use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The time limit for QEMU to start, and for the plugin to answer.
const LIMIT: Duration = Duration::from_secs(30);

/// The time limit for a machine to become idle.
const LONGEST_TURN: Duration = Duration::from_secs(60);

/// How long a machine must be idle to count as settled: longer than any QEMU thread takes to
/// deliver pending work to the machine.
const SETTLED: Duration = Duration::from_millis(15);

/// The counts of a machine since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The number of executed instructions, including those of firmware.
    pub instructions: u64,
    /// The number of times the processor became idle.
    pub idles: u64,
    /// The number of times the processor left the idle state (wake-ups).
    pub resumes: u64,
    /// The number of reads of memory-mapped device registers; I/O ports of a PC are not counted.
    pub reads: u64,
    /// The number of writes to memory-mapped device registers.
    pub writes: u64,
    /// The number of instructions that were translated after the plugin ran out of space to count
    /// each.
    pub left_out: u64,
}

impl Counts {
    /// Returns the difference to an earlier moment.
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

    /// Returns whether the processor waits for an interrupt. Before its first instruction, it does
    /// not.
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

/// A connection to the plugin of a running machine.
#[derive(Debug)]
pub struct Counter {
    socket: BufReader<UnixStream>,
}

impl Counter {
    /// Connects to the plugin, which creates the socket when QEMU starts.
    ///
    /// # Errors
    /// The socket does not appear within half a minute, or QEMU is no longer `alive`.
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

    /// Returns the counts so far.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn read(&mut self) -> io::Result<Counts> {
        self.socket.get_mut().write_all(b"c")?;
        Ok(Counts::from_words(read_words(&mut self.socket)?))
    }

    /// Returns the address of every instruction executed so far, and how often it was executed. An
    /// address may occur several times; its counts must be added.
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

    /// Waits until the processor is idle; returns the counts at that moment.
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

    /// Waits until the processor has been idle for a while, so that nothing is in flight; returns
    /// the counts at that moment.
    ///
    /// # Errors
    /// As for [`idle`](Self::idle). For a machine that keeps waking by itself, it returns the
    /// counts after a second.
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
