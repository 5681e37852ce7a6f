//! Determines the architecture from the processors in a device tree.

use vmos_codegen::board::Architecture;
use vmos_codegen::machine::device::Device;
use vmos_codegen::machine::processors;

/// The Cortex-A processors without a 64-bit state.
const NARROW: &[&str] = &["5", "7", "8", "9", "12", "15", "17", "32"];

/// Returns the architecture, or a description of what was found.
pub(super) fn architecture(devices: &[Device]) -> Result<Architecture, String> {
    let isa = |device: &Device| {
        let isa = device.word("riscv,isa").or(device.word("riscv,isa-base"));
        isa.map(|isa| match isa.starts_with("rv32") {
            true => Architecture::Riscv32,
            false => Architecture::Riscv64,
        })
    };
    if let Some(found) = devices.iter().find_map(isa) {
        return Ok(found);
    }
    let kinds = || devices.iter().flat_map(|device| &device.kinds);
    if let Some(found) = kinds().find_map(|kind| arm(kind)) {
        return Ok(found);
    }
    let foreign = |kind: &&String| {
        let prefixes = ["arm,cortex-m", "arm,cortex-r", "arm,arm"];
        prefixes.iter().any(|prefix| kind.starts_with(prefix))
    };
    match kinds().find(foreign) {
        Some(kind) => Err(format!(
            "has the processor {kind}, which VMOS does not support"
        )),
        None => Err("contains no processor".to_owned()),
    }
}

/// Returns the architecture of an Arm processor, or of a device that only such a processor has.
fn arm(kind: &str) -> Option<Architecture> {
    if let Some(number) = kind.strip_prefix("arm,cortex-a") {
        // Names of devices of the processor continue after its own: `arm,cortex-a15-gic`.
        let is_processor = number.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return is_processor.then_some(match NARROW.contains(&number) {
            true => Architecture::Arm,
            false => Architecture::Aarch64,
        });
    }
    let name = kind.strip_prefix("arm,").unwrap_or_default();
    if name.starts_with("cortex-m") {
        return processors::microcontroller(name);
    }
    match kind {
        "arm,armv8" | "arm,armv8-timer" => Some(Architecture::Aarch64),
        "arm,armv7-timer" => Some(Architecture::Arm),
        _ => {
            let is_wide = kind.starts_with("arm,cortex-x") || kind.starts_with("arm,neoverse-");
            is_wide.then_some(Architecture::Aarch64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str) -> Result<Architecture, String> {
        let kinds = vec!["simple-bus".to_owned(), kind.to_owned()];
        architecture(&[Device {
            kinds,
            ..Device::default()
        }])
    }

    #[test]
    fn a_processor_is_known_by_its_name() {
        assert_eq!(of("arm,cortex-a53"), Ok(Architecture::Aarch64));
        assert_eq!(of("arm,cortex-a78ae"), Ok(Architecture::Aarch64));
        assert_eq!(of("arm,neoverse-n1"), Ok(Architecture::Aarch64));
        assert_eq!(of("arm,cortex-a9"), Ok(Architecture::Arm));
        assert_eq!(of("arm,cortex-m0+"), Ok(Architecture::ArmV6M));
        assert_eq!(of("arm,cortex-m4f"), Ok(Architecture::ArmV7M));
        assert_eq!(of("arm,cortex-m33"), Ok(Architecture::ArmV8M));
    }

    #[test]
    fn devices_of_a_processor_are_not_processors() {
        let told = of("arm,cortex-a15-gic").unwrap_err();
        assert_eq!(told, "contains no processor");
    }

    #[test]
    fn an_unsupported_processor_is_named() {
        let told = of("arm,cortex-m23").unwrap_err();
        assert_eq!(
            told,
            "has the processor arm,cortex-m23, which VMOS does not support"
        );
    }
}
