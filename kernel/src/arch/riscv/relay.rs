//! Harts that pass on their external interrupts to the kernel's hart.
//!
//! A relay has no stack and accesses no memory: it waits for its external interrupt, raises the
//! software interrupt of the kernel's hart, and waits for its own before it checks again.
//!
//! In S mode, firmware starts the hart and sends both software interrupts (RISC-V Supervisor Binary
//! Interface 2.0, chapters 7 and 9). In M mode, the entry code sends the hart here, and registers of a
//! CLINT or an ACLINT raise software interrupts.

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

/// The software interrupt in `sie` and `sip` (privileged architecture, 10.1.3), and in `mie` and `mip`
/// (3.1.9).
const SUPERVISOR_SOFTWARE: usize = 1 << 1;
const MACHINE_SOFTWARE: usize = 1 << 3;

/// Returns the software interrupt of the kernel's mode.
fn software() -> usize {
    match entered::mode() {
        Mode::Machine => MACHINE_SOFTWARE,
        Mode::Supervisor => SUPERVISOR_SOFTWARE,
    }
}

/// What a relay runs in S mode. Firmware enters it in S mode with interrupts disabled and without address
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

/// What a relay runs in M mode, from reset on, with interrupts disabled: a hart that is parked until the
/// kernel raises its software interrupt for the first time. The entry code passes the address of its
/// register `msip` in `a1`, and that of the register of the kernel's hart in `a2`. If one of them is not
/// accessible, the hart stays parked.
///
/// The register is cleared before the external interrupt is checked, so a raise in between is either
/// followed by the check or seen later.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn vmos_relay() -> ! {
    naked_asm!(
        "la     t0, 6f",
        "csrw   mtvec, t0",
        "li     s0, 1",
        "li     s1, 1 << 11", // mie.MEIE
        "li     s2, 1 << 3",  // mie.MSIE
        "csrw   mie, s2",
        "1:",
        "wfi",
        "csrr   t0, mip",
        "and    t0, t0, s2",
        "beqz   t0, 1b",
        "sw     zero, 0(a1)",
        "fence",
        "j      4f", // to say that it runs
        "2:",
        "csrw   mie, s1",
        "3:",
        "wfi",
        "csrr   t0, mip",
        "and    t0, t0, s1",
        "beqz   t0, 3b",
        "4:",
        "csrw   mie, s2",
        "sw     s0, 0(a2)",
        "5:",
        "wfi",
        "csrr   t0, mip",
        "and    t0, t0, s2",
        "beqz   t0, 5b",
        "sw     zero, 0(a1)",
        "fence",
        "j      2b",
        ".balign 4",
        "6:",
        "csrw   mie, zero",
        "7:",
        "wfi",
        "j      7b",
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
        self.is_raised()
    }

    fn rearm(&mut self, hart: usize) {
        self.call(IPI, SEND_IPI, [1, hart]);
    }

    fn listen(&mut self) {
        change!("csrs", "mie", "sie", software());
    }

    fn is_raised(&self) -> bool {
        let pending = match entered::mode() {
            Mode::Machine => read!("mip"),
            Mode::Supervisor => read!("sip"),
        };
        pending & software() != 0
    }

    fn clear(&mut self) {
        change!("csrc", "mip", "sip", software());
    }
}
