//! A simulated machine and its peer, in one world.

use vmos_simulation::{Broken, MachineId, Plan, Program, Random, Rates, Step, Usage, Wear, World};

use super::peer::{Connection, Peer};

/// A millisecond and a second, in nanoseconds.
pub(super) const MILLISECOND: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1000 * MILLISECOND;

/// How long the machine may take until it is ready, although devices fail.
const START: u64 = 200 * SECOND;
/// How many more bytes of the heap may be in use after all faults than before: queues keep the room to
/// which they have grown. What devices access must be exactly what it was.
const MORE: u64 = 8192;

/// The world of one run.
pub(super) struct Outside {
    pub(super) world: World,
    pub(super) peer: Peer,
    pub(super) machine: MachineId,
    /// The wear of the link while there are faults.
    wear: Wear,
}

/// Returns the faults of a seed: some kinds, each with a rate.
pub(super) fn faults(random: &mut Random) -> Rates {
    let mut rate = |most: u64| match random.below(3) {
        0 => 1 + random.below(most) as u16,
        _ => 0,
    };
    Rates {
        late: rate(50),
        silent: rate(10),
        needs_reset: rate(10),
        lie: rate(10),
        interrupt_late: rate(100),
        interrupt_doubled: rate(100),
        disk_late: rate(100),
        disk_error: rate(50),
    }
}

/// Returns the wear of the link of a seed.
fn wear(random: &mut Random) -> Wear {
    let mut rate = |most: u64| match random.below(2) {
        0 => random.below(most) as u16,
        _ => 0,
    };
    let (lost, doubled, late) = (rate(150), rate(150), rate(100));
    Wear {
        latency: random.between(5_000, 2 * MILLISECOND),
        jitter: random.below(3 * MILLISECOND),
        lost,
        doubled,
        late: (late, 500 * MILLISECOND),
    }
}

impl Outside {
    /// Starts a machine with a disk of so many sectors, which fails as the seed says, if it is allowed to.
    pub(super) fn new(
        seed: u64,
        program: Program,
        sectors: u64,
        is_shown: bool,
    ) -> Result<Self, Broken> {
        let mut world = World::new(seed);
        if is_shown {
            world.trace.show();
        }
        let random = world.random();
        let mut plan = Plan::new(seed);
        plan.sectors = sectors;
        plan.rates = faults(random);
        plan.withheld = [0, 0, 0, 1, 2, 3][random.below(6) as usize];
        let wear = wear(random);
        let peer = Peer::new(random.next());
        let machine = world.add(program, plan)?;
        Ok(Self {
            world,
            peer,
            machine,
            wear,
        })
    }

    pub(super) fn random(&mut self) -> &mut Random {
        self.world.random()
    }

    pub(super) const fn now(&self) -> u64 {
        self.world.now()
    }

    /// Begins the faults.
    pub(super) fn begin_faults(&mut self) {
        self.world.link.wear = self.wear;
        self.world.set_faults(self.machine, true);
    }

    /// Ends the faults.
    pub(super) fn end_faults(&mut self) {
        self.world.link.wear = Wear::NONE;
        self.world.set_faults(self.machine, false);
    }

    /// Lets the peer do what is to be done now.
    fn poll_peer(&mut self) {
        let now = self.now();
        for frame in self.peer.poll(now) {
            self.world.send(&frame);
        }
    }

    /// Goes on to the next event, at most until `end`. Returns false if that has come.
    pub(super) fn step(&mut self, end: u64) -> Result<bool, Broken> {
        self.poll_peer();
        let now = self.now();
        let due = self.peer.due(now).map_or(end, |due| due.min(end));
        match self.world.step(due)? {
            Step::Frame(frame) => {
                // At once: the machine relies on it that nothing happens before `due` unless it sends a
                // frame, and the script may act on what the frame contains.
                self.peer.take(frame);
                self.poll_peer();
            }
            Step::Time if due >= end => return Ok(false),
            Step::Time | Step::Inside | Step::Ended(_) => {}
        }
        Ok(true)
    }

    /// Goes on until `is_done`, at most for `patience`. Returns whether it is done.
    pub(super) fn wait(
        &mut self,
        patience: u64,
        mut is_done: impl FnMut(&mut Self) -> bool,
    ) -> Result<bool, Broken> {
        let end = self.now() + patience;
        loop {
            if is_done(self) {
                return Ok(true);
            }
            if !self.step(end)? {
                return Ok(is_done(self));
            }
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: u64) -> Result<(), Broken> {
        self.wait(time, |_| false).map(drop)
    }

    /// Waits until the machine has printed a line that begins with `text`, and returns the rest of the
    /// line. An app that ends because of the faults is started again.
    pub(super) fn ready(&mut self, text: &str) -> Result<String, Broken> {
        let end = self.now() + START;
        while self.now() < end {
            let rest = end - self.now();
            self.wait(rest, |outside| {
                !outside.world.is_on(outside.machine) || outside.line(text).is_some()
            })?;
            if let Some(line) = self.line(text) {
                return Ok(line);
            }
            if !self.world.is_on(self.machine) {
                self.pass(SECOND)?;
                self.world.start(self.machine)?;
            }
        }
        let seconds = START / SECOND;
        Err(Broken(format!(
            "the app has not printed `{text}` in {seconds} s"
        )))
    }

    /// Returns what follows `text` in a whole line that the machine has printed.
    pub(super) fn line(&self, text: &str) -> Option<String> {
        let console = self.world.console(self.machine);
        let (whole, _) = console.rsplit_once('\n')?;
        let lines = whole.lines().filter_map(|line| line.split_once(text));
        lines.map(|(_, rest)| rest.to_owned()).next()
    }

    /// Returns the use of the heap.
    pub(super) fn usage(&mut self) -> Result<Usage, Broken> {
        self.world.usage(self.machine)
    }

    /// Fails if more of the heap is used than `before`.
    pub(super) fn compare(&mut self, before: Usage) -> Result<(), Broken> {
        let after = self.usage()?;
        if after.bytes > before.bytes + MORE || after.buffers != before.buffers {
            return Err(Broken(format!(
                "memory is not back to where it was: before the faults {} bytes with {} buffers, after \
                 them {} bytes with {} buffers",
                before.bytes, before.buffers, after.bytes, after.buffers
            )));
        }
        Ok(())
    }

    /// Removes a connection. With `reset`, the machine receives a reset.
    pub(super) fn forget(&mut self, connection: Connection, reset: bool) {
        let now = self.now();
        for frame in self.peer.forget(connection, reset, now) {
            self.world.send(&frame);
        }
    }

    /// Sends `request` over a connection, and reads until `is_whole` or the connection ends, at most for
    /// `patience`. Returns what was read.
    pub(super) fn exchange(
        &mut self,
        connection: Connection,
        request: &[u8],
        patience: u64,
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, Broken> {
        let (mut rest, mut reply) = (request, Vec::new());
        self.wait(patience, |outside| {
            let sent = outside.peer.write(connection, rest);
            rest = &rest[sent..];
            outside.peer.read(connection, &mut reply);
            is_whole(&reply) || outside.peer.has_ended(connection)
        })?;
        Ok(reply)
    }
}
