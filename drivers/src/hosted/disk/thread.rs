//! A thread that reads and writes the file of a disk, one request after the other.

use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::event::PollFlags;

use super::{Answer, Backend, Order};
use crate::hosted::bell::{Bell, Ringer};
use crate::hosted::memory::as_device;
use crate::hosted::ring::Chain;

/// The event loop's side of the thread.
pub(super) struct Worker {
    orders: Sender<Order>,
    answers: Receiver<Answer>,
    bell: Bell,
    /// The chains whose requests the thread has, in the order in which it answers; `None` after a reset.
    waiting: VecDeque<Option<Chain>>,
}

impl Worker {
    /// Starts a thread for a file.
    ///
    /// # Errors
    ///
    /// If the host has no thread or pipe left.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let (orders, received) = channel::<Order>();
        let (answer, answers) = channel::<Answer>();
        let (bell, ringer) = Bell::new()?;
        thread::Builder::new()
            .name("disk".into())
            .spawn(move || as_device(|| work(&file, &received, &answer, &ringer)))?;
        Ok(Self {
            orders,
            answers,
            bell,
            waiting: VecDeque::new(),
        })
    }
}

impl Backend for Worker {
    /// # Panics
    ///
    /// If the thread has panicked.
    fn begin(&mut self, chain: Chain, order: Order) {
        let sent = self.orders.send(order);
        sent.expect("the thread of a disk ends after the disk");
        self.waiting.push_back(Some(chain));
    }

    fn submit(&mut self) {}

    fn complete(&mut self) -> Option<(Chain, Answer)> {
        self.bell.clear();
        loop {
            let answer = self.answers.try_recv().ok()?;
            if let Some(chain) = self.waiting.pop_front()? {
                return Some((chain, answer));
            }
        }
    }

    fn forget(&mut self) {
        self.waiting.iter_mut().for_each(|chain| *chain = None);
    }

    fn awaited(&self) -> (BorrowedFd<'_>, PollFlags) {
        (self.bell.as_fd(), PollFlags::IN)
    }
}

fn work(file: &File, orders: &Receiver<Order>, answers: &Sender<Answer>, ringer: &Ringer) {
    for order in orders {
        let answer = match order {
            Order::Read { at, len } => {
                let mut bytes = vec![0; len];
                file.read_exact_at(&mut bytes, at).map(|()| bytes)
            }
            Order::Write { at, bytes } => file.write_all_at(&bytes, at).map(|()| Vec::new()),
            Order::Flush => file.sync_data().map(|()| Vec::new()),
        };
        if answers.send(answer).is_err() {
            return;
        }
        ringer.ring();
    }
}
