use super::super::model::{Frame, Frames, Gic, LINES, Shared};
use super::*;
use crate::interrupt::Trigger;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

/// The processor's bit in `GICD_ITARGETSR`.
const THIS_PROCESSOR: u8 = 0b100;

/// All register frames of a GICv2, distinguished by `kind`.
struct Part {
    kind: Kind,
    gic: Shared,
    more: Rc<RefCell<More>>,
}

enum Kind {
    Distributor,
    CpuInterface,
    V2m,
}

/// The state of a GICv2 other than its lines.
struct More {
    targets: Vec<u8>,
    cpu: [u32; 3],
    /// The sender of the next software interrupt.
    sender: u32,
    ended: Vec<u32>,
}

impl Frame for Part {
    fn read(&self, offset: usize) -> u64 {
        let more = self.more.borrow();
        let value = match (&self.kind, offset) {
            (Kind::Distributor, 0x800..0x820) => THIS_PROCESSOR.into(),
            (Kind::Distributor, _) => self.gic.borrow().read(offset),
            (Kind::CpuInterface, CPU_IAR) if more.cpu[0] & 1 == 1 && more.cpu[1] == 0xff => {
                let taken = self.gic.borrow_mut().take();
                taken.map_or(1023, |number| more.sender << 10 | number)
            }
            (Kind::CpuInterface, CPU_IAR) => 1023,
            (Kind::V2m, 8) => 80 << 16 | 64,
            _ => panic!("no readable register at {offset:#x}"),
        };
        value.into()
    }

    fn write(&self, offset: usize, value: u64) {
        let mut more = self.more.borrow_mut();
        match (&self.kind, offset) {
            (Kind::Distributor, 0x400..0x800) => {
                self.gic
                    .borrow_mut()
                    .write_priority(offset - 0x400, value as u8);
            }
            (Kind::Distributor, 0x800..0xc00) => more.targets[offset - 0x800] = value as u8,
            (Kind::Distributor, _) => self.gic.borrow_mut().write(offset, value as u32),
            (Kind::CpuInterface, CPU_CTLR | CPU_PMR | CPU_BPR) => {
                more.cpu[offset / 4] = value as u32;
            }
            (Kind::CpuInterface, CPU_EOIR) => {
                self.gic.borrow_mut().end(value as u32 & NUMBER);
                more.ended.push(value as u32);
            }
            _ => panic!("no writable register at {offset:#x}"),
        }
    }
}

struct Bench {
    driver: GicV2<Frames<Part>>,
    gic: Shared,
    more: Rc<RefCell<More>>,
}

/// Creates an initialized driver with a GICv2m frame.
fn bench() -> Bench {
    let gic = Rc::new(RefCell::new(Gic::default()));
    let more = Rc::new(RefCell::new(More {
        targets: vec![0; LINES as usize],
        cpu: [0; 3],
        sender: 0,
        ended: Vec::new(),
    }));
    let part = |kind| {
        Frames(Part {
            kind,
            gic: gic.clone(),
            more: more.clone(),
        })
    };
    let v2m = Some((part(Kind::V2m), PhysicalAddress(0x2_0000)));
    let mut driver = GicV2::with_registers(part(Kind::Distributor), part(Kind::CpuInterface), v2m);
    driver.initialize();
    Bench { driver, gic, more }
}

const LEVEL: Interrupt = Interrupt {
    number: 33,
    trigger: Trigger::Level,
};
const EDGE: Interrupt = Interrupt {
    number: 48,
    trigger: Trigger::Edge,
};

#[test]
fn initializing_clears_earlier_state() {
    let mut bench = bench();
    let left = bench
        .gic
        .borrow()
        .lines
        .iter()
        .any(|l| l.enabled || l.latched || l.active);
    assert!(!left);
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn a_line_that_is_not_enabled_is_not_claimed() {
    let mut bench = bench();
    bench.gic.borrow_mut().assert(33);
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn an_enabled_line_is_claimed_once_and_again_after_it_was_completed() {
    let mut bench = bench();
    bench.driver.enable(LEVEL);
    bench.gic.borrow_mut().assert(33);
    assert_eq!(bench.driver.claim(), Some(33));
    assert_eq!(bench.driver.claim(), None);
    bench.driver.complete(33);
    assert_eq!(bench.driver.claim(), Some(33));
    bench.gic.borrow_mut().release(33);
    bench.driver.complete(33);
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn a_shared_line_goes_to_this_processor_at_the_common_priority() {
    let mut bench = bench();
    bench.driver.enable(LEVEL);
    assert_eq!(bench.more.borrow().targets[33], THIS_PROCESSOR);
    assert_eq!(bench.gic.borrow().lines[33].priority, gic::PRIORITY);
}

#[test]
fn an_edge_is_remembered() {
    let mut bench = bench();
    bench.driver.enable(EDGE);
    bench.gic.borrow_mut().pulse(48);
    assert_eq!(bench.driver.claim(), Some(48));
    bench.driver.complete(48);
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn a_disabled_line_is_held_back() {
    let mut bench = bench();
    bench.driver.enable(LEVEL);
    bench.driver.disable(33);
    bench.gic.borrow_mut().assert(33);
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn a_number_beyond_the_lines_is_ignored() {
    let mut bench = bench();
    bench.driver.enable(Interrupt {
        number: LINES,
        trigger: Trigger::Level,
    });
    bench.driver.disable(LINES);
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn the_end_of_a_software_interrupt_names_its_sender() {
    let mut bench = bench();
    bench.more.borrow_mut().sender = 5;
    bench.gic.borrow_mut().lines[1].edge = true;
    bench.driver.enable(Interrupt {
        number: 1,
        trigger: Trigger::Edge,
    });
    bench.gic.borrow_mut().pulse(1);
    assert_eq!(bench.driver.claim(), Some(1));
    bench.driver.complete(1);
    assert_eq!(bench.more.borrow().ended, [5 << 10 | 1]);
}

#[test]
fn a_message_is_a_pulse_on_a_line_of_the_frame() {
    let mut bench = bench();
    let message = bench
        .driver
        .allocate_message(8, 0)
        .expect("the frame has free messages");
    let expected = Message {
        address: PhysicalAddress(0x2_0040),
        data: 80,
        number: 80,
    };
    assert_eq!(message, expected);
    bench.gic.borrow_mut().pulse(80);
    assert_eq!(bench.driver.claim(), Some(80));
}

#[test]
fn messages_are_limited_by_the_lines_of_the_distributor() {
    let mut bench = bench();
    let numbers: Vec<u32> = core::iter::from_fn(|| bench.driver.allocate_message(8, 0))
        .map(|m| m.number)
        .collect();
    assert_eq!(numbers, (80..LINES).collect::<Vec<_>>());
}

#[test]
fn without_a_frame_there_are_no_messages() {
    let Bench { driver, .. } = bench();
    let mut driver = GicV2::with_registers(driver.distributor, driver.cpu_interface, None);
    driver.initialize();
    assert_eq!(driver.allocate_message(8, 0), None);
}
