//! QEMU's device list as its monitor prints it (`info qtree`), for machines without a device tree.

use super::device::Device;
use super::memory_tree::MemoryTree;
use crate::board::Range;

/// The kind of the generic timer of an Arm processor, which QEMU's list of devices lacks: it is a
/// part of the processor, whose property of this name is the timer's frequency.
pub const GENERIC_TIMER: &str = "cntfrq";

/// The model with which QEMU fills a range whose devices it does not emulate. Other devices may be
/// in the range.
const PLACEHOLDER: &str = "unimplemented-device";

/// Returns QEMU's devices, identified by the names of their models.
pub fn parse(printed: &str) -> Vec<Device> {
    let models = models(printed).into_iter();
    models.map(|model| model.device).collect()
}

/// Like [`parse`], but also gives an address to each device that is mapped into another one. The list
/// of devices does not contain that address; it is found in the memory tree, which names a region
/// after the device's model, or after the first word of the model's name.
pub fn parse_in(printed: &str, tree: &MemoryTree) -> Vec<Device> {
    let mut models = models(printed);
    let is_known = |range: &Range, all: &[Model]| {
        let mut known = all.iter().flat_map(|model| &model.device.registers);
        known.any(|one| one.as_ref() == Some(range))
    };
    for at in 0..models.len() {
        let Some(model) = models.get(at) else { break };
        let Some((size, count)) = model.unmapped(&models) else {
            continue;
        };
        let kind = model.device.kinds.first().cloned().unwrap_or_default();
        let word = kind.split('-').next().unwrap_or_default().to_owned();
        let named = tree.memory.iter().filter(|region| {
            (region.name == kind || region.name == word) && region.range.size == size
        });
        let left: Vec<Range> = named
            .map(|region| region.range)
            .filter(|range| !is_known(range, &models))
            .collect();
        if left.len() == count
            && let Some(model) = models.get_mut(at)
        {
            model.device.registers = vec![left.first().copied()];
            model.sizes.clear();
        }
    }
    models.into_iter().map(|model| model.device).collect()
}

/// A device of the list.
struct Model {
    device: Device,
    /// The sizes of the ranges without an address.
    sizes: Vec<u64>,
}

impl Model {
    /// Returns the size of the device's only range, if its address is unknown, and the number of
    /// such devices.
    fn unmapped(&self, all: &[Self]) -> Option<(u64, usize)> {
        let size = *self.sizes.first()?;
        let is_same =
            |other: &&Self| other.device.kinds == self.device.kinds && other.sizes == self.sizes;
        let is_only = self.device.registers.len() == 1;
        is_only.then(|| (size, all.iter().filter(is_same).count()))
    }
}

fn models(printed: &str) -> Vec<Model> {
    let mut devices: Vec<Model> = Vec::new();
    let mut is_placeholder = false;
    for line in printed.lines().map(str::trim) {
        if let Some(device) = line.strip_prefix("dev: ") {
            let model = device.split(',').next().unwrap_or(device);
            is_placeholder = model == PLACEHOLDER;
            if is_placeholder {
                continue;
            }
            devices.push(Model {
                device: Device {
                    kinds: vec![model.to_owned()],
                    ..Device::default()
                },
                sizes: Vec::new(),
            });
        } else if let Some(device) = devices.last_mut().filter(|_| !is_placeholder) {
            property(line, device);
        }
    }
    devices
}

fn property(line: &str, model: &mut Model) {
    let device = &mut model.device;
    if let Some((base, size)) = line
        .strip_prefix("mmio ")
        .and_then(|range| range.split_once('/'))
    {
        let number = |digits| u64::from_str_radix(digits, 16).ok();
        // A device that is not mapped has the highest address.
        let base = number(base).filter(|base| *base != u64::MAX);
        let size = number(size).filter(|size| *size > 0);
        model.sizes.extend(size.filter(|_| base.is_none()));
        let range = base.zip(size);
        let range = range.map(|(base, size)| Range { base, size });
        device.registers.push(range);
        return;
    }
    if let Some(input) = line.strip_prefix("clock-in ") {
        device.numbers.extend(clock(input));
        return;
    }
    // Such as `iobase = 1016 (0x3f8)`.
    let Some((name, value)) = line.split_once(" = ") else {
        return;
    };
    if let Some(word) = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        device.words.push((name.to_owned(), word.to_owned()));
        return;
    }
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

/// Parses the name and the frequency in Hz of a clock input, such as `"CLK" freq_hz=32 MHz`. QEMU rounds
/// the frequency to three digits.
fn clock(input: &str) -> Option<(String, u32)> {
    let (name, frequency) = input.strip_prefix('"')?.split_once("\" freq_hz=")?;
    let (digits, unit) = frequency.split_once(' ')?;
    let unit: u64 = match unit {
        "Hz" => 1,
        "KHz" | "kHz" => 1_000,
        "MHz" => 1_000_000,
        "GHz" => 1_000_000_000,
        _ => return None,
    };
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = 10_u64.checked_pow(u32::try_from(rest.len()).ok()?)?;
    let number: u64 = format!("{whole}{rest}").parse().ok()?;
    let hertz = u32::try_from(number.checked_mul(unit)? / scale).ok()?;
    Some((name.to_owned(), hertz)).filter(|(_, hertz)| *hertz > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_input_has_a_frequency() {
        let parsed = |input| clock(input).map(|(_, hertz)| hertz);
        assert_eq!(
            clock("\"CLK\" freq_hz=32 MHz"),
            Some(("CLK".to_owned(), 32_000_000))
        );
        assert_eq!(parsed("\"CLK\" freq_hz=62.5 MHz"), Some(62_500_000));
        assert_eq!(parsed("\"CLK\" freq_hz=32.8 KHz"), Some(32_800));
        for unknown in [
            "\"CLK\" freq_hz=0 Hz",
            "\"CLK\" freq_hz=fast",
            "CLK",
            "\"\" freq_hz=. MHz",
        ] {
            assert_eq!(parsed(unknown), None, "{unknown}");
        }
    }

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

    const INSIDE: &str = "\
bus: main-system-bus
  dev: some-uart, id \"\"
    mmio ffffffffffffffff/0000000000000020
  dev: some-uart, id \"\"
    mmio ffffffffffffffff/0000000000000020
  dev: timer, id \"\"
    modes = \"MS\"
    mmio ffffffffffffffff/0000000000001000
";

    const TREE: &str = "\
FlatView #0
 AS \"memory\", root: system
 Root memory region: system
  0000000000001000-000000000000101f (prio 0, i/o): some
  0000000000002000-000000000000201f (prio 0, i/o): some
  0000000000003000-0000000000003fff (prio 0, i/o): timer
  0000000000004000-0000000000004fff (prio 0, i/o): timer
";

    #[test]
    fn a_device_inside_another_one_has_the_address_of_its_region() {
        let devices = parse_in(INSIDE, &MemoryTree::parse(TREE));
        let bases: Vec<_> = devices.iter().map(Device::base).collect();
        // Either of two regions may be the timer.
        assert_eq!(bases, [Some(0x1000), Some(0x2000), None]);
        assert_eq!(devices[2].word("modes"), Some("MS"));
        let lists_none = parse_in(INSIDE, &MemoryTree::default());
        assert!(lists_none.iter().all(|device| device.base().is_none()));
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
