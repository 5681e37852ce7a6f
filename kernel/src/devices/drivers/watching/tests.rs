//! Tests of devices whose interrupts never arrive: the devices are those of a process, and the clock
//! is the test's.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use std::thread;

use vmos_drivers::hosted::{self, Nic, Wire};

use super::*;
use crate::command_line::CommandLine;
use crate::devices::{Devices, probe};
use crate::event_loop::Services as _;
use crate::machine;
use crate::time::alone::{Alone, alone};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
/// The longest time for which a frame may stay in the queue of a device that rests for less, in
/// nanoseconds: a check finds it, and a few others show that no interrupt is on its way.
const REST: u64 = 10 * SECOND + 20 * MS;

/// A request by 10.0.2.2 for the hardware address of 10.0.2.15 (RFC 826).
const REQUEST: [u8; 42] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, //
    2, 0, 0, 0, 0, 9, 10, 0, 2, 2, 0, 0, 0, 0, 0, 0, 10, 0, 2, 15,
];

/// The devices of a machine that takes no interrupt of them.
struct Machine {
    devices: Devices,
    now: u64,
    /// When the next turn is due.
    due: u64,
    _alone: Alone,
}

impl Machine {
    /// Starts the devices that this thread has attached.
    fn start() -> Self {
        let mut machine = machine::Machine::start();
        let command_line = CommandLine::new("ip=10.0.2.15/24 ip6=off");
        let devices = probe(machine.controller(), command_line);
        let now = machine::now();
        Self {
            devices,
            now,
            due: now,
            _alone: alone(),
        }
    }

    fn drivers(&mut self) -> &mut Drivers {
        self.devices.drivers[0].get_mut()
    }

    /// Runs turns until there is nothing to do.
    fn turn(&mut self) {
        let now = self.now;
        loop {
            machine::serve_devices();
            let drivers = self.drivers();
            if drivers.next_look <= now {
                drivers.watch(now);
            }
            let more = drivers.collect(now);
            let due = drivers.dispatch(now).min(drivers.next_look);
            machine::serve_devices();
            if !more && due > now {
                self.due = due;
                return;
            }
        }
    }

    /// Lets time pass until `is_done` is true after a turn, for `limit` nanoseconds at most. Returns how
    /// long that took. As in the event loop, there is a turn only when one is due.
    fn run(&mut self, limit: u64, mut is_done: impl FnMut() -> bool) -> u64 {
        let (start, end) = (self.now, self.now + limit);
        while self.due <= end {
            self.now = self.due;
            self.turn();
            if is_done() {
                return self.now - start;
            }
        }
        self.now = end;
        limit
    }

    fn rest(&mut self, time: u64) {
        self.run(time, || false);
    }

    /// Returns how often a response was found without an interrupt.
    fn lost_interrupts(&mut self) -> u64 {
        let drivers = self.drivers();
        let source = drivers.routes[0].source;
        let attached = drivers.attached(source).expect("it is there");
        attached.statistics().lost_interrupts
    }
}

/// The frames on their way in one direction.
type Frames = Rc<RefCell<Vec<Vec<u8>>>>;

/// A network with one machine.
#[derive(Clone, Default)]
struct Cable {
    to_machine: Frames,
    from_machine: Frames,
}

impl Wire for Cable {
    fn send(&mut self, frame: &[u8]) {
        self.from_machine.borrow_mut().push(frame.to_vec());
    }

    fn receive(&mut self, room: &mut [u8]) -> Option<usize> {
        let frame = self.to_machine.borrow_mut().pop()?;
        room[..frame.len()].copy_from_slice(&frame);
        Some(frame.len())
    }
}

/// Returns a machine with a network device, and its network.
fn machine_on_network() -> (Machine, Cable) {
    let network = Cable::default();
    hosted::attach(Nic::new([2, 0, 0, 0, 0, 1], network.clone())).expect("a slot");
    (Machine::start(), network)
}

/// Sends a request to the machine. Returns how long it takes to answer, in nanoseconds.
fn answered_after(machine: &mut Machine, network: &Cable) -> u64 {
    const LIMIT: u64 = 200 * SECOND;
    network.from_machine.borrow_mut().clear();
    network.to_machine.borrow_mut().push(REQUEST.to_vec());
    let answered = machine.run(LIMIT, || !network.from_machine.borrow().is_empty());
    assert!(answered < LIMIT, "it does not answer");
    answered
}

#[test]
#[cfg_attr(
    miri,
    ignore = "takes Miri an hour; the next test makes the same turns"
)]
fn a_frame_waits_no_longer_than_the_network_was_idle_before() {
    for idle in [1, 5, 20, 50, 300].map(|seconds| seconds * SECOND) {
        // The devices of a process belong to a thread.
        let test = thread::spawn(move || {
            let (mut machine, network) = machine_on_network();
            machine.rest(idle);
            let waited = answered_after(&mut machine, &network);
            assert_eq!(machine.lost_interrupts(), 1);
            waited
        });
        let waited = test.join().expect("it does not panic");
        let most = (idle + 2 * TICK).clamp(REST, 60 * SECOND + 20 * MS);
        assert!(waited <= most, "{idle} {waited}");
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "takes Miri an hour; the next test makes the same turns"
)]
fn a_frame_that_was_found_counts_as_use_of_the_network() {
    let (mut machine, network) = machine_on_network();
    machine.rest(50 * SECOND);
    answered_after(&mut machine, &network);
    machine.rest(SECOND);
    let waited = answered_after(&mut machine, &network);
    assert!(waited <= REST, "{waited}");
    assert_eq!(machine.lost_interrupts(), 2);
    // From now on, the device is polled.
    machine.rest(50 * SECOND);
    let waited = answered_after(&mut machine, &network);
    assert!(waited <= 20 * MS, "{waited}");
}

#[test]
fn a_device_whose_interrupt_firmware_denies_answers_at_once() {
    let (mut machine, network) = machine_on_network();
    machine.drivers().doubt_lines();
    // A second takes Miri ten.
    machine.rest(if cfg!(miri) { SECOND } else { 50 * SECOND });
    let waited = answered_after(&mut machine, &network);
    assert!(waited <= 20 * MS, "{waited}");
}

#[cfg(feature = "virtio-console")]
mod console {
    use vmos_drivers::hosted::{Device, DeviceQueue};
    use vmos_drivers::virtio::DeviceKind;

    use super::*;

    /// A console device with one port, on which the host types.
    struct Console(Rc<RefCell<Vec<u8>>>);

    impl Device for Console {
        fn kind(&self) -> DeviceKind {
            DeviceKind::CONSOLE
        }

        fn queues(&self) -> &'static [u16] {
            &[16, 16]
        }

        fn serve(&mut self, queues: &mut [Option<DeviceQueue>]) {
            let mut typed = self.0.borrow_mut();
            if let [Some(receive), ..] = queues
                && !typed.is_empty()
                && let Some(mut chain) = receive.pop()
            {
                let count = chain.write(0, &typed);
                typed.clear();
                receive.push(chain, count);
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes Miri a quarter of an hour")]
    fn input_is_found_on_a_machine_without_a_network() {
        let typed = Rc::default();
        hosted::attach(Console(Rc::clone(&typed))).expect("a slot");
        let mut machine = Machine::start();
        machine.rest(SECOND);
        typed.borrow_mut().push(7);
        machine.rest(REST);
        assert_eq!(machine.lost_interrupts(), 1);
    }
}
