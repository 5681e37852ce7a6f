//! UARTs of the 16550 family.

use super::{fine, only};
use crate::Board;
use crate::board::Value;
use crate::diagnostic::Code;

const PL011: &str = "[console.pl011]
base = 0x2000_0000
interrupt = { spi = 1 }
clock = \"24 MHz\"";

/// A UART in place of the toy's, with these properties besides.
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
fn registers_of_a_byte_lie_side_by_side_unless_said_otherwise() {
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
fn a_size_that_eight_registers_do_not_fit_in_is_told() {
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
        "`console.ns16550.width` is not a width of an access",
    );
}

#[test]
fn registers_are_as_far_apart_as_they_are_wide() {
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
fn a_baud_rate_is_near_enough_to_one_that_the_clock_gives() {
    let title = "1000000 baud is not possible with this clock";
    // The divisor would be 0; and of 24 MHz, 1.5 is as near to 1 as to 2.
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
