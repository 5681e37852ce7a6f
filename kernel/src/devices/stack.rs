//! Starts the kernel's own stack on a network device.

use alloc::boxed::Box;

use vmos_drivers::warn;

use super::Nic;
use crate::command_line::CommandLine;
use crate::machine;
#[cfg(feature = "ipv6")]
use crate::net::Ip6;
use crate::net::{Ip, Stack, Wired};

/// The sources of a network's addresses.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) ip: Ip,
    #[cfg(feature = "ipv6")]
    pub(super) ip6: Ip6,
}

impl Addresses {
    /// Returns those of the first network device: the words `ip=` and `ip6=` of the command line.
    #[inline]
    pub(super) fn of_first(command_line: CommandLine<'_>) -> Self {
        Self {
            ip: Ip::from_command_line(command_line).unwrap_or_else(|error| {
                warn!("{error}; using DHCP instead");
                Ip::Dhcp
            }),
            #[cfg(feature = "ipv6")]
            ip6: Ip6::from_command_line(command_line).unwrap_or_else(|error| {
                warn!("{error}; using the addresses of routers instead");
                Ip6::Auto
            }),
        }
    }
}

/// Starts a stack.
#[inline]
pub(super) fn start(nic: &mut Nic, addresses: Addresses) -> &'static Stack {
    let now = machine::now();
    let seed = nic
        .mac()
        .into_iter()
        .fold(now, |seed, byte| seed.rotate_left(8) ^ u64::from(byte));
    let link_up = nic.link_up();
    let stack = Stack::new(&mut Wired(nic), addresses.ip, seed, machine::now);
    let stack: &'static Stack = Box::leak(stack);
    stack.link(link_up);
    #[cfg(feature = "ipv6")]
    stack.configure_ipv6(addresses.ip6);
    stack
}
