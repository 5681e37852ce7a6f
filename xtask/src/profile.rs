//! Where the instructions of an operation are: by function ([`attribution`]), and drawn ([`flame`]).

pub mod attribution;
pub mod flame;
