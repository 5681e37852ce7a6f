//! Harts that pass on their external interrupts to the kernel's hart.
//!
//! A relay has no stack and accesses no memory: it waits for its external interrupt, raises the
//! software interrupt of the kernel's hart, and waits for its own before it checks again. Firmware
//! starts the hart and sends both software interrupts (RISC-V Supervisor Binary Interface 2.0,
//! chapters 7 and 9), so relays exist only if the kernel runs in S mode.

use core::arch::{asm, naked_asm};

use vmos_drivers::riscv::{Firmware as _, Mode, Relay, Timebase as _};

use super::csr::{change, read};
use super::{Processor, entered};

/// The extension "sPI", and its function `sbi_send_ipi`: raises the software interrupts of harts.
const IPI: usize = 0x73_5049;
const SEND_IPI: usize = 0;
/// The extension "HSM", and its function `sbi_hart_start`.
const HART_STATE: usize = 0x48_534D;
const HART_START: usize = 0;

/// How long to wait for a hart to run, in seconds; long enough for a busy host.
const START_LIMIT: u64 = 5;
/// The frequency of the clock in Hz if firmware does not state it.
const USUAL_FREQUENCY: u64 = 10_000_000;

/// The software interrupt in `sie` and `sip` (privileged architecture, 10.1.3).
const SOFTWARE: usize = 1 << 1;

/// What a relay runs. Firmware enters it in S mode with interrupts disabled and without address
/// translation, and with the ID of the kernel's hart in `a1`.
#[unsafe(naked)]
extern "C" fn relay() -> ! {
    naked_asm!(
        "mv     s0, a1",
        "li     s1, 1 << 9", // sie.SEIE
        "li     s2, 1 << 1", // sie.SSIE
        "j      4f", // to say that it runs
        "1:",
        "csrw   sie, s1",
        "2:",
        "wfi",
        "csrr   t0, sip",
        "and    t0, t0, s1",
        "beqz   t0, 2b",
        "4:",
        "csrw   sie, s2",
        "li     a0, 1",
        "mv     a1, s0",
        "li     a6, {send}",
        "li     a7, {ipi}",
        "ecall",
        "3:",
        "wfi",
        "csrr   t0, sip",
        "and    t0, t0, s2",
        "beqz   t0, 3b",
        "csrc   sip, s2",
        "j      1b",
        send = const SEND_IPI,
        ipi = const IPI,
    )
}

impl Relay for Processor {
    fn start(&mut self, hart: usize) -> bool {
        if entered::mode() == Mode::Machine {
            return false;
        }
        let entry = relay as extern "C" fn() -> ! as usize;
        let error: isize;
        // SAFETY: firmware starts the hart at `relay`, which accesses no memory. It returns in a0
        // and a1, and preserves all other registers.
        unsafe {
            asm!(
                "ecall",
                inlateout("a0") hart => error,
                inlateout("a1") entry => _,
                in("a2") entered::hart(),
                in("a6") HART_START,
                in("a7") HART_STATE,
                options(nostack)
            );
        };
        // The relay raises the software interrupt once it runs.
        let started = self.time();
        let limit = START_LIMIT * self.frequency().unwrap_or(USUAL_FREQUENCY);
        while error == 0 && !self.is_raised() && self.time() - started < limit {
            core::hint::spin_loop();
        }
        let runs = self.is_raised();
        self.clear();
        change!("csrs", "mie", "sie", SOFTWARE);
        runs
    }

    fn rearm(&mut self, hart: usize) {
        self.call(IPI, SEND_IPI, [1, hart]);
    }

    fn is_raised(&self) -> bool {
        let pending = match entered::mode() {
            Mode::Machine => read!("mip"),
            Mode::Supervisor => read!("sip"),
        };
        pending & SOFTWARE != 0
    }

    fn clear(&mut self) {
        change!("csrc", "mip", "sip", SOFTWARE);
    }
}
