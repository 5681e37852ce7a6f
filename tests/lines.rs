//! Interrupt lines that are held from outside, through QEMU's test protocol (qtest): an input of the
//! interrupt controller stays asserted, whatever the device at the line says.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use vmos_codegen::Board;
use xtask::qmp::Qmp;

use crate::outcome::Outcome;

/// The time after which a line is asserted again: its device may have lowered it, and QEMU's PLIC
/// notices only that a line is asserted, not that it is still asserted.
const AGAIN: Duration = Duration::from_micros(500);
/// The number of inputs of an I/O APIC.
const IO_APIC: u32 = 24;
/// The difference between the numbers of a source of a socket's controller and of the same source of the
/// next one: `vmos_drivers::interrupt_controller::sockets::STRIDE`.
const SOCKET: u32 = 2048;
/// The first number of a GIC that has an input.
const SHARED: u32 = 32;

/// The lines of a machine that is not started yet, or runs.
#[derive(Debug)]
pub struct Lines {
    socket: PathBuf,
}

impl Lines {
    /// Returns QEMU's arguments, and the lines of the machine that is started with them.
    #[must_use]
    pub fn new(folder: &Path) -> (Self, Vec<String>) {
        let socket = folder.join("lines.sock");
        let server = format!("unix:{},server=on,wait=off", socket.display());
        let arguments = ["-qtest", &server, "-qtest-log", "/dev/null"];
        (Self { socket }, arguments.map(str::to_owned).to_vec())
    }

    /// Holds the lines of the interrupts with these numbers of the board's controller.
    pub fn hold(&self, board: &Board, monitor: &mut Qmp, numbers: &[u32]) -> Outcome<Held> {
        let tree = monitor.monitor("info qom-tree")?;
        let inputs = numbers.iter().map(|&number| input(board, &tree, number));
        let inputs = inputs.collect::<Outcome<Vec<_>>>()?;
        let socket = UnixStream::connect(&self.socket)?;
        let ends = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&ends);
        let thread =
            thread::spawn(move || keep(&socket, &inputs, &ended).map_err(|e| e.to_string()));
        Ok(Held { ends, thread })
    }
}

/// Lines that are held.
#[derive(Debug)]
pub struct Held {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), String>>,
}

impl Held {
    /// Lowers the lines.
    pub fn release(self) -> Outcome {
        self.ends.store(true, Ordering::Relaxed);
        let kept = self.thread.join();
        kept.map_err(|_| "the thread that holds the lines has panicked")??;
        Ok(())
    }
}

fn keep(mut socket: &UnixStream, inputs: &[String], ends: &AtomicBool) -> Outcome {
    let mut answers = BufReader::new(socket.try_clone()?);
    let mut set = |input: &String, level: u8| -> Outcome {
        writeln!(socket, "set_irq_in {input} {level}")?;
        let mut answer = String::new();
        answers.read_line(&mut answer)?;
        if !answer.starts_with("OK") {
            return Err(format!("QEMU does not hold the line {input}: {answer}").into());
        }
        Ok(())
    };
    while !ends.load(Ordering::Relaxed) {
        inputs.iter().try_for_each(|input| set(input, 1))?;
        thread::sleep(AGAIN);
    }
    inputs.iter().try_for_each(|input| set(input, 0))
}

/// Returns the path of the controller, the name of its inputs, and the input of an interrupt.
fn input(board: &Board, tree: &str, number: u32) -> Outcome<String> {
    let key = &board.interrupt_controller.part.key;
    let driver = key.rsplit('.').next().unwrap_or_default();
    let line = line(driver, number).ok_or_else(|| format!("the inputs of {key} are unknown"))?;
    let (kind, index, input) = line;
    let mut paths = paths(tree, kind);
    // The devices have numbers, and the tree is sorted by their digits.
    paths.sort_by_key(|path| (path.len(), path.clone()));
    let path = paths.get(usize::try_from(index)?);
    let path = path.ok_or_else(|| format!("QEMU has no {kind} number {index}"))?;
    let input = input.ok_or_else(|| format!("interrupt {number} has no line"))?;
    Ok(format!("{path} unnamed-gpio-in {input}"))
}

/// Returns the type of a driver's controllers in QEMU, the index of the one with an interrupt, and the
/// interrupt's input; `None` if the driver is unknown.
fn line(driver: &str, number: u32) -> Option<(&'static str, u32, Option<u32>)> {
    Some(match driver {
        "gic-v2" => ("arm_gic", 0, number.checked_sub(SHARED)),
        "gic-v3" => ("arm-gicv3", 0, number.checked_sub(SHARED)),
        "plic" => ("riscv.sifive.plic", number / SOCKET, Some(number % SOCKET)),
        // The devices are wired to the root domain, which is the first. The position of those of other
        // sockets depends on the modes that QEMU creates domains for.
        "aplic" | "imsic" if number < SOCKET => ("riscv.aplic", 0, Some(number)),
        "apic" => ("ioapic", number / IO_APIC, Some(number % IO_APIC)),
        _ => return None,
    })
}

/// Returns the paths of all objects of a type in QEMU's tree of objects.
fn paths(tree: &str, kind: &str) -> Vec<String> {
    let mut above: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for line in tree.lines() {
        let text = line.trim_start();
        let Some((name, rest)) = text.split_once(" (") else {
            continue;
        };
        above.truncate((line.len() - text.len()) / 2);
        above.push(name.trim_start_matches('/'));
        if rest.strip_suffix(')') == Some(kind) {
            found.push(format!("/{}", above.join("/")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_selects_one_of_several_controllers() {
        let plic = |number| line("plic", number);
        assert_eq!(plic(33), Some(("riscv.sifive.plic", 0, Some(33))));
        assert_eq!(plic(2049), Some(("riscv.sifive.plic", 1, Some(1))));
        assert_eq!(line("aplic", 33), Some(("riscv.aplic", 0, Some(33))));
        assert_eq!(line("imsic", 2049), None);
        assert_eq!(line("apic", 25), Some(("ioapic", 1, Some(1))));
        assert_eq!(line("gic-v2", 16), Some(("arm_gic", 0, None)));
        assert_eq!(line("unknown", 1), None);
    }

    #[test]
    fn an_object_has_the_path_of_those_above_it() {
        let tree = "/machine (virt-machine)\n  /fw_cfg (fw_cfg_mem)\n    /gic[0] (memory-region)\n  \
                    /unattached (container)\n    /device[1] (arm_gic)\n    /device[10] (arm_gic)\n";
        assert_eq!(
            paths(tree, "arm_gic"),
            [
                "/machine/unattached/device[1]",
                "/machine/unattached/device[10]"
            ]
        );
        assert_eq!(paths(tree, "gic"), [""; 0]);
    }
}
