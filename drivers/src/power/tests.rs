use super::isa_debug_exit::{IsaDebugExit, Success};
use super::psci::{Conduit, Method, Psci};
use super::register_write::{RegisterWrite, Width, Write};
use super::sbi::Sbi;
use super::semihosting::{Semihosting, Trap};
use super::sifive_test::SifiveTest;
use super::*;
use crate::board::Driver;
use crate::mmio::words::WordRegisters;
use crate::port::Ports;
use crate::port::fake::{self, FakePorts};
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

/// A processor on which all calls return.
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

impl WordRegisters for Fake {
    fn write(&self, offset: usize, value: u32) {
        CALLS.with_borrow_mut(|calls| calls.push(Call::Write(offset, value)));
    }

    fn read(&self, _: usize) -> u32 {
        panic!("nothing is read")
    }
}

fn power<P: Power + Driver>(config: P::Config) -> P {
    // SAFETY: the simulated processor accesses no memory.
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
fn the_second_way_is_tried_if_the_first_returns() {
    let mut both: FirstOf<Semihosting<Fake>, Psci<Fake>> = power((semihosting::Config {}, HVC));
    both.off(3);
    let expected = [
        Call::Host(0x20, [0x20026, 3]),
        Call::Firmware(Method::Hvc, 0x8400_0008),
    ];
    assert_eq!(calls(), expected);
}

#[test]
fn a_reset_uses_the_way_that_supports_it() {
    let mut both: FirstOf<Semihosting<Fake>, Psci<Fake>> = power((semihosting::Config {}, SMC));
    both.reset();
    assert_eq!(calls(), [Call::Firmware(Method::Smc, 0x8400_0009)]);
}

/// Returns the writes to ports.
fn ports_written() -> Vec<(u16, u32, u32)> {
    fake::with(|state| core::mem::take(&mut state.written))
}

fn debug_exit(success: Success) -> IsaDebugExit<Ports<FakePorts>> {
    power(isa_debug_exit::Config {
        port: 0xf4,
        success,
    })
}

#[test]
fn a_debug_exit_passes_a_failing_status_on() {
    debug_exit(Success::IsLeft).off(101);
    assert_eq!(ports_written(), [(0xf4, 32, 101)]);
}

#[test]
fn a_debug_exit_never_makes_a_failure_a_success() {
    // 2 * 128 + 1 would be truncated to 1 in an exit status.
    debug_exit(Success::IsLeft).off(128);
    assert_eq!(ports_written(), [(0xf4, 32, 127)]);
}

#[test]
fn a_debug_exit_leaves_success_to_another_way_if_there_is_one() {
    debug_exit(Success::IsLeft).off(0);
    assert_eq!(ports_written(), []);
    debug_exit(Success::IsWritten).off(0);
    assert_eq!(ports_written(), [(0xf4, 32, 0)]);
}

#[test]
fn a_register_write_has_the_width_of_the_register() {
    let write = |register, value, width| Write {
        register,
        value,
        width,
    };
    let mut machine: RegisterWrite<Ports<FakePorts>> = power(register_write::Config {
        off: Some(write(0x604, 0x2000, Width::Bits16)),
        reset: Some(write(0xcf9, 6, Width::Bits8)),
    });
    machine.off(0);
    machine.reset();
    assert_eq!(ports_written(), [(0x604, 16, 0x2000), (0xcf9, 8, 6)]);
}

#[test]
fn an_unsupported_reset_does_nothing() {
    let mut machine: RegisterWrite<Ports<FakePorts>> = power(register_write::Config {
        off: None,
        reset: None,
    });
    machine.off(0);
    machine.reset();
    assert_eq!(ports_written(), []);
}

#[test]
fn the_sbi_extension_is_tried_before_the_legacy_call() {
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
