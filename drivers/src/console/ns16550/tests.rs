use super::*;
use alloc::vec::Vec;
use core::cell::RefCell;

/// A UART with this register layout and FIFOs of `depth` bytes.
struct Uart {
    layout: Layout,
    depth: usize,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// The bytes in the transmit FIFO.
    waiting: Vec<u8>,
    /// Received bytes, each with its error bits in `LSR`.
    received: Vec<(u8, u8)>,
    /// Every write except bytes to send: register and value.
    written: Vec<(usize, u8)>,
    divisor: [u8; 2],
    line_control: u8,
    status_reads: usize,
    identification_reads: usize,
}

impl Uart {
    fn register(&self, offset: usize, width: Width) -> usize {
        assert_eq!(width, self.layout.width, "the width of an access");
        assert!(offset.is_multiple_of(self.layout.stride), "{offset:#x}");
        offset / self.layout.stride
    }

    fn read(&self, offset: usize, width: Width) -> u8 {
        let mut state = self.state.borrow_mut();
        match self.register(offset, width) {
            DATA if state.received.is_empty() => 0,
            DATA => state.received.remove(0).0,
            IIR => {
                state.identification_reads += 1;
                if self.depth > 1 { IIR_FIFOS | 1 } else { 1 }
            }
            LSR => {
                state.status_reads += 1;
                let errors = state.received.first().map_or(0, |(_, e)| LSR_RECEIVED | e);
                let empty = state.waiting.is_empty();
                errors | if empty { LSR_EMPTY | LSR_IDLE } else { 0 }
            }
            MSR => 0,
            register => panic!("register {register} is not read"),
        }
    }

    fn write(&self, offset: usize, width: Width, value: u8) {
        let register = self.register(offset, width);
        let mut state = self.state.borrow_mut();
        if state.line_control & LCR_DLAB != 0 && register <= IER {
            state.divisor[register] = value;
        } else if register == DATA {
            assert!(state.waiting.len() < self.depth, "a byte is lost");
            state.waiting.push(value);
        } else {
            if register == LCR {
                state.line_control = value;
            }
            state.written.push((register, value));
        }
    }
}

impl Registers for &Uart {
    fn read8(&self, offset: usize) -> u8 {
        self.read(offset, Width::Bits8)
    }
    fn read16(&self, offset: usize) -> u16 {
        // Bits above the register's byte are undefined.
        0xab00 | u16::from(self.read(offset, Width::Bits16))
    }
    fn read32(&self, offset: usize) -> u32 {
        0xabcd_ef00 | u32::from(self.read(offset, Width::Bits32))
    }
    fn read64(&self, _: usize) -> u64 {
        panic!("no register has 64 bits")
    }
    fn write8(&self, offset: usize, value: u8) {
        self.write(offset, Width::Bits8, value);
    }
    fn write16(&self, offset: usize, value: u16) {
        self.write(offset, Width::Bits16, value as u8);
    }
    fn write32(&self, offset: usize, value: u32) {
        self.write(offset, Width::Bits32, value as u8);
    }
    fn write64(&self, _: usize, _: u64) {
        panic!("no register has 64 bits")
    }
}

const BYTES: Layout = Layout {
    stride: 1,
    width: Width::Bits8,
};

fn uart(layout: Layout, depth: usize) -> Uart {
    Uart {
        layout,
        depth,
        state: RefCell::default(),
    }
}

fn console(uart: &Uart) -> Ns16550<&Uart> {
    Ns16550::with_registers(uart, uart.layout, 3_686_400, None)
}

#[test]
fn the_line_is_set_up_while_nothing_interrupts() {
    let uart = uart(BYTES, FIFO_DEPTH);
    let _console = Ns16550::with_registers(&uart, BYTES, 1_843_200, Some(300));
    let state = uart.state.borrow();
    let expected = [
        (IER, 0),
        (LCR, LCR_8N1 | LCR_DLAB),
        (LCR, LCR_8N1),
        (FCR, FCR_ON),
        (MCR, MCR_ON),
        (IER, RECEIVED),
    ];
    assert_eq!(state.written, expected);
    assert_eq!(u16::from_le_bytes(state.divisor), 384);
}

#[test]
fn the_baud_rate_of_firmware_is_kept_if_none_is_given() {
    let uart = uart(BYTES, FIFO_DEPTH);
    let _console = console(&uart);
    assert_eq!(uart.state.borrow().divisor, [0, 0]);
}

#[test]
fn registers_may_have_a_stride_and_a_width() {
    for width in [Width::Bits8, Width::Bits16, Width::Bits32] {
        let uart = uart(Layout { stride: 4, width }, FIFO_DEPTH);
        let mut console = console(&uart);
        assert_eq!(console.write(b"ab"), 2);
        uart.state.borrow_mut().received.push((b'c', 0));
        assert_eq!(console.read(), Some(b'c'));
        assert_eq!(uart.state.borrow().waiting, b"ab");
    }
}

#[test]
fn writing_stops_when_the_transmitter_is_full() {
    let uart = uart(BYTES, FIFO_DEPTH);
    let mut console = console(&uart);
    assert_eq!(console.write(&[b'x'; 40]), FIFO_DEPTH);
    assert_eq!(console.write(b"x"), 0);
    uart.state.borrow_mut().waiting.clear();
    assert_eq!(console.write(b"abc"), 3);
}

#[test]
fn a_uart_without_fifos_gets_one_byte_at_a_time() {
    let uart = uart(BYTES, 1);
    let mut console = console(&uart);
    assert_eq!(console.write(b"ab"), 1);
    uart.state.borrow_mut().waiting.clear();
    assert_eq!(console.write(b"b"), 1);
}

#[test]
fn an_empty_fifo_is_filled_after_one_read_of_the_status() {
    let uart = uart(BYTES, FIFO_DEPTH);
    let mut console = console(&uart);
    uart.state.borrow_mut().status_reads = 0;
    assert_eq!(console.write(&[b'x'; FIFO_DEPTH]), FIFO_DEPTH);
    assert_eq!(uart.state.borrow().status_reads, 1);
}

#[test]
fn bytes_are_read_in_order_and_damaged_ones_skipped() {
    let uart = uart(BYTES, FIFO_DEPTH);
    let mut console = console(&uart);
    // The second byte has a framing error; the overrun before the third does not damage it.
    uart.state.borrow_mut().received = Vec::from([(b'A', 0), (b'B', 1 << 3), (b'C', 1 << 1)]);
    assert_eq!(console.read(), Some(b'A'));
    assert_eq!(console.read(), Some(b'C'));
    assert_eq!(console.read(), None);
}

#[test]
fn a_flood_of_damaged_bytes_does_not_block_the_reader() {
    let uart = uart(BYTES, FIFO_DEPTH);
    let mut console = console(&uart);
    uart.state.borrow_mut().received = Vec::from([(0, 1 << 4); 1000]);
    assert_eq!(console.read(), None);
}

#[test]
fn the_transmitter_interrupts_only_when_asked_to() {
    let uart = uart(BYTES, FIFO_DEPTH);
    let mut console = console(&uart);
    uart.state.borrow_mut().written.clear();
    console.notify_when_writable(true);
    console.notify_when_writable(false);
    let expected = [(IER, RECEIVED | WRITABLE), (IER, RECEIVED)];
    assert_eq!(uart.state.borrow().written, expected);
}

#[test]
fn reading_the_cause_acknowledges_an_interrupt() {
    let uart = uart(BYTES, FIFO_DEPTH);
    let mut console = console(&uart);
    uart.state.borrow_mut().identification_reads = 0;
    console.acknowledge_interrupt();
    assert_eq!(uart.state.borrow().identification_reads, 1);
}

#[test]
fn divisors_are_rounded_to_the_nearest() {
    assert_eq!(divisor(1_843_200, 115_200), Some(1));
    assert_eq!(divisor(3_686_400, 115_200), Some(2));
    assert_eq!(divisor(24_000_000, 115_200), Some(13));
    assert_eq!(divisor(1_843_200, 2), Some(57_600));
}

#[test]
fn an_unsupported_rate_has_no_divisor() {
    assert_eq!(divisor(1_843_200, 0), None);
    assert_eq!(divisor(1_843_200, 1_000_000), None);
    assert_eq!(divisor(1_843_200, 1), None);
    assert_eq!(divisor(u64::MAX, 115_200), None);
}
