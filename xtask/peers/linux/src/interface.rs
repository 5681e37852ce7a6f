//! Configures the network interface: sets its address and brings it up.

use std::io::Result;
use std::mem;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

use crate::setup::{about, checked, wait_for};

/// Sets the address of an interface and brings it up.
pub(crate) fn configure(name: &str, address: [u8; 4], mask: [u8; 4]) -> Result<()> {
    wait_for(&format!("/sys/class/net/{name}"))?;
    let mut request = Request::new(name)?;
    request.address(libc::SIOCSIFADDR, address)?;
    request.address(libc::SIOCSIFNETMASK, mask)?;
    request.up()
}

/// A request to the driver of an interface.
struct Request {
    /// A socket, through which the request is made; its type does not matter.
    socket: UdpSocket,
    content: libc::ifreq,
}

impl Request {
    fn new(name: &str) -> Result<Self> {
        // SAFETY: all zeros are a valid request with an empty name.
        let mut content: libc::ifreq = unsafe { mem::zeroed() };
        let last = content.ifr_name.len() - 1;
        for (to, from) in content.ifr_name[..last].iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        Ok(Self { socket, content })
    }

    fn address(&mut self, what: libc::c_ulong, address: [u8; 4]) -> Result<()> {
        let mut bytes = [0; 14];
        // After the port number, which is unused.
        bytes[2..6].copy_from_slice(&address);
        self.content.ifr_ifru.ifru_addr = libc::sockaddr {
            sa_family: libc::AF_INET as libc::sa_family_t,
            sa_data: bytes.map(|byte| byte as libc::c_char),
        };
        self.send(what)
    }

    fn up(&mut self) -> Result<()> {
        self.content.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
        self.send(libc::SIOCSIFFLAGS)
    }

    fn send(&mut self, what: libc::c_ulong) -> Result<()> {
        // SAFETY: the socket is open, and each request made here takes an `ifreq`.
        let result =
            unsafe { libc::ioctl(self.socket.as_raw_fd(), what as _, &raw mut self.content) };
        checked(result).map_err(|error| about("cannot configure the network interface", &error))
    }
}
