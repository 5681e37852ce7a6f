//! The Arm Generic Interrupt Controller, version 3 and 4 (Arm IHI 0069).

use super::block::{self, block};
use super::{Binding, Controller, Delivery, Driver, Inputs, gic_v2, place};
use crate::board::{self, Architecture};
use crate::check::Claimed;
use crate::check::claims::{Claims, Extent, Rule};
use crate::description::table::table;
use crate::description::{Address, Description, Field, Size};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

table! {
    /// The Arm Generic Interrupt Controller, version 3 and 4.
    pub struct GicV3 {
        /// The distributor, GICD.
        distributor: Distributor => required,
        /// The redistributors, GICR, consecutive in memory.
        redistributors: Redistributors => required,
        /// The interrupt translation service (ITS), which converts messages to interrupts. Without it,
        /// there is none.
        its: Its => optional,
    }
}

block! {
    /// The distributor (IHI 0069, 12.8).
    pub struct Distributor: "a GICv3's distributor", "64 KiB", 0x1_0000, 0x1_0000
}

block! {
    /// The interrupt translation service: GITS_CTLR's frame and GITS_TRANSLATER's (IHI 0069, 12.18).
    pub struct Its: "an ITS", "128 KiB", 0x1_0000, 0x2_0000
}

table! {
    /// The redistributors, one for each processor.
    pub struct Redistributors {
        /// The address of the first redistributor.
        base: Address => required,
        /// The size of the whole range, a multiple of the stride.
        size: Size => required,
        /// The distance between redistributors: 128 KiB, or 256 KiB in a GICv4.
        stride: Size => default("128 KiB"),
    }
}

/// RD_base and SGI_base, 64 KiB each (IHI 0069, 12.10).
const REDISTRIBUTOR: u64 = 0x2_0000;

impl Redistributors {
    fn claim(&self, claims: &mut Claims<'_>) {
        let rule = Rule::registers("a GICv3's redistributors", 0x1_0000, REDISTRIBUTOR);
        claims.range(
            &self.place.path,
            &self.base,
            self.size.get().map(Extent::from),
            rule,
        );
    }

    /// How many there is room for.
    fn count(&self) -> Option<u32> {
        let (size, stride) = (self.size.value()?.0, self.stride.value()?.0);
        let count = size
            .checked_div(stride)
            .filter(|_| size.is_multiple_of(stride))?;
        u32::try_from(count).ok()
    }

    fn check(&self, problems: &mut Problems) {
        let (Some(size), Some(stride)) = (self.size.get(), self.stride.get()) else {
            return;
        };
        if stride.value.0 != REDISTRIBUTOR && stride.value.0 != 2 * REDISTRIBUTOR {
            let title = format!("`{}` is not the size of a redistributor", stride.path);
            problems.report(
                Diagnostic::new(Code::BlockTooSmall, stride.at, title)
                    .label("a GICv3 has \"128 KiB\", a GICv4 \"256 KiB\""),
            );
        } else if self.count().is_none() {
            // A size that is misaligned to pages as well has been told with the range.
            if size.value.0.is_multiple_of(0x1_0000) {
                let title = format!("`{}` is not a multiple of the stride", size.path);
                problems.report(
                    Diagnostic::new(Code::Misaligned, size.at, title)
                        .label(format!("the stride is {}", stride.value.written())),
                );
            }
        }
    }
}

impl Binding for GicV3 {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(&[Architecture::Aarch64, Architecture::Arm])
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        block::claim(&self.place, "distributor", &self.distributor, claims);
        match self.redistributors.value() {
            Some(redistributors) => redistributors.claim(claims),
            None => claims.drop_claim(&format!("{}.redistributors", self.place.path)),
        }
        block::claim(&self.place, "its", &self.its, claims);
    }

    fn expect(&self, expected: &mut Expected) {
        let gic = expected.part(&self.place, &["arm,gic-v3"]);
        gic.model("arm-gicv3");
        block::expect(gic, 0, "distributor", &self.distributor);
        if let Some(redistributors) = self.redistributors.value() {
            let (base, size) = (&redistributors.base, &redistributors.size);
            gic.registers(1, &redistributors.place.path, base, size);
        }
        if let Some(its) = self.its.value() {
            let part = expected.part(&its.place, &["arm,gic-v3-its"]);
            part.model("arm-gicv3-its")
                .registers(0, &its.place.path, &its.base, &its.size);
        }
    }

    fn check(&self, _description: &Description, _claimed: &Claimed, problems: &mut Problems) {
        if let Some(redistributors) = self.redistributors.value() {
            redistributors.check(problems);
        }
    }
}

impl Controller for GicV3 {
    /// IHI 0069, 2.2: private and shared peripheral interrupts are numbered as in a GICv2.
    fn inputs(&self) -> Vec<Inputs> {
        gic_v2::INPUTS.to_vec()
    }

    fn delivers(&self, msi: board::Msi) -> Delivery {
        match (msi, &self.its) {
            (board::Msi::Its, Field::Given(_)) => Delivery::Yes,
            (board::Msi::Its, Field::Absent) => Delivery::No("it has no `its`"),
            (board::Msi::Its, Field::Bad) => Delivery::Unknown,
            (_, _) => Delivery::No("a GICv3 supports only \"its\" messages"),
        }
    }
}

impl Driver for GicV3 {
    const NAME: &'static str = "gic-v3";
    type Resolved = board::InterruptController;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        let redistributors = self.redistributors.value()?;
        Some(board::InterruptController::GicV3 {
            distributor: block::range(self.distributor.value()?)?,
            redistributors: redistributors.base.value()?.0,
            redistributor_stride: redistributors.stride.value()?.0,
            redistributor_count: redistributors.count()?,
            its: block::optional_range(&self.its)?,
        })
    }
}
