//! Feature bits that belong to no device in particular (virtio 1.2, 6).

use bitflags::bitflags;

bitflags! {
    /// The feature bits from 24 on that this crate knows; 0 to 23 belong to each kind of device.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Features: u64 {
        /// The device minds no particular split of a request into descriptors (legacy only, 6.3).
        const ANY_LAYOUT = 1 << 27;
        /// Descriptors may point to tables of descriptors (2.7.5.3).
        const INDIRECT_DESC = 1 << 28;
        /// Either side says at which index it wants to be notified (2.7.7, 2.7.10).
        const EVENT_IDX = 1 << 29;
        /// The device follows virtio 1.0 or later.
        const VERSION_1 = 1 << 32;
        /// The device sees memory as the platform arranges for it. There is no IOMMU between a
        /// device and memory on any board here, so it sees what the processor sees.
        const ACCESS_PLATFORM = 1 << 33;
    }
}

/// What every driver takes where it is offered.
pub(crate) const COMMON: Features = Features::ANY_LAYOUT
    .union(Features::INDIRECT_DESC)
    .union(Features::EVENT_IDX)
    .union(Features::VERSION_1)
    .union(Features::ACCESS_PLATFORM);

/// What a legacy device may be told (6.3): it has bits 0 to 31 only.
pub(crate) const LEGACY: u64 = 0xffff_ffff;
