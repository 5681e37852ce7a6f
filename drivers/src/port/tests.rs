use super::fake::{FakePorts, with};
use super::*;

fn ports() -> Ports<FakePorts> {
    // SAFETY: the fake leads nowhere.
    unsafe {
        Ports::new(PortRange {
            base: 0x40,
            size: 8,
        })
    }
}

#[test]
fn an_access_has_its_width_and_port() {
    let ports = ports();
    ports.write8(1, 0x12);
    ports.write16(2, 0x3456);
    ports.write32(4, 0x789a_bcde);
    ports.write64(0, 0x1_0000_0002);
    let written = with(|state| core::mem::take(&mut state.written));
    let expected = [
        (0x41, 8, 0x12),
        (0x42, 16, 0x3456),
        (0x44, 32, 0x789a_bcde),
        (0x40, 32, 2),
        (0x44, 32, 1),
    ];
    assert_eq!(written, expected);
}

#[test]
fn a_read_value_is_cut_to_the_width() {
    with(|state| {
        state.reads.insert(0x40, 0x1234_5678);
        state.reads.insert(0x44, 1);
    });
    let ports = ports();
    assert_eq!(ports.read8(0), 0x78);
    assert_eq!(ports.read16(0), 0x5678);
    assert_eq!(ports.read32(0), 0x1234_5678);
    assert_eq!(ports.read64(0), 0x1_1234_5678);
}

#[test]
#[should_panic(expected = "register 0x7 is not one of 8 ports from 0x40")]
fn a_register_beyond_the_last_port_is_rejected() {
    ports().read16(7);
}
