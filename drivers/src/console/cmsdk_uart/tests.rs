use super::*;
use crate::mmio::words::WordRegisters;
use alloc::vec::Vec;
use core::cell::RefCell;

/// A UART whose transmitter takes a byte after each `pace` reads of the state.
struct Uart {
    state: RefCell<State>,
    pace: usize,
}

#[derive(Default)]
struct State {
    /// The byte in the transmitter's buffer, and how many more reads of the state it stays there.
    waiting: Option<(u8, usize)>,
    sent: Vec<u8>,
    received: Vec<u8>,
    control: u32,
    /// Whether the transmitter's interrupt was raised.
    raised: bool,
    written: Vec<(usize, u32)>,
}

impl WordRegisters for &Uart {
    fn read(&self, offset: usize) -> u32 {
        let mut state = self.state.borrow_mut();
        match offset {
            STATE => {
                let flag = |on, bit| if on { bit } else { 0 };
                let value = flag(state.waiting.is_some(), TX_FULL)
                    | flag(!state.received.is_empty(), RX_FULL);
                state.pass(self.pace);
                value
            }
            DATA => state.received.remove(0).into(),
            _ => panic!("no readable register at {offset:#x}"),
        }
    }

    fn write(&self, offset: usize, value: u32) {
        let mut state = self.state.borrow_mut();
        match offset {
            DATA => {
                assert!(state.waiting.is_none(), "a byte is lost");
                state.waiting = Some((value as u8, self.pace));
            }
            CTRL => {
                state.control = value;
                state.written.push((offset, value));
            }
            _ => state.written.push((offset, value)),
        }
    }
}

impl State {
    /// The state was read once more.
    fn pass(&mut self, pace: usize) {
        self.waiting = match self.waiting {
            Some((byte, 0 | 1)) if pace > 0 => {
                self.sent.push(byte);
                self.raised |= self.control & TX_INTERRUPT != 0;
                None
            }
            Some((byte, left)) if pace > 0 => Some((byte, left - 1)),
            other => other,
        };
    }
}

fn uart(pace: usize) -> Uart {
    Uart {
        state: RefCell::default(),
        pace,
    }
}

const CLOCK: u64 = 25_000_000;

#[test]
fn the_line_is_set_before_the_uart_is_enabled() {
    let device = uart(1);
    let _uart = CmsdkUart::with_registers(&device, CLOCK, 115_200);
    let written = device.state.borrow().written.clone();
    let expected = [(CTRL, 0), (BAUDDIV, 217), (INTCLEAR, 0xf), (CTRL, ON)];
    assert_eq!(written, expected);
}

#[test]
fn the_divisor_is_the_nearest_one_that_exists() {
    assert_eq!(divisor(CLOCK, 115_200), 217);
    assert_eq!(divisor(CLOCK, 9_600), 2604);
    assert_eq!(divisor(CLOCK, 4_000_000), 16);
    assert_eq!(divisor(u64::MAX, 1), 0xf_ffff);
    assert_eq!(divisor(CLOCK, 0), 0xf_ffff);
}

#[test]
fn bytes_are_sent_in_order_while_there_is_room() {
    let device = uart(1);
    let mut uart = CmsdkUart::with_registers(&device, CLOCK, 115_200);
    assert_eq!(uart.write(b"hello"), 5);
    let state = device.state.borrow();
    assert_eq!(
        (&state.sent[..], state.waiting),
        (&b"hell"[..], Some((b'o', 1)))
    );
}

#[test]
fn a_full_transmitter_raises_its_interrupt_when_it_has_room() {
    let device = uart(3);
    let mut uart = CmsdkUart::with_registers(&device, CLOCK, 115_200);
    assert_eq!(uart.write(b"ab"), 1);
    // The buffer becomes free now, before the console waits for the interrupt.
    assert_eq!((&device).read(STATE) & TX_FULL, TX_FULL);
    uart.notify_when_writable(true);
    assert!(
        device.state.borrow().raised,
        "the console would wait forever"
    );
    assert_eq!(uart.write(b"b"), 1);
    uart.notify_when_writable(false);
    assert_eq!(device.state.borrow().control, ON);
}

#[test]
fn a_transmitter_that_never_has_room_takes_one_byte() {
    let device = uart(0);
    let mut uart = CmsdkUart::with_registers(&device, CLOCK, 115_200);
    assert_eq!(uart.write(b"abc"), 1);
    assert_eq!(uart.write(b"bc"), 0);
}

#[test]
fn received_bytes_are_read_once() {
    let device = uart(1);
    let mut uart = CmsdkUart::with_registers(&device, CLOCK, 115_200);
    device.state.borrow_mut().received.extend(*b"ok");
    assert_eq!(
        [uart.read(), uart.read(), uart.read()],
        [Some(b'o'), Some(b'k'), None]
    );
}

#[test]
fn an_acknowledgement_clears_all_interrupts() {
    let device = uart(1);
    let mut uart = CmsdkUart::with_registers(&device, CLOCK, 115_200);
    uart.acknowledge_interrupt();
    assert_eq!(device.state.borrow().written.last(), Some(&(INTCLEAR, 0xf)));
}

#[test]
fn a_moved_uart_keeps_its_settings() {
    let base = PhysicalAddress(0x4000_4000);
    let config = Config {
        registers: Range { base, size: 0x1000 },
        clock: CLOCK,
        baud: 9_600,
    };
    let there = PhysicalAddress(0x4900_0000);
    let moved = CmsdkUart::<Mmio>::moved(&config, there);
    let registers = Range {
        base: there,
        size: 0x1000,
    };
    assert_eq!(
        moved,
        Some(Config {
            registers,
            ..config
        })
    );
}
