//! Tests with a simulated PC: its tables are changed, the board file is not.

use std::boxed::Box;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use vmos_drivers::board::Region;

const FACTS: &[Fact] = &[
    Fact::local_apic("apic.local", Region::at("", 0xFEE0_0000, 0x1000)),
    Fact::io_apic("apic.io.first", Region::at("", 0xFEC0_0000, 0x20), 0),
    Fact::io_apic("apic.io.second", Region::at("", 0xFEC1_0000, 0x20), 24),
    Fact::power_timer("timer.acpi-pm", 0x608),
    Fact::ecam("pci.ecam", Region::at("", 0xB000_0000, 256 << 20)),
];
const LINES: &[Line] = &[Line::edge("console", 4, 1), Line::level("pci.intx", 9, 4)];

/// Memory with some bytes at some addresses, and nothing elsewhere.
#[derive(Default)]
struct Fake(Vec<(u64, &'static [u8])>);

impl PhysicalMemory for Fake {
    fn bytes(&self, address: u64, size: usize) -> &'static [u8] {
        let found = self.0.iter().find(|(base, _)| *base == address);
        let bytes = found.map_or(&[][..], |(_, bytes)| bytes);
        &bytes[..size.min(bytes.len())]
    }
}

const ROOT: u64 = 0xF_0000;
const LIST: u64 = 0x1000;
const MADT: u64 = 0x2000;
const MCFG: u64 = 0x3000;
const FADT: u64 = 0x4000;

/// A PC as described, to be changed before its tables are read.
struct Pc {
    revision: u8,
    local: u32,
    /// The structures of the MADT.
    structures: Vec<Vec<u8>>,
    configuration: (u64, u8, u8),
    power_timer: u32,
}

fn io_apic(base: u32, first: u32) -> Vec<u8> {
    [
        &[IO_APIC, 12, 0, 0][..],
        &base.to_le_bytes(),
        &first.to_le_bytes(),
    ]
    .concat()
}

fn source_override(input: u32, flags: u16) -> Vec<u8> {
    let head = [SOURCE_OVERRIDE, 10, 0, input as u8];
    [&head[..], &input.to_le_bytes(), &flags.to_le_bytes()].concat()
}

/// Returns a table with its length and checksum.
fn table_of(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = signature.to_vec();
    bytes.extend((HEADER as u32 + body.len() as u32).to_le_bytes());
    bytes.resize(HEADER, 0);
    bytes.extend(body);
    complete(&mut bytes, 9);
    bytes
}

/// Sets the byte at `at` so that the bytes sum to zero.
fn complete(bytes: &mut [u8], at: usize) {
    let sum = bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte));
    bytes[at] = bytes[at].wrapping_sub(sum);
}

impl Pc {
    fn described() -> Self {
        Self {
            revision: 0,
            local: 0xFEE0_0000,
            structures: [
                [0, 8, 0, 0, 1, 0, 0, 0].to_vec(),
                io_apic(0xFEC0_0000, 0),
                io_apic(0xFEC1_0000, 24),
                source_override(2, 0),
                source_override(9, 0b1101),
            ]
            .to_vec(),
            configuration: (0xB000_0000, 0, 255),
            power_timer: 0x608,
        }
    }

    /// Returns all tables with their addresses.
    fn memory(&self) -> Vec<(u64, Vec<u8>)> {
        let mut root = b"RSD PTR ".to_vec();
        root.resize(HEADER, 0);
        root[15] = self.revision;
        if self.revision < 2 {
            root[16..20].copy_from_slice(&(LIST as u32).to_le_bytes());
        } else {
            root[24..32].copy_from_slice(&LIST.to_le_bytes());
        }
        complete(&mut root[..20], 8);
        let width = if self.revision < 2 { 4 } else { 8 };
        let addresses = [MADT, MCFG, FADT].map(|address| address.to_le_bytes()[..width].to_vec());
        let mut madt = self.local.to_le_bytes().to_vec();
        madt.extend([0; 4]);
        madt.extend(self.structures.concat());
        let (base, first, last) = self.configuration;
        let entry = [
            &[0; 8][..],
            &base.to_le_bytes(),
            &[0, 0, first, last, 0, 0, 0, 0],
        ]
        .concat();
        let mut fadt = [0; 80];
        fadt[40..44].copy_from_slice(&self.power_timer.to_le_bytes());
        [
            (ROOT, root),
            (LIST, table_of(b"XSDT", &addresses.concat())),
            (MADT, table_of(b"APIC", &madt)),
            (MCFG, table_of(b"MCFG", &entry)),
            (FADT, table_of(b"FACP", &fadt)),
        ]
        .to_vec()
    }

    fn told(&self) -> Vec<String> {
        told(self.memory())
    }
}

/// Returns the conflicts reported for the tables in `memory`.
fn told(memory: Vec<(u64, Vec<u8>)>) -> Vec<String> {
    let leak = |(address, bytes): (u64, Vec<u8>)| (address, &*Box::leak(bytes.into_boxed_slice()));
    let memory = Fake(memory.into_iter().map(leak).collect());
    let mut told = Vec::new();
    let tables = Tables::read(&memory, PhysicalAddress(ROOT));
    let count = tables.contradictions(FACTS, LINES, |one| told.push(one.to_string()));
    assert_eq!(count, told.len());
    told
}

/// Returns the conflicts reported for a changed PC.
fn told_of(change: impl FnOnce(&mut Pc)) -> Vec<String> {
    let mut pc = Pc::described();
    change(&mut pc);
    pc.told()
}

#[test]
fn a_machine_as_described_has_no_conflict() {
    assert_eq!(Pc::described().told(), [""; 0]);
}

#[test]
fn the_list_of_64_bit_addresses_is_found_where_there_is_no_other() {
    let found = told_of(|pc| {
        pc.revision = 2;
        pc.local = 0xFEE1_0000;
    });
    assert_eq!(found.len(), 1);
}

#[test]
fn another_local_apic_address_is_reported() {
    assert_eq!(
        told_of(|pc| pc.local = 0xFEE1_0000),
        ["apic.local.base: the description says 0xFEE0_0000, ACPI says 0xFEE1_0000"]
    );
}

#[test]
fn another_io_apic_address_is_reported() {
    assert_eq!(
        told_of(|pc| pc.structures[2] = io_apic(0xFEC2_0000, 24)),
        ["apic.io.second.base: the description says 0xFEC1_0000, ACPI says 0xFEC2_0000"]
    );
}

#[test]
fn an_io_apic_with_other_inputs_is_reported() {
    assert_eq!(
        told_of(|pc| pc.structures[2] = io_apic(0xFEC1_0000, 32)),
        ["apic.io.second.first: the description says 24, ACPI says 32"]
    );
}

#[test]
fn a_missing_io_apic_is_reported() {
    assert_eq!(
        told_of(|pc| pc.structures.truncate(2)),
        ["apic.io.second.base: the description says 0xFEC1_0000, ACPI says there is none"]
    );
}

#[test]
fn another_configuration_space_is_reported() {
    assert_eq!(
        told_of(|pc| pc.configuration = (0xE000_0000, 0, 127)),
        [
            "pci.ecam.base: the description says 256 MiB at 0xB000_0000, ACPI says 128 MiB at 0xE000_0000"
        ]
    );
}

#[test]
fn another_timer_port_is_reported() {
    assert_eq!(
        told_of(|pc| pc.power_timer = 0x408),
        ["timer.acpi-pm.port: the description says 0x0000_0608, ACPI says 0x0000_0408"]
    );
    assert_eq!(told_of(|pc| pc.power_timer = 0), [""; 0], "0 is none");
}

#[test]
fn another_trigger_is_reported() {
    assert_eq!(
        told_of(|pc| pc.structures.push(source_override(11, 0b0101))),
        ["pci.intx.trigger: the description says \"level\", ACPI says \"edge\""]
    );
    assert_eq!(
        told_of(|pc| pc.structures[3] = source_override(4, 0b1100)),
        ["console.trigger: the description says \"edge\", ACPI says \"level\""]
    );
    assert_eq!(
        told_of(|pc| pc.structures[4] = source_override(9, 0b1111)),
        ["pci.intx.trigger: the description says \"level\", ACPI says \"level-low\""]
    );
}

#[test]
fn missing_tables_are_no_conflict() {
    let whole = Pc::described().memory();
    for left_out in 0..whole.len() {
        let mut memory = whole.clone();
        memory.remove(left_out);
        assert_eq!(told(memory), [""; 0], "table {left_out}");
    }
}

#[test]
fn a_table_with_a_wrong_checksum_is_ignored() {
    let mut memory = mistaken();
    assert_eq!(told(memory.clone()).len(), 1);
    memory[2].1[HEADER] ^= 1;
    assert_eq!(told(memory), [""; 0]);
}

/// Returns tables with the local APIC at another address.
fn mistaken() -> Vec<(u64, Vec<u8>)> {
    let mut pc = Pc::described();
    pc.local = 0xFEE1_0000;
    pc.memory()
}

#[test]
fn invalid_lengths_are_rejected() {
    for length in [0_u32, 1, 35, 45, 1 << 16, 1 << 31, u32::MAX] {
        for which in 1..5 {
            let mut memory = Pc::described().memory();
            memory[which].1[4..8].copy_from_slice(&length.to_le_bytes());
            complete(&mut memory[which].1, 9);
            let _ = told(memory);
        }
    }
}

#[test]
fn a_structure_longer_than_its_table_ends_it() {
    let cut = told_of(|pc| pc.structures[1][1] = 255);
    assert_eq!(cut.len(), 2, "no I/O APIC is left: {cut:?}");
}

#[test]
fn structures_of_length_zero_end_the_table() {
    let endless = told_of(|pc| pc.structures = [[0; 64].to_vec()].to_vec());
    assert_eq!(endless.len(), 2, "{endless:?}");
}

#[test]
fn arbitrary_bytes_never_panic() {
    // A pseudo-random value for each byte of each table in turn.
    let mut state = 1_u32;
    for which in 0..5 {
        let length = Pc::described().memory()[which].1.len();
        for at in (0..length).step_by(if cfg!(miri) { 29 } else { 1 }) {
            let mut memory = Pc::described().memory();
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            memory[which].1[at] = (state >> 24) as u8;
            if at != 9 && which != 0 {
                complete(&mut memory[which].1, 9);
            }
            let _ = told(memory);
        }
    }
}
