//! The drivers that a board picks, and what each is told.

use proc_macro2::TokenStream;

mod console;
mod interrupt_controller;
pub(super) mod pc;
mod power;
mod rtc;
mod timer;

pub(super) use console::console;
pub(super) use interrupt_controller::interrupt_controller;
pub(super) use power::power;
pub(super) use rtc::rtc;
pub(super) use timer::timer;

/// What a chosen driver adds to the board.
pub(super) struct Driver {
    /// Its associated type and constants.
    pub(super) items: TokenStream,
    /// The processor traits that it asks for.
    pub(super) processor: Vec<TokenStream>,
}
