//! The values of keys: addresses, sizes, frequencies, interrupts, numbers and words.

mod address;
mod choice;
mod device;
mod interrupt;
mod port;
mod quantity;
mod text;

pub(crate) use address::parse_hexadecimal;
pub use address::{Address, hexadecimal};
pub(crate) use choice::{choices, read_choice};
pub use device::{Function, HardwareAddress, Serial};
pub(crate) use interrupt::example;
pub use interrupt::{Interrupt, Space};
pub use port::{Port, port};
pub(crate) use quantity::{FREQUENCIES, SIZES};
pub use quantity::{Frequency, Size};
pub(crate) use quantity::{parse_frequency, parse_size};
pub(crate) use text::Words;
pub use text::{Name, Text};
pub(crate) use text::{check_name, is_name};

use super::reader::{Given, Located, Read};
use super::schema::Kind;
use super::tree::Value;
use crate::diagnostic::{Code, Diagnostic, Problems};

/// An integer from `LEAST` to `GREATEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<const LEAST: u32, const GREATEST: u32>(pub u32);

impl<const LEAST: u32, const GREATEST: u32> Read for Number<LEAST, GREATEST> {
    const KIND: Kind = Kind::Number {
        least: LEAST,
        greatest: GREATEST,
    };

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Value::Integer(integer) = &given.node.value else {
            given.wrong_type(&Self::KIND, problems);
            return None;
        };
        let number = integer.value.and_then(|value| u32::try_from(value).ok());
        let number = number.filter(|number| (LEAST..=GREATEST).contains(number));
        if number.is_none() {
            let title = format!("`{}` must be {}", given.path, Self::KIND.expected());
            let range = match (integer.radix, GREATEST) {
                (16, _) if LEAST > 0 => format!("{LEAST:#x} to {GREATEST:#x}"),
                (16, _) | (_, u32::MAX) => format!("{LEAST} to {GREATEST:#x}"),
                _ => format!("{LEAST} to {GREATEST}"),
            };
            problems.report(
                Diagnostic::new(Code::BadNumber, given.node.at, title)
                    .label(format!("outside the range {range}")),
            );
        }
        number.map(Self)
    }
}

impl<T: Read> Read for Vec<Located<T>> {
    const KIND: Kind = Kind::List(&T::KIND);

    fn read(given: &Given<'_>, problems: &mut Problems) -> Option<Self> {
        let Value::List(list) = &given.node.value else {
            given.wrong_type(&Self::KIND, problems);
            return None;
        };
        // All items are read before an invalid one invalidates the list.
        let items: Vec<Option<Located<T>>> = list
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let path = format!("{}[{index}]", given.path);
                let item = Given {
                    path: &path,
                    key_at: given.key_at,
                    node,
                    root: given.root,
                };
                T::read(&item, problems).map(|value| Located {
                    value,
                    at: node.at,
                    path,
                })
            })
            .collect();
        items.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
