//! The MAC and the PHY, whose registers are reached through two registers of the controller (4.2, 5.4,
//! 5.5).

use super::Lan9118;
use super::registers::*;
use crate::mmio::Registers;
use crate::virtio::SetupError;

impl<R: Registers> Lan9118<R> {
    /// Has the MAC do `command`, and waits until it has.
    fn command(&self, command: u32) -> Result<(), SetupError> {
        /// The number of reads until the MAC counts as failed: at least 0.4 ms. An access takes some cycles
        /// of its clock.
        const MAC_READS: u32 = if cfg!(miri) { 100 } else { 10_000 };
        self.registers.write32(MAC_CSR_CMD, CSR_BUSY | command);
        match self.wait(MAC_READS, MAC_CSR_CMD, |value| value & CSR_BUSY == 0) {
            true => Ok(()),
            false => Err(SetupError::Device("its MAC does not respond")),
        }
    }

    fn read_mac(&self, index: u32) -> Result<u32, SetupError> {
        self.command(CSR_READ | index)?;
        Ok(self.registers.read32(MAC_CSR_DATA))
    }

    fn write_mac(&self, index: u32, value: u32) -> Result<(), SetupError> {
        self.registers.write32(MAC_CSR_DATA, value);
        self.command(index)
    }

    /// Has the MAC access register `index` of the PHY, and waits until it has.
    fn command_phy(&self, index: u32, direction: u32) -> Result<(), SetupError> {
        /// The number of reads until the PHY counts as failed. An access takes 64 bits at 2.5 MHz, 26 us,
        /// and each read three accesses of the processor, of at least 45 ns each: at least 0.4 ms.
        const PHY_READS: u32 = if cfg!(miri) { 30 } else { 3000 };
        let access = MII_PHY | index << 6 | direction | MII_BUSY;
        self.write_mac(MII_ACC, access)?;
        for _ in 0..PHY_READS {
            if self.read_mac(MII_ACC)? & MII_BUSY == 0 {
                return Ok(());
            }
        }
        Err(SetupError::Device("its PHY does not respond"))
    }

    fn read_phy(&self, index: u32) -> Result<u16, SetupError> {
        self.command_phy(index, 0)?;
        Ok(self.read_mac(MII_DATA)? as u16)
    }

    fn write_phy(&self, index: u32, value: u16) -> Result<(), SetupError> {
        self.write_mac(MII_DATA, value.into())?;
        self.command_phy(index, MII_WRITE)
    }

    /// Returns the hardware address, which the controller has read from its EEPROM.
    pub(super) fn read_address(&self) -> Result<[u8; 6], SetupError> {
        let (low, high) = (self.read_mac(ADDRL)?, self.read_mac(ADDRH)?);
        let [a, b, c, d] = low.to_le_bytes();
        let [e, f, ..] = high.to_le_bytes();
        let address = [a, b, c, d, e, f];
        // Without an EEPROM, all bits are ones.
        match a & 1 == 0 && address != [0; 6] {
            true => Ok(address),
            false => Err(SetupError::Device(
                "it has no hardware address: its EEPROM is missing or empty",
            )),
        }
    }

    /// Has the PHY negotiate the speed, and report when the link changes.
    pub(super) fn start_phy(&mut self) -> Result<(), SetupError> {
        self.write_phy(PHY_ADVERTISE, ALL_MODES)?;
        self.write_phy(PHY_CONTROL, NEGOTIATE)?;
        self.read_phy(PHY_INT_SOURCE)?;
        self.write_phy(PHY_INT_MASK, PHY_INTERRUPTS)?;
        self.write_mac(MAC_CR, ALL_GROUPS | TX_ENABLE | RX_ENABLE)
    }

    /// Reads the state of the link, and sets the duplex mode that was negotiated. A PHY that does not
    /// respond has no link.
    #[cold]
    pub(super) fn read_link(&mut self) {
        let mode = self.mode();
        let link_up = mode.is_ok_and(|mode| mode.is_some());
        if link_up != self.link_up {
            self.link_up = link_up;
            self.statistics.link_changes = self.statistics.link_changes.wrapping_add(1);
        }
    }

    /// Returns the mode of the MAC for the link; `None` if there is no link.
    pub(super) fn mode(&self) -> Result<Option<u32>, SetupError> {
        // Reading the source ends the interrupt.
        self.read_phy(PHY_INT_SOURCE)?;
        self.read_phy(PHY_STATUS)?;
        if self.read_phy(PHY_STATUS)? & LINK_UP == 0 {
            return Ok(None);
        }
        let common = self.read_phy(PHY_ADVERTISE)? & self.read_phy(PHY_PARTNER)?;
        let is_full = common & FULL_DUPLEX_100 != 0
            || common & (HALF_DUPLEX_100 | FULL_DUPLEX_10) == FULL_DUPLEX_10;
        let duplex = if is_full { FULL_DUPLEX } else { 0 };
        let mode = duplex | ALL_GROUPS | TX_ENABLE | RX_ENABLE;
        self.write_mac(MAC_CR, mode)?;
        Ok(Some(mode))
    }
}
