//! Lost notifications, interrupts and responses, and devices that do not respond: every wait ends,
//! and the counts of the device watch show each action.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::virtqueues::{Kind, Queue};

use super::super::{Case, Need};
use super::disk::slow_down;
use super::{SOON, Tested, draft};

pub(crate) const CASES: [Case; 10] = [
    Case::new("w1_a_kick_for_the_disk_is_lost", |setting| {
        loses_a_kick(setting, Kind::Disk, 0, "disk0.kicked_again")
    }),
    Case::spread("w1_a_kick_for_random_bytes_is_lost", |setting| {
        loses_a_kick(setting, Kind::Rng, 0, "rng0.kicked_again")
    }),
    Case::spread("w1_a_kick_for_a_frame_is_lost", |setting| {
        loses_a_kick(setting, Kind::Network, 1, "nic0.kicked_again")
    }),
    Case::new("w2_an_interrupt_of_the_disk_is_lost", |setting| {
        loses_an_interrupt(setting, Kind::Disk, "disk0.lost_interrupts")
    }),
    Case::spread("w2_an_interrupt_for_a_frame_is_lost", |setting| {
        loses_an_interrupt(setting, Kind::Network, "nic0.lost_interrupts")
    }),
    Case::spread("w2_an_interrupt_is_lost_while_a_task_waits", waits_for_less),
    Case::spread("w3_an_answer_is_hidden", hides_an_answer),
    Case::spread(
        "w4_the_network_device_breaks_down",
        network_device_breaks_down,
    )
    .provoking(),
    Case::once_a_board("w5_interrupts_that_lead_nowhere", interrupts_lead_nowhere)
        .needing(Need::SecondIoApic),
    Case::new("w6_messages_from_behind_a_pci_bridge", behind_a_bridge).needing(Need::Messages),
];

fn queue(tested: &Tested, kind: Kind, number: usize) -> Outcome<Queue> {
    let mut monitor = tested.machine.monitor()?;
    let devices = tested.queues.devices_of(&mut monitor, kind)?;
    let device = devices.first().ok_or_else(|| format!("no {kind:?}"))?;
    let queue = device.queues.get(number);
    Ok(*queue.ok_or_else(|| format!("{kind:?} has no queue {number}"))?)
}

/// Makes the machine use a device of this kind.
fn use_it(tested: &Tested, kind: Kind) -> Outcome {
    match kind {
        Kind::Disk => tested.service.ask("disk 64", SOON).map(drop),
        Kind::Rng => tested.service.ask("rng", SOON).map(drop),
        Kind::Network => {
            // Nothing resends the datagram.
            tested.service.echo(b"lost?", SOON).map(drop)
        }
    }
}

/// The number of attempts to cause a fault: the event loop may check the device at the same moment
/// for another reason, such as an interrupt of another device on the same line, and then nothing is
/// lost.
const TRIES: usize = 5;

/// Causes a fault until it is counted.
fn is_counted(setting: &Setting, counter: &str, cause: impl Fn(&Tested) -> Outcome) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    tested.service.serves(SOON)?;
    for _ in 0..TRIES {
        cause(&tested)?;
        if tested.service.counts()?.get(counter) > Some(&0) {
            break;
        }
    }
    tested.is_sound_and_names(&[counter])
}

/// Sets the flag by which the device disables notifications.
fn loses_a_kick(setting: &Setting, kind: Kind, number: usize, counter: &str) -> Outcome {
    is_counted(setting, counter, |tested| {
        let queue = queue(tested, kind, number)?;
        let event = queue.used + 4 + 8 * u64::from(queue.size);
        tested.queues.write(event, &[0xff, 0xff])?;
        tested.queues.write(queue.used, &[0xff, 0xff])?;
        use_it(tested, kind)
    })
}

/// Sets the flag by which the driver disables interrupts.
fn withhold_interrupts(tested: &Tested, queue: &Queue) -> Outcome {
    let event = queue.available + 4 + 2 * u64::from(queue.size);
    let wanted = tested.queues.short(event)?.wrapping_add(0x4000);
    tested.queues.write(event, &wanted.to_le_bytes())?;
    tested.queues.write(queue.available, &[0xff, 0xff])
}

fn loses_an_interrupt(setting: &Setting, kind: Kind, counter: &str) -> Outcome {
    is_counted(setting, counter, |tested| {
        withhold_interrupts(tested, &queue(tested, kind, 0)?)?;
        use_it(tested, kind)
    })
}

/// A frame that arrives without an interrupt after 3 s without traffic is found within that time, if a
/// task waits for a time; without the checks, it is found when that time is over, 9 s after the frame.
fn waits_for_less(setting: &Setting) -> Outcome {
    const IDLE: Duration = Duration::from_secs(3);
    /// How much longer it may take on a busy computer.
    const SLACK: Duration = Duration::from_secs(3);
    let mut tested = Tested::start(draft(setting)?)?;
    tested.service.serves(SOON)?;
    let wait = tested
        .service
        .try_to_ask("timer 12000", Duration::from_millis(1));
    ensure!(wait.is_err(), "the machine does not wait");
    let begin = Instant::now();
    thread::sleep(IDLE);
    withhold_interrupts(&tested, &queue(&tested, Kind::Network, 0)?)?;
    let idle = begin.elapsed();
    let took = tested.service.echo(b"lost?", SOON)?;
    ensure!(took <= idle + SLACK, "after {idle:?} it took {took:?}");
    tested.is_sound_and_names(&["nic0.lost_interrupts"])
}

/// Removes responses to disk requests from the used ring before the driver has seen them: a slow disk
/// finishes its requests when its machine is stopped.
fn hides_an_answer(setting: &Setting) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    tested.service.serves(SOON)?;
    let queue = queue(&tested, Kind::Disk, 0)?;
    let used = || tested.queues.short(queue.used + 2);
    let mut monitor = tested.machine.monitor()?;
    slow_down(&mut monitor, Duration::from_secs(4))?;
    let begun = used()?;
    for _ in 0..3 {
        let request = Duration::from_millis(1);
        let _ = tested.service.try_to_ask("read 64", request);
    }
    let begin = Instant::now();
    while used()? == begun {
        ensure!(begin.elapsed() < SOON, "the disk does not respond");
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(300));
    let before = used()?;
    monitor.execute("stop", json!({}))?;
    let after = used()?;
    ensure!(
        after != before,
        "the disk had no request when it was stopped"
    );
    tested.queues.write(queue.used + 2, &before.to_le_bytes())?;
    slow_down(&mut monitor, Duration::ZERO)?;
    monitor.execute("cont", json!({}))?;
    drop(monitor);
    tested
        .machine
        .wait_for("that the disk does not respond", |line| {
            line.contains("the device does not respond").then_some(())
        })?;
    tested.is_sound_and_names(&["disk0.silences", "disk0.failures", "disk0.restarts"])
}

/// Makes the device find buffers that do not exist, so that it requests a reset. A legacy device
/// cannot request one, and is detected by its silence after 10 s without traffic.
fn network_device_breaks_down(setting: &Setting) -> Outcome {
    let mut tested = Tested::start(draft(setting)?)?;
    tested.service.serves(SOON)?;
    let queue = queue(&tested, Kind::Network, 0)?;
    // The entries: newer versions of QEMU read the index only when they have used up all buffers
    // that they know of.
    for entry in 0..u64::from(queue.size) {
        tested
            .queues
            .write(queue.available + 4 + 2 * entry, &[0xff, 0xff])?;
    }
    let _ = tested
        .service
        .echo(b"breaks it", Duration::from_millis(100));
    tested
        .machine
        .wait_for("that the network device works again", |line| {
            (line.contains("network") && line.contains("works again")).then_some(())
        })?;
    tested.is_sound_and_names(&["nic0.failures", "nic0.restarts"])
}

/// Removes the second I/O APIC, to which the board file connects all devices: they are polled, and changes
/// of the link and of the disk are noticed.
fn interrupts_lead_nowhere(setting: &Setting) -> Outcome {
    let mut draft = draft(setting)?;
    let arguments = &mut draft.qemu.arguments;
    let machine = arguments.iter().position(|word| word == "-machine");
    let machine = machine.and_then(|at| arguments.get_mut(at + 1));
    machine
        .ok_or("the cause is not logged")?
        .push_str(",ioapic2=off");
    let mut tested = Tested::start(draft)?;
    for part in ["network", "disk", "entropy"] {
        tested
            .machine
            .wait_for(&format!("that {part} raises no interrupt"), |line| {
                let it_is_said = line.contains(part) && line.contains("no interrupts arrive");
                it_is_said.then_some(())
            })?;
    }
    // Nor are changes of the devices announced.
    let mut monitor = tested.machine.monitor()?;
    for (up, text) in [(false, "link down"), (true, "link up")] {
        monitor.execute("set_link", json!({"name": "net0", "up": up}))?;
        tested
            .machine
            .wait_for(text, |line| line.ends_with(text).then_some(()))?;
    }
    monitor.execute("block_resize", json!({"device": "disk0", "size": 64 << 20}))?;
    drop(monitor);
    tested.service.ask("read 65536", SOON)?;
    tested.is_sound_and_names(&[
        "disk0.lost_interrupts",
        "nic0.lost_interrupts",
        "rng0.lost_interrupts",
    ])
}

/// Checks that messages work for a function behind a bridge from PCI Express to PCI, which replaces
/// the function's requester ID.
fn behind_a_bridge(setting: &Setting) -> Outcome {
    const REQUESTS: u32 = 10;
    /// A busy computer may deliver an interrupt so late that it counts as missing.
    const FEW: u64 = 3;
    let mut draft = draft(setting)?;
    draft.qemu.devices.rng = false;
    let device = draft.qemu.devices.device("rng", ",bus=bridge0,addr=3");
    let arguments = ["-device", "pcie-pci-bridge,id=bridge0", "-device", &device];
    draft.qemu.extra.extend(arguments.map(str::to_owned));
    let mut tested = Tested::start(draft)?;
    for _ in 0..REQUESTS {
        tested.service.ask("rng", SOON)?;
    }
    let counts = tested.service.counts()?;
    let lost = counts.get("rng0.lost_interrupts");
    ensure!(
        lost.is_some_and(|&lost| lost < FEW),
        "of {REQUESTS} interrupts, the count of missing ones is {lost:?}"
    );
    tested.is_sound()
}
