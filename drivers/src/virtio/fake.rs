//! A simulated device for tests: its registers and its accesses to memory, written from the
//! specification without any code of the drivers. It does what the test says, right or wrong.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

mod registers;
mod ring;

pub(crate) use registers::{CommonRegisters, MmioRegisters};
pub(crate) use ring::{Chain, DeviceRing, write};

use super::transport::MmioTransport;

/// A queue as the driver has set it up.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct QueueState {
    pub(crate) max: u32,
    pub(crate) size: u32,
    pub(crate) ready: bool,
    pub(crate) descriptors: u64,
    pub(crate) available: u64,
    pub(crate) used: u64,
    pub(crate) align: u32,
    pub(crate) pfn: u32,
    pub(crate) vector: u16,
}

/// The state of the device.
pub(crate) struct State {
    pub(crate) version: u32,
    pub(crate) kind: u32,
    pub(crate) offered: u64,
    pub(crate) accepted: u64,
    pub(crate) status: u8,
    /// Whether the device accepts the driver's features.
    pub(crate) agrees: bool,
    /// Whether the device completes a reset.
    pub(crate) resets: bool,
    pub(crate) queues: Vec<QueueState>,
    pub(crate) selected: usize,
    pub(crate) feature_select: u32,
    pub(crate) page_size: u32,
    pub(crate) config: Vec<u8>,
    pub(crate) generation: u32,
    /// The number of reads of the configuration that each change it.
    pub(crate) tears: u32,
    pub(crate) isr: u32,
    pub(crate) config_vector: u16,
    /// The first vector that the device does not accept.
    pub(crate) vectors: u16,
    pub(crate) kicks: Vec<u16>,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
}

/// A simulated device. The driver has its registers, and the test has its state.
#[derive(Clone)]
pub(crate) struct FakeDevice(pub(crate) Rc<RefCell<State>>);

impl FakeDevice {
    pub(crate) fn new(
        version: u32,
        kind: u32,
        offered: u64,
        queues: &[u32],
        config: &[u8],
    ) -> Self {
        let queues = queues.iter().map(|max| QueueState {
            max: *max,
            ..QueueState::default()
        });
        Self(Rc::new(RefCell::new(State {
            version,
            kind,
            offered,
            accepted: 0,
            status: 0,
            agrees: true,
            resets: true,
            queues: queues.collect(),
            selected: 0,
            feature_select: 0,
            page_size: 0,
            config: config.to_vec(),
            generation: 0,
            tears: 0,
            isr: 0,
            config_vector: 0xffff,
            vectors: 8,
            kicks: vec![],
            reads: 0,
            writes: 0,
        })))
    }

    /// Returns the driver's transport.
    pub(crate) fn transport(&self) -> MmioTransport<MmioRegisters> {
        super::mmio::probe_registers(MmioRegisters(self.clone()), 0x200)
            .expect("the fake is a virtio-mmio slot")
            .expect("the slot is taken")
            .transport
    }

    /// Returns the device's side of a queue that the driver has set up.
    pub(crate) fn ring(&self, queue: usize) -> DeviceRing {
        let state = self.0.borrow();
        let queue = state.queues[queue];
        let event_index = state.accepted & 1 << 29 != 0;
        if state.version == 1 {
            DeviceRing::legacy(u64::from(queue.pfn) * 4096, queue.size as u16, event_index)
        } else {
            let QueueState {
                descriptors,
                available,
                used,
                size,
                ..
            } = queue;
            DeviceRing::new(descriptors, available, used, size as u16, event_index)
        }
    }

    /// Returns the notifications since the last call.
    pub(crate) fn kicks(&self) -> Vec<u16> {
        core::mem::take(&mut self.0.borrow_mut().kicks)
    }

    /// Returns the register accesses (reads, writes) since the last call.
    pub(crate) fn accesses(&self) -> (usize, usize) {
        let mut state = self.0.borrow_mut();
        (
            core::mem::take(&mut state.reads),
            core::mem::take(&mut state.writes),
        )
    }
}

/// Returns the versions of virtio-mmio that tests can use. The legacy one is limited to 2^44, and
/// the heap of a process is above that, except under Miri; machine tests cover it everywhere.
pub(crate) const fn versions() -> &'static [u32] {
    if cfg!(miri) { &[1, 2] } else { &[2] }
}

/// A waker that counts its wake-ups.
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self(AtomicUsize::new(0)));
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
