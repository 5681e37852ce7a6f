//! The line of tasks that wait for a request slot, in the order of arrival.
//!
//! Free request slots are offered to the tasks that have waited longest, and to as many as there
//! are slots; later tasks cannot overtake them. An offer is not a reservation: it lasts until the
//! ready tasks have run, when [`settle`](Line::settle) withdraws unused offers. A task that was
//! woken but does not run, because its future was dropped or forgotten, therefore blocks no other.

use alloc::collections::VecDeque;
use core::task::Waker;

/// A task's position in the line, or [`Ticket::none`].
#[derive(PartialEq, Eq, Debug)]
pub struct Ticket(u64);

impl Ticket {
    /// Returns the ticket of a caller that has never waited in the line.
    #[inline]
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// Returns whether this is the ticket of a caller that has never waited in the line.
    #[inline]
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0 == 0
    }
}

/// The tasks that wait for a request slot.
#[derive(Default)]
pub(in super::super) struct Line {
    /// The tickets of the waiting tasks, in ascending order, with their wakers.
    waiting: VecDeque<(u64, Waker)>,
    /// The number of the last assigned ticket.
    drawn: u64,
    /// The number of tasks that were woken and have not run yet.
    offered: usize,
    /// Whether the disk is out of order.
    closed: bool,
    /// Whether a task waits or was woken, or the disk is out of order: then nobody without a ticket is
    /// admitted.
    taken: bool,
}

impl Line {
    /// Returns whether a task waits, or was woken and has not run yet, or the line is
    /// [closed](Self::close).
    #[inline]
    pub(in super::super) const fn is_taken(&self) -> bool {
        self.taken
    }

    /// Records whether the disk is out of order, so that nobody is admitted.
    #[cold]
    pub(in super::super) fn close(&mut self, closed: bool) {
        self.closed = closed;
        self.update();
    }

    /// Returns whether the holder of `ticket` may use a free request slot.
    #[inline]
    pub(in super::super) fn admits(&self, ticket: &Ticket) -> bool {
        !self.taken || self.was_called(ticket)
    }

    #[cold]
    fn was_called(&self, ticket: &Ticket) -> bool {
        !ticket.is_none() && self.position(ticket).is_err()
    }

    fn position(&self, ticket: &Ticket) -> Result<usize, usize> {
        self.waiting
            .binary_search_by_key(&ticket.0, |(number, _waker)| *number)
    }

    /// Records that the holder of `ticket`, who was [admitted](Self::admits), has used a request
    /// slot.
    #[inline]
    pub(in super::super) fn enter(&mut self, ticket: &mut Ticket) {
        if !ticket.is_none() {
            ticket.0 = 0;
            self.offered = self.offered.saturating_sub(1);
            self.update();
        }
    }

    /// Keeps `waker` until it is the turn of `ticket`. A caller without a ticket gets one.
    #[cold]
    pub(in super::super) fn join(&mut self, ticket: &mut Ticket, waker: &Waker) {
        if ticket.is_none() {
            self.drawn += 1;
            ticket.0 = self.drawn;
        }
        match self.position(ticket) {
            Ok(at) => self.waiting[at].1.clone_from(waker),
            Err(at) => self.insert(at, (ticket.0, waker.clone())),
        }
        self.update();
    }

    /// Inserts an entry at `at`: usually at one of the ends, since a new ticket is the greatest and
    /// a woken one was the least. `VecDeque::insert` needs a KB of code to be fast in the middle.
    fn insert(&mut self, at: usize, entry: (u64, Waker)) {
        if at == self.waiting.len() {
            self.waiting.push_back(entry);
        } else {
            self.waiting.push_front(entry);
            for index in 0..at {
                self.waiting.swap(index, index + 1);
            }
        }
    }

    /// Removes the entry at `at`.
    fn remove(&mut self, at: usize) {
        for index in (0..at).rev() {
            self.waiting.swap(index, index + 1);
        }
        self.waiting.pop_front();
    }

    /// Removes the holder of `ticket` from the line.
    #[cold]
    pub(in super::super) fn leave(&mut self, ticket: &mut Ticket) {
        match self.position(ticket) {
            Ok(at) => self.remove(at),
            Err(_) if !ticket.is_none() => self.offered = self.offered.saturating_sub(1),
            Err(_) => {}
        }
        ticket.0 = 0;
        self.update();
    }

    /// Wakes the tasks whose turn it is, if there is room for `room` more requests.
    #[cold]
    pub(in super::super) fn offer(&mut self, room: usize) {
        while self.offered < room
            && let Some((_ticket, waker)) = self.waiting.pop_front()
        {
            self.offered += 1;
            waker.wake();
        }
        self.update();
    }

    /// Withdraws the offers to tasks that were woken and have had time to run.
    pub(in super::super) fn settle(&mut self) {
        self.offered = 0;
        self.update();
    }

    fn update(&mut self) {
        self.taken = self.closed || self.offered > 0 || !self.waiting.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::virtio::fake::Wakes;

    #[test]
    fn tasks_are_woken_in_order_and_no_more_than_there_is_room_for() {
        let mut line = Line::default();
        let wakes: Vec<_> = (0..3).map(|_| Wakes::new()).collect();
        let mut tickets = [Ticket::none(), Ticket::none(), Ticket::none()];
        for (ticket, (_, waker)) in tickets.iter_mut().zip(&wakes) {
            line.join(ticket, waker);
        }
        let counts = || {
            wakes
                .iter()
                .map(|(wakes, _)| wakes.count())
                .collect::<Vec<_>>()
        };
        line.offer(2);
        assert_eq!(counts(), [1, 1, 0]);
        line.offer(2);
        assert_eq!(counts(), [1, 1, 0], "the room is offered already");
        line.enter(&mut tickets[1]);
        line.offer(1);
        assert_eq!(counts(), [1, 1, 0]);
        line.enter(&mut tickets[0]);
        line.offer(1);
        assert_eq!(counts(), [1, 1, 1]);
    }

    #[test]
    fn no_task_overtakes_a_waiting_one() {
        let mut line = Line::default();
        assert!(line.admits(&Ticket::none()));
        let mut ticket = Ticket::none();
        line.join(&mut ticket, Waker::noop());
        assert!(!line.admits(&Ticket::none()));
        assert!(!line.admits(&ticket), "it was not called yet");
        line.offer(1);
        assert!(
            !line.admits(&Ticket::none()),
            "the room is offered to another"
        );
        assert!(line.admits(&ticket));
        line.enter(&mut ticket);
        assert!(line.admits(&Ticket::none()));
    }

    #[test]
    fn a_task_woken_without_room_keeps_its_place_in_the_line() {
        let mut line = Line::default();
        let (first, first_waker) = Wakes::new();
        let (second, second_waker) = Wakes::new();
        let (mut a, mut b) = (Ticket::none(), Ticket::none());
        line.join(&mut a, &first_waker);
        line.join(&mut b, &second_waker);
        line.offer(1);
        line.settle();
        line.join(&mut a, &first_waker);
        line.offer(1);
        assert_eq!((first.count(), second.count()), (2, 0));
    }

    #[test]
    fn a_cancelled_or_forgotten_task_blocks_no_other() {
        let mut line = Line::default();
        let (wakes, waker) = Wakes::new();
        let (mut gone, mut forgotten, mut last) = (Ticket::none(), Ticket::none(), Ticket::none());
        line.join(&mut gone, Waker::noop());
        line.join(&mut forgotten, Waker::noop());
        line.join(&mut last, &waker);
        line.leave(&mut gone);
        line.offer(1);
        assert_eq!(wakes.count(), 0);
        line.settle();
        line.offer(1);
        assert_eq!(wakes.count(), 1);
        line.leave(&mut last);
        assert!(!line.is_taken());
    }
}
