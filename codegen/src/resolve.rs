//! Resolves a description without errors to a board.

use crate::attestation;
use crate::binding::{Pci, Rtc};
use crate::board::{self, Board, Claim, Flash, Memory, Qemu, Ram, Reserved, Waiver};
use crate::check::memory::expected_size;
use crate::description::Description;
use crate::description::named_device::Stated;
use crate::part::claims::{Claimed, Purpose, RangeClaim};
use crate::part::surroundings::Surroundings;

/// Returns the board; `None` if an error was reported.
pub(crate) fn resolve(
    description: &Description,
    claimed: &Claimed,
    sources: Vec<String>,
) -> Option<Board> {
    let identity = description.board.value()?;
    let around = description.surroundings();
    let interrupts = around.interrupts(claimed)?;
    let around = Surroundings {
        used: &interrupts,
        ..around
    };
    let mut power = Vec::new();
    for one in &description.power.value()?.0 {
        power.push(one.resolve(&around)?);
    }
    Some(Board {
        name: identity.name.value()?.0.clone(),
        title: identity.title.value()?.0.clone(),
        architecture: *identity.architecture.value()?,
        sources,
        boot: description.boot.value()?.0.resolve(&around)?,
        memory: memory(description)?,
        interrupt_controller: description.controller()?.resolve(&around)?,
        timer: description.timer.value()?.0.resolve(&around)?,
        console: description.console.value()?.0.resolve(&around)?,
        power,
        rtc: board::Optional {
            part: match description.rtc.optional()? {
                Some(rtc) => Some(rtc.value.0.resolve(&around)?),
                None => None,
            },
            absent: Rtc::absent(),
        },
        ethernet: match description.ethernet.optional()? {
            Some(ethernet) => Some(ethernet.value.0.resolve(&around)?),
            None => None,
        },
        virtio_mmio: match description.virtio_mmio.optional()? {
            Some(slots) => Some(slots.value.resolve(&around)?),
            None => None,
        },
        pci: match description.pci.optional()? {
            Some(pci) => Some(pci.value.0.resolve(&around)?),
            None => None,
        },
        parts: parts(description, &around)?,
        disks: named(
            description
                .disk
                .optional()
                .map(|_| description.named_disks())?,
        )?,
        nics: named(
            description
                .nic
                .optional()
                .map(|_| description.named_nics())?,
        )?,
        no_pci: Pci::absent(),
        qemu: qemu(description)?,
        ranges: ranges(&claimed.ranges),
        ports: ranges(&claimed.ports),
        interrupts: interrupts.clone(),
        undescribed: undescribed(description)?,
        waivers: waivers(description)?,
        firmware: attestation::facts(description),
    })
}

fn parts(description: &Description, around: &Surroundings<'_>) -> Option<Vec<board::OwnPart>> {
    let parts = description.part.optional()?.into_iter();
    let parts = parts.flat_map(|all| all.value.iter());
    parts
        .map(|entry| entry.value.resolve(&entry.name, around))
        .collect()
}

fn named(all: Vec<Stated<'_>>) -> Option<Vec<board::NamedDevice>> {
    let all = all.into_iter().map(|stated| {
        Some(board::NamedDevice {
            key: stated.place.path.clone(),
            name: stated.name.to_owned(),
            identity: stated.own.optional()?.map(|own| own.value.clone()),
            slot: stated.slot.optional()?.map(|slot| slot.value.0),
            function: stated.pci.optional()?.map(|pci| pci.value.0.clone()),
        })
    });
    all.collect()
}

fn memory(description: &Description) -> Option<Memory> {
    let memory = description.memory.value()?;
    let mut ram = Vec::new();
    for entry in memory.ram.value()?.iter() {
        ram.push(Ram {
            name: entry.name.clone(),
            base: entry.value.base.value()?.0,
            expected_size: expected_size(description, &entry.value)?,
            size_is_stated: !entry.value.size.is_absent(),
            limit: entry.value.limit.optional()?.map(|limit| limit.value.0),
            rest_of: entry.value.rest_of.optional()?.map(|of| of.value.0.clone()),
        });
    }
    ram.sort_by_key(|ram| ram.base);
    let mut reserved = Vec::new();
    for entry in memory
        .reserved
        .optional()?
        .into_iter()
        .flat_map(|all| all.value.iter())
    {
        let (base, size) = (entry.value.base.value()?.0, entry.value.size.value()?.0);
        reserved.push(Reserved {
            name: entry.name.clone(),
            range: board::Range { base, size },
            reason: entry.value.reason.value()?.0.clone(),
        });
    }
    reserved.sort_by_key(|reserved| reserved.range);
    let mut flash = Vec::new();
    for entry in memory
        .flash
        .optional()?
        .into_iter()
        .flat_map(|all| all.value.iter())
    {
        let (base, size) = (entry.value.base.value()?.0, entry.value.size.value()?.0);
        flash.push(Flash {
            name: entry.name.clone(),
            range: board::Range { base, size },
        });
    }
    flash.sort_by_key(|flash| flash.range);
    Some(Memory {
        ram,
        flash,
        reserved,
        stack: memory.stack.value()?.0,
        fault_stack: memory.fault_stack.value()?.0,
        heap: memory.heap.optional()?.map(|heap| heap.value.0),
        console_buffer: memory.console_buffer.value()?.0,
        page_tables: *memory.page_tables.value()?,
    })
}

fn qemu(description: &Description) -> Option<Qemu> {
    let qemu = description.qemu.value()?;
    Some(Qemu {
        system: qemu.system.value()?.word().to_owned(),
        machine: qemu.machine.value()?.0.clone(),
        cpu: qemu.cpu.value()?.0.clone(),
        memory: qemu.memory.value()?.0,
        tested: qemu
            .tested
            .optional()?
            .into_iter()
            .flat_map(|versions| &versions.value.0)
            .map(|one| one.value.0.clone())
            .collect(),
        arguments: qemu
            .arguments
            .value()?
            .iter()
            .map(|one| one.value.0.clone())
            .collect(),
    })
}

fn ranges(claims: &[RangeClaim]) -> Vec<Claim<board::Range>> {
    let claims = claims.iter();
    let mut ranges: Vec<_> = claims
        .filter(|claim| claim.purpose != Purpose::View)
        .map(|claim| Claim {
            key: claim.key.clone(),
            what: claim.range,
        })
        .collect();
    ranges.sort_by(|one, other| (one.what, &one.key).cmp(&(other.what, &other.key)));
    ranges
}

fn undescribed(description: &Description) -> Option<Vec<(u64, String)>> {
    let entries = description
        .undescribed
        .optional()?
        .into_iter()
        .flat_map(|all| &all.value.0);
    let mut entries: Vec<_> = entries
        .map(|entry| (entry.address, entry.reason.clone()))
        .collect();
    entries.sort();
    Some(entries)
}

fn waivers(description: &Description) -> Option<Vec<Waiver>> {
    let mut waivers = Vec::new();
    for entry in description
        .waiver
        .optional()?
        .into_iter()
        .flat_map(|all| all.value.iter())
    {
        let between = entry.value.between.value()?;
        waivers.push(Waiver {
            name: entry.name.clone(),
            between: (between.0.value.0.clone(), between.1.value.0.clone()),
            reason: entry.value.reason.value()?.0.clone(),
        });
    }
    waivers.sort_by(|one, other| one.name.cmp(&other.name));
    Some(waivers)
}
