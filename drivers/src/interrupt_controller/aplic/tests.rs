//! A simulated domain, with the differences between QEMU's versions.

use core::cell::{Cell, RefCell};
use std::rc::Rc;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::address::PhysicalAddress;
use crate::mmio::words::WordRegisters;
use crate::riscv::{Hart, Pending};

const SOURCES: u32 = 40;
/// The hart that the driver is for.
const ME: usize = 3;

#[derive(Clone, Copy, Default)]
struct Source {
    config: u32,
    target: u32,
    enabled: bool,
    pending: bool,
    /// The device asserts the line.
    line: bool,
}

/// A domain with its delivery to one hart.
pub(super) struct Device {
    /// The index of the hart.
    hart: usize,
    /// Whether the pending bit of a level-triggered source follows its line, instead of latching
    /// it.
    follows: bool,
    /// Whether the domain can only send messages.
    only_messages: bool,
    control: Cell<u32>,
    sources: RefCell<Vec<Source>>,
    delivery: Cell<[u32; 3]>,
}

impl Device {
    /// A domain as an earlier kernel may have left it.
    fn new(follows: bool) -> Self {
        Self::for_hart(ME, follows)
    }

    /// A domain, as an earlier kernel may have left it, that delivers to `hart`.
    pub(super) fn for_hart(hart: usize, follows: bool) -> Self {
        let left = Source {
            config: 1 << 10,
            target: 7 << HART | 1,
            enabled: true,
            pending: true,
            line: false,
        };
        Self {
            hart,
            follows,
            only_messages: false,
            control: Cell::new(ENABLED),
            sources: RefCell::new(vec![left; SOURCES as usize + 1]),
            delivery: Cell::new([0, 1, 1]),
        }
    }

    /// A device asserts or releases a line.
    pub(super) fn set(&self, number: u32, asserted: bool) {
        let mut sources = self.sources.borrow_mut();
        let source = &mut sources[number as usize];
        let before = core::mem::replace(&mut source.line, asserted);
        source.pending |= match source.config {
            4 => asserted && !before,
            5 => !asserted && before,
            6 => asserted,
            7 => !asserted,
            _ => false,
        };
    }

    /// Returns the source that would be claimed next.
    fn top(&self) -> Option<u32> {
        let [on, _, threshold] = self.delivery.get();
        let sources = self.sources.borrow();
        let mut numbers = (1..=SOURCES).filter(|_| on == 1 && self.control.get() == ENABLED);
        numbers.find(|&number| {
            let source = sources[number as usize];
            let pending = match source.config {
                6 if self.follows => source.line,
                7 if self.follows => !source.line,
                _ => source.pending,
            };
            let priority = source.target & 0xff;
            let heard = threshold == 0 || priority < threshold;
            pending && source.enabled && source.target >> HART == self.hart as u32 && heard
        })
    }

    fn each(&self, word: usize, bits: u32, change: impl Fn(&mut Source)) {
        let mut sources = self.sources.borrow_mut();
        for bit in (0..32).filter(|bit| bits & 1 << bit != 0) {
            let number = 32 * word + bit;
            if let Some(source) = sources.get_mut(number).filter(|_| number > 0) {
                change(source);
            }
        }
    }
}

impl WordRegisters for &Device {
    fn read(&self, offset: usize) -> u32 {
        match offset {
            DOMAINCFG => self.control.get(),
            SOURCECFG..0x1000 => self.sources.borrow()[offset / 4].config,
            offset if offset == delivery(self.hart) + TOPI => {
                let number = self.top();
                number.map_or(0, |number| number << 16 | USUAL_PRIORITY)
            }
            offset if offset == delivery(self.hart) + CLAIMI => {
                let Some(number) = self.top() else { return 0 };
                let source = &mut self.sources.borrow_mut()[number as usize];
                // A level-triggered source whose line is still asserted is pending again.
                source.pending = match source.config {
                    6 => source.line,
                    7 => !source.line,
                    _ => false,
                };
                number << 16 | USUAL_PRIORITY
            }
            _ => panic!("nothing is read at {offset:#x}"),
        }
    }

    fn write(&self, offset: usize, value: u32) {
        match offset {
            DOMAINCFG => {
                let always = if self.only_messages { MESSAGES } else { 0 };
                self.control.set(value | always);
            }
            SOURCECFG..0x1000 => {
                let source = &mut self.sources.borrow_mut()[offset / 4];
                source.config = value;
                if value == 0 {
                    *source = Source {
                        line: source.line,
                        ..Source::default()
                    };
                }
            }
            CLRIP..0x1d80 => self.each((offset - CLRIP) / 4, value, |one| one.pending = false),
            CLRIE..0x1f80 => self.each((offset - CLRIE) / 4, value, |one| one.enabled = false),
            SETIENUM | CLRIENUM => {
                self.sources.borrow_mut()[value as usize].enabled = offset == SETIENUM;
            }
            TARGET..0x4000 => {
                // An inactive source has no target.
                let source = &mut self.sources.borrow_mut()[(offset - 0x3000) / 4];
                if source.config != 0 {
                    source.target = value;
                }
            }
            offset if (delivery(self.hart)..delivery(self.hart) + CLAIMI).contains(&offset) => {
                let mut delivery = self.delivery.get();
                delivery[(offset - super::delivery(self.hart)) / 4] = value;
                self.delivery.set(delivery);
            }
            _ => panic!("nothing is written at {offset:#x}"),
        }
    }
}

/// Hart 3.
#[derive(Clone, Default)]
struct Fake {
    enabled: Rc<RefCell<Vec<(Local, bool)>>>,
    timer: Rc<Cell<bool>>,
}

impl Hart for Fake {
    fn id(&self) -> usize {
        ME
    }
    fn mode(&self) -> Mode {
        Mode::Supervisor
    }
}

impl LocalInterrupts for Fake {
    fn enable(&mut self, interrupt: Local, on: bool) {
        self.enabled.borrow_mut().push((interrupt, on));
    }
    fn pending(&self) -> Pending {
        Pending {
            timer: self.timer.get(),
            external: true,
        }
    }
}

fn aplic<'a>(device: &'a Device, hart: &Fake) -> Aplic<&'a Device, Fake> {
    let mut aplic = Aplic::with_registers(Some(device), hart.clone(), SOURCES);
    aplic.initialize();
    aplic
}

#[test]
fn no_interrupt_arrives_before_it_is_enabled() {
    for follows in [false, true] {
        let device = Device::new(follows);
        let mut aplic = aplic(&device, &Fake::default());
        for number in 1..=SOURCES {
            device.set(number, true);
        }
        assert_eq!(aplic.claim(), None);
        // What firmware or an earlier kernel had set up is gone, delegations as well.
        for source in &device.sources.borrow()[1..] {
            assert!(!source.enabled && source.config == 0);
        }
    }
}

#[test]
fn an_enabled_source_is_claimed_for_each_time_that_it_asks() {
    for follows in [false, true] {
        let device = Device::new(follows);
        let mut aplic = aplic(&device, &Fake::default());
        aplic.enable(Interrupt::level(10));
        for _ in 0..2 {
            device.set(10, true);
            assert_eq!(aplic.claim(), Some(10));
            device.set(10, false);
            aplic.complete(10);
            assert_eq!(aplic.claim(), None);
        }
    }
}

#[test]
fn a_pending_bit_that_outlives_its_line_is_claimed_once() {
    let device = Device::new(false);
    let mut aplic = aplic(&device, &Fake::default());
    aplic.enable(Interrupt::level(10));
    device.set(10, true);
    device.set(10, false);
    assert_eq!(aplic.claim(), Some(10));
    aplic.complete(10);
    assert_eq!(aplic.claim(), None);
}

#[test]
fn a_line_that_rises_again_while_its_device_is_served_is_claimed_again() {
    for follows in [false, true] {
        let device = Device::new(follows);
        let mut aplic = aplic(&device, &Fake::default());
        aplic.enable(Interrupt::level(10));
        device.set(10, true);
        assert_eq!(aplic.claim(), Some(10));
        device.set(10, false);
        device.set(10, true);
        aplic.complete(10);
        assert_eq!(aplic.claim(), Some(10));
    }
}

#[test]
fn another_source_that_asks_meanwhile_is_claimed_next() {
    for follows in [false, true] {
        let device = Device::new(follows);
        let mut aplic = aplic(&device, &Fake::default());
        aplic.enable(Interrupt::level(2));
        aplic.enable(Interrupt::level(10));
        device.set(10, true);
        assert_eq!(aplic.claim(), Some(10));
        device.set(2, true);
        device.set(10, false);
        aplic.complete(10);
        assert_eq!(aplic.claim(), Some(2));
    }
}

#[test]
fn an_edge_while_its_device_is_served_is_claimed_again() {
    let device = Device::new(false);
    let mut aplic = aplic(&device, &Fake::default());
    aplic.enable(Interrupt::level(2));
    aplic.enable(Interrupt::edge(10));
    device.set(10, true);
    assert_eq!(aplic.claim(), Some(10));
    device.set(10, false);
    device.set(10, true);
    aplic.complete(10);
    assert_eq!(aplic.claim(), Some(10));
}

#[test]
fn every_trigger_is_one_of_the_source() {
    let device = Device::new(true);
    let mut aplic = aplic(&device, &Fake::default());
    aplic.enable(Interrupt::edge(1));
    aplic.enable(Interrupt::edge_falling(2));
    aplic.enable(Interrupt::level(3));
    aplic.enable(Interrupt::level_low(4));
    let config = |number: usize| device.sources.borrow()[number].config;
    assert_eq!([1, 2, 3, 4].map(config), [4, 5, 6, 7]);
    // A line that is low asks from the start if that is what it does when it asks.
    assert_eq!(aplic.claim(), Some(4));
    aplic.complete(4);
    device.set(4, true);
    device.set(1, true);
    assert_eq!(aplic.claim(), Some(1));
    aplic.complete(1);
    assert_eq!(aplic.claim(), None);
}

#[test]
fn a_source_enabled_again_still_has_its_target() {
    let device = Device::new(true);
    let mut aplic = aplic(&device, &Fake::default());
    for _ in 0..2 {
        aplic.enable(Interrupt::level(40));
        let target = device.sources.borrow()[40].target;
        assert_eq!(target, (ME as u32) << HART | USUAL_PRIORITY);
        device.set(40, true);
        assert_eq!(aplic.claim(), Some(40));
        aplic.complete(40);
        aplic.disable(40);
        assert_eq!(aplic.claim(), None);
    }
}

#[test]
fn the_timer_comes_first_and_is_not_a_source() {
    let (device, hart) = (Device::new(true), Fake::default());
    let mut aplic = aplic(&device, &hart);
    aplic.enable(TIMER);
    aplic.enable(Interrupt::level(1));
    device.set(1, true);
    hart.timer.set(true);
    assert_eq!(aplic.claim(), Some(TIMER.number));
    aplic.complete(TIMER.number);
    hart.timer.set(false);
    assert_eq!(aplic.claim(), Some(1));
    aplic.disable(TIMER.number);
    let told = hart.enabled.borrow();
    let expected = [
        (Local::Timer, false),
        (Local::External, false),
        (Local::External, true),
        (Local::Timer, true),
        (Local::Timer, false),
    ];
    assert_eq!(told[..], expected);
}

#[test]
fn what_is_no_source_is_not_touched() {
    let device = Device::new(true);
    let mut aplic = aplic(&device, &Fake::default());
    for number in [0, SOURCES + 1, u32::MAX] {
        assert!(!aplic.has(number));
        aplic.enable(Interrupt::level(number));
        aplic.disable(number);
    }
    assert!(aplic.has(1) && aplic.has(SOURCES) && aplic.has(TIMER.number));
}

#[test]
fn a_number_that_the_device_made_up_is_not_claimed() {
    struct Liar;
    impl Registers for Liar {
        fn read32(&self, _: usize) -> u32 {
            u32::MAX
        }
        fn write32(&self, _: usize, _: u32) {}
        fn read8(&self, _: usize) -> u8 {
            0
        }
        fn read16(&self, _: usize) -> u16 {
            0
        }
        fn read64(&self, _: usize) -> u64 {
            0
        }
        fn write8(&self, _: usize, _: u8) {}
        fn write16(&self, _: usize, _: u16) {}
        fn write64(&self, _: usize, _: u64) {}
    }
    let mut aplic = Aplic::with_registers(Some(Liar), Fake::default(), u32::MAX);
    aplic.initialize();
    assert_eq!(aplic.claim(), None);
}

#[test]
fn a_domain_that_only_sends_messages_is_noticed() {
    let device = Device {
        only_messages: true,
        ..Device::new(true)
    };
    let domain = Domain::new(&device, SOURCES);
    assert!(!domain.deliver(false));
    assert!(domain.deliver(true));
    let device = Device::new(true);
    assert!(Domain::new(&device, SOURCES).deliver(false));
}

#[test]
fn a_mode_has_its_own_domain_with_room_for_the_hart() {
    let range = |base| Range {
        base: PhysicalAddress(base),
        size: 0x5000,
    };
    let config = Config {
        machine: Some(range(0x0c00_0000)),
        supervisor: Some(range(0x0d00_0000)),
        sources: SOURCES,
    };
    assert_eq!(config.domain(Mode::Machine, 0), config.machine);
    assert_eq!(config.domain(Mode::Supervisor, 127), config.supervisor);
    assert_eq!(config.domain(Mode::Supervisor, 128), None);
    assert_eq!(config.domain(Mode::Supervisor, usize::MAX), None);
    let firmware = Config {
        machine: None,
        ..config
    };
    assert_eq!(firmware.domain(Mode::Machine, 0), None);
}

#[test]
fn a_hart_without_a_domain_still_has_its_timer() {
    let hart = Fake::default();
    let mut aplic = Aplic::<&Device, _>::with_registers(None, hart.clone(), SOURCES);
    aplic.initialize();
    aplic.enable(TIMER);
    aplic.enable(Interrupt::level(1));
    assert_eq!(aplic.claim(), None);
    hart.timer.set(true);
    assert_eq!(aplic.claim(), Some(TIMER.number));
}
