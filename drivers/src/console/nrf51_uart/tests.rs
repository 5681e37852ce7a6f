use super::*;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::mmio::words::WordRegisters;

/// A UART that has sent a byte after `pace` reads of the event.
struct Uart {
    state: RefCell<State>,
    pace: usize,
}

#[derive(Default)]
struct State {
    sending: Option<(u8, usize)>,
    sent: Vec<u8>,
    was_sent: bool,
    received: Vec<u8>,
    enabled: u32,
    written: Vec<(usize, u32)>,
}

impl WordRegisters for &Uart {
    fn read(&self, offset: usize) -> u32 {
        let mut state = self.state.borrow_mut();
        match offset {
            SENT => {
                match state.sending.take() {
                    Some((byte, 1)) => {
                        state.sent.push(byte);
                        state.was_sent = true;
                    }
                    Some((byte, left)) => state.sending = Some((byte, left - 1)),
                    None => {}
                }
                state.was_sent.into()
            }
            RECEIVED => (!state.received.is_empty()).into(),
            RECEIVE => state.received.remove(0).into(),
            _ => panic!("no readable register at {offset:#x}"),
        }
    }

    fn write(&self, offset: usize, value: u32) {
        let mut state = self.state.borrow_mut();
        match offset {
            TRANSMIT => {
                assert!(state.sending.is_none(), "a byte is lost");
                state.sending = Some((value as u8, self.pace));
            }
            SENT => state.was_sent = false,
            SET_ENABLE => state.enabled |= value,
            CLEAR_ENABLE => state.enabled &= !value,
            _ => {}
        }
        state.written.push((offset, value));
    }
}

const CONFIG: Config = Config {
    registers: Range {
        base: PhysicalAddress(0x4000_2000),
        size: 0x1000,
    },
    transmit_pin: 24,
    receive_pin: Some(25),
    baud: 115_200,
};

fn device(pace: usize) -> Uart {
    Uart {
        state: RefCell::default(),
        pace,
    }
}

#[test]
fn pins_and_line_are_set_before_the_uart_is_enabled() {
    let device = device(1);
    let _uart = Nrf51Uart::with_registers(&device, &CONFIG);
    let state = device.state.borrow();
    let at = |wanted| {
        let mut written = state.written.iter();
        written
            .position(|written| *written == wanted)
            .expect("it is written")
    };
    let on = at((ENABLE, ON));
    for before in [
        (TRANSMIT_PIN, 24),
        (RECEIVE_PIN, 25),
        (BAUD_RATE, 0x01d7_e000),
    ] {
        assert!(at(before) < on, "{before:x?}");
    }
    assert!(on < at((START_TRANSMITTER, 1)) && on < at((START_RECEIVER, 1)));
    assert_eq!(state.enabled, RECEIVED_BIT);
}

#[test]
fn without_a_receiving_pin_nothing_is_received() {
    let device = device(1);
    let config = Config {
        receive_pin: None,
        ..CONFIG
    };
    let _uart = Nrf51Uart::with_registers(&device, &config);
    let state = device.state.borrow();
    assert!(state.written.contains(&(RECEIVE_PIN, u32::MAX)));
    assert!(!state.written.contains(&(START_RECEIVER, 1)));
    assert_eq!(state.enabled, 0);
}

#[test]
fn rates_are_those_of_the_manual() {
    // nRF51 Series Reference Manual 3.0, table 261.
    for (baud, value) in [
        (9_600, 0x0027_5000),
        (38_400, 0x009d_5000),
        (115_200, 0x01d7_e000),
        (1_000_000, 0x1000_0000),
    ] {
        assert_eq!(rate(baud), value, "{baud} baud");
    }
    assert_eq!(rate(u32::MAX), 0xffff_f000);
}

#[test]
fn bytes_are_sent_in_order_and_none_is_lost() {
    for pace in 1..4 {
        let device = device(pace);
        let mut uart = Nrf51Uart::with_registers(&device, &CONFIG);
        let mut rest = &b"hello"[..];
        let mut calls = 0;
        while !rest.is_empty() {
            rest = &rest[uart.write(rest)..];
            calls += 1;
            assert!(calls < 100);
        }
        let state = device.state.borrow();
        assert_eq!(state.sent, b"hell");
        assert!(matches!(state.sending, Some((b'o', _))));
    }
}

#[test]
fn the_event_stays_until_the_next_byte_so_no_interrupt_is_missed() {
    let device = device(1);
    let mut uart = Nrf51Uart::with_registers(&device, &CONFIG);
    assert_eq!(uart.write(b"a"), 1);
    assert_eq!((&device).read(SENT), 1, "sent before anybody waits");
    uart.notify_when_writable(true);
    let is_raised = |state: &State| state.was_sent && state.enabled & SENT_BIT != 0;
    assert!(is_raised(&device.state.borrow()));
    assert_eq!(uart.write(b"b"), 1);
    uart.notify_when_writable(false);
    assert_eq!(device.state.borrow().enabled, RECEIVED_BIT);
}

#[test]
fn received_bytes_are_read_once() {
    let device = device(1);
    let mut uart = Nrf51Uart::with_registers(&device, &CONFIG);
    device.state.borrow_mut().received.extend(*b"ok");
    assert_eq!(
        [uart.read(), uart.read(), uart.read()],
        [Some(b'o'), Some(b'k'), None]
    );
}

#[test]
fn a_moved_uart_keeps_its_settings() {
    let there = PhysicalAddress(0x4900_0000);
    let moved = Nrf51Uart::<Mmio>::moved(&CONFIG, there).expect("it can be there");
    assert_eq!(moved.registers.base, there);
    assert_eq!((moved.baud, moved.transmit_pin), (CONFIG.baud, 24));
}
