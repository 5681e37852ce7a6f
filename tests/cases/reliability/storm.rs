//! Interrupts that stay asserted although their device has nothing to report: a device that shares
//! the line without a driver, or a wrong wiring.

use std::thread;
use std::time::{Duration, Instant};

use vmos_codegen::board::Pins;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;
use vmos_machine_tests::virtqueues::Kind;

use super::super::{Case, Need};
use super::{SOON, Tested, draft};

pub(crate) const CASES: [Case; 2] = [
    Case::spread("w3_lines_that_are_held", lines_that_are_held).needing(Need::Slots),
    Case::spread("w3_pins_that_are_held", pins_that_are_held).needing(Need::Pins),
];

/// How long it may take until the interrupts are used again. They are masked for at most 4 s, since
/// the storm takes few seconds.
const AFTERWARDS: Duration = Duration::from_secs(40);

/// Holds the line of the disk, then also that of the network device. Both devices go on without
/// interrupts, the log names the lines, and both are served by interrupts again afterwards.
fn lines_that_are_held(setting: &Setting) -> Outcome {
    let slots = setting.board().virtio_mmio.as_ref();
    let slots = slots.ok_or("the board has no slots of virtio-mmio")?;
    let (draft, lines) = draft(setting)?.with_lines();
    let mut tested = Tested::start(draft)?;
    tested.service.serves(SOON)?;
    let mut numbers = Vec::new();
    for kind in [Kind::Disk, Kind::Network] {
        let mut monitor = tested.machine.monitor()?;
        let devices = tested.queues.devices_of(&mut monitor, kind)?;
        let slot = devices.first().and_then(|device| device.slot(slots));
        let slot = slot.ok_or_else(|| format!("{kind:?} is in no slot"))?;
        let number = slots.interrupts.number + slot;
        numbers.push(number);
        let held = lines.hold(setting.board(), &mut monitor, &numbers)?;
        drop(monitor);
        is_named(&tested, number)?;
        serves_meanwhile(&tested)?;
        held.release()?;
    }
    serves_by_interrupts_again(&mut tested)
}

/// Holds all four lines of the pins of PCI slots. The devices, which share them, go on without interrupts,
/// the log names the lines of devices, and all are served by interrupts again afterwards.
fn pins_that_are_held(setting: &Setting) -> Outcome {
    let pins = setting.board().pci.iter().flat_map(|pci| &pci.pins);
    let mut of_all_slots = pins.filter_map(|pins| match pins {
        Pins::From(first) => Some([0, 1, 2, 3].map(|pin| first.number + pin)),
        Pins::Rotated(lines) => Some(lines.map(|line| line.number)),
        Pins::Straight { .. } => None,
    });
    let numbers = of_all_slots
        .next()
        .ok_or("the board has no pins of PCI slots")?;
    let (draft, lines) = draft(setting)?.with_lines();
    let mut tested = Tested::start(draft)?;
    tested.service.serves(SOON)?;
    let mut monitor = tested.machine.monitor()?;
    let held = lines.hold(setting.board(), &mut monitor, &numbers)?;
    drop(monitor);
    // The three devices are in slots next to each other, so each has a line of its own.
    let begin = Instant::now();
    let texts = numbers.map(|number| format!("interrupt {number} stays asserted"));
    let named = || {
        let lines = tested.machine.serial.lines();
        let is_named = |text: &&String| lines.iter().any(|line| line.contains(*text));
        texts.iter().filter(is_named).fold(0, |count, _| count + 1)
    };
    while named() < 3 {
        ensure!(
            begin.elapsed() < SOON,
            "of three lines, the log names {}",
            named()
        );
        thread::sleep(Duration::from_millis(100));
    }
    serves_meanwhile(&tested)?;
    held.release()?;
    serves_by_interrupts_again(&mut tested)
}

/// Waits until the log says that an interrupt stays asserted.
fn is_named(tested: &Tested, number: u32) -> Outcome {
    let text = format!("interrupt {number} stays asserted");
    tested
        .machine
        .wait_for(&text, |line| line.contains(&text).then_some(()))
}

/// Checks that the machine serves without interrupts. The devices are polled every 10 ms; no machine that
/// takes its interrupt all the time answers at all.
fn serves_meanwhile(tested: &Tested) -> Outcome {
    for _ in 0..20 {
        tested.service.echo(b"meanwhile", SOON)?;
    }
    tested.service.ask("disk 64", SOON)?;
    tested.service.ask("timer 10", SOON)?;
    Ok(())
}

/// Waits until the devices are served by interrupts again.
fn serves_by_interrupts_again(tested: &mut Tested) -> Outcome {
    let deadline = Instant::now() + AFTERWARDS;
    while !is_served_by_interrupts(tested)? {
        ensure!(
            Instant::now() < deadline,
            "the devices are still polled: {}",
            super::shown(&tested.service.counts()?)
        );
        thread::sleep(Duration::from_millis(500));
    }
    tested.is_sound_and_names(&["loop.masked_interrupts", "loop.enabled_again"])
}

/// Returns whether all answers of the disk and of the network device come with interrupts.
fn is_served_by_interrupts(tested: &Tested) -> Outcome<bool> {
    let missing = || -> Outcome<u64> {
        let counts = tested.service.counts()?;
        let names = ["disk0.lost_interrupts", "nic0.lost_interrupts"];
        Ok(names.iter().filter_map(|name| counts.get(*name)).sum())
    };
    let before = missing()?;
    for _ in 0..5 {
        tested.service.ask("disk 64", SOON)?;
    }
    Ok(missing()? == before)
}
