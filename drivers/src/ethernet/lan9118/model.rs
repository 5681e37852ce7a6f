//! A simulated controller: the registers, the FIFOs, the MAC and the PHY, as the data sheet describes
//! them, and faults that real ones have.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cell::{Ref, RefCell, RefMut};

use super::registers::*;
use crate::mmio::words::WordRegisters;

/// The space of the transmit FIFO in bytes, for data and commands.
const SPACE: u32 = 4608;

/// A received frame: its status, and its words with the offset of two bytes.
struct Frame {
    status: u32,
    words: VecDeque<u32>,
}

pub(super) struct State {
    pub(super) byte_test: u32,
    pub(super) id: u32,
    /// How many reads of a register a reset takes; [`u32::MAX`] means that it never ends.
    pub(super) reset_reads: u32,
    /// Whether the controller sleeps until BYTE_TEST is written.
    pub(super) sleeps: bool,
    /// Whether a write to BYTE_TEST wakes the controller.
    pub(super) wakes: bool,
    /// How often a register was read.
    pub(super) reads: u32,
    pub(super) address: [u8; 6],
    pub(super) mac_answers: bool,
    pub(super) phy_answers: bool,
    pub(super) link_up: bool,
    /// The modes that the other end of the link has.
    pub(super) partner: u16,
    /// Whether frames stay in the transmit FIFO.
    pub(super) is_stuck: bool,
    /// The status of frames that are sent.
    pub(super) sent_status: u32,
    pub(super) dropped: u32,
    pub(super) interrupts: u32,
    pub(super) enabled: u32,
    /// The frames that were sent.
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) mode: u32,
    pub(super) resets: u32,
    pub(super) irq_cfg: u32,
    resetting: u32,
    received: VecDeque<Frame>,
    /// The words of frames whose status was taken.
    data: VecDeque<u32>,
    statuses: VecDeque<u32>,
    used: u32,
    /// The words written for the frame that is not complete, after its commands.
    writing: Vec<u32>,
    mac_data: u32,
    mii_data: u32,
    phy_changed: bool,
}

impl State {
    /// Puts a frame into the receive FIFO, with its checksum, as if it had been received.
    pub(super) fn receive(&mut self, frame: &[u8]) {
        let status = (frame.len() as u32 + 4) << 16;
        self.receive_with(status, frame);
    }

    /// Like [`receive`](Self::receive), with this status.
    pub(super) fn receive_with(&mut self, status: u32, frame: &[u8]) {
        let mut bytes = Vec::from([0xee; 2]);
        bytes.extend(frame);
        bytes.extend([0xcc; 4]);
        bytes.resize(bytes.len().next_multiple_of(4), 0xdd);
        let (words, _) = bytes.as_chunks();
        let words = words.iter().copied().map(u32::from_le_bytes).collect();
        self.received.push_back(Frame { status, words });
        self.interrupts |= INT_RX_STATUS;
    }

    pub(super) fn set_link(&mut self, up: bool) {
        self.link_up = up;
        self.phy_changed = true;
        self.interrupts |= INT_PHY;
    }

    /// Puts the status of a frame that was not sent into its FIFO.
    pub(super) fn invent_status(&mut self) {
        self.statuses.push_back(0);
    }

    /// Returns whether the controller asserts its line.
    pub(super) fn is_asserted(&self) -> bool {
        let mut events = self.interrupts;
        if !self.received.is_empty() {
            events |= INT_RX_STATUS;
        }
        events & self.enabled != 0
    }

    /// Sends the frames that are stuck in the transmit FIFO.
    pub(super) fn send_stuck(&mut self) {
        let count = self.sent.len();
        self.statuses.extend((0..count).map(|_| 0));
        self.used = 0;
    }

    fn data_used(&self) -> usize {
        let waiting: usize = self.received.iter().map(|frame| frame.words.len()).sum();
        4 * (self.data.len() + waiting)
    }

    fn write_data(&mut self, word: u32) {
        self.writing.push(word);
        let length = (self.writing[0] & 0x7ff) as usize;
        let words = 2 + (2 + length).div_ceil(4);
        if self.writing.len() < words {
            return;
        }
        let writing = core::mem::take(&mut self.writing);
        assert_eq!(writing[0] & !0x7ff, WHOLE_FRAME_AT_2);
        assert_eq!(writing[1] & 0x7ff, length as u32, "the commands differ");
        self.used += 4 * writing.len() as u32;
        assert!(self.used <= SPACE, "the transmit FIFO overflows");
        let mut bytes = Vec::new();
        for word in &writing[2..] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.sent.push(bytes[2..2 + length].to_vec());
        if !self.is_stuck {
            self.used = 0;
            self.statuses
                .push_back(writing[1] & 0xffff_0000 | self.sent_status);
        }
    }

    fn read_mac(&mut self, index: u32) -> u32 {
        let [a, b, c, d, e, f] = self.address;
        match index {
            MAC_CR => self.mode,
            ADDRL => u32::from_le_bytes([a, b, c, d]),
            ADDRH => u32::from_le_bytes([e, f, 0, 0]),
            MII_ACC => u32::from(!self.phy_answers),
            MII_DATA => self.mii_data,
            _ => panic!("no readable register {index} of the MAC"),
        }
    }

    fn write_mac(&mut self, index: u32, value: u32) {
        match index {
            MAC_CR => self.mode = value,
            MII_DATA => self.mii_data = value,
            MII_ACC if value & MII_WRITE == 0 => {
                self.mii_data = match value >> 6 & 0x1f {
                    PHY_STATUS => u32::from(if self.link_up { LINK_UP } else { 0 }),
                    PHY_ADVERTISE => ALL_MODES.into(),
                    PHY_PARTNER => self.partner.into(),
                    PHY_INT_SOURCE => {
                        self.interrupts &= !INT_PHY;
                        u32::from(core::mem::take(&mut self.phy_changed))
                    }
                    index => panic!("no readable register {index} of the PHY"),
                };
            }
            MII_ACC => {}
            _ => panic!("no writable register {index} of the MAC"),
        }
    }
}

/// The controller.
pub(super) struct Controller(RefCell<State>);

impl Controller {
    pub(super) fn new() -> Self {
        Self(RefCell::new(State {
            byte_test: BYTE_ORDER,
            id: 0x0118_0001,
            reset_reads: 3,
            sleeps: false,
            wakes: true,
            reads: 0,
            address: [0x52, 0x54, 0, 0x12, 0x34, 0x56],
            mac_answers: true,
            phy_answers: true,
            link_up: true,
            partner: ALL_MODES,
            is_stuck: false,
            sent_status: 0,
            dropped: 0,
            interrupts: 0,
            enabled: u32::MAX,
            sent: Vec::new(),
            mode: 0,
            resets: 0,
            irq_cfg: 0,
            resetting: 0,
            received: VecDeque::new(),
            data: VecDeque::new(),
            statuses: VecDeque::new(),
            used: 0,
            writing: Vec::new(),
            mac_data: 0,
            mii_data: 0,
            phy_changed: false,
        }))
    }

    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    pub(super) fn look(&self) -> Ref<'_, State> {
        self.0.borrow()
    }
}

impl WordRegisters for &Controller {
    fn read(&self, offset: usize) -> u32 {
        let mut state = self.0.borrow_mut();
        state.reads += 1;
        // The driver reads BYTE_TEST of a controller that does not wake, in order to report what is there.
        let is_last = !state.wakes && offset == BYTE_TEST;
        assert!(
            !state.sleeps || offset == PMT_CTRL || is_last,
            "the register at {offset:#x} is read while the controller sleeps"
        );
        match offset {
            RX_DATA => state.data.pop_front().unwrap_or_else(|| {
                state.interrupts |= INT_RX_ERROR;
                0
            }),
            RX_STATUS => {
                let frame = state
                    .received
                    .pop_front()
                    .expect("the status FIFO is empty");
                state.data.extend(frame.words);
                frame.status
            }
            TX_STATUS => state
                .statuses
                .pop_front()
                .expect("the status FIFO is empty"),
            ID_REV => state.id,
            INT_STS => {
                let level = if state.received.is_empty() {
                    0
                } else {
                    INT_RX_STATUS
                };
                state.interrupts | level
            }
            BYTE_TEST => state.byte_test,
            HW_CFG if state.resetting > 0 => {
                if state.reset_reads != u32::MAX {
                    state.resetting -= 1;
                }
                RESET
            }
            HW_CFG => 0x5_0004,
            RX_FIFO_INF => (state.received.len() as u32) << 16 | state.data_used() as u32,
            TX_FIFO_INF => (state.statuses.len() as u32) << 16 | (SPACE - state.used),
            PMT_CTRL => u32::from(!state.sleeps),
            RX_DROP => core::mem::take(&mut state.dropped),
            MAC_CSR_CMD => match state.mac_answers {
                true => 0,
                false => CSR_BUSY,
            },
            MAC_CSR_DATA => state.mac_data,
            E2P_CMD => 0,
            _ => panic!("no readable register at {offset:#x}"),
        }
    }

    fn write(&self, offset: usize, value: u32) {
        let mut state = self.0.borrow_mut();
        match offset {
            TX_DATA => state.write_data(value),
            BYTE_TEST => state.sleeps &= !state.wakes,
            INT_STS => state.interrupts &= !(value & !INT_PHY),
            INT_EN => state.enabled = value,
            IRQ_CFG => state.irq_cfg = value,
            HW_CFG if value & RESET != 0 => {
                state.resets += 1;
                state.resetting = state.reset_reads;
                state.received.clear();
                state.data.clear();
                state.statuses.clear();
                state.writing.clear();
                (state.used, state.interrupts, state.enabled, state.mode) = (0, 0, 0, 0);
            }
            MAC_CSR_DATA => state.mac_data = value,
            MAC_CSR_CMD => {
                let index = value & 0xff;
                if value & CSR_READ != 0 {
                    state.mac_data = state.read_mac(index);
                } else {
                    let data = state.mac_data;
                    state.write_mac(index, data);
                }
            }
            HW_CFG | AFC_CFG | FIFO_INT | RX_CFG | TX_CFG => {}
            _ => panic!("no writable register at {offset:#x}"),
        }
    }
}
