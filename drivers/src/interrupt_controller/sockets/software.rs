//! The software interrupts by which the kernel's hart and the relays of other sockets wake each other.
//!
//! In S mode, firmware raises them. In M mode, a hart raises that of another one by its register
//! `msip` in a CLINT (SiFive) or in the MSWI device of an ACLINT (RISC-V Advanced Core Local
//! Interruptor 1.0, chapter 3). The registers of a socket's harts follow one another.

use crate::mmio::Registers;
use crate::riscv::{Mode, Relay};

/// The distance between the registers of two harts, in bytes.
const STRIDE: usize = 4;
/// The bit of a register that raises the software interrupt.
const RAISED: u32 = 1;

/// How often to read a register while a relay starts: about a second in QEMU, where a busy host may run
/// the hart late.
const START_READS: u32 = 10_000_000;

/// The software interrupts of the kernel's hart and of the first hart of each socket.
pub(super) struct SoftwareInterrupts<R, P, const N: usize> {
    hart: P,
    /// The registers of each socket, from its first hart on; `None` if there are none, or if the
    /// kernel runs in S mode, which cannot access them.
    registers: [Option<R>; N],
    /// The socket of the kernel's hart, and its position there.
    own: (usize, usize),
    /// How often to read a register while a relay starts.
    start_reads: u32,
}

impl<R: Registers, P: Relay, const N: usize> SoftwareInterrupts<R, P, N> {
    /// Creates the software interrupts for the hart at a position in the socket `own`.
    pub(super) fn new(registers: [Option<R>; N], own: (usize, usize)) -> Self {
        Self {
            hart: P::default(),
            registers,
            own,
            start_reads: START_READS,
        }
    }

    /// Starts `hart`, the first one of a socket, as a relay, which then waits to be raised, and enables
    /// the software interrupt of the kernel's hart. Returns whether the relay runs.
    pub(super) fn start(&mut self, socket: usize, hart: usize) -> bool {
        let runs = match self.hart.mode() {
            Mode::Supervisor => self.hart.start(hart),
            Mode::Machine => self.wake(socket),
        };
        self.clear();
        if runs {
            self.hart.listen();
        }
        runs
    }

    /// Raises the software interrupt of the parked hart of a socket, and waits until the hart raises that
    /// of the kernel's hart.
    fn wake(&mut self, socket: usize) -> bool {
        let (Some(parked), Some(_)) = (&self.registers[socket], self.own_register()) else {
            return false;
        };
        parked.write32(0, RAISED);
        for _ in 0..self.start_reads {
            if self.own_register() == Some(RAISED) && self.hart.is_raised() {
                return true;
            }
            core::hint::spin_loop();
        }
        // A hart that wakes up later stays parked.
        parked.write32(0, 0);
        false
    }

    /// Reads the bit of the kernel's hart; `None` if it has no register.
    fn own_register(&self) -> Option<u32> {
        let (socket, position) = self.own;
        let registers = self.registers[socket].as_ref()?;
        Some(registers.read32(STRIDE * position) & RAISED)
    }

    /// Raises the software interrupt of `hart`, the first one of a socket.
    pub(super) fn raise(&mut self, socket: usize, hart: usize) {
        match (self.hart.mode(), &self.registers[socket]) {
            (Mode::Supervisor, _) => self.hart.rearm(hart),
            (Mode::Machine, Some(registers)) => registers.write32(0, RAISED),
            (Mode::Machine, None) => {}
        }
    }

    /// Returns whether the software interrupt of the kernel's hart is pending.
    #[inline]
    pub(super) fn is_raised(&self) -> bool {
        self.hart.is_raised()
    }

    /// Clears the software interrupt of the kernel's hart.
    pub(super) fn clear(&mut self) {
        let (socket, position) = self.own;
        match (self.hart.mode(), &self.registers[socket]) {
            (Mode::Supervisor, _) => self.hart.clear(),
            (Mode::Machine, Some(registers)) => registers.write32(STRIDE * position, 0),
            (Mode::Machine, None) => {}
        }
    }
}

#[cfg(test)]
mod tests;
