use super::super::gic_v3::Redistributors;
use super::super::model::{Frame, Frames};
use super::*;
use alloc::rc::Rc;
use alloc::vec;
use core::cell::RefCell;
use core::ptr::with_exposed_provenance;

const REDISTRIBUTOR_TYPER: u64 = 5 << 8;
const TARGET: u64 = 5 << 16;

/// A simulated service that reads its tables and commands from memory, as the manual describes.
struct Service {
    registers: RefCell<Vec<(usize, u64)>>,
    /// The features in `GITS_TYPER`; see `service`.
    kind: u64,
    two_levels: bool,
    coherent: bool,
    stalls: bool,
    collection: RefCell<Option<u64>>,
    functions: RefCell<Vec<u64>>,
    /// The mapped events: device ID, event number, LPI.
    events: RefCell<Vec<(u64, u64, u64)>>,
    /// The cache of the redistributor: LPI and configuration.
    cached: RefCell<Vec<(u64, u8)>>,
}

/// Returns a service with 16-bit device IDs, 16-byte translations, and two-level tables.
fn service() -> Service {
    Service {
        registers: RefCell::default(),
        kind: 15 << 13 | 15 << 8 | 15 << 4,
        two_levels: true,
        coherent: true,
        stalls: false,
        collection: RefCell::default(),
        functions: RefCell::default(),
        events: RefCell::default(),
        cached: RefCell::default(),
    }
}

/// Reads memory that the driver has written.
fn memory(address: u64) -> u64 {
    let pointer = with_exposed_provenance::<u64>(address as usize);
    // SAFETY: the driver owns a buffer there, which the service may read.
    unsafe { pointer.read_volatile() }
}

const REDISTRIBUTOR: usize = 0x10_0000;

impl Service {
    fn register(&self, offset: usize) -> u64 {
        let registers = self.registers.borrow();
        registers
            .iter()
            .find(|register| register.0 == offset)
            .map_or(0, |register| register.1)
    }

    fn set(&self, offset: usize, value: u64) {
        let mut registers = self.registers.borrow_mut();
        registers.retain(|register| register.0 != offset);
        registers.push((offset, value));
    }

    /// Returns the configuration of an LPI in the redistributor's table.
    fn configuration(&self, lpi: u64) -> u8 {
        let table = self.register(REDISTRIBUTOR + 0x70) & 0x000f_ffff_ffff_f000;
        let index = lpi - u64::from(FIRST_LPI);
        memory(table + (index & !7)).to_le_bytes()[index as usize % 8]
    }

    /// Returns whether the device table has an entry for `device`.
    fn has_entry(&self, device: u64) -> bool {
        let base = self.register(BASER);
        assert_ne!(base & VALID, 0);
        let per_page = 4096 / 8;
        if base & 1 << 62 == 0 {
            return device < per_page;
        }
        memory((base & 0x0000_ffff_ffff_f000) + 8 * (device / per_page)) & VALID != 0
    }

    fn execute(&self, command: [u64; 4]) {
        let device = command[0] >> 32;
        let event = command[1] & 0xffff_ffff;
        match command[0] & 0xff {
            0x05 => assert_eq!(command[2], TARGET, "SYNC names a redistributor"),
            0x08 => {
                assert!(self.has_entry(device), "device {device:#x} has no entry");
                assert_eq!(command[1], 4, "32 events");
                assert_eq!(command[2] & 0xff, 0, "the table is aligned to 256 bytes");
                self.functions.borrow_mut().push(device);
            }
            0x09 => *self.collection.borrow_mut() = Some(command[2] & !VALID),
            0x0a => {
                assert!(
                    self.functions.borrow().contains(&device),
                    "MAPD comes first"
                );
                self.events
                    .borrow_mut()
                    .push((device, event, command[1] >> 32));
            }
            0x0c => {
                let events = self.events.borrow();
                let found = events
                    .iter()
                    .find(|known| (known.0, known.1) == (device, event));
                let lpi = found.expect("INV names an event that is mapped").2;
                self.cached.borrow_mut().retain(|cached| cached.0 != lpi);
                self.cached
                    .borrow_mut()
                    .push((lpi, self.configuration(lpi)));
            }
            0x0d => self.cached.borrow_mut().clear(),
            other => panic!("unknown command {other:#x}"),
        }
    }

    fn run(&self, until: u64) {
        let queue = self.register(0x80) & 0x000f_ffff_ffff_f000;
        while self.register(0x90) != until {
            let at = self.register(0x90);
            self.execute([0, 8, 16, 24].map(|word| memory(queue + at + word)));
            self.set(0x90, (at + 32) % 4096);
        }
    }

    /// Simulates a message of a function; returns the LPI that the processor receives, if any.
    fn message(&self, device: u64, event: u64) -> Option<u64> {
        assert_eq!(self.register(CTLR), 1, "the service is off");
        assert_eq!(self.register(REDISTRIBUTOR) & 1, 1, "LPIs are off");
        assert_eq!(*self.collection.borrow(), Some(TARGET));
        let events = self.events.borrow();
        let lpi = events
            .iter()
            .find(|known| (known.0, known.1) == (device, event))?
            .2;
        let cached = self
            .cached
            .borrow()
            .iter()
            .find(|cached| cached.0 == lpi)
            .copied();
        (cached.expect("INV makes the configuration visible").1 & 1 == 1).then_some(lpi)
    }
}

/// The service's registers, and from `REDISTRIBUTOR` on those of a redistributor.
impl Frame for Rc<Service> {
    fn read(&self, offset: usize) -> u64 {
        match offset {
            CTLR => u64::from(CTLR_QUIESCENT) | self.register(CTLR),
            TYPER => self.kind,
            BASER => self.register(BASER) | TABLE_OF_DEVICES << 56 | 7 << 48,
            0x108 => self.register(0x108) | TABLE_OF_COLLECTIONS << 56 | 7 << 48,
            0x90 if self.stalls => 1,
            offset if offset == REDISTRIBUTOR + 8 => REDISTRIBUTOR_TYPER,
            _ => self.register(offset),
        }
    }

    fn write(&self, offset: usize, mut value: u64) {
        let off = self.register(CTLR) == 0;
        match offset {
            0x88 if off => self.set(0x90, 0),
            0x88 if !self.stalls => self.run(value),
            BASER..0x140 | 0x80 => {
                assert!(off, "a table changes while the service is on");
                if !self.coherent {
                    value &= !SHAREABILITY;
                }
                if !self.two_levels {
                    value &= !(1 << 62);
                }
            }
            _ => {}
        }
        self.set(offset, value);
    }
}

/// The registers of the redistributor.
struct Part(Rc<Service>, usize);

impl Frame for Part {
    fn read(&self, offset: usize) -> u64 {
        self.0.read(self.1 + offset)
    }
    fn write(&self, offset: usize, value: u64) {
        self.0.write(self.1 + offset, value);
    }
}

/// A distributor whose `GICD_TYPER` is `.0`.
struct Distributor(u64);

impl Frame for Distributor {
    fn read(&self, _offset: usize) -> u64 {
        self.0
    }
    fn write(&self, _offset: usize, _value: u64) {}
}

/// `GICD_TYPER` with 16-bit LPIs.
const WITH_LPIS: u64 = 15 << 19 | 1 << 17;

#[derive(Default)]
struct Cpu;

impl CpuInterface for Cpu {
    fn affinity(&self) -> u32 {
        0
    }
    fn enable_system_registers(&mut self) {}
    fn set_priority_mask(&mut self, _: u8) {}
    fn set_binary_point(&mut self, _: u8) {}
    fn set_control(&mut self, _: u32) {}
    fn set_group_1_enable(&mut self, _: u32) {}
    fn acknowledge(&mut self) -> u32 {
        1023
    }
    fn end_of_interrupt(&mut self, _: u32) {}
    fn complete_writes(&self) {}
}

struct Bench {
    its: Its<Frames<Part>>,
    redistributor: Redistributor<Frames<Part>>,
    service: Rc<Service>,
    distributor: u64,
}

fn bench(service: Service) -> Bench {
    let service = Rc::new(service);
    let layout = Redistributors {
        base: PhysicalAddress(0),
        stride: 0x2_0000,
        count: 1,
    };
    let its = Its::new(
        Frames(Part(service.clone(), 0)),
        PhysicalAddress(0x808_0000),
    );
    let redistributor = Redistributor::new(Frames(Part(service.clone(), REDISTRIBUTOR)), layout);
    Bench {
        its,
        redistributor,
        service,
        distributor: WITH_LPIS,
    }
}

impl Bench {
    fn allocate(&mut self, requester: u16, vector: u16) -> Result<Message, Error> {
        let distributor = Frames(Distributor(self.distributor));
        self.its
            .allocate(&distributor, &self.redistributor, &Cpu, requester, vector)
    }
}

#[test]
fn a_message_raises_the_allocated_lpi() {
    let mut bench = bench(service());
    let message = bench.allocate(0x0010, 3).expect("the service works");
    assert_eq!(message.address, PhysicalAddress(0x809_0040));
    assert_eq!(
        bench.service.message(0x10, message.data.into()),
        Some(message.number.into())
    );
}

#[test]
fn each_vector_of_each_function_has_an_lpi_of_its_own() {
    let mut bench = bench(service());
    let mut seen = vec![];
    for requester in [0x08, 0x10, 0x0100, 0xffff] {
        for vector in 0..4 {
            let message = bench
                .allocate(requester, vector)
                .expect("the service works");
            let lpi = bench.service.message(requester.into(), message.data.into());
            assert_eq!(lpi, Some(message.number.into()));
            assert!(!seen.contains(&lpi));
            seen.push(lpi);
        }
    }
}

#[test]
fn a_repeated_allocation_returns_the_same_lpi() {
    let mut bench = bench(service());
    let first = bench.allocate(8, 1);
    assert!(first.is_ok());
    assert_eq!(bench.allocate(8, 1), first);
}

#[test]
fn the_command_queue_wraps() {
    let mut bench = bench(service());
    // Miri is slow; the queue has 64 commands, and each allocation takes several.
    for requester in 0..if cfg!(miri) { 30 } else { 100 } {
        assert!(bench.allocate(requester, 0).is_ok(), "at {requester}");
    }
}

#[test]
fn an_lpi_is_disabled_and_enabled() {
    let mut bench = bench(service());
    let number = bench.allocate(8, 0).expect("the service works").number;
    bench.its.set_enabled(&Cpu, number, false);
    assert_eq!(bench.service.message(8, 0), None);
    bench.its.set_enabled(&Cpu, number, true);
    assert_eq!(bench.service.message(8, 0), Some(number.into()));
}

#[test]
fn an_unused_lpi_is_ignored() {
    let mut bench = bench(service());
    assert!(bench.allocate(8, 0).is_ok());
    for number in [0, 1023, 8191, 8193, u32::MAX] {
        bench.its.set_enabled(&Cpu, number, false);
    }
    assert!(bench.service.message(8, 0).is_some());
}

#[test]
fn a_one_level_table_rejects_a_device_beyond_it() {
    let mut bench = bench(Service {
        two_levels: false,
        ..service()
    });
    assert!(bench.allocate(511, 0).is_ok());
    assert_eq!(bench.allocate(512, 0), Err(Error::Requester));
}

#[test]
fn a_requester_with_too_many_bits_is_rejected() {
    let mut bench = bench(Service {
        kind: 7 << 13 | 15 << 8 | 15 << 4,
        ..service()
    });
    assert!(bench.allocate(0xff, 0).is_ok());
    assert_eq!(bench.allocate(0x100, 0), Err(Error::Requester));
}

#[test]
fn a_vector_beyond_the_translations_is_rejected() {
    let mut bench = bench(service());
    assert!(bench.allocate(8, 31).is_ok());
    assert_eq!(bench.allocate(8, 32), Err(Error::Vector));
}

#[test]
fn a_service_that_stalls_is_an_error() {
    let mut bench = bench(Service {
        stalls: true,
        ..service()
    });
    assert_eq!(bench.allocate(8, 0), Err(Error::Stalled));
    assert_eq!(bench.allocate(8, 0), Err(Error::Stalled));
}

#[test]
fn a_service_without_cache_coherence_is_rejected() {
    let mut bench = bench(Service {
        coherent: false,
        ..service()
    });
    assert_eq!(bench.allocate(8, 0), Err(Error::NotCoherent));
}

#[test]
fn a_distributor_without_lpis_is_rejected() {
    let mut bench = bench(service());
    bench.distributor = 0;
    assert_eq!(bench.allocate(8, 0), Err(Error::NoLpis));
}
