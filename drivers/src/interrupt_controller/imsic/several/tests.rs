//! Two sockets, each with an APLIC, whose messages go to the file of the kernel's hart.

use super::super::tests::{Fake, Machine};
use super::*;

const SOURCES: u32 = 40;
const IDENTITIES: u32 = 127;

const fn level(files: u64, aplic: u64) -> Option<Level> {
    Some(Level {
        files: PhysicalAddress(files),
        aplic: Range {
            base: PhysicalAddress(aplic),
            size: 0x8000,
        },
    })
}

/// Hart 3 is the second one of the second socket. Two bits of an index number the harts of a socket.
const UNITS: [Unit; 2] = [
    Unit {
        machine: level(0x2400_0000, 0),
        supervisor: level(0x2800_0000, 0),
        sources: SOURCES,
        first_hart: 0,
        first_index: 0,
    },
    Unit {
        machine: level(0x2500_0000, 1),
        supervisor: level(0x2900_0000, 1),
        sources: SOURCES,
        first_hart: 2,
        first_index: 4,
    },
];

const CONFIG: Config<2> = Config {
    units: &UNITS,
    stride: 0x1000,
    identities: IDENTITIES,
};

/// The driver on hart 3. Each machine has the domain of one APLIC, and the first one the hart's file.
fn imsics<const MACHINE: bool>(machines: &[Machine; 2]) -> Imsics<Machine, Fake<64, MACHINE>, 2> {
    let registers = |range: Range| machines[range.base.0 as usize].clone();
    let mut imsics = Imsics::with_registers(registers, &CONFIG);
    imsics.file.hart = Fake(machines[0].clone());
    imsics.initialize();
    imsics
}

/// Returns a register of a domain.
fn register(machine: &Machine, offset: usize) -> Option<u32> {
    machine.0.borrow().domain.get(&offset).copied()
}

#[test]
fn every_aplic_sends_its_messages_to_the_hart_with_numbers_of_its_own() {
    let machines = [(); 2].map(|()| Machine::default());
    let mut imsics = imsics::<false>(&machines);
    for (index, number, sent) in [(0, 8, 8), (1, STRIDE + 8, SOURCES + 8)] {
        machines[0].receive(sent);
        assert_eq!(imsics.claim(), None, "{number} is not enabled");
        imsics.enable(Interrupt::level(number));
        assert_eq!(imsics.claim(), Some(number));
        // Firmware has given the number 5 to hart 3.
        let target = register(&machines[index], 0x3000 + 4 * 8);
        assert_eq!(target, Some(5 << 18 | sent));
        imsics.complete(number);
        assert!(!machines[index].take(sent));
        machines[index].hold(8);
        imsics.complete(number);
        assert!(machines[index].take(sent));
    }
    imsics.disable(STRIDE + 8);
    machines[0].receive(SOURCES + 8);
    assert_eq!(imsics.claim(), None);
}

#[test]
fn messages_of_functions_have_the_numbers_above_those_of_all_sources() {
    let machines = [(); 2].map(|()| Machine::default());
    let mut imsics = imsics::<false>(&machines);
    for number in 2 * SOURCES + 1..=IDENTITIES {
        let message = imsics.allocate_message(8, 0).expect("there is one");
        assert_eq!(message.address, PhysicalAddress(0x2900_1000));
        assert_eq!((message.data, message.number), (number, number));
        machines[0].receive(number);
        assert_eq!(imsics.claim(), Some(number));
        imsics.complete(number);
        imsics.disable(number);
        machines[0].receive(number);
        assert_eq!(imsics.claim(), None);
    }
    assert_eq!(imsics.allocate_message(8, 0), None);
}

#[test]
fn in_m_mode_every_aplic_knows_only_the_file_of_the_hart() {
    let machines = [(); 2].map(|()| Machine::default());
    let mut imsics = imsics::<true>(&machines);
    imsics.enable(Interrupt::level(STRIDE + 1));
    let message = imsics.allocate_message(8, 0).expect("there is one");
    assert_eq!(message.address, PhysicalAddress(0x2500_1000));
    for machine in &machines {
        assert_eq!(register(machine, 0x1bc0), Some(0x2_5001));
        assert_eq!(register(machine, 0x1bc4), Some(0));
    }
    assert_eq!(register(&machines[1], 0x3004), Some(SOURCES + 1));
}

#[test]
fn what_is_no_source_is_not_enabled() {
    let machines = [(); 2].map(|()| Machine::default());
    let mut imsics = imsics::<false>(&machines);
    for number in [0, SOURCES + 1, STRIDE, STRIDE + SOURCES + 1, 2 * STRIDE + 1] {
        assert!(!imsics.has(number), "{number}");
        imsics.enable(Interrupt::level(number));
        imsics.disable(number);
    }
    assert!(machines[0].has_enabled_nothing());
    for number in [1, SOURCES, STRIDE + 1, STRIDE + SOURCES, TIMER.number] {
        assert!(imsics.has(number), "{number}");
    }
}

#[test]
fn sources_beyond_the_numbers_of_a_file_do_not_exist() {
    let few = Config {
        identities: 63,
        ..CONFIG
    };
    let imsics: Imsics<_, Fake<64, false>, 2> =
        Imsics::with_registers(|_| Machine::default(), &few);
    assert!(imsics.has(STRIDE + 23));
    assert!(!imsics.has(STRIDE + 24));
}
