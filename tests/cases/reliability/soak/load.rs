//! The load of a soak test: datagrams, disk reads and timers, each at 80 % of the measured capacity
//! of the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::service::Service;

/// The number of threads for each kind of work.
const WORKERS: u32 = 4;
/// How long each kind of work is done at full speed, to measure the capacity.
const MEASURED: Duration = Duration::from_secs(2);
/// The load, in percent of the capacity.
const LOAD: u32 = 80;
/// The time without an answer after which an operation counts as lost.
const PATIENCE: Duration = Duration::from_secs(1);

/// The state shared with the worker threads.
#[derive(Default)]
struct Signals {
    pause: AtomicBool,
    stop: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Datagrams,
    Reads,
    Timers,
}

const KINDS: [Kind; 3] = [Kind::Datagrams, Kind::Reads, Kind::Timers];

/// The results of one kind of work.
#[derive(Default)]
struct Tally {
    done: AtomicU64,
    lost: AtomicU64,
    /// The number of timers that expired too early.
    early: AtomicU64,
}

impl Kind {
    /// Performs one operation. Returns whether it was answered.
    fn act(self, service: &Service, tally: &Tally) -> bool {
        match self {
            Self::Datagrams => service.echo(&[0x5a; 512], PATIENCE).is_ok(),
            Self::Reads => matches!(service.try_to_ask("read 64", PATIENCE), Ok(Ok(_))),
            Self::Timers => match service.ask("timer 10", PATIENCE) {
                Ok(waited) => {
                    let waited = waited.parse().unwrap_or(0_u64);
                    tally
                        .early
                        .fetch_add(u64::from(waited < 10_000_000), Ordering::Relaxed);
                    true
                }
                Err(_) => false,
            },
        }
    }

    /// Performs operations until `stop`, at most one in each `pace`.
    fn work(self, service: &Service, pace: Duration, signals: &Signals, tally: &Tally) {
        while !signals.stop.load(Ordering::Relaxed) {
            if signals.pause.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(10));
                continue;
            }
            let begin = Instant::now();
            let count = if self.act(service, tally) {
                &tally.done
            } else {
                &tally.lost
            };
            count.fetch_add(1, Ordering::Relaxed);
            thread::sleep(pace.saturating_sub(begin.elapsed()));
        }
    }

    /// Returns the interval between the operations of each worker.
    fn measure(self, service: &Service) -> Outcome<Duration> {
        let running = Running::start(self, service, Duration::ZERO)?;
        thread::sleep(MEASURED);
        let done = running.tally.done.load(Ordering::Relaxed);
        running.end();
        let done = u32::try_from(done)?;
        ensure!(done > 0, "{self:?}: none in {MEASURED:?}");
        let pace = MEASURED * WORKERS * 100 / LOAD / done;
        println!(
            "soak: {self:?}: {} a second, of which {LOAD} %",
            done / MEASURED.as_secs() as u32
        );
        Ok(pace)
    }
}

/// The workers of one kind.
struct Running {
    kind: Kind,
    tally: Arc<Tally>,
    signals: Arc<Signals>,
    threads: Vec<JoinHandle<()>>,
    /// The number of operations at the last check.
    seen: u64,
}

impl Running {
    fn start(kind: Kind, service: &Service, pace: Duration) -> Outcome<Self> {
        let (tally, signals) = (Arc::<Tally>::default(), Arc::<Signals>::default());
        let mut threads = Vec::new();
        for _ in 0..WORKERS {
            let (tally, signals) = (Arc::clone(&tally), Arc::clone(&signals));
            let service = service.another()?;
            threads.push(thread::spawn(move || {
                kind.work(&service, pace, &signals, &tally);
            }));
        }
        Ok(Self {
            kind,
            tally,
            signals,
            threads,
            seen: 0,
        })
    }

    fn end(self) {
        self.signals.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

/// A running load.
pub(super) struct Load(Vec<Running>);

impl Load {
    /// Measures the capacity of the machine, and starts the load.
    pub(super) fn start(service: &Service) -> Outcome<Self> {
        let paces = KINDS.into_iter().map(|kind| kind.measure(service));
        let paces = paces.collect::<Outcome<Vec<_>>>()?;
        let kinds = KINDS.into_iter().zip(paces);
        let running = kinds.map(|(kind, pace)| Running::start(kind, service, pace));
        running.collect::<Outcome<_>>().map(Self)
    }

    /// Pauses the load until all started operations have ended, or continues it.
    pub(super) fn pause(&self, pause: bool) {
        for running in &self.0 {
            running.signals.pause.store(pause, Ordering::Relaxed);
        }
        if pause {
            thread::sleep(PATIENCE + PATIENCE / 2);
        }
    }

    /// Checks that each kind of work was done since the last call, and that no timer was early.
    pub(super) fn goes_on(&mut self) -> Outcome {
        for running in &mut self.0 {
            let Running { kind, tally, .. } = running;
            let done = tally.done.load(Ordering::Relaxed);
            ensure!(done > running.seen, "{kind:?} stand still");
            running.seen = done;
            let early = tally.early.load(Ordering::Relaxed);
            ensure!(early == 0, "{early} timers were early");
        }
        Ok(())
    }

    /// Ends the load, and prints the results.
    pub(super) fn end(self) {
        for running in self.0 {
            let (kind, tally) = (running.kind, Arc::clone(&running.tally));
            running.end();
            println!(
                "soak: {kind:?}: {} done, {} not answered within {PATIENCE:?}",
                tally.done.load(Ordering::Relaxed),
                tally.lost.load(Ordering::Relaxed)
            );
        }
    }
}
