//! The stack's own timeouts, apart from those of its protocols.
//!
//! They are few and short-lived (one for each ping under way), so that a plain list does.

use alloc::vec::Vec;
use core::task::Waker;

use crate::time::NEVER;

/// Whose an alarm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketId(u32);

impl SocketId {
    /// The socket on a UDP port.
    pub(super) fn udp(port: u16) -> Self {
        Self(port.into())
    }

    /// The ping with this identifier.
    pub(super) fn ping(identifier: u16) -> Self {
        Self(1 << 16 | u32::from(identifier))
    }
}

/// Times at which somebody wants to be woken.
#[derive(Default)]
pub(super) struct Alarms {
    pending: Vec<Alarm>,
}

/// One alarm; a socket has one at the most.
struct Alarm {
    socket: SocketId,
    /// In nanoseconds.
    deadline: u64,
    waker: Waker,
}

impl Alarms {
    /// Wakes `waker` once `deadline` has come, in nanoseconds, in place of whom the socket had woken
    /// before. False where memory for that is out.
    #[must_use]
    pub(super) fn set(&mut self, socket: SocketId, deadline: u64, waker: &Waker) -> bool {
        self.cancel(socket);
        if self.pending.try_reserve(1).is_err() {
            return false;
        }
        self.pending.push(Alarm {
            socket,
            deadline,
            waker: waker.clone(),
        });
        true
    }

    /// Forgets the socket's alarm, so that what ended early leaves no wake-up behind.
    pub(super) fn cancel(&mut self, socket: SocketId) {
        self.pending.retain(|alarm| alarm.socket != socket);
    }

    /// Wakes whom the socket would have woken.
    pub(super) fn wake(&self, socket: SocketId) {
        for alarm in self.pending.iter().filter(|alarm| alarm.socket == socket) {
            alarm.waker.wake_by_ref();
        }
    }

    /// Wakes all whose time has come.
    pub(super) fn expire(&mut self, now: u64) {
        self.pending.retain(|alarm| {
            let due = alarm.deadline <= now;
            if due {
                alarm.waker.wake_by_ref();
            }
            !due
        });
    }

    /// The earliest deadline, in nanoseconds; [`NEVER`] where there is none.
    pub(super) fn next(&self) -> u64 {
        let deadlines = self.pending.iter().map(|alarm| alarm.deadline);
        deadlines.min().unwrap_or(NEVER)
    }
}
