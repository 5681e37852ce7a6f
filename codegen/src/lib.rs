//! From the description of a board to what its kernel is built from.
//!
//! The way of one fact is straight: a board file is read into located values
//! ([`description`]), every problem in it is found ([`check`]), what is left is a [`Board`] with
//! nothing unsaid, and pure functions turn that into the text of each artefact ([`emit`]),
//! which is written to disk or compared with what is there ([`tree`]).

#![forbid(unsafe_code)]

pub mod board;
pub mod emit;
pub mod tree;

pub use board::Board;
