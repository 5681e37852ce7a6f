//! QEMU's device list as its monitor prints it (`info qtree`), for machines without a device tree.

use super::device::Device;
use crate::board::Range;

/// The model with which QEMU fills a range whose devices it does not emulate. Other devices may be
/// in the range.
const PLACEHOLDER: &str = "unimplemented-device";

/// Returns QEMU's devices, identified by the names of their models.
pub fn parse(printed: &str) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    let mut is_placeholder = false;
    for line in printed.lines().map(str::trim) {
        if let Some(device) = line.strip_prefix("dev: ") {
            let model = device.split(',').next().unwrap_or(device);
            is_placeholder = model == PLACEHOLDER;
            if is_placeholder {
                continue;
            }
            devices.push(Device {
                kinds: vec![model.to_owned()],
                ..Device::default()
            });
        } else if let Some(device) = devices.last_mut().filter(|_| !is_placeholder) {
            property(line, device);
        }
    }
    devices
}

fn property(line: &str, device: &mut Device) {
    if let Some((base, size)) = line
        .strip_prefix("mmio ")
        .and_then(|range| range.split_once('/'))
    {
        let number = |digits| u64::from_str_radix(digits, 16).ok();
        // A device that is not mapped has the highest address.
        let base = number(base).filter(|base| *base != u64::MAX);
        let size = number(size).filter(|size| *size > 0);
        let range = base.zip(size);
        let range = range.map(|(base, size)| Range { base, size });
        device.registers.push(range);
        return;
    }
    // Such as `iobase = 1016 (0x3f8)`.
    let Some((name, value)) = line.split_once(" = ") else {
        return;
    };
    let digits = value.split(' ').next().unwrap_or(value);
    let Ok(number) = digits.parse::<u32>() else {
        return;
    };
    match name {
        "iobase" => device.ports.push(u64::from(number)),
        "irq" => device.interrupts.push(Some(number)),
        _ => device.numbers.push((name.to_owned(), number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
bus: main-system-bus
  type System
  dev: some-controller, id \"\"
    gpio-in \"\" 24
    version = 32 (0x20)
    mmio 00000000fec00000/0000000000001000
    mmio ffffffffffffffff/0000000000000018
  dev: some-bridge, id \"\"
    bus: isa.0
      type ISA
      dev: isa-serial, id \"\"
        index = 0 (0x0)
        iobase = 1016 (0x3f8)
        irq = 4 (0x4)
";

    #[test]
    fn devices_are_known_by_their_models() {
        let kinds: Vec<_> = parse(PRINTED)
            .iter()
            .map(|device| device.kinds[0].clone())
            .collect();
        assert_eq!(kinds, ["some-controller", "some-bridge", "isa-serial"]);
    }

    #[test]
    fn a_placeholder_is_no_device() {
        let printed = PRINTED.replace("some-controller", PLACEHOLDER);
        let devices = parse(&printed);
        assert_eq!(devices[0].kinds, ["some-bridge"]);
        assert_eq!(devices[0].registers, []);
    }

    #[test]
    fn an_unmapped_device_has_no_address() {
        let range = Range {
            base: 0xFEC0_0000,
            size: 0x1000,
        };
        assert_eq!(parse(PRINTED)[0].registers, [Some(range), None]);
    }

    #[test]
    fn ports_and_interrupts_are_found() {
        let device = &parse(PRINTED)[2];
        assert_eq!(device.ports, [0x3F8]);
        assert_eq!(device.interrupts, [Some(4)]);
        assert_eq!(device.number("index"), Some(0));
    }
}
