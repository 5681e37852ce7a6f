//! The memory balloon (virtio 1.2, 5.5): the host asks for a part of the machine's memory, and gets
//! pages of the heap that are not in use.
//!
//! The device only names a number of pages. The driver chooses the pages, gives as many as the heap can
//! do without, and takes them back when the host wants fewer, or, if the device permits it, when an
//! allocation fails ([`Balloon::relieve`]). Nothing that the device writes is an address or a length.

use super::device::{Device, GaveUp};
use super::driver::Driver;
use super::error::{Failure, SetupError};
use super::queue::Queue;
use super::transport::{Doorbell, Transport};
use crate::dma::{PAGE, Pages};

mod health;
mod lots;

use lots::{Held, Lot};

/// The queues (5.5.2): pages for the host, and pages that are taken back.
const INFLATE: u16 = 0;
const DEFLATE: u16 = 1;
/// The number of lots in flight in each direction.
const DEPTH: u16 = 8;
/// The number of pages in a lot: 1 MiB. Their numbers take a kilobyte.
const LOT: usize = 256;
/// The smallest number of pages in a lot, unless the host wants fewer: memory that becomes free page by page
/// is given in few lots.
const LEAST: usize = 16;

/// The feature bit for a host that must be told before pages are used again (5.5.3).
const MUST_TELL_HOST: u64 = 1 << 0;
/// The feature bit for a guest that takes pages back when it needs memory (5.5.3).
const DEFLATE_ON_OOM: u64 = 1 << 2;
/// The features to accept, if the device offers them.
const WANTED: u64 = MUST_TELL_HOST | DEFLATE_ON_OOM;

/// The offsets in the configuration (5.5.4): the number of pages that the host wants, and the number
/// that it has, which the driver writes.
const CONFIG_WANTED: usize = 0;
const CONFIG_ACTUAL: usize = 4;
const CONFIG_LEN: usize = 8;

/// The counts of a memory balloon. A page has 4 KiB.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// The number of pages that the host wants now.
    pub wanted_pages: u64,
    /// The number of pages that the host has now.
    pub pages: u64,
    /// The number of pages that the host was given so far.
    pub given_pages: u64,
    /// The number of pages that were taken back so far.
    pub taken_back_pages: u64,
    /// How many of them were taken back because an allocation had failed.
    pub relieved_pages: u64,
}

crate::counted!(Statistics {
    wanted_pages,
    pages,
    given_pages,
    taken_back_pages,
    relieved_pages,
});

/// A queue, and the lots in flight in it.
struct Lane {
    queue: Queue,
    doorbell: Doorbell,
    lots: [Option<Lot>; DEPTH as usize],
}

impl Lane {
    fn new<T: Transport>(device: &mut Device<T>, number: u16) -> Result<Self, GaveUp> {
        Ok(Self {
            queue: device.queue(number, DEPTH, 0)?,
            doorbell: Doorbell::NONE,
            lots: [const { None }; DEPTH as usize],
        })
    }

    fn has_room(&self) -> bool {
        self.queue.next_head().is_some() && self.lots.iter().any(Option::is_none)
    }

    /// Lends a lot; call only if there is room.
    fn lend(&mut self, lot: Lot) {
        let mut places = (0..).zip(&mut self.lots);
        if let Some((owner, place)) = places.find(|(_, place)| place.is_none())
            && self.queue.lend_one(lot.segment(), owner).is_some()
        {
            *place = Some(lot);
        }
    }

    /// Returns the next lot that the device is done with.
    fn take(&mut self) -> Option<Lot> {
        let used = self.queue.take()?;
        self.queue.free(used.head);
        self.lots.get_mut(usize::from(used.owner))?.take()
    }

    /// Returns the number of pages in flight.
    fn pages(&self) -> usize {
        self.lots.iter().flatten().map(Lot::count).sum()
    }
}

/// The driver for a memory balloon.
pub struct Balloon<T: Transport> {
    device: Device<T>,
    inflate: Lane,
    deflate: Lane,
    held: Held,
    /// Returns how many bytes of the heap can be given away now.
    spare: fn() -> usize,
    /// Returns the number of the first page of a block, as the device counts pages.
    first_page: fn(&Pages) -> u64,
    /// Whether pages may be used again before the host wants fewer and before it is notified (5.5.6.1).
    may_relieve: bool,
    wanted: u32,
    /// No block is looked for while the heap can do without this number of bytes or fewer. After a search that
    /// found no block, this is what the heap could do without then, but at most `LOT` pages more than the least
    /// since. After one that found a block, it is 0.
    scattered: usize,
    /// The number that the device was told last.
    told: u32,
    counts: Statistics,
}

impl<T: Transport> Balloon<T> {
    /// Starts the device at `transport`. `spare` returns how many bytes of the heap can be given away at
    /// the time of the call, and `first_page` the number of the first page of a block:
    /// [`Pages::first_page`], unless the device has other addresses.
    ///
    /// # Errors
    ///
    /// Returns [`SetupError`]; the device is then not used.
    #[inline(never)]
    pub fn new(
        transport: T,
        spare: fn() -> usize,
        first_page: fn(&Pages) -> u64,
    ) -> Result<Self, SetupError> {
        let mut device = Device::new(transport);
        let Ok((accepted, inflate, deflate)) = Self::parts(&mut device) else {
            return Err(device.refusal());
        };
        // From here on, `drop` resets the device before the queues' memory is freed.
        let mut balloon = Self {
            device,
            inflate,
            deflate,
            held: Held::default(),
            spare,
            first_page,
            may_relieve: accepted & WANTED == DEFLATE_ON_OOM,
            wanted: 0,
            scattered: 0,
            told: 0,
            counts: Statistics::default(),
        };
        match balloon.start() {
            Ok(()) => Ok(balloon),
            Err(GaveUp) => Err(balloon.device.refusal()),
        }
    }

    /// Prepares what the driver needs before the device is started.
    fn parts(device: &mut Device<T>) -> Result<(u64, Lane, Lane), GaveUp> {
        let accepted = device.negotiate(|_transport, _offered| WANTED)?;
        let read = device
            .transport
            .read_config(CONFIG_LEN, |it| it.config32(CONFIG_WANTED));
        device.done(read)?;
        let inflate = Lane::new(device, INFLATE)?;
        let deflate = Lane::new(device, DEFLATE)?;
        Ok((accepted, inflate, deflate))
    }

    /// Passes empty queues to the device and starts it.
    fn start(&mut self) -> Result<(), GaveUp> {
        for (number, lane) in [(INFLATE, &mut self.inflate), (DEFLATE, &mut self.deflate)] {
            lane.doorbell = self.device.enable_queue(number, &lane.queue)?;
        }
        self.device.start();
        self.told = 0;
        self.read_wanted();
        Ok(())
    }

    /// Reads how many pages the host wants. If the number changes all the time, the last one stays.
    fn read_wanted(&mut self) {
        let transport = &self.device.transport;
        if let Ok(wanted) = transport.read_config(CONFIG_LEN, |it| it.config32(CONFIG_WANTED)) {
            if wanted != self.wanted {
                self.scattered = 0;
            }
            self.wanted = wanted;
        }
    }

    /// Returns the number of pages that the host has or is being given.
    fn given(&self) -> usize {
        self.held.pages + self.inflate.pages()
    }

    /// Processes up to `budget` lots that the device is done with. Returns the number.
    pub fn complete(&mut self, budget: usize) -> usize {
        let mut count = 0;
        while count < budget && self.device.failure().is_none() {
            if let Some(lot) = self.inflate.take() {
                self.counts.given_pages += lot.count() as u64;
                // There is room: it was reserved when the lot was lent.
                self.held.push(lot);
            } else if let Some(lot) = self.deflate.take() {
                if let Some(pages) = &lot.pages {
                    self.counts.taken_back_pages += pages.count() as u64;
                }
            } else {
                break;
            }
            count += 1;
        }
        if count > 0 {
            self.device.found();
        }
        let broken = [(INFLATE, &self.inflate), (DEFLATE, &self.deflate)]
            .into_iter()
            .find_map(|(queue, lane)| Some((queue, lane.queue.broken()?)));
        if let Some((queue, refusal)) = broken
            && self.device.failure().is_none()
        {
            self.fail(Failure::Queue { queue, refusal });
        }
        count
    }

    /// Lends lots until the host has as many pages as it wants and the heap can do without, and makes them
    /// visible to the device.
    pub fn publish(&mut self) {
        if self.device.failure().is_some() {
            return;
        }
        self.adjust();
        for lane in [&mut self.inflate, &mut self.deflate] {
            if lane.queue.publish() {
                self.device.transport.ring(lane.doorbell);
            }
        }
        self.tell_actual();
    }

    fn adjust(&mut self) {
        let wanted = self.wanted as usize;
        // The device is notified first of those that were taken back already.
        while self.deflate.has_room()
            && let Some(lot) = self.held.take(self.given() > wanted)
        {
            self.deflate.lend(lot);
        }
        while self.inflate.has_room() && self.given() < wanted {
            let spare = (self.spare)();
            let missing = wanted - self.given();
            let count = missing.min(LOT).min(spare / PAGE);
            // A search that finds no block takes long. It is repeated once more memory is free than at the
            // last one, or `LOT` pages more than at some time since, which may be elsewhere in the heap.
            self.scattered = self.scattered.min(spare.saturating_add(LOT * PAGE));
            if count < missing.min(LEAST) || spare <= self.scattered {
                break;
            }
            let has_room = self.held.reserve();
            let Some(lot) = has_room.then(|| Lot::new(count, self.first_page)).flatten() else {
                self.scattered = spare;
                break;
            };
            self.scattered = 0;
            self.inflate.lend(lot);
        }
    }

    /// Returns whether the host wants more pages than it has or is being given: then
    /// [`publish`](Self::publish) gives it memory that has become free since.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.device.failure().is_none() && self.given() < self.wanted as usize
    }

    /// Writes how many pages the host has, if it was told another number (5.5.6).
    fn tell_actual(&mut self) {
        let pages = (self.held.pages + self.deflate.pages()) as u32;
        if pages != self.told {
            self.device.transport.write_config32(CONFIG_ACTUAL, pages);
            self.told = pages;
        }
    }

    /// Returns pages to the heap at once, because an allocation of `bytes` has failed; the device is notified
    /// afterwards. Returns whether it is worth trying the allocation again. A device that does not permit
    /// this, or that must be notified before, gives nothing.
    pub fn relieve(&mut self, bytes: usize) -> bool {
        if !self.may_relieve || self.device.failure().is_some() {
            return false;
        }
        let freed = self.held.free(bytes) as u64;
        self.counts.taken_back_pages += freed;
        self.counts.relieved_pages += freed;
        freed > 0
    }

    /// Returns the counts.
    #[must_use]
    pub fn counts(&self) -> Statistics {
        Statistics {
            wanted_pages: self.wanted.into(),
            pages: self.told.into(),
            ..self.counts
        }
    }
}

impl<T: Transport> Drop for Balloon<T> {
    fn drop(&mut self) {
        if self.device.transport.reset().is_err() {
            self.leak();
        }
    }
}

#[cfg(test)]
mod tests;
