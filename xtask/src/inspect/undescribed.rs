//! Queries a machine that has no board yet.

use serde_json::{Value, json};
use tempfile::TempDir;
use vmos_codegen::board::Architecture;
use vmos_codegen::machine::Facts;

use super::stand_in::StandIn;
use super::{InspectError, Paused, facts};
use crate::failure::Failure;

/// A machine's amount of memory and its processor, as QEMU chooses them if it is not asked for
/// others.
pub struct Usual {
    /// The amount of memory in bytes.
    pub memory: u64,
    /// QEMU's name of the processor, as for `-cpu`.
    pub processor: Option<String>,
}

/// Returns what QEMU chooses for a machine that `command` starts without `-m` and `-cpu`.
pub fn usual(command: &[String]) -> Result<Usual, Failure> {
    let folder = TempDir::with_prefix("vmos-")?;
    Ok(Paused::start(command, folder.path())?.usual()?)
}

/// Returns the facts of a machine that has no board yet: `command` starts it.
pub fn undescribed(command: &[String], architecture: Architecture) -> Result<Facts, Failure> {
    let folder = TempDir::with_prefix("vmos-")?;
    let mut words = command.to_vec();
    if architecture == Architecture::X86_64 {
        // Firmware's tables contain the interrupts of virtio-mmio slots with a device only.
        let with_device = [
            &words,
            &["-device", "virtio-rng-device"].map(str::to_owned)[..],
        ]
        .concat();
        return match facts(&with_device, folder.path(), None) {
            // A machine without such slots.
            Err(InspectError::Ended(_)) => Ok(facts(&words, folder.path(), None)?),
            found => Ok(found?),
        };
    }
    let is_given = words.iter().any(|word| word == "-kernel");
    if let Some(image) = StandIn::flat(architecture, folder.path())?
        && !is_given
    {
        let file = image.file.to_string_lossy().into_owned();
        words.extend(["-kernel".to_owned(), file]);
    }
    Ok(facts(&words, folder.path(), None)?)
}

impl Paused {
    fn usual(&mut self) -> Result<Usual, InspectError> {
        let memory = self.qmp.execute("query-memory-size-summary", json!({}))?;
        Ok(Usual {
            memory: memory["base-memory"].as_u64().unwrap_or_default(),
            processor: self.model(),
        })
    }

    /// Returns QEMU's name of the first processor, as for `-cpu`.
    pub(super) fn model(&mut self) -> Option<String> {
        let kind = self.of_processor("type");
        // Such as `cortex-a72-arm-cpu`.
        let name = kind.as_ref().and_then(Value::as_str)?;
        let (name, _) = name.strip_suffix("-cpu")?.rsplit_once('-')?;
        Some(name.to_owned())
    }
}
