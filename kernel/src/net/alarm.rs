//! Timeouts of sockets and pings, as opposed to those of protocols.
//!
//! They are few and short-lived (one for each ping in progress), so a plain list is enough.

use alloc::vec::Vec;
use core::task::Waker;

use crate::time::NEVER;

/// The owner of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketId(u32);

impl SocketId {
    /// Returns the owner for the socket on a UDP port.
    pub(super) fn udp(port: u16) -> Self {
        Self(port.into())
    }

    /// Returns the owner for the ping with this identifier.
    pub(super) fn ping(identifier: u16) -> Self {
        Self(1 << 16 | u32::from(identifier))
    }
}

/// The alarms of all sockets and pings.
#[derive(Default)]
pub(super) struct Alarms {
    pending: Vec<Alarm>,
}

/// The alarm of an owner, which has at most one.
struct Alarm {
    socket: SocketId,
    /// The deadline of the alarm, in nanoseconds.
    deadline: u64,
    waker: Waker,
}

impl Alarms {
    /// Sets the owner's alarm: `waker` is woken at `deadline`, in nanoseconds. It replaces an
    /// earlier alarm. Returns false if there is no memory for it.
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

    /// Removes the owner's alarm.
    pub(super) fn cancel(&mut self, socket: SocketId) {
        self.pending.retain(|alarm| alarm.socket != socket);
    }

    /// Wakes the task of the owner's alarm.
    pub(super) fn wake(&self, socket: SocketId) {
        for alarm in self.pending.iter().filter(|alarm| alarm.socket == socket) {
            alarm.waker.wake_by_ref();
        }
    }

    /// Wakes all tasks whose deadline has passed.
    pub(super) fn expire(&mut self, now: u64) {
        self.pending.retain(|alarm| {
            let due = alarm.deadline <= now;
            if due {
                alarm.waker.wake_by_ref();
            }
            !due
        });
    }

    /// Returns the earliest deadline in nanoseconds; [`NEVER`] if there is none.
    pub(super) fn next(&self) -> u64 {
        let deadlines = self.pending.iter().map(|alarm| alarm.deadline);
        deadlines.min().unwrap_or(NEVER)
    }
}
