//! The platform-level interrupt controller of RISC-V machines (RISC-V PLIC Specification 1.0).

use super::riscv::{self, Entered};
use super::{Binding, Controller, Delivery, Driver, Inputs, place};
use crate::board::{self, Architecture, HartModes};
use crate::check::Claimed;
use crate::check::claims::{Claims, Extent, Rule};
use crate::description::scalar::choices;
use crate::description::table::table;
use crate::description::{Address, Description, Located, Number, Size, Space};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::machine::expect::Expected;

table! {
    /// The platform-level interrupt controller (PLIC) of RISC-V machines.
    pub struct Plic {
        /// The first address of its registers.
        base: Address => required,
        /// The size of its registers: 2 MiB, and 4 KiB for each context.
        size: Size => default("64 MiB"),
        /// The number of its sources, which are numbered from 1.
        sources: Number<1, 1023> => required,
        /// The privilege modes that it delivers to, for each hart from hart 0 on; the last entry applies to
        /// all further harts. Each mode is a context; contexts are numbered in this order. Without it, every
        /// hart has M and S mode.
        contexts: Vec<Located<HartModes>> => default("[]"),
    }
}

choices! { HartModes {
    Machine = "M": "M mode",
    Supervisor = "S": "S mode",
    Both = "MS": "M mode, then S mode",
} }

/// Where the registers of the contexts begin, and what each takes (PLIC 1.0, chapter 3).
const CONTEXTS: u64 = 0x20_0000;
const CONTEXT: u64 = 0x1000;

impl Plic {
    /// The modes that there are contexts for, or the default; `None` if they are bad.
    fn harts(&self) -> Option<Vec<HartModes>> {
        let given = self.contexts.value()?;
        let harts: Vec<HartModes> = given.iter().map(|one| one.value).collect();
        Some(match harts.is_empty() {
            true => vec![HartModes::Both],
            false => harts,
        })
    }

    /// How many contexts the harts that are told have.
    fn context_count(&self) -> Option<u64> {
        let count = |modes: &HartModes| match modes {
            HartModes::Machine | HartModes::Supervisor => 1,
            HartModes::Both => 2,
        };
        Some(self.harts()?.iter().map(count).sum())
    }

    /// The mode that the kernel runs in must have a context on some hart.
    fn check_mode(&self, description: &Description, problems: &mut Problems) {
        let (Some(harts), Some((entered, at))) = (self.harts(), riscv::entered(description)) else {
            return;
        };
        let has = |wanted| harts.iter().any(|m| *m == HartModes::Both || *m == wanted);
        let (machine, supervisor) = (has(HartModes::Machine), has(HartModes::Supervisor));
        let (mode, is_there) = match entered {
            Entered::Machine => ("M", machine),
            Entered::Supervisor => ("S", supervisor),
            Entered::Either if machine => ("S", supervisor),
            Entered::Either => ("M", machine),
        };
        if let (false, Some(contexts)) = (is_there, self.contexts.get()) {
            let title = format!("the PLIC delivers to no hart in {mode} mode");
            problems.report(
                Diagnostic::new(Code::WrongMode, contexts.at, title)
                    .label("no context for the kernel")
                    .also(at, format!("the kernel is entered in {mode} mode")),
            );
        }
    }

    /// Source 0 stands for no interrupt (PLIC 1.0, chapter 1.4).
    fn check_sources(&self, claimed: &Claimed, problems: &mut Problems) {
        let plic = claimed.interrupts.iter();
        for claim in plic.filter(|claim| claim.first.space == Space::Plic) {
            if claim.first.number == 0 {
                let title = "there is no interrupt `plic = 0`";
                problems.report(
                    Diagnostic::new(Code::InterruptOutOfRange, claim.at, title)
                        .label("0 stands for no interrupt: sources are numbered from 1 on")
                        .also(self.place.at, "the interrupt controller"),
                );
            }
        }
    }
}

impl Binding for Plic {
    place!();

    fn architectures() -> Option<&'static [Architecture]> {
        Some(riscv::ALL)
    }

    fn claim(&self, claims: &mut Claims<'_>) {
        let contexts = self.context_count().unwrap_or(1);
        let least = CONTEXTS + CONTEXT * contexts;
        let rule = Rule::registers("the registers of this PLIC's contexts", 0x1000, least);
        let size = self.size.get().map(Extent::from);
        claims.range(&self.place.path, &self.base, size, rule);
    }

    fn expect(&self, expected: &mut Expected) {
        expected
            .part(&self.place, &["riscv,plic0", "sifive,plic-1.0.0"])
            .registers(0, &self.place.path, &self.base, &self.size)
            .sources("riscv,ndev", &self.sources);
    }

    fn check(&self, description: &Description, claimed: &Claimed, problems: &mut Problems) {
        self.check_mode(description, problems);
        self.check_sources(claimed, problems);
    }
}

impl Controller for Plic {
    fn inputs(&self) -> Vec<Inputs> {
        let sources = self.sources.value().map_or(1023, |sources| sources.0);
        vec![Inputs {
            space: Space::Plic,
            first: 0,
            count: sources + 1,
            private: None,
        }]
    }

    fn delivers(&self, _msi: board::Msi) -> Delivery {
        Delivery::No("a PLIC does not support messages")
    }
}

impl Driver for Plic {
    const NAME: &'static str = "plic";
    type Resolved = board::InterruptController;

    fn resolve(&self, _description: &Description) -> Option<Self::Resolved> {
        Some(board::InterruptController::Plic {
            registers: board::Range {
                base: self.base.value()?.0,
                size: self.size.value()?.0,
            },
            sources: self.sources.value()?.0,
            contexts: self.harts()?,
        })
    }
}
