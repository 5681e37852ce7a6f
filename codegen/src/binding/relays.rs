//! Harts that pass on the external interrupts of their sockets to the kernel's hart.
//!
//! An interrupt controller may deliver to the harts of its own socket only. A kernel in S mode starts a
//! hart of every other socket by its firmware, which also raises software interrupts. In M mode, the
//! entry code makes the first hart of the socket a relay, and the harts raise each other's software
//! interrupt by their registers `msip`: those of the first socket are in the timer's CLINT or ACLINT,
//! and the table of every other socket states its own.

use super::riscv;
use super::sockets::{FurtherSockets, Socket, all};
use crate::board::{self, Block, Range, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::language::{Address, Field, Place};
use crate::machine::device::Device;
use crate::part::Entered;
use crate::part::claims::{Claims, Extent, Rule};
use crate::part::draft::Machine;
use crate::part::expect::Expected;
use crate::part::surroundings::Surroundings;

/// The device tree names of the devices that start with the registers `msip`.
const KINDS: &[&str] = &["riscv,clint0", "sifive,clint0", "riscv,aclint-mswi"];

/// The size of the registers of 4095 harts and a reserved one (ACLINT 1.0, table 4).
const BYTES: u64 = 0x4000;
/// The size of the register of one hart.
const REGISTER: u64 = 4;

/// The note of an imported controller of one socket, if the machine has no registers `msip` for the
/// others.
pub(super) const NEED_SOFTWARE_INTERRUPTS: &str = "the interrupt controllers of other sockets need a CLINT or an ACLINT for the harts of each socket";

/// The table of a further socket whose controller delivers to its own harts only.
pub(super) trait Relayed: Socket {
    /// Returns the address of the register `msip` of the socket's first hart.
    fn msip(&self) -> &Field<Address>;
}

/// Implements [`Relayed`] for a table with the key `msip`.
macro_rules! relayed {
    ($Name:ident) => {
        impl $crate::binding::relays::Relayed for $Name {
            fn msip(&self) -> &$crate::language::Field<$crate::language::Address> {
                &self.msip
            }
        }
    };
}

pub(super) use relayed;

/// Claims the registers at the key `msip` of the table `owner`, if it is there.
pub(super) fn claim(owner: &Place, msip: &Field<Address>, claims: &mut Claims<'_>) {
    if msip.is_absent() {
        return;
    }
    let rule = Rule::registers("the software interrupts of harts", REGISTER, REGISTER);
    let size = msip.get().map(|msip| Extent {
        bytes: BYTES,
        at: msip.at,
    });
    claims.range(&format!("{}.msip", owner.path), msip, size, rule);
}

/// Expects a device with the registers at a key `msip`, if it is there.
pub(super) fn expect(msip: &Field<Address>, expected: &mut Expected) {
    if let Some(given) = msip.get() {
        let place = Place {
            path: given.path.clone(),
            at: given.at,
        };
        expected
            .part(&place, KINDS)
            .registers(0, &given.path, msip, &Field::Absent);
    }
}

/// Reports missing software interrupts if the kernel may be entered in M mode, and unused ones if not.
pub(super) fn check<S: Relayed>(
    further: &FurtherSockets<S>,
    around: &Surroundings<'_>,
    problems: &mut Problems,
) {
    let Some((entered, at)) = riscv::entered(around) else {
        return;
    };
    let mut first = None;
    for (_, _, socket) in all(further) {
        let place = socket.place();
        first.get_or_insert(place);
        let problem = match (socket.msip(), entered) {
            (Field::Absent, Entered::Machine | Entered::Either) => {
                let title = format!("[{}] needs `msip`", place.path);
                Diagnostic::new(Code::MissingKey, place.at, title)
                    .label("it delivers to harts of another socket than the kernel's")
                    .also(at, "the kernel may be entered in M mode")
                    .note(
                        "the first hart of this socket passes its interrupts on; without firmware, the \
                         kernel wakes it by its software interrupt",
                    )
                    .help(
                        "write the address of the socket's CLINT, or of the MSWI device of its ACLINT: \
                         msip = 0x0201_0000",
                    )
            }
            (Field::Given(given), Entered::Supervisor) => {
                let title = format!("`{}` is never used", given.path);
                Diagnostic::new(Code::WrongMode, given.at, title)
                    .label("firmware raises the software interrupts")
                    .also(at, "the kernel is entered in S mode")
            }
            _ => continue,
        };
        problems.report(problem);
    }
    let timer = around.timer.filter(|_| entered != Entered::Supervisor);
    if let (Some(timer), Some(socket)) = (timer, first)
        && let Some(Field::Absent) = timer.software_interrupts()
    {
        let place = timer.place();
        let title = format!("[{}] needs `msip`", place.path);
        problems.report(
            Diagnostic::new(Code::MissingKey, place.at, title)
                .label("the kernel's hart needs its software interrupt")
                .also(
                    socket.at,
                    "a hart of this socket passes its interrupts on by it",
                )
                .help("write the address of the MSWI device: msip = 0x0200_0000"),
        );
    }
}

/// Returns the address of the registers `msip` of each socket, the first one included; `None` each if
/// the kernel is never entered in M mode.
pub(super) fn registers<S: Relayed>(
    further: &FurtherSockets<S>,
    around: &Surroundings<'_>,
) -> Option<Vec<Option<u64>>> {
    let (entered, _) = riscv::entered(around)?;
    let others = all(further).map(|(_, _, socket)| socket.msip());
    if entered == Entered::Supervisor {
        return Some(vec![None; 1 + others.count()]);
    }
    if all(further).next().is_none() {
        return Some(vec![None]);
    }
    let first = around.timer?.software_interrupts()?;
    let all = std::iter::once(first).chain(others);
    all.map(|msip| Some(Some(msip.value()?.0))).collect()
}

/// Returns the registers for `board.rs`.
pub(super) fn value(msip: Option<u64>) -> Value {
    Value::optional(msip.map(|base| Value::Range(Range { base, size: BYTES })))
}

/// Returns the register of the first hart of a further socket, for a debugger.
pub(super) fn block(key: &str, msip: Option<u64>) -> Option<Block> {
    Some(Block::fixed(
        &format!("{key}.msip"),
        msip?,
        &[("msip", 0, 4)],
    ))
}

/// Returns the harts that the entry code makes relays: the first one of each socket but the kernel's.
/// `place` is the table of the first socket, `msip` are the registers of all.
pub(super) fn relays<S: Relayed>(
    place: &Place,
    further: &FurtherSockets<S>,
    msip: &[Option<u64>],
    around: &Surroundings<'_>,
) -> Option<Vec<board::Relay>> {
    let mut sockets = vec![(&place.path, 0)];
    for (_, _, socket) in all(further) {
        sockets.push((&socket.place().path, socket.first_hart().value()?.0));
    }
    let sockets = sockets.into_iter().zip(msip);
    let sockets: Vec<(&String, u32, u64)> = sockets
        .filter_map(|((key, first), msip)| Some((key, first, (*msip)?)))
        .collect();
    if sockets.is_empty() {
        return Some(Vec::new());
    }
    let hart = around.loader?.hart()?.value;
    let below = sockets.iter().filter(|(_, first, _)| *first <= hart);
    let (_, own, base) = *below.max_by_key(|(_, first, _)| *first)?;
    let kernel = base.checked_add(REGISTER * u64::from(hart - own))?;
    let others = sockets.iter().filter(|(_, first, _)| *first != own);
    let relays = others.map(|&(key, hart, msip)| board::Relay {
        key: key.clone(),
        hart,
        msip,
        kernel,
    });
    Some(relays.collect())
}

/// Returns the addresses of the registers `msip` of the sockets of an imported machine, ascending.
fn imported(machine: &Machine<'_>) -> Vec<u64> {
    let devices = machine.all(KINDS).into_iter();
    let mut bases: Vec<u64> = devices.filter_map(Device::base).collect();
    bases.dedup();
    bases
}

/// Returns the values of the keys `msip` of `sockets` sockets of an imported machine, the first one
/// included: none each under firmware. `None` if the machine lacks some that the kernel needs.
pub(super) fn import(machine: &Machine<'_>, sockets: usize) -> Option<Vec<Option<u64>>> {
    if machine.has_firmware() || sockets <= 1 {
        return Some(vec![None; sockets]);
    }
    let bases = imported(machine);
    (bases.len() >= sockets).then(|| bases.into_iter().map(Some).collect())
}

/// Returns the value of the key `msip` of an imported timer, if the machine has several sockets.
pub(super) fn of_first_socket(machine: &Machine<'_>) -> Option<u64> {
    let bases = imported(machine);
    bases.first().copied().filter(|_| bases.len() > 1)
}
