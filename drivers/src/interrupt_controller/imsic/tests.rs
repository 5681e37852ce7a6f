//! An interrupt file and the APLIC that sends it messages.

use core::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::vec::Vec;

use super::*;
use crate::mmio::words::WordRegisters;
use crate::riscv::{Hart, Pending};

const SOURCES: u32 = 40;
// Fewer under Miri, which takes minutes for the numbers of one file.
const IDENTITIES: u32 = if cfg!(miri) { 63 } else { 255 };
/// The hart that the driver is for.
const ME: usize = 3;
const FILES: Files = Files {
    first: PhysicalAddress(0x2800_0000),
    stride: 0x1000,
};

#[derive(Default)]
pub(super) struct State {
    /// The registers of the domain, by offset.
    pub(super) domain: BTreeMap<usize, u32>,
    /// The lines that are asserted.
    lines: BTreeSet<u32>,
    delivers: bool,
    enabled: BTreeSet<u32>,
    pending: BTreeSet<u32>,
    local: Vec<(Local, bool)>,
    timer: bool,
}

/// The state shared by the test, the domain and the file.
#[derive(Clone, Default)]
pub(super) struct Machine(pub(super) Rc<RefCell<State>>);

impl Machine {
    /// A message arrives at the file.
    pub(super) fn receive(&self, number: u32) {
        self.0.borrow_mut().pending.insert(number);
    }

    /// Forgets a message that has arrived. Returns whether there was one with this number.
    pub(super) fn take(&self, number: u32) -> bool {
        self.0.borrow_mut().pending.remove(&number)
    }

    /// Returns whether the file has no number enabled.
    pub(super) fn has_enabled_nothing(&self) -> bool {
        self.0.borrow().enabled.is_empty()
    }

    /// A device asserts its line without a message.
    pub(super) fn hold(&self, source: u32) {
        self.0.borrow_mut().lines.insert(source);
    }

    /// A device asserts its line, which sends a message if it rises.
    fn raise(&self, source: u32) {
        let rises = self.0.borrow_mut().lines.insert(source);
        let target = self.target(source);
        let state = self.0.borrow();
        let enabled = state.domain.contains_key(&(0x1_0000 + source as usize));
        let on = state.domain.get(&0x0000) == Some(&0x104);
        drop(state);
        if rises && enabled && on {
            assert_eq!(target >> 18, ME as u32, "another hart");
            self.receive(target & 0x7ff);
        }
    }

    fn lower(&self, source: u32) {
        self.0.borrow_mut().lines.remove(&source);
    }

    fn target(&self, source: u32) -> u32 {
        let offset = 0x3000 + 4 * source as usize;
        self.0.borrow().domain.get(&offset).copied().unwrap_or(0)
    }
}

impl WordRegisters for Machine {
    fn read(&self, offset: usize) -> u32 {
        let state = self.0.borrow();
        match offset {
            0x1d00..0x1d80 => {
                let first = 8 * (offset - 0x1d00) as u32;
                let lines = (0..32).filter(|bit| state.lines.contains(&(first + bit)));
                lines.fold(0, |word, bit| word | 1 << bit)
            }
            _ => state.domain.get(&offset).copied().unwrap_or(0),
        }
    }

    fn write(&self, offset: usize, value: u32) {
        match offset {
            // An enabled source is remembered beyond the registers.
            0x1edc => {
                let source = 0x1_0000 + value as usize;
                self.0.borrow_mut().domain.insert(source, 1);
            }
            0x1fdc => {
                let source = 0x1_0000 + value as usize;
                self.0.borrow_mut().domain.remove(&source);
            }
            0x2000 => {
                let target = self.target(value);
                self.receive(target & 0x7ff);
            }
            // An inactive source has no target.
            0x3004.. if self.read(offset - 0x3000) == 0 => {}
            _ => {
                self.0.borrow_mut().domain.insert(offset, value);
            }
        }
    }
}

/// Hart 3, of `WIDTH` bits, in M or S mode.
#[derive(Clone, Default)]
pub(super) struct Fake<const WIDTH: u32, const MACHINE: bool>(pub(super) Machine);

impl<const WIDTH: u32, const MACHINE: bool> Hart for Fake<WIDTH, MACHINE> {
    fn id(&self) -> usize {
        ME
    }
    fn mode(&self) -> Mode {
        match MACHINE {
            true => Mode::Machine,
            false => Mode::Supervisor,
        }
    }
}

impl<const WIDTH: u32, const MACHINE: bool> LocalInterrupts for Fake<WIDTH, MACHINE> {
    fn enable(&mut self, interrupt: Local, on: bool) {
        self.0.0.borrow_mut().local.push((interrupt, on));
    }
    fn pending(&self) -> Pending {
        let state = self.0.0.borrow();
        let mut asked = state.pending.intersection(&state.enabled);
        Pending {
            timer: state.timer,
            external: state.delivers && asked.next().is_some(),
        }
    }
}

impl<const WIDTH: u32, const MACHINE: bool> Fake<WIDTH, MACHINE> {
    /// Returns the first number of a register's bits, and whether they are those of `eie`.
    fn bits(register: usize) -> (u32, bool) {
        assert!((0x80..0x100).contains(&register), "{register:#x}");
        let word = (register & 0x3f) as u32;
        assert_eq!(word % (WIDTH / 32), 0, "an odd register of a wide hart");
        (32 * word, register >= 0xc0)
    }
}

impl<const WIDTH: u32, const MACHINE: bool> InterruptFile for Fake<WIDTH, MACHINE> {
    const WIDTH: u32 = WIDTH;

    fn read(&mut self, register: usize) -> usize {
        let (first, enables) = Self::bits(register);
        let state = self.0.0.borrow();
        let set = if enables {
            &state.enabled
        } else {
            &state.pending
        };
        let bits = (0..WIDTH).filter(|bit| set.contains(&(first + bit)));
        bits.fold(0, |word, bit| word | 1 << bit)
    }

    fn write(&mut self, register: usize, value: usize) {
        let mut state = self.0.0.borrow_mut();
        match register {
            0x70 => return state.delivers = value == 1,
            0x72 => return assert_eq!(value, 0),
            _ => {}
        }
        let (first, enables) = Self::bits(register);
        let state = &mut *state;
        let set = if enables {
            &mut state.enabled
        } else {
            &mut state.pending
        };
        for bit in 0..WIDTH {
            match value & 1 << bit {
                0 => set.remove(&(first + bit)),
                _ => set.insert(first + bit),
            };
        }
    }

    fn take(&mut self) -> usize {
        let mut state = self.0.0.borrow_mut();
        let state = &mut *state;
        let first = state.pending.intersection(&state.enabled).next().copied();
        let Some(number) = first.filter(|_| state.delivers) else {
            return 0;
        };
        state.pending.remove(&number);
        (number << 16 | number) as usize
    }
}

type Driver64 = Imsic<Machine, Fake<64, false>>;

fn imsic<const WIDTH: u32, const MACHINE: bool>(
    machine: &Machine,
) -> Imsic<Machine, Fake<WIDTH, MACHINE>> {
    let hart = Fake(machine.clone());
    let registers = Some(machine.clone());
    let mut imsic = Imsic::with_registers(registers, hart, FILES, SOURCES, IDENTITIES);
    imsic.initialize();
    imsic
}

fn messages_of_both_kinds<const WIDTH: u32, const MACHINE: bool>() {
    let machine = Machine::default();
    // What an earlier kernel left.
    machine.0.borrow_mut().enabled.extend([1, 50, IDENTITIES]);
    machine.0.borrow_mut().pending.extend([1, 50, IDENTITIES]);
    let mut imsic = imsic::<WIDTH, MACHINE>(&machine);
    assert_eq!(imsic.claim(), None);
    for number in [1, 31, 32, 33, 40] {
        machine.receive(number);
        assert_eq!(imsic.claim(), None, "{number} is not enabled");
        imsic.enable(Interrupt::edge(number));
        assert_eq!(imsic.claim(), Some(number));
        imsic.complete(number);
        assert_eq!(imsic.claim(), None);
    }
    let first = imsic.allocate_message(8, 0).expect("there is one");
    assert_eq!(first.address, PhysicalAddress(0x2800_3000));
    assert_eq!((first.data, first.number), (41, 41));
    for number in 42..=IDENTITIES {
        let next = imsic.allocate_message(8, 1).expect("there is one");
        assert_eq!(next.number, number);
        machine.receive(next.data);
        assert_eq!(imsic.claim(), Some(number));
        imsic.complete(number);
    }
    assert_eq!(imsic.allocate_message(8, 2), None);
    imsic.disable(60);
    machine.receive(60);
    assert_eq!(imsic.claim(), None);
}

#[test]
fn messages_of_lines_and_of_functions_are_claimed_on_any_hart() {
    messages_of_both_kinds::<64, false>();
    messages_of_both_kinds::<64, true>();
    messages_of_both_kinds::<32, false>();
    messages_of_both_kinds::<32, true>();
}

#[test]
fn a_line_sends_its_number_to_the_hart_at_each_rise() {
    let machine = Machine::default();
    let mut imsic: Driver64 = imsic(&machine);
    imsic.enable(Interrupt::level(10));
    for _ in 0..2 {
        machine.raise(10);
        assert_eq!(imsic.claim(), Some(10));
        machine.lower(10);
        imsic.complete(10);
        assert_eq!(imsic.claim(), None);
    }
    imsic.disable(10);
    machine.raise(10);
    assert_eq!(imsic.claim(), None);
}

#[test]
fn a_line_that_two_devices_share_is_heard_until_both_are_served() {
    let machine = Machine::default();
    let mut imsic: Driver64 = imsic(&machine);
    imsic.enable(Interrupt::level(33));
    machine.raise(33);
    assert_eq!(imsic.claim(), Some(33));
    // The first device is served; the second still holds the line.
    imsic.complete(33);
    assert_eq!(imsic.claim(), Some(33));
    machine.lower(33);
    imsic.complete(33);
    assert_eq!(imsic.claim(), None);
}

#[test]
fn an_edge_that_stays_high_is_not_heard_again() {
    let machine = Machine::default();
    let mut imsic: Driver64 = imsic(&machine);
    imsic.enable(Interrupt::level(33));
    imsic.enable(Interrupt::edge(33));
    machine.raise(33);
    assert_eq!(imsic.claim(), Some(33));
    imsic.complete(33);
    assert_eq!(imsic.claim(), None);
}

#[test]
fn only_m_mode_says_where_its_messages_go() {
    let machine = Machine::default();
    let _: Driver64 = imsic(&machine);
    assert_eq!(machine.0.borrow().domain.get(&0x1bc0), None);
    let _ = imsic::<32, true>(&machine);
    let state = machine.0.borrow();
    assert_eq!(state.domain[&0x1bc0], 0x2_8000);
    // Two bits of the number of hart 3, next to the page.
    assert_eq!(state.domain[&0x1bc4], 2 << 12);
}

#[test]
fn files_further_apart_and_above_4_gib_have_their_place_in_the_address() {
    let machine = Machine::default();
    let domain = Domain::new(machine.clone(), SOURCES);
    domain.address(PhysicalAddress(0x12_3450_0000_0000), 0x4000, 0);
    let state = machine.0.borrow();
    assert_eq!(state.domain[&0x1bc0], 0x4500_0000_u32);
    assert_eq!(state.domain[&0x1bc4], 2 << 20 | 0x123);
}

#[test]
fn the_timer_comes_first_and_is_no_message() {
    let machine = Machine::default();
    let mut imsic: Driver64 = imsic(&machine);
    imsic.enable(TIMER);
    imsic.enable(Interrupt::level(1));
    machine.raise(1);
    machine.0.borrow_mut().timer = true;
    assert_eq!(imsic.claim(), Some(TIMER.number));
    imsic.complete(TIMER.number);
    machine.0.borrow_mut().timer = false;
    assert_eq!(imsic.claim(), Some(1));
    imsic.disable(TIMER.number);
    let told = &machine.0.borrow().local;
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
fn what_is_no_source_is_not_enabled() {
    let machine = Machine::default();
    let mut imsic: Driver64 = imsic(&machine);
    for number in [0, SOURCES + 1, IDENTITIES + 1, u32::MAX] {
        assert!(!imsic.has(number));
        imsic.enable(Interrupt::level(number));
        imsic.disable(number);
    }
    assert!(machine.0.borrow().enabled.is_empty());
    assert!(imsic.has(1) && imsic.has(SOURCES) && imsic.has(TIMER.number));
}

#[test]
fn a_mode_without_files_still_has_its_timer() {
    let config = Config {
        machine: None,
        supervisor: None,
        stride: 0x1000,
        identities: IDENTITIES,
        sources: SOURCES,
    };
    // SAFETY: no device is driven, because none is configured.
    let mut imsic = unsafe { Imsic::<Mmio, Fake<64, false>>::new(&config) };
    imsic.initialize();
    assert_eq!(imsic.allocate_message(8, 0), None);
    imsic.enable(TIMER);
    assert_eq!(imsic.claim(), None);
    imsic.file.hart.0.0.borrow_mut().timer = true;
    assert_eq!(imsic.claim(), Some(TIMER.number));
}
