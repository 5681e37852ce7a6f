use super::*;
use crate::local_apic::fake;
use crate::mmio::words::WordRegisters;
use crate::port::fake::FakePorts;
use alloc::rc::Rc;
use core::cell::RefCell;

/// The registers of an I/O APIC.
struct IoRegisters {
    selected: u32,
    inputs: u32,
    redirections: [u32; 0x40],
}

/// All memory-mapped registers, distinguished by the variant.
#[derive(Clone)]
enum Fake {
    Local(fake::Fake),
    Io(Rc<RefCell<IoRegisters>>),
}

impl WordRegisters for Fake {
    fn read(&self, offset: usize) -> u32 {
        match self {
            Self::Local(local) => local.read32(offset),
            Self::Io(io) => {
                let io = io.borrow();
                assert_eq!(offset, 0x10, "only the window is read");
                match io.selected {
                    1 => (io.inputs - 1) << 16 | 0x20,
                    register => io.redirections[register as usize - 0x10],
                }
            }
        }
    }

    fn write(&self, offset: usize, value: u32) {
        match self {
            Self::Local(local) => local.write32(offset, value),
            Self::Io(io) => {
                let mut io = io.borrow_mut();
                match offset {
                    0 => io.selected = value,
                    0x10 => {
                        let register = io.selected as usize - 0x10;
                        io.redirections[register] = value;
                    }
                    _ => panic!("no register at {offset:#x}"),
                }
            }
        }
    }
}

std::thread_local! {
    static PROCESSOR: fake::Fake = fake::Fake::default();
}

/// The processor; all copies share one state.
struct Processor(fake::Fake);

impl Default for Processor {
    fn default() -> Self {
        Self(PROCESSOR.with(Clone::clone))
    }
}

impl ModelSpecific for Processor {
    fn identify(&self, leaf: u32) -> [u32; 4] {
        self.0.identify(leaf)
    }
    fn read(&self, number: u32) -> u64 {
        ModelSpecific::read(&self.0, number)
    }
    fn write(&mut self, number: u32, value: u64) {
        ModelSpecific::write(&mut self.0, number, value);
    }
}

impl Vectors for Processor {
    fn take(&mut self) -> Option<u8> {
        self.0.0.borrow_mut().vectors.pop()
    }
}

struct Machine {
    apic: Apic<Fake, Processor, Ports<FakePorts>>,
    processor: fake::Fake,
    io: [Rc<RefCell<IoRegisters>>; 2],
}

/// A driver for two I/O APICs of 24 inputs each.
fn machine() -> Machine {
    let processor = Processor::default().0;
    processor.0.borrow_mut().memory.insert(0x20, 3 << 24);
    let io = [0, 1].map(|_| {
        Rc::new(RefCell::new(IoRegisters {
            selected: 0,
            inputs: 24,
            redirections: [0; 0x40],
        }))
    });
    let ports = |base| {
        // SAFETY: the simulated registers are not in memory.
        unsafe { Ports::new(PortRange { base, size: 2 }) }
    };
    let apics = [
        (Fake::Io(Rc::clone(&io[0])), 0),
        (Fake::Io(Rc::clone(&io[1])), 24),
    ];
    let mut apic = Apic::with_registers(
        Fake::Local(processor.clone()),
        apics,
        Some((ports(0x20), ports(0xa0))),
    );
    apic.initialize();
    processor.written();
    Machine {
        apic,
        processor,
        io,
    }
}

impl Machine {
    fn redirection(&self, io: usize, input: usize) -> (u32, u32) {
        let io = self.io[io].borrow();
        (io.redirections[2 * input], io.redirections[2 * input + 1])
    }

    /// Raises an input; the processor accepts its interrupt.
    fn raise(&mut self, io: usize, input: usize) {
        let (low, _) = self.redirection(io, input);
        assert_eq!(low & 1 << 16, 0, "input {input} is masked");
        let mut state = self.processor.0.borrow_mut();
        state.vectors.push(low as u8);
    }
}

#[test]
fn at_first_every_input_is_masked() {
    let machine = machine();
    for io in 0..2 {
        for input in 0..24 {
            assert_eq!(machine.redirection(io, input).0, 1 << 16);
        }
    }
}

#[test]
fn the_8259s_are_masked_and_out_of_the_way_of_exceptions() {
    let _machine = machine();
    let written = crate::port::fake::with(|state| core::mem::take(&mut state.written));
    for port in [0x21, 0xa1] {
        let words = written.iter().filter(|(at, ..)| *at == port);
        let words: Vec<u32> = words.map(|&(_, _, word)| word).collect();
        assert!(words[0] >= 0x20, "vectors from {:#x}", words[0]);
        assert_eq!(words.last(), Some(&0xff));
    }
}

#[test]
fn an_input_is_routed_by_the_apic_that_has_it() {
    let mut machine = machine();
    machine.apic.enable(Interrupt::level(24 + 7));
    let (low, high) = machine.redirection(1, 7);
    assert_eq!(
        low & 0x1_ff00,
        1 << 15,
        "level-triggered, active high, not masked"
    );
    assert_eq!(high, 3 << 24, "to this processor");
    assert_eq!(machine.redirection(0, 7).0, 1 << 16);
}

#[test]
fn edges_are_distinguished_from_levels() {
    let mut machine = machine();
    machine.apic.enable(Interrupt::edge(4));
    assert_eq!(machine.redirection(0, 4).0 & 1 << 15, 0);
}

#[test]
fn active_low_lines_are_distinguished_from_active_high_ones() {
    let mut machine = machine();
    machine.apic.enable(Interrupt::level_low(20));
    machine.apic.enable(Interrupt::edge_falling(21));
    assert_eq!(machine.redirection(0, 20).0 & 0xa000, 0xa000);
    assert_eq!(machine.redirection(0, 21).0 & 0xa000, 0x2000);
}

#[test]
fn a_claim_returns_the_number_that_was_enabled() {
    let mut machine = machine();
    machine.apic.enable(Interrupt::edge(4));
    machine.apic.enable(Interrupt::level(31));
    machine.raise(1, 7);
    assert_eq!(machine.apic.claim(), Some(31));
    assert!(machine.processor.written().is_empty(), "ended too soon");
    machine.apic.complete(31);
    assert_eq!(machine.processor.written(), [(0xb0, 0)]);
    machine.raise(0, 4);
    assert_eq!(machine.apic.claim(), Some(4));
    assert_eq!(machine.apic.claim(), None);
}

#[test]
fn a_line_enabled_twice_has_one_vector() {
    let mut machine = machine();
    machine.apic.enable(Interrupt::level(20));
    let first = machine.redirection(0, 20);
    machine.apic.enable(Interrupt::level(20));
    assert_eq!(machine.redirection(0, 20), first);
}

#[test]
fn a_disabled_line_is_masked() {
    let mut machine = machine();
    machine.apic.enable(Interrupt::level(30));
    machine.apic.disable(30);
    assert_ne!(machine.redirection(1, 6).0 & 1 << 16, 0);
}

#[test]
fn a_message_goes_to_this_processor_with_a_vector_of_its_own() {
    let mut machine = machine();
    let first = machine.apic.allocate_message(0x10, 0).expect("vectors");
    let second = machine.apic.allocate_message(0x10, 1).expect("vectors");
    assert_eq!(first.address, PhysicalAddress(0xfee0_3000));
    assert_ne!(first.data, second.data);
    machine
        .processor
        .0
        .borrow_mut()
        .vectors
        .push(second.data as u8);
    assert_eq!(machine.apic.claim(), Some(second.number));
}

#[test]
fn there_are_as_many_messages_as_vectors() {
    let mut machine = machine();
    let messages = core::iter::from_fn(|| machine.apic.allocate_message(0, 0));
    let vectors: Vec<u32> = messages.map(|message| message.data).collect();
    assert_eq!(vectors.len(), 0x7e - 0x21 + 1);
    assert!(vectors.iter().all(|vector| (0x21..=0x7e).contains(vector)));
}

#[test]
fn the_timers_vector_is_claimed_as_the_timers_interrupt() {
    let mut machine = machine();
    machine.apic.enable(TIMER_INTERRUPT);
    machine.processor.0.borrow_mut().vectors.push(0x20);
    assert_eq!(machine.apic.claim(), Some(TIMER_INTERRUPT.number));
}

#[test]
fn an_unassigned_vector_is_ended_and_not_reported() {
    let mut machine = machine();
    machine.processor.0.borrow_mut().vectors.push(0x80);
    assert_eq!(machine.apic.claim(), None);
    assert_eq!(machine.processor.written(), [(0xb0, 0)]);
    // The processor's own is not ended.
    machine.processor.0.borrow_mut().vectors.push(2);
    assert_eq!(machine.apic.claim(), None);
    assert!(machine.processor.written().is_empty());
}

#[test]
fn a_claim_ends_one_unassigned_vector_and_leaves_the_next_interrupt() {
    let mut machine = machine();
    machine.apic.enable(Interrupt::edge(4));
    machine.raise(0, 4);
    machine.processor.0.borrow_mut().vectors.extend([0x80; 300]);
    for _ in 0..300 {
        assert_eq!(machine.apic.claim(), None);
        assert_eq!(machine.processor.written(), [(0xb0, 0)]);
    }
    assert_eq!(machine.apic.claim(), Some(4));
}

#[test]
fn an_interrupt_beyond_all_apics_is_ignored() {
    let mut machine = machine();
    machine.apic.enable(Interrupt::level(48));
    machine.apic.disable(48);
    assert_eq!(machine.apic.claim(), None);
}
