use super::*;
use crate::mmio::words::WordRegisters;
use crate::riscv::{Hart, Pending};
use core::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::vec::Vec;

/// A PLIC with 40 sources and one context in use, `context`.
pub(super) struct Device {
    context: usize,
    pub(super) state: RefCell<State>,
}

#[derive(Default)]
pub(super) struct State {
    words: BTreeMap<usize, u32>,
    pub(super) pending: BTreeSet<u32>,
    claimed: Vec<u32>,
    pub(super) completed: Vec<u32>,
}

pub(super) const SOURCES: u32 = 40;

impl Device {
    pub(super) fn new(context: usize) -> Self {
        Self {
            context,
            state: RefCell::default(),
        }
    }

    /// Returns the source that would be claimed next.
    fn deliverable(&self) -> Option<u32> {
        let state = self.state.borrow();
        let word = |offset: usize| state.words.get(&offset).copied().unwrap_or(0);
        let enabled = |source: u32| {
            let bits = word(0x2000 + 0x80 * self.context + 4 * (source / 32) as usize);
            bits & 1 << (source % 32) != 0
        };
        let threshold = word(0x20_0000 + 0x1000 * self.context);
        let urgent = |source: u32| word(4 * source as usize) > threshold;
        let mut pending = state.pending.iter().copied();
        pending.find(|&source| enabled(source) && urgent(source))
    }
}

impl WordRegisters for &Device {
    fn read(&self, offset: usize) -> u32 {
        if offset == 0x20_0004 + 0x1000 * self.context {
            let source = self.deliverable();
            let mut state = self.state.borrow_mut();
            let Some(source) = source else { return 0 };
            state.pending.remove(&source);
            state.claimed.push(source);
            return source;
        }
        self.state
            .borrow()
            .words
            .get(&offset)
            .copied()
            .unwrap_or(0xffff_ffff)
    }

    fn write(&self, offset: usize, value: u32) {
        let mut state = self.state.borrow_mut();
        if offset == 0x20_0004 + 0x1000 * self.context {
            assert_eq!(state.claimed.pop(), Some(value), "it was not claimed");
            state.completed.push(value);
        } else {
            state.words.insert(offset, value);
        }
    }
}

/// Hart 3 in supervisor mode.
#[derive(Clone, Default)]
struct Fake {
    enabled: Rc<RefCell<Vec<(Local, bool)>>>,
    pending: Rc<Cell<Pending>>,
}

impl Hart for Fake {
    fn id(&self) -> usize {
        3
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
        self.pending.get()
    }
}

pub(super) const EXTERNAL: Pending = Pending {
    timer: false,
    external: true,
};

fn plic<'a>(device: &'a Device, hart: &Fake) -> Plic<&'a Device, Fake> {
    let mut plic = Plic::with_registers(device, hart.clone(), SOURCES, &[Modes::Both]);
    plic.initialize();
    plic
}

#[test]
fn contexts_are_counted_over_the_harts() {
    use Mode::{Machine, Supervisor};
    let both = [Modes::Both];
    assert_eq!(context(&both, 0, Machine), Some(0));
    assert_eq!(context(&both, 0, Supervisor), Some(1));
    assert_eq!(context(&both, 3, Supervisor), Some(7));
    // The first hart has no supervisor mode.
    let monitor = [Modes::Machine, Modes::Both];
    assert_eq!(context(&monitor, 0, Machine), Some(0));
    assert_eq!(context(&monitor, 0, Supervisor), None);
    assert_eq!(context(&monitor, 1, Machine), Some(1));
    assert_eq!(context(&monitor, 4, Supervisor), Some(8));
    let supervisors = [Modes::Supervisor];
    assert_eq!(context(&supervisors, 2, Supervisor), Some(2));
    assert_eq!(context(&supervisors, 2, Machine), None);
    assert_eq!(context(&[], 0, Machine), None);
}

#[test]
fn no_interrupt_arrives_before_it_is_enabled() {
    let (device, hart) = (Device::new(7), Fake::default());
    device.state.borrow_mut().pending = BTreeSet::from([1, 10, 40]);
    let mut plic = plic(&device, &hart);
    hart.pending.set(EXTERNAL);
    assert_eq!(plic.claim(), None);
    let expected = [
        (Local::Timer, false),
        (Local::External, false),
        (Local::External, true),
    ];
    assert_eq!(*hart.enabled.borrow(), expected);
}

#[test]
fn an_enabled_source_is_claimed_and_completed() {
    for source in [1, 31, 32, 40] {
        let (device, hart) = (Device::new(7), Fake::default());
        let mut plic = plic(&device, &hart);
        plic.enable(Interrupt::level(source));
        device.state.borrow_mut().pending = BTreeSet::from([source, 7]);
        hart.pending.set(EXTERNAL);
        assert_eq!(plic.claim(), Some(source));
        plic.complete(source);
        assert_eq!(device.state.borrow().completed, [source]);
        plic.disable(source);
        device.state.borrow_mut().pending.insert(source);
        assert_eq!(plic.claim(), None);
    }
}

#[test]
fn the_plic_is_not_read_while_the_hart_has_no_external_interrupt() {
    let (device, hart) = (Device::new(7), Fake::default());
    let mut plic = plic(&device, &hart);
    plic.enable(Interrupt::level(10));
    device.state.borrow_mut().pending.insert(10);
    assert_eq!(plic.claim(), None);
    assert!(device.state.borrow().claimed.is_empty());
}

#[test]
fn the_timer_interrupt_bypasses_the_plic() {
    let (device, hart) = (Device::new(7), Fake::default());
    let mut plic = plic(&device, &hart);
    hart.enabled.borrow_mut().clear();
    plic.enable(TIMER);
    hart.pending.set(Pending {
        timer: true,
        external: true,
    });
    assert_eq!(plic.claim(), Some(TIMER.number));
    plic.complete(TIMER.number);
    plic.disable(TIMER.number);
    let expected = [(Local::Timer, true), (Local::Timer, false)];
    assert_eq!(*hart.enabled.borrow(), expected);
    assert!(device.state.borrow().completed.is_empty());
}

#[test]
fn a_source_beyond_the_plic_is_ignored() {
    let (device, hart) = (Device::new(7), Fake::default());
    let mut plic = plic(&device, &hart);
    let before = device.state.borrow().words.clone();
    plic.enable(Interrupt::level(0));
    plic.enable(Interrupt::level(SOURCES + 1));
    plic.disable(SOURCES + 1);
    assert_eq!(device.state.borrow().words, before);
}

#[test]
fn a_hart_without_a_context_takes_only_its_timer() {
    let (device, hart) = (Device::new(0), Fake::default());
    let mut plic = Plic::with_registers(&device, hart.clone(), SOURCES, &[Modes::Machine]);
    plic.initialize();
    plic.enable(Interrupt::level(10));
    hart.pending.set(EXTERNAL);
    assert_eq!(plic.claim(), None);
    let external = (Local::External, true);
    assert!(!hart.enabled.borrow().contains(&external));
}
