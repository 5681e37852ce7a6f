//! The Arm Generic Interrupt Controller, version 2 (Arm IHI 0048).

use super::block::{self, block};
use super::{Binding, Controller, Delivery, Driver, Inputs, place};
use crate::board::{self, Architecture};
use crate::check::claims::Claims;
use crate::description::table::table;
use crate::description::{Description, Field, Space};
use crate::machine::expect::Expected;

table! {
    /// The Arm Generic Interrupt Controller, version 2.
    pub struct GicV2 {
        /// The distributor, GICD.
        distributor: Distributor => required,
        /// The CPU interface, GICC.
        cpu_interface: CpuInterface => required,
        /// The GICv2m frame, which converts messages to interrupts. Without it, there is none.
        v2m: V2m => optional,
    }
}

block! {
    /// The distributor (IHI 0048, 4.1.2).
    pub struct Distributor: "a GICv2's distributor", "4 KiB", 0x1000, 0x1000
}

block! {
    /// The CPU interface; GICC_DIR is in its second page (IHI 0048, 4.1.3).
    pub struct CpuInterface: "a GICv2's CPU interface", "8 KiB", 0x1000, 0x2000
}

block! {
    /// A GICv2m frame. Its register MSI_TYPER contains the numbers of its interrupts.
    pub struct V2m: "a GICv2m frame", "4 KiB", 0x1000, 0x1000
}

/// IHI 0048, 2.2.1: INTIDs 16 to 31 are private peripheral interrupts, 32 to 1019 shared ones.
pub(super) const INPUTS: &[Inputs] = &[
    Inputs {
        space: Space::Ppi,
        first: 16,
        count: 16,
        private: Some(true),
    },
    Inputs {
        space: Space::Spi,
        first: 32,
        count: 988,
        private: Some(false),
    },
];

impl Binding for GicV2 {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        block::claim(&self.place, "distributor", &self.distributor, claims);
        block::claim(&self.place, "cpu-interface", &self.cpu_interface, claims);
        block::claim(&self.place, "v2m", &self.v2m, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        let gic = expected.part(&self.place, &COMPATIBLE);
        gic.model("arm_gic");
        block::expect(gic, 0, "distributor", &self.distributor);
        block::expect(gic, 1, "cpu-interface", &self.cpu_interface);
        if let Some(v2m) = self.v2m.value() {
            let v2m_part = expected.part(&v2m.place, &["arm,gic-v2m-frame"]);
            v2m_part
                .model("arm-gicv2m")
                .registers(0, &v2m.place.path, &v2m.base, &v2m.size);
        }
    }
}

impl Controller for GicV2 {
    fn inputs(&self) -> Vec<Inputs> {
        INPUTS.to_vec()
    }

    fn delivers(&self, msi: board::Msi) -> Delivery {
        match (msi, &self.v2m) {
            (board::Msi::V2m, Field::Given(_)) => Delivery::Yes,
            (board::Msi::V2m, Field::Absent) => Delivery::No("it has no `v2m`"),
            (board::Msi::V2m, Field::Bad) => Delivery::Unknown,
            (_, _) => Delivery::No("a GICv2 supports only \"v2m\" messages"),
        }
    }
}

impl Driver for GicV2 {
    const NAME: &'static str = "gic-v2";
    type Resolved = board::InterruptController;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::InterruptController::GicV2 {
            distributor: block::range(self.distributor.value()?)?,
            cpu_interface: block::range(self.cpu_interface.value()?)?,
            v2m: block::optional_range(&self.v2m)?,
        })
    }
}

/// What a device tree calls a GICv2 (Linux, bindings/interrupt-controller/arm,gic.yaml): QEMU's
/// first, then those of other machines.
const COMPATIBLE: [&str; 4] = [
    "arm,cortex-a15-gic",
    "arm,gic-400",
    "arm,cortex-a9-gic",
    "arm,cortex-a7-gic",
];
