//! Tests the plugin with a program whose number of instructions is known.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use xtask::emulator;
use xtask::install;
use xtask::plugin::Plugin;
use xtask::plugin::counter::Counter;

/// QEMU's machine for a program that is loaded like firmware and starts at the first address of
/// RAM.
const PROGRAM: &str = "qemu-system-riscv64";
const RAM: u64 = 0x8000_0000;

/// The number of iterations of the loop.
const ROUNDS: u64 = 1000;

/// A loop, followed by an endless sleep.
const CODE: [u32; 5] = [
    0x3e80_0293, // li t0, 1000
    0xfff2_8293, // 1: addi t0, t0, -1
    0xfe02_9ee3, // bnez t0, 1b
    0x1050_0073, // 2: wfi
    0xffdf_f06f, // j 2b
];

/// QEMU, killed on drop.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(plugin: &Plugin, folder: &Path) -> (Emulator, Counter) {
    let code = folder.join("code.bin");
    std::fs::write(&code, CODE.map(u32::to_le_bytes).concat()).unwrap();
    let socket = folder.join("counts");
    let words = emulator::words(PROGRAM);
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .args(["-machine", "virt", "-display", "none", "-nodefaults"])
        .arg("-bios")
        .arg(&code)
        .args(plugin.words(&socket))
        .stdin(Stdio::null());
    let mut emulator = Emulator(command.spawn().unwrap());
    let alive = || emulator.0.try_wait().is_ok_and(|status| status.is_none());
    let counter = Counter::connect(&socket, alive).unwrap();
    (emulator, counter)
}

#[test]
fn a_loop_is_counted_to_the_instruction() {
    install::qemu(PROGRAM).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plugin = Plugin::build(folder.path(), PROGRAM).unwrap();
    let (_emulator, mut counter) = start(&plugin, folder.path());
    let counts = counter.settled().unwrap();
    assert!(counts.is_idle());
    assert_eq!((counts.reads, counts.writes), (0, 0));

    let executed = counter.instructions().unwrap();
    let times = |at: u64| -> u64 {
        let here = executed.iter().filter(|(address, _)| *address == at);
        here.map(|(_, times)| times).sum()
    };
    let expected = [1, ROUNDS, ROUNDS, 1, 0];
    let found: Vec<u64> = (0..CODE.len() as u64)
        .map(|number| times(RAM + 4 * number))
        .collect();
    assert_eq!(found, expected);
    let all: u64 = executed.iter().map(|(_, times)| times).sum();
    assert_eq!(all, counts.instructions);
}
