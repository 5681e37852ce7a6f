//! Converts the driver and configuration of a part into tokens.

use proc_macro2::TokenStream;
use quote::quote;

use super::memory::Names;
use super::{Imports, layout, value};
use crate::board::{Code, Value};
use crate::emit::Error;

/// The tokens of a driver: its type, the type and value of its configuration, and the traits that
/// it requires of the processor.
pub(super) struct Tokens {
    pub(super) driver: TokenStream,
    pub(super) config_type: TokenStream,
    pub(super) config: TokenStream,
    pub(super) processor: Vec<TokenStream>,
}

impl Tokens {
    /// Returns the tokens of a driver, and adds its imports.
    ///
    /// # Errors
    ///
    /// If the binding of the part contains text that is not valid Rust.
    pub(super) fn of(code: &Code, names: &Names, imports: &mut Imports) -> Result<Self, Error> {
        for (module, name) in &code.imports {
            imports.add(module, name);
        }
        Ok(Self {
            driver: parse(&code.driver)?,
            config_type: parse(&code.config_type)?,
            config: value(&code.config, names, imports)?,
            processor: code
                .processor
                .iter()
                .map(|bound| parse(bound))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn parse(text: &str) -> Result<TokenStream, Error> {
    text.parse().map_err(|error| Error::Rust {
        cause: format!("{text}: {error}"),
    })
}

/// Returns the tokens of a value; ranges are written as the names of their constants.
///
/// # Errors
///
/// As for [`Tokens::of`].
pub(super) fn value(
    of: &Value,
    names: &Names,
    imports: &mut Imports,
) -> Result<TokenStream, Error> {
    let mut all = |list: &[Value]| {
        let values = list.iter().map(|one| value(one, names, imports));
        values.collect::<Result<Vec<TokenStream>, Error>>()
    };
    Ok(match of {
        Value::Path(path) => parse(path)?,
        Value::Hexadecimal(number) => value::hexadecimal(*number),
        Value::Decimal(number) => value::decimal(*number),
        Value::Address(address) => {
            let address = value::address(*address);
            quote!(PhysicalAddress(#address))
        }
        Value::Range(range) => names.range(*range, imports),
        Value::Base(range) => names.base(*range, imports),
        Value::Ports(base, count) => {
            imports.add("vmos_drivers::port", "PortRange");
            let base = value::hexadecimal((*base).into());
            let fields = [("base", base), ("size", value::decimal(*count))];
            layout::structure(&quote!(PortRange), &fields)
        }
        Value::Interrupt(interrupt) => value::interrupt(*interrupt, imports),
        Value::Optional(None) => value::option(None),
        Value::Optional(Some(inner)) => value::option(Some(value(inner, names, imports)?)),
        Value::Structure(path, fields) => {
            let mut values = Vec::new();
            for (name, field) in fields {
                values.push((*name, value(field, names, imports)?));
            }
            layout::structure(&parse(path)?, &values)
        }
        Value::List(list) => {
            let list = layout::list(&all(list)?);
            quote!(&[#list])
        }
        Value::Rows(list) => {
            let rows = layout::rows(&all(list)?);
            quote!(&[#rows])
        }
        Value::Pair(first, second) => {
            let first = value(first, names, imports)?;
            layout::tuple(&[first, value(second, names, imports)?])
        }
        Value::Call(function, argument) => {
            let (function, argument) = (parse(function)?, value(argument, names, imports)?);
            quote!(#function(#argument))
        }
    })
}
