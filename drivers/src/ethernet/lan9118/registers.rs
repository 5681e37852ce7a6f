//! The registers of the controller, by offset, and those of its MAC and PHY, by index. Sections are
//! those of the data sheet, SMSC LAN9118, revision 1.5.

/// The FIFOs (5.1): the host reads and writes data at the first address of each.
pub(super) const RX_DATA: usize = 0x00;
pub(super) const TX_DATA: usize = 0x20;
pub(super) const RX_STATUS: usize = 0x40;
pub(super) const TX_STATUS: usize = 0x48;

/// 5.3: the system control and status registers.
pub(super) const ID_REV: usize = 0x50;
pub(super) const IRQ_CFG: usize = 0x54;
pub(super) const INT_STS: usize = 0x58;
pub(super) const INT_EN: usize = 0x5c;
pub(super) const BYTE_TEST: usize = 0x64;
pub(super) const FIFO_INT: usize = 0x68;
pub(super) const RX_CFG: usize = 0x6c;
pub(super) const TX_CFG: usize = 0x70;
pub(super) const HW_CFG: usize = 0x74;
pub(super) const RX_FIFO_INF: usize = 0x7c;
pub(super) const TX_FIFO_INF: usize = 0x80;
pub(super) const PMT_CTRL: usize = 0x84;
pub(super) const RX_DROP: usize = 0xa0;
pub(super) const MAC_CSR_CMD: usize = 0xa4;
pub(super) const MAC_CSR_DATA: usize = 0xa8;
pub(super) const AFC_CFG: usize = 0xac;
pub(super) const E2P_CMD: usize = 0xb0;

/// 5.3.7: what BYTE_TEST always reads, once the controller is awake.
pub(super) const BYTE_ORDER: u32 = 0x8765_4321;

/// 5.3.1: the chips with these registers, by the upper half of ID_REV: LAN9115 to LAN9118, LAN9215
/// to LAN9218, LAN9210, LAN9211, LAN9220 and LAN9221.
pub(super) const CHIPS: [u16; 12] = [
    0x0115, 0x0116, 0x0117, 0x0118, 0x115a, 0x116a, 0x117a, 0x118a, 0x9210, 0x9211, 0x9220, 0x9221,
];

/// 5.3.2: IRQ_CFG.
pub(super) const IRQ_ENABLE: u32 = 1 << 8;
pub(super) const IRQ_ACTIVE_HIGH: u32 = 1 << 4;
pub(super) const IRQ_PUSH_PULL: u32 = 1 << 0;

/// 5.3.3: INT_STS and INT_EN.
pub(super) const INT_PHY: u32 = 1 << 18;
pub(super) const INT_RX_ERROR: u32 = 1 << 14;
pub(super) const INT_TX_ERROR: u32 = 1 << 13;
pub(super) const INT_TX_SPACE: u32 = 1 << 9;
pub(super) const INT_RX_DROPPED: u32 = 1 << 6;
pub(super) const INT_RX_STATUS: u32 = 1 << 3;

/// 5.3.8: FIFO_INT: raise the interrupt for space above 24 blocks of 64 bytes, which is more than a
/// frame takes, and for any received frame.
pub(super) const LEVELS: u32 = 24 << 24;

/// 5.3.9: RX_CFG: the offset of the first byte in its word. 2 aligns a frame like its memory.
pub(super) const RX_OFFSET_2: u32 = 2 << 8;

/// 5.3.10: TX_CFG.
pub(super) const TX_ON: u32 = 1 << 1;
/// Lets the transmitter continue if nobody reads the status of sent frames.
pub(super) const TX_STATUS_MAY_OVERRUN: u32 = 1 << 2;

/// 5.3.11: HW_CFG.
pub(super) const RESET: u32 = 1 << 0;
pub(super) const RESET_TIMEOUT: u32 = 1 << 1;
pub(super) const TX_FIFO_5_KIB: u32 = 5 << 16;
/// Must be one.
pub(super) const STORE_AND_FORWARD: u32 = 1 << 20;

/// 5.3.15: PMT_CTRL.
pub(super) const READY: u32 = 1 << 0;

/// 5.3.22: AFC_CFG: the recommended thresholds of flow control.
pub(super) const FLOW_CONTROL: u32 = 0x006e_3740;

/// 5.3.23: E2P_CMD.
pub(super) const EEPROM_BUSY: u32 = 1 << 31;

/// 5.3.20: MAC_CSR_CMD.
pub(super) const CSR_BUSY: u32 = 1 << 31;
pub(super) const CSR_READ: u32 = 1 << 30;

/// 5.4: the registers of the MAC.
pub(super) const MAC_CR: u32 = 1;
pub(super) const ADDRH: u32 = 2;
pub(super) const ADDRL: u32 = 3;
pub(super) const MII_ACC: u32 = 6;
pub(super) const MII_DATA: u32 = 7;

/// 5.4.1: MAC_CR.
pub(super) const FULL_DUPLEX: u32 = 1 << 20;
pub(super) const ALL_GROUPS: u32 = 1 << 19;
pub(super) const TX_ENABLE: u32 = 1 << 3;
pub(super) const RX_ENABLE: u32 = 1 << 2;

/// 5.4.6: MII_ACC; the internal PHY has address 1.
pub(super) const MII_BUSY: u32 = 1 << 0;
pub(super) const MII_WRITE: u32 = 1 << 1;
pub(super) const MII_PHY: u32 = 1 << 11;

/// 5.5: the registers of the PHY.
pub(super) const PHY_CONTROL: u32 = 0;
pub(super) const PHY_STATUS: u32 = 1;
pub(super) const PHY_ADVERTISE: u32 = 4;
pub(super) const PHY_PARTNER: u32 = 5;
pub(super) const PHY_INT_SOURCE: u32 = 29;
pub(super) const PHY_INT_MASK: u32 = 30;

/// 5.5.1: negotiate the speed, and begin now.
pub(super) const NEGOTIATE: u16 = 1 << 12 | 1 << 9;
/// 5.5.2: the link is up. The bit stays 0 after the link was down until it is read.
pub(super) const LINK_UP: u16 = 1 << 2;
/// 5.5.5: every speed and duplex mode of IEEE 802.3.
pub(super) const ALL_MODES: u16 = 0x01e1;
/// 5.5.6: the modes that are full duplex: 100BASE-TX and 10BASE-T.
pub(super) const FULL_DUPLEX_100: u16 = 1 << 8;
pub(super) const HALF_DUPLEX_100: u16 = 1 << 7;
pub(super) const FULL_DUPLEX_10: u16 = 1 << 6;
/// 5.5.10: the negotiation is complete, or the link went down.
pub(super) const PHY_INTERRUPTS: u16 = 1 << 6 | 1 << 4;

/// 3.12.2: TX command A: the buffer is a whole frame, whose first byte is at offset 2 of the first
/// word.
pub(super) const WHOLE_FRAME_AT_2: u32 = 2 << 16 | 1 << 13 | 1 << 12;

/// 3.12.3: TX status.
pub(super) const TX_ERROR: u32 = 1 << 15;

/// 3.13.3: RX status: error, runt, too long, collision, watchdog, MII error, wrong checksum.
pub(super) const RX_ERRORS: u32 = 1 << 15 | 1 << 11 | 1 << 7 | 1 << 6 | 1 << 4 | 1 << 3 | 1 << 1;
