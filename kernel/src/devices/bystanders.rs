//! Serves the devices while a task waits for a disk without awaiting.
//!
//! The event loop does not run meanwhile, but what tasks share with it can be served here: completions
//! are taken from the queues and wake their tasks, which run afterwards, and the kernel's stack takes
//! and answers frames. Interrupts stay pending until the loop acknowledges them.

use super::Devices;
use crate::block::Bystanders;
use crate::machine;

/// The largest number of completions or frames of one device between two looks at the disk.
const BUDGET: usize = 64;

impl Bystanders for Devices {
    fn serve(&self) {
        machine::serve_console();
        for disk in self.disks() {
            disk.serve(BUDGET);
        }
        if let Some(entropy) = self.entropy {
            entropy.serve(BUDGET);
        }
        self.further.serve(BUDGET);
        self.interfaces.serve(BUDGET);
    }
}
