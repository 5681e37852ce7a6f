//! Writes the script for gdb: the connection to the machine, the board's regions by name, the
//! registers of its devices, and commands that show the state of the kernel.

use std::fmt::Write as _;
use std::path::Path;

use object::{Object as _, ObjectSymbol as _};
use vmos_codegen::{Board, registers};

/// The definitions of the `vmos` commands, in gdb's Python.
const COMMANDS: &str = include_str!("debug/vmos.py");

/// Returns the script that gdb runs at start.
#[must_use]
pub fn gdb_script(board: &Board, port: u16, pools: &[(String, u64)]) -> String {
    let mut script = String::from("set pagination off\nset confirm off\nset print pretty on\n");
    for claim in &board.ranges {
        let (name, base) = (variable(&claim.key), claim.what.base);
        _ = writeln!(script, "set ${name} = {base:#x}");
    }
    script += "python\n";
    script += "REGIONS = [\n";
    for claim in &board.ranges {
        let (key, base, size) = (&claim.key, claim.what.base, claim.what.size);
        _ = writeln!(script, "    ({key:?}, {base:#x}, {size:#x}),");
    }
    script += "]\nDEVICES = {\n";
    for device in registers::of(board) {
        _ = writeln!(script, "    {:?}: ({:#x}, [", device.key, device.base);
        for (name, offset, width) in device.registers {
            _ = writeln!(script, "        ({name:?}, {offset:#x}, {width}),");
        }
        script += "    ]),\n";
    }
    script += "}\nPOOLS = [\n";
    for (name, address) in pools {
        _ = writeln!(script, "    ({name:?}, {address:#x}),");
    }
    script += "]\n";
    script += COMMANDS;
    script += "end\n";
    _ = writeln!(script, "target remote 127.0.0.1:{port}");
    // The machine is stopped at its first instruction; continue to the first Rust function.
    script += "tbreak vmos_start\ncontinue\n";
    script
}

/// Returns `console_pl011` for `console.pl011`.
fn variable(key: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    key.chars().map(plain).collect()
}

/// Returns the address ranges of the task pools of an image, with the task's name.
#[must_use]
pub fn task_pools(elf: &Path) -> Vec<(String, u64)> {
    let Ok(bytes) = std::fs::read(elf) else {
        return Vec::new();
    };
    let Ok(file) = object::File::parse(&*bytes) else {
        return Vec::new();
    };
    let mut pools: Vec<_> = file
        .symbols()
        .filter_map(|symbol| {
            let name = addr2line::demangle_auto(symbol.name().ok()?.into(), None);
            Some((task_of(&name)?, symbol.address()))
        })
        .collect();
    pools.sort();
    pools.dedup();
    pools
}

/// Returns the task whose pool a symbol is: embassy's macro names it `<task>::POOL`.
fn task_of(symbol: &str) -> Option<String> {
    let path = match symbol.rsplit_once("::") {
        Some((path, hash)) if hash.starts_with('h') && hash.len() == 17 => path,
        _ => symbol,
    };
    Some(path.strip_suffix("::POOL")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_variable_by_its_key() {
        assert_eq!(
            variable("pci.ecam.windows.memory32"),
            "pci_ecam_windows_memory32"
        );
        assert_eq!(variable("virtio-mmio"), "virtio_mmio");
    }

    #[test]
    fn a_task_is_found_by_its_pool() {
        let symbol = "app::serve::POOL::h0123456789abcdef";
        assert_eq!(task_of(symbol).as_deref(), Some("app::serve"));
        assert_eq!(task_of("app::serve::POOL").as_deref(), Some("app::serve"));
        assert_eq!(task_of("app::POOLED"), None);
    }
}
