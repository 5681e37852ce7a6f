//! Where the instructions of an operation are executed: by function and line ([`attribution`]), and
//! as a flame graph ([`flame`]).

pub mod attribution;
pub mod flame;
