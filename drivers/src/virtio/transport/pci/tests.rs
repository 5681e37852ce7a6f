//! Tests of functions with correct and with faulty descriptions.

use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::*;
use crate::address::PhysicalAddress;
use crate::board::{BarAssignment, PciHostBridge, Pins};
use crate::interrupt::Interrupt;
use crate::pci::capability::{MSI_X, VENDOR};
use crate::pci::fake::{FakeFunction, FakeSpace};
use crate::pci::{command, enumerate, register};
use crate::virtio::fake::{CommonRegisters, FakeDevice};
use crate::virtio::rng::Rng;

const BAR4: u64 = 0x80_0000_0000;
const VERSION_1: u64 = 1 << 32;
const RNG: (u16, u16) = (0x1af4, 0x1044);

const EXAMPLE: QueueAddresses = QueueAddresses {
    descriptors: PhysicalAddress(0x12_3456_7000),
    available: PhysicalAddress(0x12_3456_8000),
    used: PhysicalAddress(0x12_3456_9000),
};

fn host() -> PciHostBridge {
    let range = |base, size| Range {
        base: PhysicalAddress(base),
        size,
    };
    PciHostBridge {
        bars: BarAssignment::Kernel,
        memory32: Some(range(0x1000_0000, 0x1000_0000)),
        memory64: Some(range(BAR4, 0x1_0000_0000)),
        pins: const { &[Pins::rotated_from(Interrupt::level(35))] },
        message_interrupts: true,
    }
}

/// A virtio capability for the list: type, BAR, offset, length and the following word.
type Entry = (u8, u8, u32, u32, u32);

/// The structures of QEMU's functions: each in a page of BAR 4.
fn usual() -> Vec<Entry> {
    vec![
        (1, 4, 0, 0x1000, 0),
        (3, 4, 0x1000, 0x1000, 0),
        (4, 4, 0x2000, 0x1000, 0),
        (2, 4, 0x3000, 0x1000, 4),
    ]
}

fn function(id: (u16, u16), vectors: u32, entries: &[Entry]) -> FakeFunction {
    let mut function = FakeFunction::new(1, id, 1)
        .bar32(1, 0x1000)
        .bar64(4, 0x4000)
        .first(0x40);
    let mut at = 0x40;
    for (kind, bar, offset, len, more) in entries {
        let cap_len = if *kind == 2 { 20 } else { 16 };
        let words = [
            u32::from(*kind) << 24 | cap_len << 16,
            u32::from(*bar),
            *offset,
            *len,
            *more,
        ];
        function = function.capability(at, VENDOR, at + 0x14, &words);
        at += 0x14;
    }
    if vectors == 0 {
        return function;
    }
    function.writable[usize::from(at) / 4] = 0xc000_0000;
    function.capability(at, MSI_X, 0, &[(vectors - 1) << 16, 1, 0])
}

struct Machine {
    device: FakeDevice,
    space: FakeSpace,
    table: alloc::rc::Rc<RefCell<Vec<(usize, u32)>>>,
}

/// The registers of the device, or of its message table.
#[derive(Clone)]
enum Mapped {
    Device(CommonRegisters),
    Table(alloc::rc::Rc<RefCell<Vec<(usize, u32)>>>),
}

macro_rules! forward {
    ($read:ident, $write:ident, $width:ty) => {
        fn $read(&self, offset: usize) -> $width {
            match self {
                Self::Device(registers) => registers.$read(offset),
                Self::Table(_) => panic!("the table is not read"),
            }
        }

        fn $write(&self, offset: usize, value: $width) {
            match self {
                Self::Device(registers) => registers.$write(offset, value),
                Self::Table(table) => table.borrow_mut().push((offset, value as u32)),
            }
        }
    };
}

impl Registers for Mapped {
    forward!(read8, write8, u8);
    forward!(read16, write16, u16);
    forward!(read32, write32, u32);
    forward!(read64, write64, u64);
}

impl Machine {
    fn new(function: FakeFunction, kind: u32) -> Self {
        let queues: &[u32] = if kind == 1 { &[16, 16] } else { &[16] };
        let device = FakeDevice::new(2, kind, VERSION_1 | 1 << 16, queues, &[0; 12]);
        device
            .0
            .borrow_mut()
            .queues
            .iter_mut()
            .for_each(|queue| queue.vector = 0xffff);
        Self {
            device,
            space: FakeSpace::new(vec![function]),
            table: alloc::rc::Rc::default(),
        }
    }

    /// Returns the transport on a board with `messages` messages.
    fn transport(&mut self, messages: u16) -> Result<PciTransport<Mapped>, RefusedFunction> {
        let (found, _) = enumerate(&mut self.space, &host());
        let (device, table) = (self.device.clone(), alloc::rc::Rc::clone(&self.table));
        let map = |range: Range| {
            let Some(offset) = range.base.0.checked_sub(BAR4) else {
                return Mapped::Table(table.clone());
            };
            let kind = [1, 3, 4, 2][(offset / 0x1000) as usize];
            Mapped::Device(CommonRegisters {
                device: device.clone(),
                kind,
            })
        };
        PciTransport::new(&mut self.space, &found[0], map, |requester, vector| {
            assert_eq!(requester, 8);
            let address = PhysicalAddress(0x1_0000_0040);
            let number = 100 + u32::from(vector);
            (vector < messages).then_some(Message {
                address,
                data: 5,
                number,
            })
        })
    }

    fn header(&self, offset: u16) -> u32 {
        self.space.header(Address::new(0, 1, 0), offset)
    }
}

fn refused(entries: &[Entry]) -> Option<RefusedFunction> {
    Machine::new(function(RNG, 0, entries), 4)
        .transport(0)
        .err()
}

const fn missing(structure: u8) -> Option<RefusedFunction> {
    Some(RefusedFunction::MissingStructure { structure })
}

#[test]
fn a_usual_function_is_driven_on_its_line() {
    let mut machine = Machine::new(function(RNG, 0, &usual()), 4);
    let transport = machine.transport(8).expect("a fine function");
    assert_eq!(transport.routing(), Routing::Line);
    let command = machine.header(register::COMMAND) & 0xffff;
    assert_eq!(command, command::MEMORY | command::BUS_MASTER);
    let mut rng = Rng::new(transport).expect("a fine device");
    rng.submit(crate::dma::Buffer::new(4).expect("memory"))
        .expect("room");
    rng.publish();
    assert_eq!(machine.device.kicks(), [0]);
    let mut ring = machine.device.ring(0);
    let chain = ring.pop().expect("published");
    ring.give_back(u32::from(chain.head), 4);
    machine.device.0.borrow_mut().isr = 1;
    machine.device.accesses();
    rng.acknowledge_interrupt();
    assert_eq!((machine.device.accesses(), rng.complete(8)), ((1, 0), 1));
}

#[test]
fn a_queue_gets_its_address_size_and_doorbell() {
    let mut machine = Machine::new(function((0x1af4, 0x1041), 0, &usual()), 1);
    let mut transport = machine.transport(0).expect("a fine function");
    let doorbell = transport
        .enable_queue(1, 16, EXAMPLE)
        .expect("a fine queue");
    assert_eq!(
        doorbell,
        Doorbell {
            offset: 4,
            value: 1
        }
    );
    let queue = machine.device.0.borrow().queues[1];
    assert_eq!((queue.size, queue.ready), (16, true));
    let addresses = [queue.descriptors, queue.available, queue.used];
    assert_eq!(addresses, [0x12_3456_7000, 0x12_3456_8000, 0x12_3456_9000]);
}

#[test]
fn a_queue_that_is_in_use_is_not_passed_again() {
    let mut machine = Machine::new(function((0x1af4, 0x1041), 0, &usual()), 1);
    let mut transport = machine.transport(0).expect("a fine function");
    let first = transport.enable_queue(1, 16, EXAMPLE);
    assert!(first.is_ok());
    let again = transport.enable_queue(1, 16, EXAMPLE);
    assert_eq!(again, Err(SetupError::QueueInUse { queue: 1 }));
}

#[test]
fn transitional_ids_determine_the_kind() {
    for (id, kind) in [
        (0x1000, 1),
        (0x1001, 2),
        (0x1005, 4),
        (0x1009, 9),
        (0x1041, 1),
        (0x1044, 4),
    ] {
        let mut machine = Machine::new(function((0x1af4, id), 0, &usual()), kind);
        assert_eq!(
            machine.transport(0).map(|transport| transport.kind()).ok(),
            Some(DeviceKind(kind))
        );
    }
}

#[test]
fn other_vendors_and_ids_are_not_virtio() {
    for id in [(0x1af5, 0x1044), (0x1af4, 0x0fff), (0x1af4, 0x1080)] {
        let mut machine = Machine::new(function(id, 0, &usual()), 4);
        assert_eq!(machine.transport(0).err(), Some(RefusedFunction::NotVirtio));
    }
}

#[test]
fn a_legacy_only_function_is_rejected() {
    assert_eq!(refused(&[]), Some(RefusedFunction::LegacyOnly));
}

#[test]
fn a_missing_structure_is_reported() {
    for structure in [1, 2, 3] {
        let entries: Vec<_> = usual()
            .into_iter()
            .filter(|entry| entry.0 != structure)
            .collect();
        assert_eq!(refused(&entries), missing(structure));
    }
}

#[test]
fn a_structure_outside_its_bar_is_refused() {
    for (offset, len) in [
        (0x3001, 0x1000),
        (0x4000, 0x10),
        (0xffff_f000, 0x2000),
        (0x1000, u32::MAX),
        (!3, u32::MAX),
    ] {
        let mut entries = usual();
        (entries[0].2, entries[0].3) = (offset, len);
        assert_eq!(
            refused(&entries),
            missing(1),
            "{len:#x} bytes at {offset:#x}"
        );
    }
}

#[test]
fn a_structure_in_no_bar_too_short_or_misaligned_is_refused() {
    for (bar, offset, len) in [
        (6, 0, 0x1000),
        (255, 0, 0x1000),
        (0, 0, 0x1000),
        (5, 0, 64),
        (4, 0, 0x37),
        (4, 2, 0x100),
    ] {
        let mut entries = usual();
        (entries[0].1, entries[0].2, entries[0].3) = (bar, offset, len);
        assert_eq!(refused(&entries), missing(1), "BAR {bar}");
    }
}

#[test]
fn the_first_valid_structure_of_a_type_wins_and_unknown_types_are_skipped() {
    let mut entries = vec![(1, 0, 0, 0x1000, 0), (9, 4, 0, 0, 0)];
    entries.extend(usual());
    entries.push((1, 4, 0x1000, 0x1000, 0));
    let mut machine = Machine::new(function(RNG, 0, &entries), 4);
    let mut transport = machine.transport(0).expect("a fine function");
    assert_eq!(transport.device_features(), VERSION_1 | 1 << 16);
}

#[test]
fn a_truncated_capability_is_skipped() {
    let mut function = function(RNG, 0, &usual());
    function.header[0x40 / 4] &= !(0xff << 16);
    function.header[0x40 / 4] |= 15 << 16;
    assert_eq!(Machine::new(function, 4).transport(0).err(), missing(1));
}

#[test]
fn a_doorbell_outside_its_structure_is_refused() {
    let mut entries = usual();
    (entries[3].3, entries[3].4) = (4, 4);
    let mut machine = Machine::new(function((0x1af4, 0x1041), 0, &entries), 1);
    let mut transport = machine.transport(0).expect("a fine function");
    assert!(transport.enable_queue(0, 2, EXAMPLE).is_ok());
    let refused = transport.enable_queue(1, 2, EXAMPLE);
    assert_eq!(refused, Err(SetupError::NotifyOutOfRange { queue: 1 }));
    entries[3].4 = u32::MAX;
    let mut machine = Machine::new(function((0x1af4, 0x1041), 0, &entries), 1);
    let mut transport = machine.transport(0).expect("a fine function");
    let refused = transport.enable_queue(1, 2, EXAMPLE);
    assert_eq!(refused, Err(SetupError::NotifyOutOfRange { queue: 1 }));
}

/// Returns the routing of a network device with this many vectors on a board with this many
/// messages, and the vectors assigned to configuration and queues.
fn routed(vectors: u32, messages: u16) -> (Routing, [u16; 3], bool) {
    let mut machine = Machine::new(function((0x1af4, 0x1041), vectors, &usual()), 1);
    let mut transport = machine.transport(messages).expect("a fine function");
    for queue in 0..2 {
        transport
            .enable_queue(queue, 16, EXAMPLE)
            .expect("a fine queue");
    }
    let state = machine.device.0.borrow();
    let used = [
        state.config_vector,
        state.queues[0].vector,
        state.queues[1].vector,
    ];
    let enabled = vectors > 0 && machine.header(0x40 + 4 * 0x14) & 1 << 31 != 0;
    (transport.routing(), used, enabled)
}

#[test]
fn messages_are_shared_if_there_are_too_few() {
    let each = Routing::Messages {
        queues: [101, 102],
        count: 2,
        configuration: Some(100),
    };
    let two = Routing::Messages {
        queues: [101, 0],
        count: 1,
        configuration: Some(100),
    };
    let one = Routing::Messages {
        queues: [100, 0],
        count: 1,
        configuration: None,
    };
    const NONE: u16 = 0xffff;
    for (vectors, messages) in [(3, 8), (8, 3)] {
        assert_eq!(routed(vectors, messages), (each, [0, 1, 2], true));
    }
    for (vectors, messages) in [(2, 8), (8, 2)] {
        assert_eq!(routed(vectors, messages), (two, [0, 1, 1], true));
    }
    for (vectors, messages) in [(1, 8), (8, 1)] {
        assert_eq!(routed(vectors, messages), (one, [0, 0, 0], true));
    }
    for (vectors, messages) in [(0, 8), (8, 0)] {
        assert_eq!(routed(vectors, messages), (Routing::Line, [NONE; 3], false));
    }
}

#[test]
fn a_message_is_written_into_the_table_and_unmasked_last() {
    let mut machine = Machine::new(function(RNG, 2, &usual()), 4);
    machine.transport(8).expect("a fine function");
    let entry = |base| {
        [
            (base + 12, 1),
            (base, 0x40),
            (base + 4, 1),
            (base + 8, 5),
            (base + 12, 0),
        ]
    };
    assert_eq!(*machine.table.borrow(), [entry(0), entry(16)].concat());
}

#[test]
fn a_vector_that_the_device_refuses_is_an_error() {
    let mut machine = Machine::new(function(RNG, 2, &usual()), 4);
    machine.device.0.borrow_mut().vectors = 1;
    let mut transport = machine.transport(8).expect("a fine function");
    let refused = transport.enable_queue(0, 2, EXAMPLE);
    assert_eq!(refused, Err(SetupError::VectorRefused { vector: 1 }));
}

#[test]
fn with_messages_an_acknowledgement_touches_no_register() {
    let mut machine = Machine::new(function(RNG, 2, &usual()), 4);
    let mut transport = machine.transport(8).expect("a fine function");
    machine.device.accesses();
    assert!(!transport.acknowledge(false) && !transport.acknowledge(true));
    assert_eq!(machine.device.accesses(), (0, 0));
}

#[test]
fn with_one_message_for_all_a_new_configuration_is_noticed() {
    let mut machine = Machine::new(function(RNG, 1, &usual()), 4);
    let mut transport = machine.transport(8).expect("a fine function");
    assert!(!transport.acknowledge(false));
    machine.device.0.borrow_mut().generation = 1;
    assert!(transport.acknowledge(false));
    assert!(!transport.acknowledge(false));
}
