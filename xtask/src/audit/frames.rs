//! Checks that no function can step over the guard below the stack.
//!
//! A stack overflow is a fault only if the overflowing function writes into the guard. Functions
//! for arm64 and x64 write to every page of their frame; those for the other architectures may
//! leave any part of it untouched. So the size of each frame is read from the instructions that
//! change the stack pointer, and a frame larger than [`LARGEST`] is refused.

use object::{Object as _, ObjectSymbol as _, SymbolKind};
use vmos_codegen::Board;
use vmos_codegen::board::{Architecture, STACK_GUARD};

use super::Audit;
use super::elf::Elf;

mod arm;
mod probed;
mod riscv;

/// The largest frame in bytes. A function that calls another writes the return address at the top
/// of its frame. So at most two frames can lie below the last address written in the stack: that of
/// the function that left the stack without a write, and that of its callee. Both fit in the guard.
const LARGEST: u64 = STACK_GUARD / 2;

/// How far a function moves the stack pointer without writing to the memory in between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Frame {
    /// The function moves it by at most this many bytes.
    Bytes(u64),
    /// The function moves it by a value that is not a constant.
    Unknown,
}

pub(super) fn check(board: &Board, elf: &Elf<'_>, audit: &mut Audit) {
    audit.checked += 1;
    for text in too_large(board, elf) {
        audit.wrong(None, text);
    }
}

/// Returns a message for each function with a frame that is too large.
pub(super) fn too_large(board: &Board, elf: &Elf<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for symbol in elf.file.symbols() {
        if symbol.kind() != SymbolKind::Text || symbol.size() == 0 {
            continue;
        }
        // Bit 0 of an Arm function's address says that its instructions are T32.
        let is_arm = board.architecture == Architecture::Arm || board.architecture.is_m_profile();
        let is_thumb = is_arm && symbol.address() & 1 == 1;
        let address = symbol.address() - u64::from(is_thumb);
        let Some(code) = elf.bytes(address, symbol.size()) else {
            continue;
        };
        let frame = match board.architecture {
            Architecture::Aarch64 => probed::aarch64(code),
            Architecture::X86_64 => probed::x86_64(code),
            Architecture::Arm if is_thumb => arm::t32(code),
            Architecture::Arm => arm::a32(code),
            // Every function is in T32 instructions; what has no such address is data.
            Architecture::ArmV6M | Architecture::ArmV7M | Architecture::ArmV8M => continue,
            Architecture::Riscv64 | Architecture::Riscv32 => riscv::frame(code),
        };
        let told = match frame {
            Frame::Bytes(bytes) if bytes <= LARGEST => continue,
            Frame::Bytes(bytes) => format!("a frame of {bytes} bytes, larger than {LARGEST}"),
            Frame::Unknown => String::from("a frame without a fixed size"),
        };
        let name = addr2line::demangle_auto(symbol.name().unwrap_or_default().into(), None);
        found.push(format!(
            "`{name}` has {told}: it could step over the guard below the stack; put large values on \
             the heap or in a static"
        ));
    }
    found
}

/// Reads a little-endian halfword at `at`; 0 past the end.
fn halfword(code: &[u8], at: usize) -> u32 {
    code.get(at..at + 2)
        .map_or(0, |bytes| u32::from(bytes[0]) | u32::from(bytes[1]) << 8)
}

/// Reads a little-endian word at `at`; 0 past the end.
fn word(code: &[u8], at: usize) -> u32 {
    halfword(code, at) | halfword(code, at + 2) << 16
}

/// The constants that a function has put into registers, and what it has subtracted from the stack
/// pointer.
#[derive(Default)]
struct Registers {
    constants: [Option<i64>; 32],
    bytes: u64,
    is_unknown: bool,
}

impl Registers {
    fn get(&self, register: u32) -> Option<i64> {
        self.constants[(register & 31) as usize]
    }

    fn set(&mut self, register: u32, value: Option<i64>) {
        self.constants[(register & 31) as usize] = value;
    }

    /// Records that `value` was subtracted from the stack pointer. A negative value frees a frame.
    fn subtract(&mut self, value: Option<i64>) {
        match value {
            Some(value) => {
                let value = u64::try_from(value).unwrap_or(0);
                self.bytes = self.bytes.saturating_add(value);
            }
            None => self.is_unknown = true,
        }
    }

    fn frame(&self) -> Frame {
        if self.is_unknown {
            Frame::Unknown
        } else {
            Frame::Bytes(self.bytes)
        }
    }
}

#[cfg(test)]
mod tests;
