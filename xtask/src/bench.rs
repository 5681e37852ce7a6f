//! Measures machines from outside.
//!
//! [`figure`] defines what is measured. [`counting`] measures what does not depend on the host:
//! [`operation`] makes a machine repeat an operation while [`watch`] reads its counts, and [`cost`]
//! is the result. [`running`] is the machine, [`echo`] and [`tcp`] send it requests, [`disk`] reads
//! its own disk measurements. [`crowd`] repeats the counts with many sockets and timers. [`timing`]
//! measures by the clock, which depends on the host.
//!
//! [`kept`] reads and writes the counts recorded in the repository, and [`check`] repeats them.
//!
//! A [`side`] is a program under measurement, such as [`linux`]. A [`sheet`] holds the results of
//! all programs; [`table`] and [`plot`] display it.

pub mod check;
pub mod cost;
pub mod counting;
pub mod crowd;
pub mod disk;
pub mod echo;
pub mod figure;
pub mod image_text;
pub mod kept;
pub mod linux;
pub mod operation;
pub mod plot;
pub mod running;
pub mod sheet;
pub mod side;
pub mod table;
pub mod tcp;
pub mod timing;
pub mod watch;
