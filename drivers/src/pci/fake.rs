//! A simulated PCI bus: functions and bridges with configuration headers, valid or not.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::{Address, ConfigurationSpace, command, register};

/// A simulated function; a bridge also contains the functions behind it.
pub(crate) struct FakeFunction {
    pub(crate) device: u8,
    pub(crate) header: Box<[u32; 64]>,
    /// The writable bits of each register.
    pub(crate) writable: Box<[u32; 64]>,
    pub(crate) behind: Option<Vec<Self>>,
    /// A BAR was changed while the function was decoding.
    pub(crate) moved_while_decoding: bool,
}

const BAR0: usize = register::BAR0 as usize / 4;
const COMMAND: usize = register::COMMAND as usize / 4;

impl FakeFunction {
    /// Creates a function on `device` without BARs and capabilities, with `pin` (0 for none).
    pub(crate) fn new(device: u8, id: (u16, u16), pin: u8) -> Self {
        let mut function = Self {
            device,
            header: Box::new([0; 64]),
            writable: Box::new([0; 64]),
            behind: None,
            moved_while_decoding: false,
        };
        function.header[0] = u32::from(id.1) << 16 | u32::from(id.0);
        function.writable[COMMAND] = 0x7ff;
        function.header[15] = u32::from(pin) << 8;
        function
    }

    /// Creates a bridge with `behind` on its bus.
    pub(crate) fn bridge(device: u8, behind: Vec<Self>) -> Self {
        let mut bridge = Self::new(device, (0x1b36, 0x000c), 1);
        bridge.header[3] = 1 << 16;
        bridge.writable[6] = 0x00ff_ffff;
        bridge.writable[8] = 0xfff0_fff0;
        bridge.writable[9] = 0xfff0_fff0;
        bridge.header[9] = 0x0001_0001;
        bridge.writable[10] = u32::MAX;
        bridge.writable[11] = u32::MAX;
        bridge.behind = Some(behind);
        bridge
    }

    /// Adds a 32-bit memory BAR of `size` bytes.
    pub(crate) fn bar32(mut self, index: usize, size: u32) -> Self {
        self.writable[BAR0 + index] = size.wrapping_neg();
        self
    }

    /// Adds a prefetchable 64-bit memory BAR of `size` bytes.
    pub(crate) fn bar64(mut self, index: usize, size: u64) -> Self {
        let mask = size.wrapping_neg();
        self.header[BAR0 + index] = 0xc;
        self.writable[BAR0 + index] = mask as u32;
        self.writable[BAR0 + index + 1] = (mask >> 32) as u32;
        self
    }

    /// Adds an I/O BAR of 32 bytes.
    pub(crate) fn io_bar(mut self, index: usize) -> Self {
        self.header[BAR0 + index] = 1;
        self.writable[BAR0 + index] = 0xffff_ffe0;
        self
    }

    /// Adds `words` at `offset` as a capability with `id` that links to `next`.
    pub(crate) fn capability(mut self, offset: u8, id: u8, next: u8, words: &[u32]) -> Self {
        self.header[COMMAND] |= 1 << 20;
        let at = usize::from(offset) / 4;
        self.header[at..at + words.len()].copy_from_slice(words);
        self.header[at] |= u32::from(id) | u32::from(next) << 8;
        self
    }

    /// Sets the offset of the first capability.
    pub(crate) fn first(mut self, offset: u8) -> Self {
        self.header[COMMAND] |= 1 << 20;
        self.header[13] = u32::from(offset);
        self
    }

    fn write(&mut self, offset: u16, value: u32) {
        let at = usize::from(offset) / 4;
        let decoding = self.header[COMMAND] & (command::MEMORY | command::IO) != 0;
        if (BAR0..BAR0 + 6).contains(&at) && self.behind.is_none() && decoding {
            self.moved_while_decoding = true;
        }
        let writable = self.writable[at];
        self.header[at] = self.header[at] & !writable | value & writable;
    }
}

/// A simulated root bus.
pub(crate) struct FakeBus {
    pub(crate) functions: Vec<FakeFunction>,
    pub(crate) buses: u16,
}

impl FakeBus {
    pub(crate) fn new(functions: Vec<FakeFunction>) -> Self {
        Self {
            functions,
            buses: 16,
        }
    }

    pub(crate) fn find(&mut self, address: Address) -> Option<&mut FakeFunction> {
        find(&mut self.functions, 0, address)
    }
}

/// Finds a function by the bridges' bus numbers, as a configuration access does.
fn find(functions: &mut [FakeFunction], bus: u8, address: Address) -> Option<&mut FakeFunction> {
    if bus == address.bus() {
        let mut on_bus = functions.iter_mut();
        return on_bus.find(|f| f.device == address.device() && address.function() == 0);
    }
    for function in functions {
        let numbers = function.header[6];
        let (secondary, subordinate) = ((numbers >> 8) as u8, (numbers >> 16) as u8);
        if let Some(behind) = &mut function.behind
            && secondary != 0
            && (secondary..=subordinate).contains(&address.bus())
        {
            return find(behind, secondary, address);
        }
    }
    None
}

/// Returns the functions of a bus and of all buses behind it.
pub(crate) fn all(functions: &[FakeFunction]) -> Vec<&FakeFunction> {
    let mut list = vec![];
    for function in functions {
        list.push(function);
        list.extend(all(function.behind.as_deref().unwrap_or_default()));
    }
    list
}

/// The bus in a cell, because configuration space is read through a shared reference.
pub(crate) struct FakeSpace(pub(crate) core::cell::RefCell<FakeBus>);

impl FakeSpace {
    pub(crate) fn new(functions: Vec<FakeFunction>) -> Self {
        Self(core::cell::RefCell::new(FakeBus::new(functions)))
    }

    /// Returns the value of a register.
    pub(crate) fn header(&self, address: Address, offset: u16) -> u32 {
        self.read(address, offset)
    }
}

impl ConfigurationSpace for FakeSpace {
    fn buses(&self) -> u16 {
        self.0.borrow().buses
    }

    fn read(&self, address: Address, offset: u16) -> u32 {
        assert!(
            offset < 256 && offset.is_multiple_of(4),
            "no register at {offset:#x}"
        );
        let mut bus = self.0.borrow_mut();
        bus.find(address)
            .map_or(u32::MAX, |f| f.header[usize::from(offset) / 4])
    }

    fn write(&mut self, address: Address, offset: u16, value: u32) {
        assert!(
            offset < 256 && offset.is_multiple_of(4),
            "no register at {offset:#x}"
        );
        if let Some(function) = self.0.borrow_mut().find(address) {
            function.write(offset, value);
        }
    }
}
