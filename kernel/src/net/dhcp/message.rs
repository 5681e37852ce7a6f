//! DHCP messages (RFC 2131, 2; RFC 2132), to the extent that a client needs them.

use core::net::{Ipv4Addr, SocketAddrV4};

use crate::net::cidr::Ipv4Cidr;
use crate::net::configuration::{NAME_SERVERS, ROUTES, Route};

/// The UDP port of DHCP clients.
pub(in crate::net) const CLIENT_PORT: u16 = 68;
/// The UDP port of DHCP servers.
pub(in crate::net) const SERVER_PORT: u16 = 67;

/// Types of messages (RFC 2132, 9.6).
pub(super) const DISCOVER: u8 = 1;
pub(super) const OFFER: u8 = 2;
pub(super) const REQUEST: u8 = 3;
pub(super) const DECLINE: u8 = 4;
pub(super) const ACK: u8 = 5;
pub(super) const NAK: u8 = 6;

/// The length of the fixed fields and the magic number before the options, in bytes.
const FIXED: usize = 240;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// The length of a request, in bytes: the minimum that the oldest servers and relays accept (RFC
/// 951, 3).
const LENGTH: usize = 300;

/// A message to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) struct Question {
    pub(super) kind: u8,
    pub(super) transaction: u32,
    /// The client's own address while it has a lease; unspecified otherwise.
    pub(super) own: Ipv4Addr,
    /// The requested or declined address, and the server that offered it.
    pub(super) offer: Option<(Ipv4Addr, Ipv4Addr)>,
    /// The server to ask; `None` means all servers.
    pub(super) server: Option<Ipv4Addr>,
}

impl Question {
    /// Returns the source address.
    pub(in crate::net) fn from(&self) -> Ipv4Addr {
        self.own
    }

    /// Returns the destination.
    pub(in crate::net) fn to(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.server.unwrap_or(Ipv4Addr::BROADCAST), SERVER_PORT)
    }

    /// Writes the message of the machine with this hardware address.
    pub(in crate::net) fn write(&self, mac: [u8; 6]) -> [u8; LENGTH] {
        let mut message = [0; LENGTH];
        let mut put = |place: usize, bytes: &[u8]| {
            if let Some(room) = message.get_mut(place..place + bytes.len()) {
                room.copy_from_slice(bytes);
            }
            place + bytes.len()
        };
        // A request; the hardware is Ethernet, with addresses of 6 bytes.
        put(0, &[1, 1, 6]);
        put(4, &self.transaction.to_be_bytes());
        put(12, &self.own.octets());
        put(28, &mac);
        put(FIXED - 4, &COOKIE);
        let mut end = put(FIXED, &[53, 1, self.kind, 61, 7, 1]);
        end = put(end, &mac);
        // The longest accepted answer, and the options requested: routes, mask, routers, name
        // servers and times (RFC 2131, table 5: not if an address is declined).
        if self.kind != DECLINE {
            end = put(end, &[57, 2, 0x05, 0xdc, 55, 7, 121, 1, 3, 6, 51, 58, 59]);
        }
        if let Some((address, server)) = self.offer {
            end = put(end, &[50, 4]);
            end = put(end, &address.octets());
            end = put(end, &[54, 4]);
            end = put(end, &server.octets());
        }
        put(end, &[255]);
        message
    }
}

/// A message from a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) kind: u8,
    /// The address offered, leased or refused.
    pub(super) address: Ipv4Addr,
    pub(super) server: Option<Ipv4Addr>,
    /// The length of the lease, in seconds.
    pub(super) lease: Option<u32>,
    pub(super) renew: Option<u32>,
    pub(super) rebind: Option<u32>,
    pub(super) mask: Option<Ipv4Addr>,
    pub(super) router: Option<Ipv4Addr>,
    pub(super) dns: [Option<Ipv4Addr>; NAME_SERVERS],
    pub(super) routes: [Option<Route>; ROUTES],
    /// The fixed fields that contain further options.
    overload: u8,
    /// Whether there are routes, which replace the router.
    has_routes: bool,
}

impl Answer {
    /// Parses the answer to the request with this number by the machine with this hardware address.
    pub(super) fn read(message: &[u8], transaction: u32, mac: [u8; 6]) -> Option<Self> {
        let (fixed, options) = message.split_first_chunk::<FIXED>()?;
        let is_answer = fixed[0] == 2
            && fixed[1..3] == [1, 6]
            && fixed[4..8] == transaction.to_be_bytes()
            && fixed[28..34] == mac
            && fixed[FIXED - 4..] == COOKIE;
        if !is_answer {
            return None;
        }
        let mut answer = Self {
            kind: 0,
            address: address(fixed.get(16..)?)?,
            server: None,
            lease: None,
            renew: None,
            rebind: None,
            mask: None,
            router: None,
            dns: [None; NAME_SERVERS],
            routes: [None; ROUTES],
            overload: 0,
            has_routes: false,
        };
        answer.take_options(options);
        // RFC 2132, 9.3: the fields for a file and for the server's name may contain more options.
        if answer.overload & 1 != 0 {
            answer.take_options(&fixed[108..236]);
        }
        if answer.overload & 2 != 0 {
            answer.take_options(&fixed[44..108]);
        }
        Some(answer)
    }

    fn take_options(&mut self, mut rest: &[u8]) {
        while let [kind, behind @ ..] = rest {
            rest = behind;
            if *kind == 0 {
                continue;
            }
            let [length, behind @ ..] = behind else {
                return;
            };
            let Some((value, behind)) = behind.split_at_checked(usize::from(*length)) else {
                return;
            };
            if *kind == 255 {
                return;
            }
            rest = behind;
            self.take_option(*kind, value);
        }
    }

    fn take_option(&mut self, kind: u8, value: &[u8]) {
        let first = address(value);
        let seconds = first.map(Ipv4Addr::to_bits);
        match kind {
            1 => self.mask = first,
            3 if !self.has_routes => self.router = first,
            6 => {
                for (place, server) in self.dns.iter_mut().zip(value.chunks_exact(4)) {
                    *place = address(server);
                }
            }
            51 => self.lease = seconds,
            52 => self.overload = value.first().copied().unwrap_or_default(),
            53 => self.kind = value.first().copied().unwrap_or_default(),
            54 => self.server = first,
            58 => self.renew = seconds,
            59 => self.rebind = seconds,
            121 => self.take_routes(value),
            _ => {}
        }
    }

    /// The classless routes (RFC 3442): each is a prefix length, the bytes of the network that the
    /// prefix covers, and a router. If this option is present, the router option is ignored.
    fn take_routes(&mut self, mut rest: &[u8]) {
        if !core::mem::replace(&mut self.has_routes, true) {
            self.router = None;
        }
        while let [prefix @ 0..=32, behind @ ..] = rest {
            let bytes = usize::from(prefix.div_ceil(8));
            let Some((network, behind)) = behind.split_at_checked(bytes) else {
                return;
            };
            let Some(gateway) = address(behind) else {
                return;
            };
            rest = &behind[4..];
            let mut to = [0; 4];
            to[..bytes].copy_from_slice(network);
            if *prefix == 0 {
                self.router.get_or_insert(gateway);
            } else if let Some(place) = self.routes.iter_mut().find(|place| place.is_none()) {
                let to = Ipv4Cidr::new(Ipv4Addr::from_octets(to), *prefix);
                *place = Some(Route { to, gateway });
            }
        }
    }
}

fn address(bytes: &[u8]) -> Option<Ipv4Addr> {
    bytes.first_chunk().copied().map(Ipv4Addr::from_octets)
}
