//! The devices that the kernel can work without, and which of them it leaves out.

use core::sync::atomic::{AtomicU8, Ordering};

/// The devices that are left out, one bit each.
static LEFT_OUT: AtomicU8 = AtomicU8::new(0);

/// A device of the board that the kernel can work without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(
    not(any(test, target_os = "none")),
    expect(dead_code, reason = "no table of a firmware denies what a process has")
)]
pub(crate) enum Optional {
    /// The virtio-mmio slots.
    VirtioMmio = 1,
    /// The PCI host bridge.
    Pci = 2,
    /// The real-time clock.
    Rtc = 4,
    /// The part of the interrupt controller that receives messages.
    Messages = 8,
    /// I/O APICs. Without one, its lines raise no interrupt, and devices on them are polled.
    IoApics = 16,
    /// The Ethernet controller.
    Ethernet = 32,
}

impl Optional {
    /// Returns whether the device is left out.
    pub(crate) fn is_left_out(self) -> bool {
        LEFT_OUT.load(Ordering::Relaxed) & self as u8 != 0
    }
}

#[cfg(any(test, target_os = "none"))]
impl Optional {
    /// Returns the device with this key, if it is optional.
    pub(crate) fn of(key: &str) -> Option<Self> {
        let mut words = key.split('.');
        match (words.next()?, words.nth(1)) {
            ("virtio-mmio", _) => Some(Self::VirtioMmio),
            ("pci", _) => Some(Self::Pci),
            ("rtc", _) => Some(Self::Rtc),
            ("ethernet", _) => Some(Self::Ethernet),
            ("interrupt-controller", Some("io")) => Some(Self::IoApics),
            ("interrupt-controller", Some("its" | "v2m")) => Some(Self::Messages),
            _ => None,
        }
    }

    /// Stops using the device, because it is not where the board file says. Returns whether it was in
    /// use before.
    pub(crate) fn leave_out(self) -> bool {
        let before = LEFT_OUT.load(Ordering::Relaxed);
        LEFT_OUT.store(before | self as u8, Ordering::Relaxed);
        before & self as u8 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_interrupt_controller_only_io_apics_and_what_receives_messages_are_optional() {
        for key in [
            "interrupt-controller.aplic.supervisor",
            "interrupt-controller.imsic.machine",
            "interrupt-controller.plic.further.socket1",
        ] {
            assert_eq!(Optional::of(key), None, "{key}");
        }
        let frame = Optional::of("interrupt-controller.gic-v2.v2m");
        assert_eq!(frame, Some(Optional::Messages));
    }

    #[test]
    fn a_necessary_part_is_not_optional() {
        assert_eq!(Optional::of("timer.sstc"), None);
        assert_eq!(Optional::of("interrupt-controller.gic-v3"), None);
        assert_eq!(Optional::of("interrupt-controller.apic.local"), None);
        let io = Optional::of("interrupt-controller.apic.io");
        assert_eq!(io, Some(Optional::IoApics));
        let its = Optional::of("interrupt-controller.gic-v3.its");
        assert_eq!(its, Some(Optional::Messages));
    }

    #[test]
    fn a_device_is_left_out_once() {
        assert!(!Optional::Rtc.is_left_out());
        assert!(Optional::Rtc.leave_out());
        assert!(!Optional::Rtc.leave_out());
        assert!(Optional::Rtc.is_left_out() && !Optional::Pci.is_left_out());
    }
}
