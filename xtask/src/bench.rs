//! Measuring machines from outside.
//!
//! [`figure`] says what is measured. [`counting`] measures what does not depend on the computer:
//! [`operation`] has a machine do one thing over and over while [`watch`] looks at what it executes,
//! and [`cost`] is what comes of it. [`running`] is the machine meanwhile, [`echo`] and [`tcp`] are
//! what it is sent, [`disk`] is what it says of its disk. [`crowd`] counts the same with more
//! around it. [`timing`] measures by the clock what does
//! depend on the computer.
//!
//! [`kept`] holds the counts that are part of the repository, [`check`] measures them again.
//!
//! A [`side`] is somebody who is measured, as [`linux`] is, a [`sheet`] what came of all of them, a [`table`] and a
//! [`plot`] how that is shown.

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
