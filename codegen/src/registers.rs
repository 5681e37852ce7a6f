//! The registers of a board's devices by name, for a debugger. Registers whose reading has side
//! effects (it consumes a received byte or claims an interrupt) are left out.

use crate::Board;
use crate::binding::VirtioMmio;
use crate::board::Block;

/// Returns the register blocks of the board's devices whose bindings list them. Devices without fixed
/// addresses, and those behind I/O ports, have none.
#[must_use]
pub fn of(board: &Board) -> Vec<Block> {
    let controller = &board.interrupt_controller.part;
    let parts = [controller, &board.timer.part, &board.console.part];
    let ethernet = board.ethernet.iter().map(|ethernet| &ethernet.part);
    let parts = parts.into_iter().chain(&board.rtc.part).chain(ethernet);
    let mut blocks: Vec<Block> = parts.flat_map(|part| part.registers.clone()).collect();
    blocks.extend(board.virtio_mmio.iter().flat_map(VirtioMmio::registers));
    blocks
}
