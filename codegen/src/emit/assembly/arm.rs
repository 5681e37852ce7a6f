//! What the templates of the Arm processors are given besides: how the loader enters, and what only
//! the most privileged level can set up.

use minijinja::{Value, context};

use crate::Board;
use crate::board::{Boot, ExceptionLevel, InterruptController, Timer};
use crate::emit::notation::plain;

/// The context under the name `arm`; nothing for a board that is loaded as no Arm board is.
pub(super) fn context(board: &Board) -> Value {
    let (boot, exception_level, processor, device_tree) = match board.boot {
        Boot::LinuxImage {
            exception_level, ..
        } => ("linux-image", exception_level, None, None),
        Boot::Elf {
            exception_level,
            processor,
            device_tree,
            ..
        } => ("elf", exception_level, processor, device_tree),
        _ => return Value::UNDEFINED,
    };
    context! {
        boot,
        is_secure => matches!(
            exception_level,
            ExceptionLevel::El3 | ExceptionLevel::SecureSvc
        ),
        processor => processor.map(|affinity| plain(affinity.into())),
        device_tree => device_tree.map(plain),
        frequency => frequency(board),
        gic => gic(board),
    }
}

/// The counter's frequency, which `CNTFRQ` tells once it was written there.
fn frequency(board: &Board) -> Option<u64> {
    match board.timer {
        Timer::ArmGeneric { frequency, .. } => frequency,
        _ => None,
    }
}

/// The interrupt controller, whose interrupts the secure state has to hand over.
fn gic(board: &Board) -> Value {
    match board.interrupt_controller {
        InterruptController::GicV2 {
            distributor,
            cpu_interface,
            ..
        } => context! {
            version => 2,
            distributor => plain(distributor.base),
            cpu_interface => plain(cpu_interface.base),
        },
        InterruptController::GicV3 {
            distributor,
            redistributors,
            redistributor_stride,
            ..
        } => context! {
            version => 3,
            distributor => plain(distributor.base),
            redistributors => plain(redistributors),
            stride => plain(redistributor_stride),
        },
        _ => context! { version => 0 },
    }
}
