//! Feature bits that are common to all kinds of devices (virtio 1.2, 6).

use bitflags::bitflags;

bitflags! {
    /// The known feature bits from 24 on; bits 0 to 23 depend on the kind of device.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Features: u64 {
        /// The device accepts any split of a request into descriptors (legacy only, 6.3).
        const ANY_LAYOUT = 1 << 27;
        /// Descriptors may point to tables of descriptors (2.7.5.3).
        const INDIRECT_DESC = 1 << 28;
        /// Each side states at which index it wants to be notified (2.7.7, 2.7.10).
        const EVENT_IDX = 1 << 29;
        /// The device follows virtio 1.0 or later.
        const VERSION_1 = 1 << 32;
        /// The device accesses memory as the platform specifies. No board here has an IOMMU, so it
        /// uses the processor's physical addresses.
        const ACCESS_PLATFORM = 1 << 33;
    }
}

/// The features that every driver accepts if they are offered.
pub(crate) const COMMON: Features = Features::ANY_LAYOUT
    .union(Features::INDIRECT_DESC)
    .union(Features::EVENT_IDX)
    .union(Features::VERSION_1)
    .union(Features::ACCESS_PLATFORM);

/// The features that a legacy device has (6.3): bits 0 to 31.
pub(crate) const LEGACY: u64 = 0xffff_ffff;
