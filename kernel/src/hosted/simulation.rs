//! Tests of an app with kernels on simulated machines.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use std::ffi::OsString;
use std::{env, panic, process};

use embassy_executor::Spawner;
use embassy_executor::raw::TaskStorage;
use vmos_drivers::hosted::simulated::Plan;
use vmos_simulation::{MachineId, Program, World};

use super::arguments;
use super::runner;
use super::start::begin;
use crate::app::{Outcome, finish};
use crate::kernel::Kernel;

/// The variables by which a process knows that it is a machine of a test: its plan, and its number.
const PLAN: &str = "VMOS_SIMULATED_PLAN";
const NUMBER: &str = "VMOS_SIMULATED_NUMBER";
/// The size of the disk of each machine, in sectors: 2 MiB, as the stores of the example apps need.
const SECTORS: u64 = 4096;
/// The largest number of machines: the addresses that a network of 24 bits has.
const MOST: MachineId = 254;
/// How long a test may take in virtual time.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The kernels of a test, each on a simulated machine of its own, and the link that connects them.
///
/// Each machine has an entropy device, a disk of 2 MiB that is empty, and a network device with the
/// address that [`address`](Self::address) returns. Time is virtual, and passes at once while no kernel has
/// anything to do. The test's name is the seed of all random choices, so a test does the same each time.
///
/// ```ignore
/// #[vmos::test]
/// fn an_echo_comes_back(network: &mut vmos::simulation::Network) {
///     network.kernel(server);
///     let client = network.kernel(client);
///     network.set_lost(100);
///     network.run_until_off(client);
/// }
/// ```
#[derive(Debug)]
pub struct Network {
    /// The name of the test.
    name: String,
    side: Side,
    count: MachineId,
}

#[derive(Debug)]
enum Side {
    /// The process of the test.
    World(Box<World>),
    /// The process of a machine, with its number: it does nothing but find its app.
    Machine(Box<Plan>, MachineId),
}

impl Network {
    fn new(module: &str, name: &str) -> Self {
        // The harness names a test without the crate.
        let path = module.split_once("::").map(|(_, path)| format!("{path}::"));
        let name = path.unwrap_or_default() + name;
        let side = match env::var(PLAN).ok().zip(env::var(NUMBER).ok()) {
            Some((plan, number)) => match (plan.parse(), number.parse()) {
                (Ok(plan), Ok(number)) => Side::Machine(Box::new(plan), number),
                // A world here would start such a process again, without end.
                _ => panic!("{PLAN}={plan}, {NUMBER}={number}: not a simulated machine"),
            },
            None => {
                let seed = name.bytes().fold(0, |seed: u64, byte| {
                    seed.wrapping_mul(31).wrapping_add(byte.into())
                });
                Side::World(Box::new(World::new(seed)))
            }
        };
        Self {
            name,
            side,
            count: 0,
        }
    }

    /// Returns the address of machine `number`, from 0 to 253: that of the first one is 10.0.0.1.
    #[must_use]
    pub fn address(number: MachineId) -> core::net::Ipv4Addr {
        core::net::Ipv4Addr::new(10, 0, 0, number as u8 + 1)
    }

    /// Starts a kernel with `app`, a function such as an app's `main`, on a machine of its own. Returns
    /// the number of the machine. The process of the machine repeats what the test does up to here, so
    /// before that, the test must do nothing that has an effect outside its process.
    ///
    /// # Panics
    ///
    /// If the machine does not start, or there are 254 machines already.
    pub fn kernel<F>(&mut self, app: impl FnOnce(Kernel, Spawner) -> F) -> MachineId
    where
        F: Future<Output: Outcome> + 'static,
    {
        let number = self.count;
        assert!(number < MOST, "a network has at most {MOST} machines");
        self.count += 1;
        let mut plan = Plan::new(number as u64);
        plan.address = number as u8 + 1;
        plan.sectors = SECTORS;
        match &mut self.side {
            Side::Machine(plan, own) if *own == number => run(plan, number, app),
            Side::Machine(..) => {}
            Side::World(world) => {
                let program = match program(&self.name, number) {
                    Ok(program) => program,
                    Err(error) => panic!("the test's program is not found: {error}"),
                };
                if let Err(error) = world.add(program, plan) {
                    panic!("{error}");
                }
            }
        }
        number
    }

    fn world(&mut self) -> Option<&mut World> {
        match &mut self.side {
            Side::World(world) => Some(world),
            Side::Machine(..) => None,
        }
    }

    /// Loses this many of 1000 frames from now on, at most 1000.
    pub fn set_lost(&mut self, per_mille: u16) {
        if let Some(world) = self.world() {
            world.link.wear.lost = per_mille;
        }
    }

    /// Delivers this many of 1000 frames twice from now on, at most 1000.
    pub fn set_doubled(&mut self, per_mille: u16) {
        if let Some(world) = self.world() {
            world.link.wear.doubled = per_mille;
        }
    }

    /// Makes each frame take `latency`, and up to `jitter` longer: a later frame can overtake it.
    pub fn set_latency(&mut self, latency: Duration, jitter: Duration) {
        if let Some(world) = self.world() {
            world.link.wear.latency = latency.as_nanos() as u64;
            world.link.wear.jitter = jitter.as_nanos() as u64;
        }
    }

    /// Cuts the link, or connects it again. Frames in flight arrive.
    pub fn set_cut(&mut self, is_cut: bool) {
        if let Some(world) = self.world() {
            world.link.is_cut = is_cut;
        }
    }

    /// Lets time pass.
    ///
    /// # Panics
    ///
    /// If a kernel panics, or its app fails.
    pub fn run_for(&mut self, time: Duration) {
        self.run(time, |_| false);
    }

    /// Lets time pass until the app of a machine returns.
    ///
    /// # Panics
    ///
    /// If a kernel panics, an app fails, or this one does not return within an hour of virtual time.
    pub fn run_until_off(&mut self, machine: MachineId) {
        let is_off = self.run(PATIENCE, |world| !world.is_on(machine));
        assert!(
            is_off,
            "the app of machine {machine} has not returned\n{}",
            self.consoles()
        );
    }

    /// Lets time pass until a machine has printed `text`.
    ///
    /// # Panics
    ///
    /// If a kernel panics, an app fails, or the text is not printed within an hour of virtual time.
    pub fn run_until_printed(&mut self, machine: MachineId, text: &str) {
        let is_there = self.run(PATIENCE, |world| world.console(machine).contains(text));
        assert!(
            is_there,
            "machine {machine} has not printed `{text}`\n{}",
            self.consoles()
        );
    }

    /// Cuts the power of a machine and starts it again, with what was flushed to its disk, and what
    /// a random part of the rest.
    ///
    /// # Panics
    ///
    /// If the machine does not start.
    pub fn restart(&mut self, machine: MachineId) {
        if let Some(world) = self.world()
            && let Err(error) = world.crash(machine).and_then(|()| world.start(machine))
        {
            panic!("{error}");
        }
    }

    /// Returns what a machine has printed since its start; nothing within the process of a machine.
    #[must_use]
    pub fn console(&self, machine: MachineId) -> &str {
        match &self.side {
            Side::World(world) => world.console(machine),
            Side::Machine(..) => "",
        }
    }

    fn run(&mut self, time: Duration, is_done: impl Fn(&World) -> bool) -> bool {
        let count = self.count;
        let Some(world) = self.world() else {
            return true;
        };
        let end = world.now() + time.as_nanos() as u64;
        let failed = loop {
            let statuses = (0..count).map(|machine| (machine, world.status(machine)));
            let mut failures = statuses.filter_map(|(id, status)| Some((id, status?)));
            if let Some((machine, status)) = failures.find(|(_, status)| *status != 0) {
                break format!("the app of machine {machine} ended with status {status}");
            }
            if is_done(world) {
                return true;
            }
            if world.now() >= end {
                return false;
            }
            match world.step(end) {
                Ok(vmos_simulation::Step::Ended(machine)) if world.status(machine).is_none() => {
                    break format!("the app of machine {machine} restarts it");
                }
                Ok(_) => {}
                Err(error) => break error.to_string(),
            }
        };
        panic!("{failed}\n{}", self.consoles())
    }

    /// Returns what all machines have printed.
    fn consoles(&self) -> String {
        let consoles = (0..self.count).map(|machine| {
            let console = self.console(machine);
            format!("---- machine {machine} ----\n{console}")
        });
        consoles.collect::<Vec<_>>().join("\n")
    }
}

/// Returns the program of a machine: that of the test, with this test only.
fn program(name: &str, number: MachineId) -> std::io::Result<Program> {
    let options = [
        "--exact",
        "--nocapture",
        "--include-ignored",
        "--test-threads=1",
    ];
    let words = [name].into_iter().chain(options).map(OsString::from);
    let (path, first) = runner::command(env::current_exe()?);
    let environment = [
        (PLAN.into(), "{plan}".into()),
        (NUMBER.into(), number.to_string()),
    ];
    Ok(Program::new(
        path,
        first.into_iter().chain(words).collect(),
        environment.into(),
    ))
}

/// Runs an app on the simulated machine that this process is.
fn run<F>(plan: &Plan, number: MachineId, app: impl FnOnce(Kernel, Spawner) -> F) -> !
where
    F: Future<Output: Outcome> + 'static,
{
    // The harness would wait for what follows a panic.
    let said = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        said(info);
        vmos_drivers::hosted::simulated::report();
        process::exit(101);
    }));
    if let Err(error) = arguments::simulate(plan) {
        panic!("the simulation does not begin: {error}");
    }
    let address = Network::address(number);
    begin(format!("ip={address}/24"), None, |kernel, spawner| {
        // There is one for the life of the process.
        let storage: &'static TaskStorage<_> = Box::leak(Box::new(TaskStorage::new()));
        let app = app(kernel, spawner);
        let task = storage.spawn(|| async { finish(app.await) });
        match task {
            Ok(task) => spawner.spawn(task),
            Err(_) => unreachable!("a new task is free"),
        }
    })
}

/// Runs a test that has one kernel.
pub fn test_alone<F>(module: &str, name: &str, app: impl FnOnce(Kernel, Spawner) -> F)
where
    F: Future<Output: Outcome> + 'static,
{
    let mut network = Network::new(module, name);
    let machine = network.kernel(app);
    network.run_until_off(machine);
}

/// Runs a test that has several kernels.
pub fn test_network(module: &str, name: &str, test: impl FnOnce(&mut Network)) {
    let mut network = Network::new(module, name);
    test(&mut network);
    if let Side::Machine(_, number) = network.side {
        panic!("the test does not start machine {number} again");
    }
}
