//! Tests of the memory balloon with a simulated device, which asks for anything.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::cell::Cell;

use super::super::fake::MmioRegisters;
use super::super::fake::{Chain, DeviceRing, FakeDevice, versions};
use super::super::queue::Refusal;
use super::super::transport::MmioTransport;
use super::*;
use crate::watched::Watched as _;

const VERSION_1: u64 = 1 << 32;

type Driver = Balloon<MmioTransport<MmioRegisters>>;

std::thread_local! {
    /// The number of bytes that the heap can do without.
    static SPARE: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The memory is that of a process, at addresses that the device cannot name.
fn first_page(pages: &Pages) -> u64 {
    pages.first_page() & 0x7fff_ffff
}

struct Host {
    device: FakeDevice,
    driver: Driver,
    rings: [DeviceRing; 2],
    /// The pages that the host has.
    pages: Vec<u32>,
}

impl Host {
    fn new(version: u32, offered: u64) -> Self {
        SPARE.set(usize::MAX);
        let device = FakeDevice::new(version, 5, VERSION_1 | offered, &[16, 16], &[0; 8]);
        let driver =
            Balloon::new(device.transport(), || SPARE.get(), first_page).expect("a fine device");
        let rings = [device.ring(0), device.ring(1)];
        Self {
            device,
            driver,
            rings,
            pages: Vec::new(),
        }
    }

    /// The host wants this many pages.
    fn wants(&mut self, pages: u32) {
        {
            let mut state = self.device.0.borrow_mut();
            state.config[..4].copy_from_slice(&pages.to_le_bytes());
            state.generation += 1;
            state.isr |= 2;
        }
        // The line stays asserted until the reason is read, at the latest when no queue has anything.
        while self.device.0.borrow().isr != 0 {
            self.driver.acknowledge_interrupt();
        }
        self.driver.publish();
    }

    fn take(&mut self, queue: usize) -> Option<(Chain, Vec<u32>)> {
        let chain = self.rings[queue].pop()?;
        let bytes = chain.bytes();
        let numbers = bytes.chunks_exact(4);
        let numbers = numbers.map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]));
        let numbers: Vec<u32> = numbers.collect();
        Some((chain, numbers))
    }

    /// Serves both queues until nothing is in them.
    fn serve(&mut self) {
        loop {
            let mut is_done = true;
            while let Some((chain, numbers)) = self.take(0) {
                self.pages.extend(numbers);
                self.rings[0].give_back(u32::from(chain.head), 0);
                is_done = false;
            }
            while let Some((chain, numbers)) = self.take(1) {
                let numbers = BTreeSet::from_iter(numbers);
                self.pages.retain(|page| !numbers.contains(page));
                self.rings[1].give_back(u32::from(chain.head), 0);
                is_done = false;
            }
            self.driver.complete(64);
            self.driver.publish();
            let in_flight =
                self.driver.inflate.queue.in_flight() + self.driver.deflate.queue.in_flight();
            if is_done && in_flight == 0 {
                return;
            }
        }
    }

    fn told(&self) -> u32 {
        let state = self.device.0.borrow();
        let [.., a, b, c, d] = state.config[..8] else {
            return 0;
        };
        u32::from_le_bytes([a, b, c, d])
    }

    /// Asserts how many pages the host has, each once.
    fn has(&mut self, count: usize) {
        self.serve();
        let mut pages = self.pages.clone();
        pages.sort_unstable();
        pages.dedup();
        assert_eq!((pages.len(), self.pages.len()), (count, count));
        let held = &self.driver.held;
        let used_again = held.lots.iter().filter(|lot| lot.pages.is_none());
        assert_eq!((held.pages, held.used_again), (count, used_again.count()));
        assert_eq!(self.told() as usize, count);
        assert_eq!(self.driver.counts().pages as usize, count);
    }
}

#[test]
fn the_host_gets_what_it_wants_and_gives_it_back() {
    let many = if cfg!(miri) { 600 } else { 3000 };
    for &version in versions() {
        let mut host = Host::new(version, 0);
        for wanted in [0, 1, 256, 257, many, many - 1, 500, 501, 5, 0] {
            host.wants(wanted);
            host.has(wanted as usize);
        }
        let counts = host.driver.counts();
        assert_eq!(counts.given_pages, counts.taken_back_pages);
        assert_eq!(counts.relieved_pages, 0);
    }
}

#[test]
fn a_host_that_changes_its_mind_gets_the_last_number() {
    let mut host = Host::new(2, 0);
    host.wants(if cfg!(miri) { 1000 } else { 4000 });
    host.wants(10);
    host.wants(700);
    host.has(700);
    host.wants(0);
    host.wants(900);
    host.has(900);
}

#[test]
fn the_heap_keeps_what_it_needs_whatever_the_host_wants() {
    let mut host = Host::new(2, 0);
    SPARE.set(0);
    host.wants(u32::MAX);
    host.has(0);
    SPARE.set(100 * PAGE + PAGE / 2);
    host.driver.publish();
    // In this test, what is given does not lower what can be spared: each lot has 100 pages.
    let (_, numbers) = host.take(0).expect("a lot");
    assert_eq!(numbers.len(), 100);
    // At most eight lots are in flight.
    assert_eq!((0..).map_while(|_: u32| host.take(0)).count(), 7);
}

#[test]
fn memory_that_becomes_free_is_for_the_host() {
    let mut host = Host::new(2, 0);
    SPARE.set(0);
    host.wants(10);
    host.has(0);
    assert!(host.driver.is_short(), "nothing else tells of free memory");
    SPARE.set(usize::MAX);
    host.driver.publish();
    assert!(!host.driver.is_short());
    host.has(10);
}

#[test]
fn memory_that_becomes_free_page_by_page_is_given_in_few_lots() {
    let mut host = Host::new(2, 0);
    SPARE.set(0);
    host.wants(1000);
    for (spare, given) in [(1, 0), (LEAST - 1, 0), (LEAST, LEAST * usize::from(DEPTH))] {
        SPARE.set(spare * PAGE);
        host.driver.publish();
        assert_eq!(host.driver.given(), given, "{spare} pages are free");
    }
}

#[test]
fn a_search_for_memory_is_repeated_once_more_is_free() {
    let mut host = Host::new(2, 0);
    host.driver.scattered = 100 * PAGE;
    host.driver.wanted = 5;
    for (spare, given) in [(99, 0), (100, 0), (101, 5)] {
        SPARE.set(spare * PAGE);
        host.driver.publish();
        assert_eq!(host.driver.given(), given, "{spare} pages are free");
    }
    host.driver.scattered = usize::MAX;
    host.wants(6);
    host.has(6);
}

#[test]
fn a_search_for_memory_is_repeated_once_a_lot_was_freed_elsewhere() {
    let mut host = Host::new(2, 0);
    host.driver.scattered = 10 * LOT * PAGE;
    host.driver.wanted = 5;
    let freed = LOT + 1;
    for (spare, given) in [(2 * LOT, 0), (3 * LOT, 0), (2 * LOT + freed, 5)] {
        SPARE.set(spare * PAGE);
        host.driver.publish();
        assert_eq!(host.driver.given(), given, "{spare} pages are free");
    }
}

#[test]
fn an_allocation_that_fails_gets_pages_at_once() {
    let mut host = Host::new(2, DEFLATE_ON_OOM);
    assert!(!host.driver.relieve(1));
    host.wants(1000);
    host.has(1000);
    SPARE.set(0);
    assert!(host.driver.relieve(300 * PAGE));
    assert_eq!(
        host.driver.counts().relieved_pages,
        488,
        "two lots, 232 and 256 pages"
    );
    host.driver.publish();
    // The device is notified, though the host still wants them.
    host.has(512);
    assert!(host.driver.relieve(usize::MAX));
    assert!(!host.driver.relieve(usize::MAX));
    host.has(0);
    SPARE.set(usize::MAX);
    host.driver.publish();
    host.has(1000);
}

#[test]
fn a_host_that_must_be_told_before_keeps_its_pages() {
    let mut host = Host::new(2, MUST_TELL_HOST | DEFLATE_ON_OOM);
    host.wants(1000);
    host.has(1000);
    assert!(!host.driver.relieve(1));
    host.has(1000);
}

/// Without the feature bit, pages are only used again when the host wants fewer (5.5.6.1).
#[test]
fn a_host_without_deflate_on_oom_keeps_its_pages() {
    let mut host = Host::new(2, 0);
    host.wants(1000);
    host.has(1000);
    assert!(!host.driver.relieve(1));
    host.driver.publish();
    host.has(1000);
    host.wants(600);
    host.has(600);
}

#[test]
fn a_device_that_was_reset_has_no_pages() {
    let mut host = Host::new(2, 0);
    host.wants(1000);
    host.has(1000);
    host.wants(2000);
    host.driver.give_up();
    assert_eq!(host.driver.failure(), Some(Failure::Silent));
    assert_eq!(host.driver.counts().pages, 0);
    assert!(host.driver.held.lots.is_empty() && host.driver.inflate.pages() == 0);
    host.driver.publish();
    host.driver.reinitialize().expect("the device works again");
    host.rings = [host.device.ring(0), host.device.ring(1)];
    host.pages.clear();
    host.driver.publish();
    host.has(2000);
}

#[test]
fn pages_of_a_device_that_cannot_be_reset_are_never_used_again() {
    let leaked = crate::dma::leaked_bytes();
    let mut host = Host::new(2, 0);
    host.wants(300);
    host.has(300);
    host.device.0.borrow_mut().resets = false;
    host.driver.give_up();
    assert_eq!(host.driver.held.lots.len(), 2);
    drop(host);
    assert!(crate::dma::leaked_bytes() >= leaked + 300 * PAGE);
}

#[test]
fn an_answer_to_no_request_fails_the_device() {
    let mut host = Host::new(2, 0);
    host.rings[0].give_back(3, 0);
    host.driver.complete(8);
    assert!(matches!(
        host.driver.failure(),
        Some(Failure::Queue {
            queue: 0,
            refusal: Refusal::Index { .. }
        })
    ));
}

#[test]
fn a_number_that_never_settles_is_not_used() {
    let mut host = Host::new(2, 0);
    host.wants(10);
    host.has(10);
    host.device.0.borrow_mut().tears = u32::MAX;
    host.driver.configuration_changed();
    assert_eq!(host.driver.counts().wanted_pages, 10);
}

#[test]
fn a_device_without_its_queues_is_refused() {
    let device = FakeDevice::new(2, 5, VERSION_1, &[16, 0], &[0; 8]);
    let refused = Balloon::new(device.transport(), || 0, first_page).err();
    assert_eq!(refused, Some(SetupError::QueueMissing { queue: 1 }));
}
