//! Machines that are copies of one process: starting a program takes longer than much of what a machine
//! then does, and copying a process that has started takes a fifth of that.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::process;

use rustix::process::{Pid, Signal, WaitOptions, set_parent_process_death_signal, waitpid};

use super::message::Message;
use super::plan::Plan;

/// Makes a copy of this process for each plan that the world at the other end of `stream` sends, and
/// returns in each copy with its plan. The next copy is made when the one before has ended. This process
/// itself ends with the world, or when a copy ends by a signal or a failure.
///
/// # Errors
///
/// If the process cannot be copied, or the world sends no plan.
///
/// # Safety
///
/// This process must have one thread.
pub unsafe fn copies(mut stream: &UnixStream) -> io::Result<Plan> {
    loop {
        let plan = match Message::read(&mut stream) {
            Ok(Message::Begin(plan)) => plan,
            Ok(_) => return Err(ErrorKind::InvalidData.into()),
            Err(_) => process::exit(0),
        };
        let plan = plan.parse().map_err(io::Error::other)?;
        // SAFETY: no other thread can hold a lock that the copy would need, as the caller guarantees.
        match unsafe { libc::fork() } {
            0 => {
                // A machine that computes without end does not notice that the world has ended.
                set_parent_process_death_signal(Some(Signal::KILL))?;
                return Ok(plan);
            }
            copy => {
                let copy = Pid::from_raw(copy).filter(|_| copy > 0);
                let copy = copy.ok_or_else(io::Error::last_os_error)?;
                let ended = waitpid(Some(copy), WaitOptions::empty())?;
                if ended.and_then(|(_, status)| status.exit_status()) != Some(0) {
                    process::exit(1);
                }
            }
        }
    }
}
