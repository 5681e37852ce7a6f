use super::psci::{Conduit, Method, Psci};
use super::sbi::Sbi;
use super::semihosting::{Semihosting, Trap};
use super::sifive_test::SifiveTest;
use super::*;
use crate::board::Driver;
use crate::mmio::Registers;
use crate::riscv::{Answer, Firmware};
use core::cell::RefCell;
use std::thread_local;
use std::vec::Vec;

#[derive(Debug, PartialEq, Eq)]
enum Call {
    Firmware(Method, u32),
    Host(usize, [usize; 2]),
    Sbi(usize, usize, [usize; 2]),
    Write(usize, u32),
}

thread_local! {
    static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

/// A processor whose calls all return.
#[derive(Default)]
struct Fake;

impl Conduit for Fake {
    fn call(&mut self, method: Method, function: u32) -> i32 {
        CALLS.with_borrow_mut(|calls| calls.push(Call::Firmware(method, function)));
        -1
    }
}

impl Trap for Fake {
    fn call(&mut self, operation: usize, block: &[usize; 2]) -> isize {
        CALLS.with_borrow_mut(|calls| calls.push(Call::Host(operation, *block)));
        -1
    }
}

impl Firmware for Fake {
    fn call(&mut self, extension: usize, function: usize, arguments: [usize; 2]) -> Answer {
        let call = Call::Sbi(extension, function, arguments);
        CALLS.with_borrow_mut(|calls| calls.push(call));
        // SBI_ERR_NOT_SUPPORTED
        Answer {
            error: -2,
            value: 0,
        }
    }
}

impl Registers for Fake {
    fn write32(&self, offset: usize, value: u32) {
        CALLS.with_borrow_mut(|calls| calls.push(Call::Write(offset, value)));
    }
    fn read8(&self, _: usize) -> u8 {
        panic!("nothing is read")
    }
    fn read16(&self, _: usize) -> u16 {
        panic!("nothing is read")
    }
    fn read32(&self, _: usize) -> u32 {
        panic!("nothing is read")
    }
    fn read64(&self, _: usize) -> u64 {
        panic!("nothing is read")
    }
    fn write8(&self, _: usize, _: u8) {
        panic!("the register has 32 bits")
    }
    fn write16(&self, _: usize, _: u16) {
        panic!("the register has 32 bits")
    }
    fn write64(&self, _: usize, _: u64) {
        panic!("the register has 32 bits")
    }
}

fn power<P: Power + Driver>(config: P::Config) -> P {
    // SAFETY: the fake processor leads nowhere.
    unsafe { P::new(&config) }
}

fn calls() -> Vec<Call> {
    CALLS.with_borrow_mut(core::mem::take)
}

const HVC: psci::Config = psci::Config {
    method: Method::Hvc,
};
const SMC: psci::Config = psci::Config {
    method: Method::Smc,
};

#[test]
fn psci_is_called_by_the_method_of_the_board() {
    power::<Psci<Fake>>(HVC).off(1);
    power::<Psci<Fake>>(SMC).reset();
    let expected = [
        Call::Firmware(Method::Hvc, 0x8400_0008),
        Call::Firmware(Method::Smc, 0x8400_0009),
    ];
    assert_eq!(calls(), expected);
}

#[test]
fn semihosting_passes_the_status_on() {
    power::<Semihosting<Fake>>(semihosting::Config {}).off(101);
    assert_eq!(calls(), [Call::Host(0x20, [0x20026, 101])]);
}

#[test]
fn the_second_way_is_tried_where_the_first_returns() {
    let mut both: FirstOf<Semihosting<Fake>, Psci<Fake>> = power((semihosting::Config {}, HVC));
    both.off(3);
    let expected = [
        Call::Host(0x20, [0x20026, 3]),
        Call::Firmware(Method::Hvc, 0x8400_0008),
    ];
    assert_eq!(calls(), expected);
}

#[test]
fn a_restart_is_left_to_the_way_that_can() {
    let mut both: FirstOf<Semihosting<Fake>, Psci<Fake>> = power((semihosting::Config {}, SMC));
    both.reset();
    assert_eq!(calls(), [Call::Firmware(Method::Smc, 0x8400_0009)]);
}

#[test]
fn the_sbi_is_asked_to_shut_down_and_then_the_old_way() {
    power::<Sbi<Fake>>(sbi::Config {}).off(0);
    power::<Sbi<Fake>>(sbi::Config {}).off(7);
    let expected = [
        Call::Sbi(0x5352_5354, 0, [0, 0]),
        Call::Sbi(8, 0, [0, 0]),
        Call::Sbi(0x5352_5354, 0, [0, 1]),
        Call::Sbi(8, 0, [0, 0]),
    ];
    assert_eq!(calls(), expected);
    power::<Sbi<Fake>>(sbi::Config {}).reset();
    assert_eq!(calls(), [Call::Sbi(0x5352_5354, 0, [1, 0])]);
}

#[test]
fn the_test_finisher_passes_the_status_on() {
    let mut finisher = SifiveTest::with_registers(Fake);
    finisher.off(0);
    finisher.off(101);
    finisher.reset();
    let expected = [
        Call::Write(0, 0x5555),
        Call::Write(0, 101 << 16 | 0x3333),
        Call::Write(0, 0x7777),
    ];
    assert_eq!(calls(), expected);
}
