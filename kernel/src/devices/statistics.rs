//! The statistics of the devices.
//!
//! The event loop has the drivers borrowed, so a task cannot read their counts. Instead it makes a
//! request in [`Inquiry`], and the loop answers when it next serves the devices.

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use vmos_drivers::counts::Counts;
use vmos_drivers::ethernet::Statistics as EthernetStatistics;
use vmos_drivers::virtio::DeviceKind;
use vmos_drivers::virtio::blk::Statistics as RequestStatistics;
use vmos_drivers::virtio::net::Statistics as FrameStatistics;
use vmos_drivers::virtio::statistics::QueueStatistics;

use super::attached::Attached;
use super::attached::WatchStatistics;
use super::drivers::{Drivers, Network};
use super::{Nic, Place};
use crate::driver_cell::Calls;
use crate::machine;

/// The counts of one device and its queues.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceStatistics {
    /// The device's kind.
    pub kind: DeviceKind,
    /// The device's location.
    pub place: Place,
    /// The faults of the device that the kernel detected.
    pub watch: WatchStatistics,
    /// The counts of the device's queues, in the order of their numbers.
    pub queues: Vec<QueueStatistics>,
    /// The counts of requests; `None` if the device is not a disk.
    pub requests: Option<RequestStatistics>,
    /// The counts of frames; `None` if the device is not a virtio network device.
    pub frames: Option<FrameStatistics>,
    /// The counts of the board's Ethernet controller; `None` if the device is another one.
    pub ethernet: Option<EthernetStatistics>,
}

impl DeviceStatistics {
    /// Calls `count` for each count, with the queue that it belongs to, if any.
    pub fn each(&self, count: &mut dyn FnMut(Option<usize>, &'static str, u64)) {
        self.watch.each(&mut |name, value| count(None, name, value));
        if let Some(requests) = &self.requests {
            requests.each(&mut |name, value| count(None, name, value));
        }
        if let Some(frames) = &self.frames {
            frames.each(&mut |name, value| count(None, name, value));
        }
        if let Some(ethernet) = &self.ethernet {
            ethernet.each(&mut |name, value| count(None, name, value));
        }
        for (number, queue) in self.queues.iter().enumerate() {
            queue.each(&mut |name, value| count(Some(number), name, value));
        }
    }
}

type Collect = fn(&Drivers) -> Vec<DeviceStatistics>;

/// A task's request for statistics, and the event loop's answer.
#[derive(Default)]
pub(crate) struct Inquiry {
    /// The function that collects the answer, if a task requested one. It is a function pointer so
    /// that only images of apps that request statistics contain it.
    asked: Cell<Option<Collect>>,
    /// The number of answers so far.
    answers: Cell<usize>,
    answer: RefCell<Vec<DeviceStatistics>>,
}

impl Inquiry {
    /// Requests an answer and waits for it. Makes the loop go through the devices.
    pub(super) async fn ask(&self, calls: &Calls) -> Vec<DeviceStatistics> {
        let before = self.answers.get();
        poll_fn(|context| {
            if self.answers.get() != before {
                return Poll::Ready(self.answer.borrow().clone());
            }
            self.asked.set(Some(Drivers::statistics));
            calls.call();
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    /// Stores an answer if a task requested one.
    #[inline]
    pub(super) fn answer(&self, drivers: &Drivers) {
        if let Some(collect) = self.asked.take() {
            self.answer.replace(collect(drivers));
            self.answers.set(self.answers.get() + 1);
        }
    }
}

impl Drivers {
    /// Returns the statistics of each device.
    #[cold]
    fn statistics(&self) -> Vec<DeviceStatistics> {
        let of = |attached: &Attached, queues: &[QueueStatistics]| DeviceStatistics {
            kind: attached.kind(),
            place: attached.place(),
            watch: attached.statistics(),
            queues: queues.to_vec(),
            requests: None,
            frames: None,
            ethernet: None,
        };
        let has = machine::HAS_VIRTIO;
        let entropy = self.entropy.iter().filter(|_| has).map(|shared| {
            let driver = shared.driver.borrow();
            of(&shared.attached, &[driver.statistics()])
        });
        let disks = self.disks.iter().filter(|_| has).map(|shared| {
            let driver = shared.driver.borrow();
            DeviceStatistics {
                requests: Some(driver.counts()),
                ..of(&shared.attached, &[driver.statistics()])
            }
        });
        let of_nic = |nic: &Nic, attached: &Attached| DeviceStatistics {
            frames: nic.statistics().copied(),
            ethernet: nic.ethernet_statistics(),
            ..of(
                attached,
                nic.queue_statistics().as_ref().map_or(&[], |queues| queues),
            )
        };
        let network = self.network.iter();
        let network = network.map(|Network { nic, attached, .. }| of_nic(nic, attached));
        let interfaces = self.interfaces.shared();
        let interfaces = interfaces.map(|shared| of_nic(&shared.driver.borrow(), &shared.attached));
        let network = network.chain(interfaces);
        let further = self.further.statistics(of);
        entropy.chain(disks).chain(network).chain(further).collect()
    }
}

#[cfg(test)]
mod tests {
    use core::future::Future;
    use core::pin::pin;
    use core::task::{Context, Waker};

    use super::*;

    #[test]
    fn a_request_waits_until_the_loop_answers() {
        let (inquiry, calls) = (Inquiry::default(), Calls::default());
        let mut asking = pin!(inquiry.ask(&calls));
        let mut context = Context::from_waker(Waker::noop());
        assert!(asking.as_mut().poll(&mut context).is_pending());
        assert!(calls.any());
        assert!(asking.as_mut().poll(&mut context).is_pending());
        inquiry.answer(&Drivers::default());
        assert_eq!(asking.as_mut().poll(&mut context), Poll::Ready(Vec::new()));
    }

    #[test]
    fn without_a_request_there_is_no_answer() {
        let inquiry = Inquiry::default();
        inquiry.answer(&Drivers::default());
        assert_eq!(inquiry.answers.get(), 0);
    }
}
