//! Tests board files with UARTs of the 16550 family.

use super::{fine, only};
use crate::Board;
use crate::board::Value;
use crate::diagnostic::Code;

const PL011: &str = "[console.pl011]
base = 0x2000_0000
interrupt = { spi = 1 }
clock = \"24 MHz\"";

/// Returns the board with a UART of the 16550 family as its console, with these properties.
fn uart(properties: &str) -> String {
    format!("[console.ns16550]\nbase = 0x2000_0000\ninterrupt = {{ spi = 1 }}\n{properties}\n")
}

fn sound(properties: &str) -> Board {
    fine(&[(PL011, &uart(properties))])
}

fn wrong(properties: &str, code: Code, title: &str) {
    only(&[(PL011, &uart(properties))], code, title);
}

#[test]
fn the_default_stride_of_byte_registers_is_one_byte() {
    let part = sound("clock = \"3.6864 MHz\"").console.part;
    assert_eq!(part.card, "NS16550, 3.6864 MHz, baud rate set by firmware");
    let block = &part.registers[0];
    assert_eq!(
        (block.base, block.registers[0].clone()),
        (0x2000_0000, ("IER".to_owned(), 1, 1))
    );
    let Value::Structure(_, config) = part.code.config else {
        panic!("not a structure");
    };
    let layout = config.iter().find(|(name, _)| *name == "layout");
    let fields = vec![
        ("stride", Value::Hexadecimal(1)),
        ("width", Value::path("ns16550::Width::Bits8")),
    ];
    let layout = layout.map(|(_, value)| value);
    assert_eq!(layout, Some(&Value::structure("ns16550::Layout", fields)));
}

#[test]
fn eight_registers_take_eight_strides() {
    let board = sound("clock = \"3.6864 MHz\"\nstride = \"4 bytes\"\nwidth = \"4 bytes\"");
    let claim = board.ranges.iter().find(|c| c.key == "console.ns16550");
    assert_eq!(claim.unwrap().what.size, 32);
}

#[test]
fn a_size_too_small_for_eight_registers_is_reported() {
    wrong(
        "clock = \"1 MHz\"\nstride = \"4 bytes\"\nsize = «\"16 bytes\"»",
        Code::BlockTooSmall,
        "`console.ns16550` is too small for the registers of an NS16550",
    );
}

#[test]
fn an_access_has_a_width_that_processors_have() {
    wrong(
        "clock = \"1 MHz\"\nstride = \"8 bytes\"\nwidth = «\"3 bytes\"»",
        Code::BadNumber,
        "`console.ns16550.width` is not a valid access width",
    );
}

#[test]
fn the_stride_is_at_least_the_width() {
    wrong(
        "clock = \"1 MHz\"\nstride = «\"2 bytes\"»\nwidth = \"4 bytes\"",
        Code::BlockTooSmall,
        "the stride is smaller than a register",
    );
    wrong(
        "clock = \"1 MHz\"\nstride = «\"6 bytes\"»\nwidth = \"4 bytes\"",
        Code::Misaligned,
        "`console.ns16550.stride` is not a multiple of 4 bytes",
    );
    wrong(
        "clock = \"1 MHz\"\nstride = «\"8 KiB\"»",
        Code::BadNumber,
        "`console.ns16550.stride` is more than a page",
    );
}

#[test]
fn a_baud_rate_must_be_close_to_a_divided_clock() {
    let title = "1000000 baud is not possible with this clock";
    // The divisor would be 0; with 24 MHz it would be 1.5, which is not close to a whole number.
    wrong(
        "clock = \"3.6864 MHz\"\nbaud = «1_000_000»",
        Code::BadBaud,
        title,
    );
    wrong(
        "clock = \"24 MHz\"\nbaud = «1_000_000»",
        Code::BadBaud,
        title,
    );
    sound("clock = \"3.6864 MHz\"\nbaud = 115_200");
    sound("clock = \"1.8432 MHz\"\nbaud = 110");
}
