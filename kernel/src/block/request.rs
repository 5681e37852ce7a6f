//! The future of a request of any kind.

use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

use vmos_drivers::virtio::Token;
use vmos_drivers::virtio::blk::{Completion, Consumer, Operation, Rejected, Ticket};

use super::{DiskError, Shared};

/// A request. If it is dropped while the device has its buffers, the device keeps them until it is
/// done.
pub(super) struct Request {
    driver: &'static Shared,
    state: State,
}

enum State {
    /// The request waits for room in the queue.
    Waiting(Operation, Ticket),
    /// The device has the request.
    InFlight(Token),
    Over,
}

impl Request {
    pub(super) const fn new(driver: &'static Shared, operation: Operation) -> Self {
        Self {
            driver,
            state: State::Waiting(operation, Ticket::none()),
        }
    }
}

impl Future for Request {
    type Output = Completion;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Completion> {
        let mut driver = self.driver.borrow_mut();
        if let State::Waiting(_, ticket) = &mut self.state {
            if !driver.has_room_for(ticket) && !driver.refuses() {
                driver.wait_for_room(ticket, cx.waker());
                return Poll::Pending;
            }
            let State::Waiting(operation, mut ticket) = mem::replace(&mut self.state, State::Over)
            else {
                return Poll::Pending;
            };
            match driver.submit_for(operation, Consumer::Token, &mut ticket) {
                Ok(token) => self.state = State::InFlight(token),
                // There is room for a shorter request.
                Err(Rejected {
                    error: DiskError::Full,
                    operation,
                }) => {
                    driver.wait_for_room(&mut ticket, cx.waker());
                    self.state = State::Waiting(operation, ticket);
                    return Poll::Pending;
                }
                Err(rejected) => {
                    if !ticket.is_none() {
                        driver.leave_line(&mut ticket);
                    }
                    return Poll::Ready(Completion {
                        result: Err(rejected.error),
                        payload: rejected.operation.into_payload(),
                    });
                }
            }
        }
        let State::InFlight(token) = self.state else {
            return Poll::Pending;
        };
        let poll = driver.poll(token, cx.waker());
        if poll.is_ready() {
            self.state = State::Over;
        }
        poll
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        match &mut self.state {
            State::InFlight(token) => self.driver.borrow_mut().detach(*token),
            State::Waiting(_, ticket) if !ticket.is_none() => {
                self.driver.borrow_mut().leave_line(ticket);
            }
            State::Waiting(..) | State::Over => {}
        }
    }
}
