//! Machines with several interrupt controllers.

use super::*;
use crate::machine::device::Pin;
use crate::tests::riscv::RISCV;

/// The distributor of the described controller, and another controller.
const OWN: u64 = 0x1000_0000;
const OTHER: u64 = 0x7000_0000;

#[test]
fn an_interrupt_of_another_controller_is_told() {
    let told = only_of_machine(|facts| {
        of_kind(facts, "arm,pl011").controllers = vec![Some(OTHER)];
    });
    let title = "another interrupt controller has `console.pl011.interrupt`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 1 }");
}

#[test]
fn an_interrupt_of_the_described_controller_agrees() {
    let mut facts = machine();
    of_kind(&mut facts, "arm,pl011").controllers = vec![Some(OWN)];
    of_kind(&mut facts, "arm,armv8-timer").controllers = vec![Some(OWN); 4];
    assert!(verify_toy(TOY, &facts).is_ok());
}

#[test]
fn a_wrong_address_of_the_controller_is_told_and_not_its_inputs() {
    let mut facts = machine();
    of_kind(&mut facts, "arm,pl011").controllers = vec![Some(OWN)];
    let told = only("base = 0x1000_0000", "base = 0x1001_0000", &facts);
    assert_eq!((told.0, &*told.2), (Code::MachineAddress, "0x1001_0000"));
}

#[test]
fn a_slot_of_another_controller_is_told() {
    let told = only_of_machine(|facts| {
        let slots = facts.devices.iter_mut();
        let slot = slots.filter(|one| one.is(&["virtio,mmio"])).nth(3);
        slot.expect("a slot").controllers = vec![Some(OTHER)];
    });
    let title = "another interrupt controller has `virtio-mmio.interrupt`";
    assert_told(told, Code::MachineInterrupt, title, "{ spi = 16 }");
}

/// The wiring of four slots to lines from `line` on, of this controller.
fn pins(line: u32, controller: u64) -> Vec<Pin> {
    let pin = |n: u32| Pin {
        slot: n / 4,
        pin: n % 4,
        interrupt: line + (n / 4 + n % 4) % 4,
        controller: Some(controller),
    };
    (0..16).map(pin).collect()
}

fn bridge(facts: &mut Facts) -> &mut Bridge {
    let host = of_kind(facts, "pci-host-ecam-generic");
    host.bridge.as_mut().expect("a bridge")
}

#[test]
fn pins_that_are_wired_as_described_agree() {
    let mut facts = machine();
    bridge(&mut facts).pins = pins(36, OWN);
    assert!(verify_toy(TOY, &facts).is_ok());
}

#[test]
fn a_pin_of_another_controller_is_told() {
    let told = only_of_machine(|facts| {
        let mut pins = pins(36, OWN);
        pins[5].controller = Some(OTHER);
        bridge(facts).pins = pins;
    });
    let title = "another interrupt controller has `pci.ecam.intx`";
    assert_eq!((told.0, &*told.1), (Code::MachineInterrupt, title));
}

#[test]
fn a_pin_with_other_wiring_is_told() {
    let told = only_of_machine(|facts| {
        let mut pins = pins(36, OWN);
        pins[6].interrupt = 99;
        bridge(facts).pins = pins;
    });
    let title = "the machine's wiring does not follow `pci.ecam.intx`";
    assert_eq!((told.0, &*told.1), (Code::MachineInterrupt, title));
}

fn plic(base: u64) -> Device {
    Device {
        numbers: vec![("riscv,ndev".to_owned(), 40)],
        ..device("sifive,plic-1.0.0", &[(base, 0x40_0000)], &[11, 9])
    }
}

#[test]
fn another_controller_of_the_same_kind_is_offered_as_a_further_one() {
    let mut uart = device("ns16550a", &[(0x2000_0000, 0x100)], &[10]);
    uart.controllers = vec![Some(OTHER)];
    let facts = Facts {
        devices: vec![plic(OWN), plic(OTHER), uart],
        ..machine()
    };
    let sources = InMemory::new().with("toy", RISCV);
    let told = verify(&sources, "toy", &facts).unwrap_err();
    let text = told.to_string();
    let line =
        "further.socket1 = { base = 0x7000_0000, size = \"4 MiB\", sources = 40, first-hart = 1 }";
    assert!(text.contains(line), "{text}");
    assert!(
        text.contains("{ plic = 10, controller = \"socket1\" }"),
        "{text}"
    );
}

/// The RISC-V board, and a machine with a second PLIC for hart 1, in which the console raises an
/// input of `owner`.
fn two_plics(board: &str, owner: u64) -> String {
    let mut uart = device("ns16550a", &[(0x2000_0000, 0x100)], &[10]);
    uart.controllers = vec![Some(owner)];
    let facts = Facts {
        devices: vec![plic(OWN), plic(OTHER), uart],
        ..machine()
    };
    let sources = InMemory::new().with("toy", board);
    verify(&sources, "toy", &facts).unwrap_err().to_string()
}

/// The RISC-V board without firmware.
fn in_m_mode(boot: &str) -> String {
    let payload = "[boot.sbi-payload]\nload-address = 0x8020_0000";
    assert!(RISCV.contains(payload));
    let board = RISCV.replace(payload, boot);
    let board = board.replace("[timer.sstc]", "[timer.clint]\nbase = 0x0200_0000");
    board.replace("[power.sbi]", "")
}

const OUT_OF_RESET: &str = "[boot.machine-mode]\nentry = 0x8000_0000";

#[test]
fn a_further_controller_is_offered_in_m_mode_with_its_software_interrupts() {
    let text = two_plics(&in_m_mode(OUT_OF_RESET), OTHER);
    assert!(!text.contains("further.socket1"), "{text}");

    let clint = |base: u64| device("riscv,clint0", &[(base, 0x1_0000)], &[3, 7]);
    let mut uart = device("ns16550a", &[(0x2000_0000, 0x100)], &[10]);
    uart.controllers = vec![Some(OTHER)];
    let facts = Facts {
        devices: vec![
            plic(OWN),
            plic(OTHER),
            uart,
            clint(0x200_0000),
            clint(0x201_0000),
        ],
        ..machine()
    };
    let board = in_m_mode(OUT_OF_RESET);
    let sources = InMemory::new().with("toy", board.as_str());
    let text = verify(&sources, "toy", &facts).unwrap_err().to_string();
    let line = "further.socket1 = { base = 0x7000_0000, size = \"4 MiB\", sources = 40, first-hart = 1, \
                msip = 0x0201_0000 }";
    assert!(text.contains(line), "{text}");
}

#[test]
fn harts_without_the_described_controller_are_told() {
    let title = "`interrupt-controller.plic` does not deliver to all harts";
    let text = two_plics(RISCV, OWN);
    assert!(text.contains(title), "{text}");
    assert!(
        text.contains("firmware may start the kernel on any hart"),
        "{text}"
    );
    let line = "further.socket1 = { base = 0x7000_0000,";
    assert!(text.contains(line), "{text}");

    // Hart 0 runs the kernel.
    let text = two_plics(&in_m_mode(OUT_OF_RESET), OWN);
    assert!(!text.contains(title), "{text}");
    let text = two_plics(&in_m_mode(&format!("{OUT_OF_RESET}\nhart = 1")), OWN);
    assert!(
        text.contains("this hart gets no interrupt of a device"),
        "{text}"
    );

    let further = format!(
        "sources = 40\nfurther.east = {{ base = {OTHER:#x}, size = \"4 MiB\", sources = 40, first-hart = 1 }}"
    );
    let text = two_plics(&RISCV.replace("sources = 40", &further), OWN);
    assert!(!text.contains(title), "{text}");
}
