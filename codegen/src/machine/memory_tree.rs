//! QEMU's memory tree as its monitor prints it: `info mtree -f`.

use crate::board::Range;

/// A region of an address space that responds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The addresses of the region.
    pub range: Range,
    /// The kind of the region.
    pub kind: RegionKind,
    /// QEMU's name of the region. It is only displayed, since names differ between versions.
    pub name: String,
}

/// The kind of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionKind {
    /// The region is RAM.
    Ram,
    /// The region is ROM or flash.
    Rom,
    /// The region contains registers, or is a window.
    Device,
    /// QEMU emulates nothing there, but accepts an access: the region has the priority of its
    /// placeholders.
    Placeholder,
}

/// RAM starts at a multiple of this many bytes.
const BOUNDARY: u64 = 1 << 20;

/// The priority of the regions with which QEMU fills the ranges of what it does not emulate.
const PLACEHOLDER: &str = "-1000";

/// The root of the address space of a microcontroller's processor. It contains the processor's own
/// peripherals, such as its interrupt controller, and aliases of memory bit by bit, both at addresses that
/// the architecture fixes (Arm DDI 0403, B3.1 and A3.7).
const MICROCONTROLLER: &str = "armv7m-container";
/// The names of that space for the first processor, with and without TrustZone.
const FIRST_PROCESSOR: [&str; 2] = ["cpu-secure-memory-0", "cpu-memory-0"];
const PRIVATE_PERIPHERALS: u64 = 0xE000_0000;
const BIT_BAND: &str = "bitband";
/// The bit of an address that selects the secure alias of what is at the other one (Arm SSE-300 Technical
/// Reference Manual, 6.1).
const SECURE: u64 = 1 << 28;
/// The names of the gates of TrustZone. QEMU tells neither what is behind one nor whether anything is.
const GATE: &str = "tz-";

/// The two address spaces of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryTree {
    /// The regions that loads and stores access, ascending.
    pub memory: Vec<Region>,
    /// The regions that `in` and `out` access, ascending; empty on processors without ports.
    pub ports: Vec<Region>,
}

impl Region {
    /// Returns whether the machine's description does not tell what the region is, so that a board file
    /// need not mention it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.kind == RegionKind::Placeholder || self.name.starts_with(GATE)
    }
}

impl MemoryTree {
    /// Returns the RAM, ascending. A gap within it, such as firmware in the RAM of PCs, counts as
    /// RAM; a region next to RAM does not.
    pub fn ram(&self) -> Vec<Range> {
        let is_ram = |region: &&Region| region.kind == RegionKind::Ram;
        let largest = self.memory.iter().filter(is_ram);
        let Some(largest) = largest.max_by_key(|region| region.range.size) else {
            return Vec::new();
        };
        let mut ram: Vec<Range> = Vec::new();
        // The end of the memory that follows the last range without a gap.
        let mut end = None;
        for region in &self.memory {
            let Range { base, size } = region.range;
            let follows = end == Some(base);
            end = match region.kind {
                RegionKind::Device | RegionKind::Placeholder => None,
                _ => base.checked_add(size),
            };
            if region.name != largest.name {
                // Memory of firmware, which a range of RAM may follow.
                end = end.filter(|_| follows);
            } else if let Some(last) = ram.last_mut().filter(|_| follows) {
                last.size = base - last.base + size;
            } else {
                let front = self.front(region.range);
                ram.push(Range {
                    base: base - front,
                    size: size + front,
                });
            }
        }
        ram
    }

    /// Returns the size of the memory in front of a range of RAM that hides its first bytes: the
    /// rest of the range starts at no boundary, but the memory does.
    fn front(&self, rest: Range) -> u64 {
        let start = rest.base / BOUNDARY * BOUNDARY;
        let mut memory = self.memory.iter();
        let hides = memory.any(|region| {
            let Range { base, size } = region.range;
            let touches = base.checked_add(size) == Some(rest.base);
            region.kind == RegionKind::Ram && base == start && touches
        });
        if hides { rest.base - start } else { 0 }
    }

    /// Parses the monitor's output. Unknown lines are ignored.
    pub fn parse(printed: &str) -> Self {
        let mut tree = Self::default();
        let mut of_processor = Vec::new();
        for view in printed.split("FlatView #") {
            let has = |name: &str| view.contains(&format!(" AS \"{name}\","));
            let root = view
                .lines()
                .find_map(|line| line.trim().strip_prefix("Root memory region: "));
            let regions = || {
                let regions = view.lines().filter_map(region);
                // In a space of ports, gaps between devices have the name of the space.
                let regions = regions.filter(|region| Some(region.name.as_str()) != root);
                regions.collect::<Vec<_>>()
            };
            // A microcontroller's processor has a space of its own, with more than the machine's. Of
            // several processors, the first one runs the kernel.
            let is_first = FIRST_PROCESSOR.iter().any(|name| has(name));
            if root == Some(MICROCONTROLLER) && (is_first || of_processor.is_empty()) {
                let is_own = |region: &Region| {
                    region.range.base >= PRIVATE_PERIPHERALS || region.name == BIT_BAND
                };
                of_processor = regions();
                let others = of_processor.clone();
                of_processor.retain(|region| !is_own(region) && !is_alias(region, &others));
            } else if has("memory") {
                tree.memory = regions();
            }
            if has("I/O") {
                tree.ports = regions();
            }
        }
        if !of_processor.is_empty() {
            tree.memory = of_processor;
        }
        tree.memory.sort_by_key(|region| region.range);
        tree.ports.sort_by_key(|region| region.range);
        tree
    }
}

/// Returns whether a region is one of `others` again, at its secure address.
fn is_alias(region: &Region, others: &[Region]) -> bool {
    let base = region.range.base;
    base & SECURE != 0
        && others.iter().any(|other| {
            other.range.base == base & !SECURE
                && other.range.size == region.range.size
                && other.name == region.name
        })
}

/// Parses `  0000000009000000-0000000009000fff (prio 0, i/o): pl011`.
fn region(line: &str) -> Option<Region> {
    let (range, rest) = line.trim().split_once(" (prio ")?;
    let (first, last) = range.split_once('-')?;
    let first = u64::from_str_radix(first, 16).ok()?;
    let last = u64::from_str_radix(last, 16).ok()?;
    let (kind, name) = rest.split_once("): ")?;
    let (priority, kind) = kind.split_once(", ")?;
    // A region that is visible in part has its offset after the name.
    let name = name.split(" @").next().unwrap_or(name).trim();
    Some(Region {
        range: Range {
            base: first,
            size: last.checked_sub(first)?.checked_add(1)?,
        },
        kind: match kind {
            "ram" | "nv-ram" => RegionKind::Ram,
            "rom" | "romd" => RegionKind::Rom,
            _ if priority == PLACEHOLDER => RegionKind::Placeholder,
            _ => RegionKind::Device,
        },
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A microcontroller: its own space, and that of the machine.
    const MICROCONTROLLER_PRINTED: &str = "\
FlatView #0
 AS \"memory\", root: system
 Root memory region: system
  0000000049303000-0000000049303fff (prio 0, i/o): tz-ppc-port[3]

FlatView #1
 AS \"cpu-memory-0\", root: armv7m-container
 Root memory region: armv7m-container
  0000000000000000-000000000007ffff (prio 0, ram): sse300-itcm
  0000000010000000-000000001007ffff (prio 0, ram): sse300-itcm
  0000000022000000-0000000023ffffff (prio 0, i/o): bitband
  0000000040012000-0000000040012fff (prio 0, i/o): armsse-cpu-pwrctrl
  0000000049303000-0000000049303fff (prio 0, i/o): tz-ppc-port[3]
  0000000050011000-0000000050011fff (prio 0, i/o): CPUSECCTRL0
  0000000050012000-0000000050012fff (prio 0, i/o): armsse-cpu-pwrctrl
  00000000e000e010-00000000e000e0ef (prio 1, i/o): v7m_systick
";

    #[test]
    fn a_microcontroller_is_what_its_processor_addresses() {
        let tree = MemoryTree::parse(MICROCONTROLLER_PRINTED);
        let regions: Vec<_> = tree
            .memory
            .iter()
            .map(|region| (region.range.base, region.is_unknown()))
            .collect();
        assert_eq!(
            regions,
            [
                (0, false),
                (0x4001_2000, false),
                (0x4930_3000, true),
                (0x5001_1000, false),
            ]
        );
    }

    const PRINTED: &str = "\
FlatView #0
 AS \"I/O\", root: io
 Root memory region: io
  0000000000000000-00000000000003f7 (prio 0, i/o): io
  00000000000003f8-00000000000003ff (prio 0, i/o): serial
  0000000000000400-000000000000ffff (prio 0, i/o): io @0000000000000400

FlatView #1
 AS \"memory\", root: system
 AS \"cpu-memory-0\", root: system
 Root memory region: system
  0000000080000000-0000000087ffffff (prio 0, ram): some.ram
  0000000000001000-000000000000ffff (prio 0, rom): some.rom
  0000000010000000-0000000010000fff (prio 1, i/o): uart @0000000000000000

FlatView #2
 AS \"bridge\", root: bus master container
 Root memory region: (none)
  No rendered FlatView
";

    #[test]
    fn regions_of_memory_come_in_order() {
        let tree = MemoryTree::parse(PRINTED);
        let seen: Vec<_> = tree
            .memory
            .iter()
            .map(|region| (region.range.base, region.range.size, region.kind))
            .collect();
        assert_eq!(
            seen,
            [
                (0x1000, 0xF000, RegionKind::Rom),
                (0x1000_0000, 0x1000, RegionKind::Device),
                (0x8000_0000, 0x800_0000, RegionKind::Ram),
            ]
        );
    }

    #[test]
    fn ram_includes_regions_inside_it_and_not_beside_it() {
        let region = |base, size, kind, name: &str| Region {
            range: Range { base, size },
            kind,
            name: name.to_owned(),
        };
        let tree = MemoryTree {
            memory: vec![
                region(0, 0xF_0000, RegionKind::Ram, "ram"),
                region(0xF_0000, 0x1_0000, RegionKind::Ram, "bios"),
                region(0x10_0000, 0x70_0000, RegionKind::Ram, "ram"),
                region(0xC0_0000, 0x1000, RegionKind::Device, "uart"),
                region(0xFF_0000, 0x1_0000, RegionKind::Rom, "bios"),
                region(0x100_0000, 0x1000, RegionKind::Ram, "ram"),
            ],
            ports: Vec::new(),
        };
        let ranges = [(0, 0x80_0000), (0x100_0000, 0x1000)];
        let ranges = ranges.map(|(base, size)| Range { base, size });
        assert_eq!(tree.ram(), ranges);
    }

    #[test]
    fn ram_includes_the_memory_that_hides_its_first_page() {
        let region = |base, size, name: &str| Region {
            range: Range { base, size },
            kind: RegionKind::Ram,
            name: name.to_owned(),
        };
        let tree = |first| MemoryTree {
            memory: vec![
                region(first, 0x4000_1000 - first, "mirror"),
                region(0x4000_1000, 0x3FFF_F000, "ram"),
            ],
            ports: Vec::new(),
        };
        let ranges = |base, size| vec![Range { base, size }];
        assert_eq!(tree(0x4000_0000).ram(), ranges(0x4000_0000, 0x4000_0000));
        // Memory that does not end at a boundary is other memory.
        assert_eq!(tree(0x4000_0800).ram(), ranges(0x4000_1000, 0x3FFF_F000));
    }

    #[test]
    fn a_region_seen_in_part_keeps_its_name() {
        let tree = MemoryTree::parse(PRINTED);
        assert_eq!(tree.memory[1].name, "uart");
    }

    #[test]
    fn what_is_not_emulated_is_known_by_its_priority() {
        let printed = PRINTED.replace("(prio 1, i/o): uart", "(prio -1000, i/o): gpio");
        let tree = MemoryTree::parse(&printed);
        assert_eq!(tree.memory[1].kind, RegionKind::Placeholder);
        assert_eq!(tree.ram().len(), 1);
    }

    #[test]
    fn ports_without_a_device_are_left_out() {
        let tree = MemoryTree::parse(PRINTED);
        let names: Vec<_> = tree.ports.iter().map(|region| &region.name).collect();
        assert_eq!(names, ["serial"]);
    }

    #[test]
    fn other_output_gives_no_memory_tree() {
        assert_eq!(MemoryTree::parse("unknown command"), MemoryTree::default());
    }

    #[test]
    fn of_several_processors_the_first_one_runs_the_kernel() {
        let space = |number: usize, base: u64| {
            format!(
                "FlatView #{number}\n AS \"cpu-secure-memory-{number}\", root: armv7m-container\n \
                 AS \"cpu-memory-{number}\", root: armv7m-container\n \
                 Root memory region: armv7m-container\n  \
                 {base:016x}-{:016x} (prio 0, ram): ram\n",
                base + 0xFFF
            )
        };
        let (first, second) = (space(0, 0x2000_0000), space(1, 0x3000_0000));
        for printed in [format!("{first}\n{second}"), format!("{second}\n{first}")] {
            let tree = MemoryTree::parse(&printed);
            let bases: Vec<u64> = tree.memory.iter().map(|region| region.range.base).collect();
            assert_eq!(bases, [0x2000_0000], "{printed}");
        }
    }
}
