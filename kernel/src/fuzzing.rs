//! The parsers of the kernel as functions of untrusted bytes, for the fuzz targets of `fuzz/`. Only
//! on a host.

use std::boxed::Box;

use vmos_drivers::address::PhysicalAddress;
use vmos_drivers::dma::Buffer;

use crate::attestation::acpi::Tables;
use crate::device_tree::{DeviceTree, Malformed};
use crate::start_info::{PhysicalMemory, StartInfo};

pub use crate::net::fuzzing::{dhcp_answers, frames, name_answers};

/// Reads a device tree, from its header to its ranges.
pub fn device_tree(bytes: &[u8]) {
    // A loader aligns it.
    let Ok(mut blob) = Buffer::new(bytes.len().max(1)) else {
        return;
    };
    blob[..bytes.len()].copy_from_slice(bytes);
    let Ok(mut tree) = DeviceTree::of(&blob) else {
        return;
    };
    let mut nodes = 0_usize;
    tree.read(|node| {
        nodes += 1;
        core::hint::black_box((
            node.compatible().first_text(),
            node.registers(0),
            node.registers(7),
            node.number("interrupt-parent"),
            node.is_on(),
        ));
    });
    // A node takes at least eight bytes.
    assert!(nodes <= bytes.len() / 8, "{nodes} nodes");
    core::hint::black_box(tree.command_line().len());
    let _ = tree.ram(|range| {
        core::hint::black_box(range);
        Ok::<(), Malformed<'_>>(())
    });
    let _ = tree.reserved(|range| {
        core::hint::black_box(range);
        Ok::<(), Malformed<'_>>(())
    });
}

/// Reads the tables of a PC: a PVH start info at address 0, and the ACPI tables that it refers to.
pub fn pc_tables(bytes: &[u8]) {
    let memory = Memory(Box::leak(Box::from(bytes)));
    if let Some(info) = StartInfo::read(&memory, PhysicalAddress(0)) {
        core::hint::black_box((info.ram().is_ok(), info.acpi_root()));
        if let Some(root) = info.acpi_root() {
            acpi(&memory, root);
        }
    }
    acpi(&memory, PhysicalAddress(0));
}

fn acpi(memory: &Memory, root: PhysicalAddress) {
    let tables = Tables::read(memory, root);
    let told = tables.contradictions(&[], &[], |_| {});
    core::hint::black_box(told);
}

/// Memory that starts at address 0. It is never freed, because readers of tables keep references to
/// it.
struct Memory(&'static [u8]);

impl PhysicalMemory for Memory {
    fn bytes(&self, address: u64, size: usize) -> &'static [u8] {
        let Ok(start) = usize::try_from(address) else {
            return &[];
        };
        let rest = self.0.get(start..).unwrap_or_default();
        &rest[..size.min(rest.len())]
    }
}
