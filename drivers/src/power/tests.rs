use super::psci::{Conduit, Method, Psci};
use super::semihosting::{Semihosting, Trap};
use super::*;
use crate::board::Driver;
use core::cell::RefCell;
use std::thread_local;
use std::vec::Vec;

#[derive(Debug, PartialEq, Eq)]
enum Call {
    Firmware(Method, u32),
    Host(usize, [usize; 2]),
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
