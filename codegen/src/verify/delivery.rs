//! Compares the harts to which the interrupt controller delivers with those that may run the kernel.
//!
//! In a RISC-V machine of several sockets, a controller may deliver to the harts of its own socket
//! only. Firmware starts the kernel on any hart.

use super::Comparison;
use crate::diagnostic::{Code, Diagnostic};
use crate::part::Entered;

/// How to have a machine of one socket.
const ONE_SOCKET: &str =
    "describe a machine with one socket: QEMU's `virt` has one for each `-numa node`";

/// The kind of the local interrupt controller that each hart has.
const HART: &[&str] = &["riscv,cpu-intc"];

impl Comparison<'_> {
    /// Reports a hart for the kernel that the machine does not have; no other would run it.
    pub(super) fn hart(&mut self) {
        let hart = self
            .description
            .surroundings()
            .loader
            .and_then(|loader| loader.hart());
        let harts = self
            .facts
            .devices
            .iter()
            .filter(|device| device.is(HART))
            .count();
        let Some(hart) = hart.filter(|hart| harts > 0 && hart.value as usize >= harts) else {
            return;
        };
        let title = format!("the machine has no hart {}", hart.value);
        let label = match harts {
            1 => "it has hart 0 only".to_owned(),
            harts => format!("it has harts 0 to {}", harts - 1),
        };
        self.problems.report(
            Diagnostic::new(Code::NotOnMachine, hart.at, title)
                .label(label)
                .write("0"),
        );
    }

    /// Reports an interrupt controller that does not deliver to all harts that may run the kernel.
    pub(super) fn delivery(&mut self) {
        let around = self.description.surroundings();
        let (Some(controller), Some(loader)) = (around.controller, around.loader) else {
            return;
        };
        let Some((entered, at)) = loader.entered() else {
            return;
        };
        let modes: &[Entered] = match entered {
            Entered::Either => &[Entered::Machine, Entered::Supervisor],
            Entered::Machine => &[Entered::Machine],
            Entered::Supervisor => &[Entered::Supervisor],
        };
        let place = controller.place();
        let missed = modes.iter().find_map(|mode| {
            let harts = controller.reach(&self.facts.devices, *mode)?;
            let hart = loader.hart().filter(|_| *mode == Entered::Machine);
            let is_reached = hart.as_ref().is_some_and(|hart| hart.value < harts);
            (!is_reached).then_some((harts, hart))
        });
        let Some((harts, hart)) = missed else {
            return;
        };
        let title = format!("`{}` does not deliver to all harts", place.path);
        let reached = match harts {
            1 => "it delivers to hart 0 only".to_owned(),
            harts => format!("it delivers to harts 0 to {}", harts - 1),
        };
        let diagnostic = match hart {
            Some(hart) => Diagnostic::new(Code::MachineProperty, hart.at, title)
                .label("this hart gets no interrupt of a device")
                .also(place.at, reached)
                .write("0"),
            None => {
                let further = self.all_further();
                let help = match further.is_empty() {
                    true => ONE_SOCKET.to_owned(),
                    false => format!("write in [{}]:\n{}", place.path, further.join("\n")),
                };
                let any = "firmware may start the kernel on any hart";
                let started = around.qemu.and_then(|qemu| qemu.processors());
                // The board that starts several harts need not be the one that has the controller.
                let diagnostic = match started {
                    Some((_, argument)) => {
                        Diagnostic::new(Code::MachineProperty, argument.at, title)
                            .label(any)
                            .also(place.at, reached)
                    }
                    None => Diagnostic::new(Code::MachineProperty, place.at, title)
                        .label(reached)
                        .also(at, any),
                };
                diagnostic
                    .note("the others get no interrupt of a device")
                    .help(help)
            }
        };
        self.problems.report(diagnostic);
    }
}
