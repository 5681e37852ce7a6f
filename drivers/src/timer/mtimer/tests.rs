use super::*;
use core::cell::RefCell;
use std::collections::BTreeMap;

/// Memory with registers of 64 bits, which can also be accessed in halves.
#[derive(Default)]
struct Memory(RefCell<BTreeMap<usize, u32>>);

impl Memory {
    fn word(&self, offset: usize) -> u64 {
        let half = |offset| u64::from(*self.0.borrow().get(&offset).unwrap_or(&0));
        half(offset + 4) << 32 | half(offset)
    }

    fn set(&self, offset: usize, value: u64) {
        self.0.borrow_mut().insert(offset, value as u32);
        self.0.borrow_mut().insert(offset + 4, (value >> 32) as u32);
    }
}

impl Registers for &Memory {
    fn read32(&self, offset: usize) -> u32 {
        self.0.borrow()[&offset]
    }
    fn read64(&self, offset: usize) -> u64 {
        self.word(offset)
    }
    fn write32(&self, offset: usize, value: u32) {
        self.0.borrow_mut().insert(offset, value);
    }
    fn write64(&self, offset: usize, value: u64) {
        self.set(offset, value);
    }
    fn read8(&self, _: usize) -> u8 {
        panic!("no register has 8 bits")
    }
    fn read16(&self, _: usize) -> u16 {
        panic!("no register has 16 bits")
    }
    fn write8(&self, _: usize, _: u8) {
        panic!("no register has 8 bits")
    }
    fn write16(&self, _: usize, _: u16) {
        panic!("no register has 16 bits")
    }
}

/// Hart 2, whose clock is at 500 and runs at 10 MHz according to firmware.
#[derive(Clone, Copy, Default)]
struct Fake;

impl Hart for Fake {
    fn id(&self) -> usize {
        2
    }
    fn mode(&self) -> crate::riscv::Mode {
        crate::riscv::Mode::Machine
    }
}

impl Timebase for Fake {
    fn time(&self) -> u64 {
        500
    }
    fn frequency(&self) -> Option<u64> {
        Some(10_000_000)
    }
}

#[test]
fn nothing_is_raised_before_a_deadline_is_set() {
    let memory = Memory::default();
    let _timer = Mtimer::with_registers(Fake, &memory, None, None);
    assert_eq!(memory.word(16), u64::MAX);
    assert!(memory.0.borrow().keys().all(|offset| *offset >= 16));
}

#[test]
fn the_comparator_of_this_hart_is_set() {
    let memory = Memory::default();
    let mut timer = Mtimer::with_registers(Fake, &memory, None, None);
    timer.set_deadline(Some(1_000));
    assert_eq!(memory.word(16), 10);
    timer.set_deadline(None);
    assert_eq!(memory.word(16), u64::MAX);
}

#[test]
fn the_time_is_read_from_the_csr_or_the_register() {
    let memory = Memory::default();
    let timer = Mtimer::with_registers(Fake, &memory, None, None);
    assert_eq!(timer.now(), 50_000);
    let time = Memory::default();
    time.set(0, 1 << 33);
    let timer = Mtimer::with_registers(Fake, &memory, Some(&time), None);
    assert_eq!(timer.now(), 100 << 33);
}

#[test]
fn a_stated_frequency_overrides_firmwares() {
    let memory = Memory::default();
    let timer = Mtimer::with_registers(Fake, &memory, None, Some(1_000_000));
    assert_eq!(timer.frequency(), 1_000_000);
    assert_eq!(timer.now(), 500_000);
}
