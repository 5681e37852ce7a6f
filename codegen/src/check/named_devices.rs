//! Checks the names of disks and network devices.

use crate::description::Description;
use crate::description::named_device::Stated;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Field, Located};
use crate::source::Location;

/// Reports names without a device, places that the board does not have, and two names for one device.
pub(super) fn check(description: &Description, problems: &mut Problems) {
    let mut known: Vec<(String, Location)> = Vec::new();
    let disks = description.named_disks().into_iter();
    for stated in disks.chain(description.named_nics()) {
        if stated.own.is_absent() && stated.slot.is_absent() && stated.pci.is_absent() {
            report_empty(&stated, problems);
            continue;
        }
        check_slot(description, &stated, problems);
        if let Some(pci) = stated.pci.get()
            && description.pci.is_absent()
        {
            report_missing(pci, "a PCI host bridge, [pci]", problems);
        }
        let own = stated
            .own
            .get()
            .map(|own| (format!("{} {}", stated.own_key, own.value), own.at));
        let slot = stated.slot.get();
        let slot = slot.map(|slot| (format!("virtio-mmio slot {}", slot.value.0), slot.at));
        let pci = stated.pci.get();
        let pci = pci.map(|pci| (format!("PCI {}", pci.value.0), pci.at));
        for (what, at) in [own, slot, pci].into_iter().flatten() {
            match known.iter().find(|(other, _)| *other == what) {
                Some((_, first)) => problems.report(
                    Diagnostic::new(Code::NamedTwice, at, format!("{what} has two names"))
                        .label("named again here")
                        .also(*first, "named here first")
                        .help("keep one of the two"),
                ),
                None => known.push((what, at)),
            }
        }
    }
}

fn report_empty(stated: &Stated<'_>, problems: &mut Problems) {
    let (path, own) = (&stated.place.path, stated.own_key);
    let title = format!(
        "[{path}] does not say which device is called `{}`",
        stated.name
    );
    problems.report(
        Diagnostic::new(Code::MissingKey, stated.place.at, title)
            .label(format!("`{own}`, `slot` or `pci` is missing"))
            .help(format!(
                "add `{own}`, or the device's place: `slot` on virtio-mmio, `pci` on PCI"
            )),
    );
}

fn check_slot(description: &Description, stated: &Stated<'_>, problems: &mut Problems) {
    let Some(slot) = stated.slot.get() else {
        return;
    };
    match &description.virtio_mmio {
        Field::Absent => report_missing(slot, "virtio-mmio slots, [virtio-mmio]", problems),
        Field::Bad => {}
        Field::Given(slots) => {
            let Some(count) = slots.value.count.get() else {
                return;
            };
            if slot.value.0 >= count.value.0 {
                let title = format!("there is no virtio-mmio slot {}", slot.value.0);
                problems.report(
                    Diagnostic::new(Code::BadNumber, slot.at, title)
                        .label(format!("outside the range 0 to {}", count.value.0 - 1))
                        .also(count.at, "the number of slots"),
                );
            }
        }
    }
}

fn report_missing<T>(key: &Located<T>, what: &str, problems: &mut Problems) {
    let title = format!("`{}` needs {what}, which the board does not have", key.path);
    problems.report(
        Diagnostic::new(Code::MissingKey, key.at, title)
            .label("no device can be here")
            .remove(),
    );
}
