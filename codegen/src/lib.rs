//! From the description of a board to what its kernel is built from.
//!
//! The way of one fact is straight: a board file is read into located values
//! ([`description`]), every problem in it is found ([`check`]), what is left is a [`Board`] with
//! nothing unsaid, and pure functions turn that into the text of each artefact ([`emit`]).

#![forbid(unsafe_code)]

pub mod board;

pub use board::Board;
