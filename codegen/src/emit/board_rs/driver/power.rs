//! How a board is stopped.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Driver, pc};
use crate::Board;
use crate::board::{Conduit, Power};
use crate::emit::Error;
use crate::emit::board_rs::memory::Names;
use crate::emit::board_rs::{Imports, layout, value};

/// `type Power` and `const POWER`
///
/// # Errors
///
/// Where the board has no means to stop.
pub(in crate::emit::board_rs) fn power(
    board: &Board,
    names: &Names,
    imports: &mut Imports,
) -> Result<Driver, Error> {
    let mut processor = vec![];
    let mut means: Vec<Means> = vec![];
    for power in &board.power {
        means.push(match power {
            Power::Semihosting => {
                imports.add("vmos_drivers::power::semihosting", "self");
                imports.add("vmos_drivers::power::semihosting", "Semihosting");
                processor.push(quote!(semihosting::Trap));
                Means {
                    driver: quote!(Semihosting<P>),
                    config: quote!(semihosting::Config),
                    value: layout::structure(&quote!(semihosting::Config), &[]),
                }
            }
            Power::IsaDebugExit { port } => {
                means_of(pc::debug_exit(*port, board.power.len() == 1, imports))
            }
            Power::RegisterWrite { off, reset } => {
                means_of(pc::register_write(*off, *reset, imports))
            }
            Power::PortWrite { off, reset } => means_of(pc::port_write(*off, *reset, imports)),
            Power::SifiveTest { registers } => {
                imports.add("vmos_drivers::mmio", "Mmio");
                imports.add("vmos_drivers::power::sifive_test", "self");
                imports.add("vmos_drivers::power::sifive_test", "SifiveTest");
                let registers = names.range(*registers, imports);
                Means {
                    driver: quote!(SifiveTest<Mmio>),
                    config: quote!(sifive_test::Config),
                    value: layout::structure(
                        &quote!(sifive_test::Config),
                        &[("registers", registers)],
                    ),
                }
            }
            Power::Sbi => {
                imports.add("vmos_drivers::power::sbi", "self");
                imports.add("vmos_drivers::power::sbi", "Sbi");
                imports.add("vmos_drivers::riscv", "self");
                processor.push(quote!(riscv::Firmware));
                Means {
                    driver: quote!(Sbi<P>),
                    config: quote!(sbi::Config),
                    value: layout::structure(&quote!(sbi::Config), &[]),
                }
            }
            Power::Psci { conduit } => {
                imports.add("vmos_drivers::power::psci", "self");
                imports.add("vmos_drivers::power::psci", "Psci");
                processor.push(quote!(psci::Conduit));
                let method = match conduit {
                    Conduit::Hvc => quote!(psci::Method::Hvc),
                    Conduit::Smc => quote!(psci::Method::Smc),
                };
                Means {
                    driver: quote!(Psci<P>),
                    config: quote!(psci::Config),
                    value: layout::structure(&quote!(psci::Config), &[("method", method)]),
                }
            }
        });
    }
    // FirstOf<A, FirstOf<B, C>>, and (a, (b, c)) beside it.
    let Means {
        driver,
        config,
        value,
    } = means
        .into_iter()
        .rev()
        .reduce(|rest, first| first.or(rest, imports))
        .ok_or_else(|| Error::Missing {
            board: board.name.clone(),
            key: "power",
        })?;
    let doc = value::doc("From `power`: the first one that supports the operation is used.");
    let items = quote! {
        #doc
        type Power = #driver;
        const POWER: #config = #value;
    };
    Ok(Driver { items, processor })
}

/// A way to stop the machine: the driver, the type of its configuration, and the configuration.
struct Means {
    driver: TokenStream,
    config: TokenStream,
    value: TokenStream,
}

fn means_of(configured: pc::Configured) -> Means {
    Means {
        driver: configured.driver,
        config: configured.config_type,
        value: configured.config,
    }
}

impl Means {
    /// This, and `other` where this cannot.
    fn or(self, other: Self, imports: &mut Imports) -> Self {
        imports.add("vmos_drivers::power", "FirstOf");
        let Self {
            driver,
            config,
            value,
        } = self;
        let Self {
            driver: other_driver,
            config: other_config,
            value: other_value,
        } = other;
        Self {
            driver: quote!(FirstOf<#driver, #other_driver>),
            config: layout::pair_type(&config, &other_config),
            value: layout::tuple(&[value, other_value]),
        }
    }
}
