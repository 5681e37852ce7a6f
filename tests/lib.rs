//! What drives real QEMU machines from outside.
