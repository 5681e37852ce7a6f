//! A network device's features and configuration (virtio 1.2, 5.1.3 and 5.1.4).

use bitflags::bitflags;

use super::{ETHERNET_HEADER, VLAN_TAG};
use crate::virtio::error::SetupError;
use crate::virtio::transport::Transport;

/// The payload of a frame where the device names no other.
pub(super) const ETHERNET_MTU: u16 = 1500;
/// 5.1.4.1: no device may name less.
pub(super) const LEAST_MTU: u16 = 68;
/// Buffers are laid out for frames of this payload at most; where a device has longer ones it is not
/// agreed that it may send them.
pub(super) const MOST_MTU: u16 = 9216;

/// The address used where the device has none: locally administered.
const OWN_ADDRESS: [u8; 6] = [0x02, b'V', b'M', b'O', b'S', 0x01];

/// Offsets in the configuration (5.1.4).
const CONFIG_STATUS: usize = 6;
const CONFIG_MTU: usize = 10;
/// In the status: the link is up.
const LINK_UP: u16 = 1;

bitflags! {
    /// What a network device may offer, as far as it is used (5.1.3).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Features: u64 {
        /// It makes checksums of frames that are sent.
        const CSUM = 1;
        /// It may leave the checksum of a frame that never was on a wire to us.
        const GUEST_CSUM = 1 << 1;
        /// It tells the longest payload.
        const MTU = 1 << 3;
        /// It has an address.
        const MAC = 1 << 5;
        /// It may put a frame into several buffers.
        const MRG_RXBUF = 1 << 15;
        /// It tells whether the link is up.
        const STATUS = 1 << 16;
    }
}

/// Which of its features a device is asked for.
pub(super) fn choose<T: Transport>(transport: &T, offered: u64) -> u64 {
    let mut features = Features::from_bits_truncate(offered);
    // 5.1.4.2: who agrees to an MTU must have room for it. It may be read before that is agreed.
    if features.contains(Features::MTU)
        && !read_mtu(transport).is_ok_and(|mtu| (LEAST_MTU..=MOST_MTU).contains(&mtu))
    {
        features.remove(Features::MTU);
    }
    features.bits()
}

pub(super) fn read_mtu<T: Transport>(transport: &T) -> Result<u16, SetupError> {
    transport.read_config(CONFIG_MTU + 2, |transport| transport.config16(CONFIG_MTU))
}

pub(super) fn read_mac<T: Transport>(
    transport: &T,
    features: Features,
) -> Result<[u8; 6], SetupError> {
    if !features.contains(Features::MAC) {
        return Ok(OWN_ADDRESS);
    }
    let mac = transport.read_config(6, |transport| {
        core::array::from_fn(|byte| transport.config8(byte))
    })?;
    // A group address, or none, cannot be anybody's own.
    let usable = mac[0] & 1 == 0 && mac != [0; 6];
    Ok(if usable { mac } else { OWN_ADDRESS })
}

pub(super) fn read_link<T: Transport>(
    transport: &T,
    features: Features,
) -> Result<bool, SetupError> {
    if !features.contains(Features::STATUS) {
        return Ok(true);
    }
    let status = transport.read_config(CONFIG_STATUS + 2, |transport| {
        transport.config16(CONFIG_STATUS)
    })?;
    Ok(status & LINK_UP != 0)
}

/// The longest frame that a payload of `mtu` makes.
pub(super) const fn frame_limit(mtu: u16) -> usize {
    ETHERNET_HEADER + VLAN_TAG + mtu as usize
}
