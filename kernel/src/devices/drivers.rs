//! Serves the devices in each turn of the event loop.

use alloc::boxed::Box;
use alloc::vec::Vec;

use vmos_drivers::counts::report;
use vmos_drivers::interrupt::Interrupt;
use vmos_drivers::virtio::blk::Blk;
use vmos_drivers::virtio::rng::Rng;

use super::Nic;
use super::attached::{Attached, Shared};
use super::further::Further;
use super::interfaces::Interfaces;
use super::statistics::Inquiry;
use crate::driver_cell::Calls;
use crate::event_loop::Services;
use crate::machine::{self, Transport};
use crate::net::{Stack, Wired};
use crate::part::lines;
use crate::time::NEVER;

mod masked;
mod rest;
mod storm;
mod watching;

use rest::Rest;
pub(super) use storm::Raised;
use storm::Storm;
use watching::Watching;

/// The largest number of frames received, and of frames sent, in one turn.
const FRAME_BUDGET: usize = 64;
/// The index that stands for no disk.
const NO_DISK: usize = usize::MAX;

/// The event that an interrupt reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Entropy,
    Disk(usize),
    #[cfg_attr(
        feature = "networks",
        expect(dead_code, reason = "every network device is shared")
    )]
    Network,
    /// A network device of [`Interfaces`].
    #[cfg(any(feature = "embassy-net-driver", feature = "networks"))]
    Interface(usize),
    /// A device of a kind that only some apps use.
    #[cfg(any(
        feature = "virtio-balloon",
        feature = "virtio-console",
        feature = "virtio-vsock"
    ))]
    Further(usize),
}

/// An interrupt and the device that it belongs to. A line shared by several devices has several
/// routes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) interrupt: Interrupt,
    pub(super) source: Source,
    pub(super) is_configuration: bool,
    /// How often the interrupt was raised; the first route of a shared line counts.
    pub(super) raised: Raised,
}

/// The network device, which only the event loop uses.
pub(super) struct Network {
    pub(super) nic: Nic,
    pub(super) attached: Attached,
    pub(super) stack: &'static Stack,
    /// When the failed device is restarted, in nanoseconds; [`NEVER`] if it works.
    pub(super) recovery: u64,
}

/// The drivers of all devices, and the services that use them.
pub(crate) struct Drivers {
    pub(super) routes: Vec<Route>,
    pub(super) entropy: Option<Shared<Rng<Transport>>>,
    pub(super) disks: Vec<Shared<Blk<Transport>>>,
    pub(super) network: Option<Network>,
    pub(super) interfaces: Interfaces,
    pub(super) further: Further,
    /// Whether a device that tasks use directly may have completions that were not processed.
    has_work: bool,
    /// The devices that tasks use directly and that the loop must serve.
    pub(super) calls: &'static Calls,
    /// The requests of tasks for statistics.
    pub(super) inquiry: &'static Inquiry,
    /// The disk that raised the last interrupt; [`NO_DISK`] if it was another device.
    last_disk: usize,
    /// Interrupts that belong to no device.
    unexpected: u64,
    storm: Storm,
    /// When the next failed device is restarted, in nanoseconds; [`NEVER`] if all work.
    recovery: u64,
    /// Unless it is `Yes`, the loop serves all devices in the next turn, and then watches them again if
    /// there is anything to watch.
    watching: Watching,
    /// The time of the next check, in nanoseconds.
    next_look: u64,
    /// The time of the last check, in nanoseconds.
    looked: u64,
    rest: Rest,
}

impl Default for Drivers {
    fn default() -> Self {
        let calls: &Calls = Box::leak(Box::default());
        calls.call();
        Self {
            routes: Vec::new(),
            entropy: None,
            disks: Vec::new(),
            network: None,
            interfaces: Interfaces::default(),
            further: Further::default(),
            has_work: true,
            calls,
            inquiry: Box::leak(Box::default()),
            last_disk: NO_DISK,
            unexpected: 0,
            storm: Storm::default(),
            recovery: NEVER,
            watching: Watching::No,
            next_look: NEVER,
            looked: 0,
            rest: Rest::default(),
        }
    }
}

impl Services for Drivers {
    #[inline]
    fn answer_lines(&mut self, mut answered: impl FnMut(u32) -> bool) -> bool {
        // Usually, it is the device that raised the last interrupt.
        if let Some(disk) = Self::disks(&mut self.disks).get_mut(self.last_disk)
            && let Some(number) = disk.answer_line_for_task()
        {
            self.has_work |= disk.attached.has_work;
            if !answered(number) {
                return false;
            }
        }
        if let Some(Network { nic, attached, .. }) = &mut self.network
            && let Some(number) = attached.answer_line(nic)
        {
            self.last_disk = NO_DISK;
            if machine::ETHERNET.is_some() {
                // The same line reports the state of the link.
                self.report_link();
            }
            if !answered(number) {
                return false;
            }
        }
        self.answer_others(answered)
    }

    fn interrupt(&mut self, number: u32) -> bool {
        self.has_work = true;
        let of_part = !machine::PARTS.is_empty() && lines::raised(number);
        let (mut raised, mut has_news) = (None, of_part);
        for route in self
            .routes
            .iter_mut()
            .filter(|route| route.interrupt.number == number)
        {
            raised = raised.or(Some(&mut route.raised));
            let is_configuration = route.is_configuration;
            has_news |= match route.source {
                Source::Entropy => {
                    let entropy = Self::entropy(&mut self.entropy);
                    entropy.is_some_and(|entropy| entropy.take_interrupt(is_configuration))
                }
                Source::Disk(index) => {
                    let disk = Self::disks(&mut self.disks).get_mut(index);
                    disk.is_some_and(|disk| disk.take_interrupt(is_configuration))
                }
                Source::Network => {
                    let Some(network) = &mut self.network else {
                        continue;
                    };
                    let Network { nic, attached, .. } = network;
                    let has_news = attached.take_interrupt(nic, is_configuration);
                    network.stack.link(network.nic.link_up());
                    has_news
                }
                #[cfg(any(feature = "embassy-net-driver", feature = "networks"))]
                Source::Interface(index) => self.interfaces.take_interrupt(index, is_configuration),
                #[cfg(any(
                    feature = "virtio-balloon",
                    feature = "virtio-console",
                    feature = "virtio-vsock"
                ))]
                Source::Further(index) => self.further.take_interrupt(index, is_configuration),
            };
        }
        let is_often = match raised {
            Some(raised) => raised.count(has_news),
            None => !of_part && self.count_unexpected(number),
        };
        is_often && self.is_storm(number)
    }

    fn collect(&mut self, now: u64) -> bool {
        let mut more = false;
        if self.has_work {
            more |= self.complete();
        }
        if let Some(network) = &mut self.network {
            network.stack.begin_turn(now);
            if network.attached.has_work || network.stack.alarm() <= now {
                let mut device = Wired(&mut network.nic);
                more |= network.stack.ingress(&mut device, now, FRAME_BUDGET);
            }
        }
        more | self.interfaces.collect(now, FRAME_BUDGET)
    }

    #[inline]
    fn dispatch(&mut self, now: u64) -> u64 {
        let mut due = NEVER;
        if let Some(network) = &mut self.network {
            if network.attached.has_work || network.stack.due() <= now {
                due = network.serve(now, self.calls);
            } else {
                due = network.stack.due();
            }
        }
        due = due.min(self.interfaces.send(now, FRAME_BUDGET));
        if self.calls.any() {
            due = self.publish(now, due);
        }
        due
    }

    #[cold]
    fn watch(&mut self, now: u64) -> Option<Interrupt> {
        self.check(now)
    }
}

impl Network {
    /// Sends the frames that are due, and notifies the device. Calls for the loop if the device has
    /// failed. Returns when frames are due again; 0 if there is more work.
    #[inline]
    fn serve(&mut self, now: u64, calls: &Calls) -> u64 {
        let mut device = Wired(&mut self.nic);
        let more = self.stack.egress(&mut device, now, FRAME_BUDGET);
        let arrived = match self.nic.dispatch(self.attached.has_work) {
            Some(arrived) => {
                self.attached.has_work = arrived;
                arrived
            }
            None => self.recover(now, calls),
        };
        if more | arrived { 0 } else { self.stack.due() }
    }

    /// Handles a failed device. Returns whether there is work for it.
    #[cold]
    fn recover(&mut self, now: u64, calls: &Calls) -> bool {
        let (arrived, recovery) = self.attached.dispatch_failed(&mut self.nic, now);
        self.recovery = recovery;
        if recovery != NEVER {
            calls.call();
        }
        arrived
    }
}

/// The operations on the devices that tasks use directly.
impl Drivers {
    /// Returns the disks: none, as the compiler then knows, on a board without a place for them.
    #[inline(always)]
    pub(super) fn disks(disks: &mut [Shared<Blk<Transport>>]) -> &mut [Shared<Blk<Transport>>] {
        match machine::HAS_VIRTIO {
            true => disks,
            false => &mut [],
        }
    }

    /// Returns the entropy device; see [`disks`](Self::disks).
    #[inline(always)]
    pub(super) fn entropy(
        entropy: &mut Option<Shared<Rng<Transport>>>,
    ) -> Option<&mut Shared<Rng<Transport>>> {
        match machine::HAS_VIRTIO {
            true => entropy.as_mut(),
            false => None,
        }
    }

    /// Like [`answer_lines`](Services::answer_lines), for all devices but the kernel's own network
    /// device.
    #[inline(never)]
    fn answer_others(&mut self, mut answered: impl FnMut(u32) -> bool) -> bool {
        for (index, disk) in Self::disks(&mut self.disks).iter_mut().enumerate() {
            if let Some(number) = disk.answer_line() {
                self.has_work = true;
                self.last_disk = index;
                if !answered(number) {
                    return false;
                }
            }
        }
        let (goes_on, found) = self.interfaces.answer_lines(&mut answered);
        self.has_work |= found;
        if !goes_on {
            return false;
        }
        let (goes_on, found) = self.further.answer_lines(&mut answered);
        self.has_work |= found;
        if !goes_on {
            return false;
        }
        if let Some(entropy) = Self::entropy(&mut self.entropy)
            && let Some(number) = entropy.answer_line()
        {
            self.has_work = true;
            return answered(number);
        }
        true
    }

    /// Tells the stack the state of its device's link.
    fn report_link(&mut self) {
        if let Some(Network { nic, stack, .. }) = &mut self.network {
            stack.link(nic.link_up());
        }
    }

    #[cold]
    fn count_unexpected(&mut self, number: u32) -> bool {
        self.unexpected += 1;
        report("interrupts without a device", self.unexpected);
        self.storm.count_unused(number)
    }

    /// Returns the state of the device of `source`.
    #[inline(never)]
    pub(super) fn attached(&mut self, source: Source) -> Option<&mut Attached> {
        Some(match source {
            Source::Entropy => &mut Self::entropy(&mut self.entropy)?.attached,
            Source::Disk(index) => &mut Self::disks(&mut self.disks).get_mut(index)?.attached,
            Source::Network => &mut self.network.as_mut()?.attached,
            #[cfg(any(feature = "embassy-net-driver", feature = "networks"))]
            Source::Interface(index) => self.interfaces.attached(index)?,
            #[cfg(any(
                feature = "virtio-balloon",
                feature = "virtio-console",
                feature = "virtio-vsock"
            ))]
            Source::Further(index) => self.further.attached(index)?,
        })
    }

    /// Processes completions within the budget. Returns whether there may be more.
    #[inline]
    fn complete(&mut self) -> bool {
        let mut more = false;
        if let Some(entropy) = Self::entropy(&mut self.entropy) {
            more |= entropy.complete();
        }
        for disk in Self::disks(&mut self.disks) {
            more |= disk.complete();
        }
        more |= self.further.complete();
        self.has_work = more;
        self.interfaces.complete();
        more
    }

    /// Publishes the requests of each device that has any. Returns when to call this again, at the
    /// latest at `due`; 0 if there is more work.
    #[inline]
    fn publish(&mut self, now: u64, due: u64) -> u64 {
        let mut more = false;
        self.calls.answer();
        self.recovery = self
            .network
            .as_ref()
            .map_or(NEVER, |network| network.recovery);
        for disk in Self::disks(&mut self.disks) {
            let (arrived, retry) = disk.dispatch(now);
            more |= arrived;
            self.has_work |= disk.attached.has_work;
            self.recovery = self.recovery.min(retry);
        }
        if let Some(entropy) = Self::entropy(&mut self.entropy) {
            let (arrived, retry) = entropy.dispatch(now);
            more |= arrived;
            self.has_work |= entropy.attached.has_work;
            self.recovery = self.recovery.min(retry);
        }
        let (arrived, retry) = self.interfaces.dispatch(now);
        more |= arrived;
        self.has_work |= arrived;
        self.recovery = self.recovery.min(retry);
        let (arrived, retry) = self.further.dispatch(now);
        more |= arrived;
        self.has_work |= arrived;
        self.recovery = self.recovery.min(retry);
        self.inquiry.answer(self);
        if self.watching != Watching::Yes {
            self.begin_watch(now);
        }
        if self.recovery != NEVER {
            self.set_watch(self.next_look);
        }
        if more { 0 } else { due }
    }
}
