use super::*;
use crate::mmio::words::WordRegisters;
use alloc::vec::Vec;
use core::cell::RefCell;

/// A PL011 with a FIFO of `depth` bytes.
struct Uart {
    state: RefCell<State>,
    depth: usize,
}

#[derive(Default)]
struct State {
    /// The bytes in the transmit FIFO.
    waiting: Vec<u8>,
    received: Vec<u32>,
    written: Vec<(usize, u32)>,
    flag_reads: usize,
}

impl WordRegisters for &Uart {
    fn read(&self, offset: usize) -> u32 {
        let mut state = self.state.borrow_mut();
        match offset {
            FR => {
                state.flag_reads += 1;
                let flag = |on, bit| if on { bit } else { 0 };
                flag(state.received.is_empty(), FR_RXFE)
                    | flag(state.waiting.is_empty(), FR_TXFE)
                    | flag(state.waiting.len() == self.depth, FR_TXFF)
            }
            DR => state.received.remove(0),
            _ => panic!("no readable register at {offset:#x}"),
        }
    }

    fn write(&self, offset: usize, value: u32) {
        let mut state = self.state.borrow_mut();
        if offset == DR {
            assert!(state.waiting.len() < self.depth, "a byte is lost");
            state.waiting.push(value as u8);
        } else {
            state.written.push((offset, value));
        }
    }
}

fn uart() -> Uart {
    Uart {
        state: RefCell::default(),
        depth: FIFO_DEPTH,
    }
}

fn console(uart: &Uart) -> Pl011<&Uart> {
    Pl011::with_registers(uart, 24_000_000, None)
}

#[test]
fn the_line_is_set_up_while_the_uart_is_off() {
    let uart = uart();
    let _console = Pl011::with_registers(&uart, 24_000_000, Some(115_200));
    let written = &uart.state.borrow().written;
    let order: Vec<usize> = written.iter().map(|&(offset, _)| offset).collect();
    assert_eq!(order, [CR, IBRD, FBRD, LCR_H, ICR, IMSC, CR]);
    assert_eq!(written[0], (CR, 0));
    assert_eq!((written[1].1, written[2].1), (13, 1));
    assert_eq!(written[6], (CR, CR_ON));
}

#[test]
fn the_baud_rate_of_firmware_is_kept_if_none_is_given() {
    let uart = uart();
    let _console = console(&uart);
    let touched = uart
        .state
        .borrow()
        .written
        .iter()
        .any(|&(o, _)| o == IBRD || o == FBRD);
    assert!(!touched);
}

#[test]
fn writing_stops_when_the_transmitter_is_full() {
    let uart = uart();
    let mut console = console(&uart);
    assert_eq!(console.write(&[b'x'; 40]), FIFO_DEPTH);
    assert_eq!(console.write(b"x"), 0);
    uart.state.borrow_mut().waiting.truncate(FIFO_DEPTH - 3);
    assert_eq!(console.write(b"abcdef"), 3);
    assert!(uart.state.borrow().waiting.ends_with(b"abc"));
}

#[test]
fn an_empty_fifo_is_filled_after_one_read_of_the_flags() {
    let uart = uart();
    let mut console = console(&uart);
    uart.state.borrow_mut().flag_reads = 0;
    assert_eq!(console.write(&[b'x'; FIFO_DEPTH]), FIFO_DEPTH);
    assert_eq!(uart.state.borrow().flag_reads, 1);
}

#[test]
fn bytes_are_read_in_order_and_damaged_ones_skipped() {
    let uart = uart();
    let mut console = console(&uart);
    uart.state.borrow_mut().received = Vec::from([0x41, 0x100, 0x400 | 0x42, 0x43]);
    assert_eq!(console.read(), Some(b'A'));
    assert_eq!(console.read(), Some(b'C'));
    assert_eq!(console.read(), None);
}

#[test]
fn a_flood_of_damaged_bytes_does_not_block_the_reader() {
    let uart = uart();
    let mut console = console(&uart);
    uart.state.borrow_mut().received = Vec::from([0x100; 1000]);
    assert_eq!(console.read(), None);
}

#[test]
fn the_transmitter_interrupts_only_when_asked_to() {
    let uart = uart();
    let mut console = console(&uart);
    console.notify_when_writable(true);
    console.notify_when_writable(false);
    let state = uart.state.borrow();
    let masks: Vec<u32> = state
        .written
        .iter()
        .filter(|w| w.0 == IMSC)
        .map(|w| w.1)
        .collect();
    assert_eq!(masks, [RECEIVED, RECEIVED | WRITABLE, RECEIVED]);
}

#[test]
fn divisors_are_rounded_to_the_nearest_64th() {
    assert_eq!(divisor(24_000_000, 115_200), Some((13, 1)));
    assert_eq!(divisor(7_372_800, 115_200), Some((4, 0)));
    assert_eq!(divisor(48_000_000, 921_600), Some((3, 16)));
    assert_eq!(divisor(24_000_000, 230_400), Some((6, 33)));
}

#[test]
fn an_unsupported_rate_has_no_divisor() {
    assert_eq!(divisor(24_000_000, 0), None);
    assert_eq!(divisor(24_000_000, 2_000_000), None);
    assert_eq!(divisor(24_000_000, 10), None);
    assert_eq!(divisor(u64::MAX, 115_200), None);
}
