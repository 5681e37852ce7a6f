use super::super::model::{Frame, Frames, Gic, LINES, Shared};
use super::*;
use crate::interrupt::Trigger;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

const STRIDE: usize = 0x2_0000;
const THIS_PROCESSOR: u32 = 0x0102_0304;
/// The redistributor of this processor is the second of three.
const OURS: usize = STRIDE;

/// The state of the driver and controller other than the lines.
#[derive(Default)]
struct More {
    routes: Vec<u64>,
    asleep: bool,
    /// The values of SRE, PMR, BPR1, CTLR and IGRPEN1.
    cpu: [u32; 5],
}

#[derive(Clone, Default)]
struct Cpu {
    gic: Shared,
    more: Rc<RefCell<More>>,
}

impl CpuInterface for Cpu {
    fn affinity(&self) -> u32 {
        THIS_PROCESSOR
    }
    fn enable_system_registers(&mut self) {
        self.more.borrow_mut().cpu[0] = 1;
    }
    fn set_priority_mask(&mut self, priority: u8) {
        self.more.borrow_mut().cpu[1] = priority.into();
    }
    fn set_binary_point(&mut self, point: u8) {
        self.more.borrow_mut().cpu[2] = point.into();
    }
    fn set_control(&mut self, control: u32) {
        self.more.borrow_mut().cpu[3] = control;
    }
    fn set_group_1_enable(&mut self, enable: u32) {
        self.more.borrow_mut().cpu[4] = enable;
    }
    fn acknowledge(&mut self) -> u32 {
        let ready = self.more.borrow().cpu == [1, 0xff, 0, 0, 1];
        assert!(ready, "the processor's interface is not set up");
        self.gic.borrow_mut().take().unwrap_or(1023)
    }
    fn end_of_interrupt(&mut self, number: u32) {
        self.gic.borrow_mut().end(number);
    }
    fn complete_writes(&self) {}
}

struct Distributor(Cpu);

impl Frame for Distributor {
    fn read(&self, offset: usize) -> u64 {
        self.0.gic.borrow().read(offset).into()
    }

    fn write(&self, offset: usize, value: u64) {
        let mut gic = self.0.gic.borrow_mut();
        match offset {
            0x400..0xc00 => gic.write_priority(offset - 0x400, value as u8),
            IROUTER.. => self.0.more.borrow_mut().routes[(offset - IROUTER) / 8] = value,
            gic::CTLR => {
                // The groups must be disabled while anything else changes.
                let changed = (gic.control ^ value as u32) & !CTLR_GROUP_1;
                assert!(changed == 0 || gic.control & CTLR_GROUP_1 == 0);
                gic.control = value as u32;
            }
            _ => {
                assert_ne!(
                    offset & 0x7f,
                    0,
                    "the first 32 lines are the redistributor's"
                );
                gic.write(offset, value as u32);
            }
        }
    }
}

struct Redistributor(Cpu);

impl Frame for Redistributor {
    fn read(&self, offset: usize) -> u64 {
        let frame = offset / STRIDE;
        match offset % STRIDE {
            0 => 0,
            0x8 => {
                let affinity = THIS_PROCESSOR - 1 + frame as u32;
                let last = u64::from(frame == 2) << 4;
                u64::from(affinity) << 32 | last | (frame as u64) << 8
            }
            0x14 if self.0.more.borrow().asleep => 0b110,
            0x14 => 0,
            inner @ 0x1_0000.. => self.0.gic.borrow().read(inner - 0x1_0000).into(),
            _ => panic!("no readable register at {offset:#x}"),
        }
    }

    fn write(&self, offset: usize, value: u64) {
        assert_eq!(
            offset / STRIDE * STRIDE,
            OURS,
            "another processor's redistributor"
        );
        let mut gic = self.0.gic.borrow_mut();
        match offset - OURS {
            0x14 => self.0.more.borrow_mut().asleep = value & 0b10 != 0,
            inner @ 0x1_0400..0x1_0420 => gic.write_priority(inner - 0x1_0400, value as u8),
            inner @ 0x1_0000.. => {
                let awake = !self.0.more.borrow().asleep;
                assert!(awake, "the redistributor sleeps");
                gic.write(inner - 0x1_0000, value as u32);
            }
            _ => panic!("no writable register at {offset:#x}"),
        }
    }
}

/// The distributor and the redistributors as one type, as the driver requires.
enum Part {
    Distributor(Distributor),
    Redistributor(Redistributor),
    /// A GICv2m frame for 16 SPIs from INTID 80 on.
    Messages,
}

impl Frame for Part {
    fn read(&self, offset: usize) -> u64 {
        match self {
            Self::Distributor(part) => part.read(offset),
            Self::Redistributor(part) => part.read(offset),
            Self::Messages => [(0x008, 80 << 16 | 16)]
                .iter()
                .find_map(|(register, value)| (*register == offset).then_some(*value))
                .expect("a register of the frame"),
        }
    }
    fn write(&self, offset: usize, value: u64) {
        match self {
            Self::Distributor(part) => part.write(offset, value),
            Self::Redistributor(part) => part.write(offset, value),
            Self::Messages => panic!("only devices write to the frame"),
        }
    }
}

struct Bench {
    driver: GicV3<Frames<Part>, Cpu>,
    cpu: Cpu,
}

fn bench() -> Bench {
    bench_with(false)
}

/// Both variants of the driver: with a GICv2m frame, and without.
fn bench_with(frame: bool) -> Bench {
    let cpu = Cpu::default();
    *cpu.gic.borrow_mut() = Gic {
        only_group_1: true,
        ..Gic::default()
    };
    cpu.more.borrow_mut().routes = vec![u64::MAX; LINES as usize];
    cpu.more.borrow_mut().asleep = true;
    let layout = Redistributors {
        base: PhysicalAddress(0),
        stride: STRIDE as u64,
        count: 100,
    };
    let mut driver = GicV3::with_registers(
        Frames(Part::Distributor(Distributor(cpu.clone()))),
        Frames(Part::Redistributor(Redistributor(cpu.clone()))),
        layout,
        None,
        cpu.clone(),
    )
    .with_frame(frame.then_some((Frames(Part::Messages), PhysicalAddress(0x802_0000))));
    driver.initialize();
    Bench { driver, cpu }
}

#[test]
fn a_frame_beside_it_turns_messages_into_edges() {
    let Bench { mut driver, cpu } = bench_with(true);
    let first = driver.allocate_message(8, 0).expect("there is one");
    assert_eq!(first.address, PhysicalAddress(0x802_0040));
    assert_eq!((first.data, first.number), (80, 80));
    assert!(cpu.gic.borrow().lines[80].edge);
    cpu.gic.borrow_mut().pulse(80);
    assert_eq!(driver.claim(), Some(80));
    driver.complete(80);
    assert_eq!(driver.claim(), None);
    for number in 81..96 {
        let next = driver.allocate_message(8, 1).map(|message| message.number);
        assert_eq!(next, Some(number));
    }
    assert_eq!(driver.allocate_message(8, 2), None);
}

#[test]
fn without_a_frame_and_a_service_there_are_no_messages() {
    assert_eq!(bench().driver.allocate_message(8, 0), None);
}

const OWN: Interrupt = Interrupt {
    number: 27,
    trigger: Trigger::Level,
};
const SHARED: Interrupt = Interrupt {
    number: 48,
    trigger: Trigger::Edge,
};

#[test]
fn initializing_clears_earlier_state() {
    let mut bench = bench();
    let left = bench
        .cpu
        .gic
        .borrow()
        .lines
        .iter()
        .any(|l| l.enabled || l.latched || l.active);
    assert!(!left);
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn every_line_is_in_group_1_because_group_0_would_be_fiq() {
    let bench = bench();
    assert!(bench.cpu.gic.borrow().lines.iter().all(|line| line.group_1));
}

#[test]
fn the_distributor_routes_by_affinity_in_one_security_state() {
    let control = bench().cpu.gic.borrow().control;
    assert_eq!(
        control,
        CTLR_ONE_SECURITY_STATE | CTLR_AFFINITY | CTLR_GROUP_1
    );
}

#[test]
fn a_line_of_the_processor_is_enabled_in_its_own_redistributor() {
    let mut bench = bench();
    bench.driver.enable(OWN);
    bench.cpu.gic.borrow_mut().assert(27);
    assert_eq!(bench.driver.claim(), Some(27));
    bench.cpu.gic.borrow_mut().release(27);
    bench.driver.complete(27);
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn a_shared_line_is_routed_to_this_processor() {
    let mut bench = bench();
    bench.driver.enable(SHARED);
    assert_eq!(bench.cpu.more.borrow().routes[48], 0x01_0002_0304);
    bench.cpu.gic.borrow_mut().pulse(48);
    assert_eq!(bench.driver.claim(), Some(48));
}

#[test]
fn a_disabled_line_is_held_back() {
    let mut bench = bench();
    for interrupt in [OWN, SHARED] {
        bench.driver.enable(interrupt);
        bench.driver.disable(interrupt.number);
        bench.cpu.gic.borrow_mut().assert(interrupt.number);
    }
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn a_number_beyond_the_lines_is_ignored() {
    let mut bench = bench();
    for number in [LINES, 1019, 1023, 5000, 8192] {
        bench.driver.enable(Interrupt {
            number,
            trigger: Trigger::Edge,
        });
        bench.driver.disable(number);
    }
    assert_eq!(bench.driver.claim(), None);
}

#[test]
fn without_a_translation_service_there_are_no_messages() {
    assert_eq!(bench().driver.allocate_message(8, 0), None);
}
