//! Configuration space behind two I/O ports (PCI 3.0, 3.2.2.3.2, configuration mechanism #1).

use super::{Address, ConfigurationSpace};
use crate::board::Driver;
use crate::mmio::Registers;
use crate::port::{PortIo, PortRange, Ports};

/// `CONFIG_ADDRESS`: enables access to configuration space through the data port.
const ENABLE: u32 = 1 << 31;

/// The two I/O ports of the configuration space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// `CONFIG_ADDRESS`: selects a register of configuration space.
    pub address: u16,
    /// `CONFIG_DATA`: the value of the selected register.
    pub data: u16,
}

/// Configuration space behind two I/O ports, with 256 buses.
#[derive(Debug)]
pub struct ConfigurationPorts<R> {
    address: R,
    data: R,
}

impl<R: Registers> ConfigurationPorts<R> {
    /// Creates the configuration space with these registers.
    pub const fn with_registers(address: R, data: R) -> Self {
        Self { address, data }
    }

    fn select(&self, address: Address, offset: u16) {
        let register = u32::from(address.requester()) << 8 | u32::from(offset & 0xfc);
        self.address.write32(0, ENABLE | register);
    }
}

impl<P: PortIo> Driver for ConfigurationPorts<Ports<P>> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        let range = |base| PortRange { base, size: 4 };
        // SAFETY: the caller guarantees that the ports are present and not shared.
        let address = unsafe { Ports::new(range(config.address)) };
        // SAFETY: as above.
        let data = unsafe { Ports::new(range(config.data)) };
        Self::with_registers(address, data)
    }
}

impl<R: Registers> ConfigurationSpace for ConfigurationPorts<R> {
    fn buses(&self) -> u16 {
        256
    }

    fn read(&self, address: Address, offset: u16) -> u32 {
        self.select(address, offset);
        self.data.read32(0)
    }

    fn write(&mut self, address: Address, offset: u16, value: u32) {
        self.select(address, offset);
        self.data.write32(0, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::fake::{FakePorts, with};

    #[test]
    fn a_register_is_selected_and_then_accessed() {
        // SAFETY: the simulated ports do not exist.
        let mut space: ConfigurationPorts<Ports<FakePorts>> = unsafe {
            ConfigurationPorts::new(&Config {
                address: 0xcf8,
                data: 0xcfc,
            })
        };
        with(|state| state.reads.insert(0xcfc, 0x1af4));
        let function = Address::new(1, 2, 3);
        assert_eq!(space.read(function, 0x10), 0x1af4);
        space.write(function, 0x3c, 7);
        let written = with(|state| core::mem::take(&mut state.written));
        let expected = [
            (0xcf8, 32, 0x8001_1310),
            (0xcf8, 32, 0x8001_133c),
            (0xcfc, 32, 7),
        ];
        assert_eq!(written, expected);
    }
}
