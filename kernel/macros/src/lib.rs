//! The attribute of the kernel.
