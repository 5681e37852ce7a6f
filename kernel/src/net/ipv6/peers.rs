//! Stand-ins: IPv4 addresses that stand for machines with IPv6 addresses inside the stack.
//!
//! UDP and TCP know their peers by IPv4 addresses. A peer with an IPv6 address gets a stand-in from
//! 240.0.0.0/5, which no machine has (RFC 1112, 4): its packets are translated at the edge of the
//! stack ([`translation`](super::translation)), so that sockets are the same for both versions and
//! IPv4 pays nothing. A stand-in stands for a pair: the peer's address and this machine's address
//! that it uses.
//!
//! It is a keyed hash of both, so that it is the same again after it was forgotten, and a stranger
//! cannot choose addresses that collide. The table is bounded: a new pair replaces the one that was
//! unused for longest, except those of connections.

use core::net::{Ipv4Addr, Ipv6Addr};

use alloc::vec::Vec;

use crate::net::packet::Mac;
use crate::net::random::Random;

/// The number of rows, and of pairs in each; a pair can only be in one row.
const ROWS: usize = 64;
const PLACES: usize = 4;

/// How long the hardware address of a received packet is used for answers, in nanoseconds.
const LIFETIME: u64 = 30_000_000_000;

/// How long the length that a router gave is used before longer packets are tried again, in
/// nanoseconds (RFC 8201, 4).
pub(super) const MTU_LIFETIME: u64 = 600_000_000_000;

/// The first bits of all stand-ins, and the mask of the others.
const FIRST: u32 = 0xf000_0000;
const REST: u32 = 0x07ff_ffff;

/// The machine's own IPv4 address in translated packets, which nothing reads.
pub(in crate::net) const OWN: Ipv4Addr = Ipv4Addr::new(248, 0, 0, 0);

/// Returns whether the address is a stand-in.
#[inline]
pub(in crate::net) const fn is_stand_in(address: Ipv4Addr) -> bool {
    address.to_bits() & !REST == FIRST
}

/// A peer and this machine's address towards it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) stand_in: Ipv4Addr,
    pub(super) remote: Ipv6Addr,
    pub(super) local: Ipv6Addr,
    /// The longest packet on the path to the peer, in bytes, as a router said, and until when that
    /// counts, in nanoseconds.
    mtu: usize,
    mtu_until: u64,
    mac: Mac,
    /// Until when answers go to that hardware address, in nanoseconds.
    mac_until: u64,
    /// When the pair was last used, in nanoseconds.
    used: u64,
}

/// The table of stand-ins.
pub(super) struct Peers {
    random: Random,
    rows: Vec<[Option<Peer>; PLACES]>,
}

impl Peers {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            rows: Vec::new(),
        }
    }

    /// Returns the stand-in of a pair.
    fn stand_in(&self, remote: Ipv6Addr, local: Ipv6Addr) -> Ipv4Addr {
        let words = [remote.to_bits(), local.to_bits()];
        let words = words.map(|bits| [(bits >> 64) as u64, bits as u64]);
        let hash = words
            .as_flattened()
            .iter()
            .fold(0, |hash, word| self.random.of(hash ^ word));
        Ipv4Addr::from_bits(FIRST | hash as u32 & REST)
    }

    /// Derives further stand-ins from `seed`, unless there are some already.
    pub(super) fn reseed(&mut self, seed: u64) {
        if self.rows.is_empty() {
            self.random = Random::new(seed);
        }
    }

    /// Returns the stand-in of a pair that is known.
    pub(super) fn known(&mut self, remote: Ipv6Addr, local: Ipv6Addr) -> Option<Ipv4Addr> {
        let stand_in = self.stand_in(remote, local);
        let peer = self.get(stand_in)?;
        ((peer.remote, peer.local) == (remote, local)).then_some(stand_in)
    }

    fn row(&mut self, stand_in: Ipv4Addr) -> Option<&mut [Option<Peer>; PLACES]> {
        self.rows.get_mut(stand_in.to_bits() as usize % ROWS)
    }

    /// Returns the pair of a stand-in, if it is still known.
    pub(super) fn get(&mut self, stand_in: Ipv4Addr) -> Option<&mut Peer> {
        let mut known = self.row(stand_in)?.iter_mut().flatten();
        known.find(|peer| peer.stand_in == stand_in)
    }

    /// Returns the pair of these addresses, adding it if necessary. `mac` is the hardware address
    /// from which a packet came. `None` if all pairs in its row are [in use](Self) by connections,
    /// or there is no memory.
    pub(super) fn admit(
        &mut self,
        remote: Ipv6Addr,
        local: Ipv6Addr,
        mac: Option<Mac>,
        now: u64,
        mut is_in_use: impl FnMut(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Addr> {
        if self.rows.is_empty() {
            self.rows.try_reserve_exact(ROWS).ok()?;
            self.rows.resize(ROWS, [None; PLACES]);
        }
        let stand_in = self.stand_in(remote, local);
        let row = self.row(stand_in)?;
        let known = row
            .iter()
            .position(|one| one.is_some_and(|peer| peer.stand_in == stand_in));
        let place = known.or_else(|| row.iter().position(Option::is_none));
        let place = place.or_else(|| {
            let mut places: [usize; PLACES] = core::array::from_fn(|place| place);
            places.sort_unstable_by_key(|place| row[*place].map(|peer| peer.used));
            let free = |place: &usize| row[*place].is_none_or(|peer| !is_in_use(peer.stand_in));
            places.into_iter().find(free)
        })?;
        let peer = row[place].get_or_insert(Peer {
            stand_in,
            remote,
            local,
            mtu: usize::MAX,
            mtu_until: 0,
            mac: Mac::NONE,
            mac_until: 0,
            used: now,
        });
        if peer.stand_in != stand_in {
            *peer = Peer {
                stand_in,
                remote,
                local,
                mtu: usize::MAX,
                mtu_until: 0,
                mac: Mac::NONE,
                mac_until: 0,
                used: now,
            };
        }
        // That another pair has the same hash is as unlikely as guessing a random number.
        if (peer.remote, peer.local) != (remote, local) {
            return None;
        }
        peer.used = now;
        if let Some(mac) = mac {
            peer.mac = mac;
            peer.mac_until = now.saturating_add(LIFETIME);
        }
        Some(stand_in)
    }
}

impl Peer {
    /// Returns the hardware address from which a packet of the peer came recently.
    pub(super) fn mac(&self, now: u64) -> Option<Mac> {
        (now < self.mac_until).then_some(self.mac)
    }

    /// Returns the longest packet on the path to the peer, in bytes, as far as it is known.
    pub(super) const fn mtu(&self, now: u64) -> usize {
        if now < self.mtu_until {
            self.mtu
        } else {
            usize::MAX
        }
    }

    /// Sets the longest packet on the path, in bytes.
    pub(super) const fn shorten(&mut self, mtu: usize, now: u64) {
        self.mtu = mtu;
        self.mtu_until = now.saturating_add(MTU_LIFETIME);
    }

    /// Makes the stack look for the hardware address again.
    pub(super) fn forget_mac(&mut self) {
        self.mac_until = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(last: u128) -> Ipv6Addr {
        Ipv6Addr::from_bits(0xfe80 << 112 | last)
    }

    #[test]
    fn a_stand_in_is_no_address_of_a_machine_and_stays_the_same() {
        let mut peers = Peers::new(7);
        let local = remote(1 << 64);
        for last in 0..1000 {
            let one = peers
                .admit(remote(last), local, None, 1, |_| false)
                .unwrap();
            assert!(is_stand_in(one) && one != OWN && !is_stand_in(OWN));
            assert!(!crate::net::address::is_unicast(one.to_bits()));
            let again = peers.admit(remote(last), local, None, 2, |_| false);
            assert_eq!(again, Some(one));
            assert_eq!(peers.get(one).unwrap().remote, remote(last));
        }
        let first = peers.admit(remote(0), local, None, 3, |_| false);
        assert_eq!(first, Some(peers.stand_in(remote(0), local)));
        assert_ne!(first, peers.admit(remote(0), remote(5), None, 3, |_| false));
    }

    #[test]
    fn pairs_of_connections_are_kept_whatever_strangers_send() {
        let mut peers = Peers::new(7);
        let local = remote(1 << 64);
        let kept = peers.admit(remote(1), local, None, 0, |_| false).unwrap();
        let strangers = if cfg!(miri) { 1000 } else { 100_000 };
        for last in 2..strangers {
            peers.admit(remote(last), local, None, last as u64, |one| one == kept);
        }
        assert_eq!(peers.get(kept).unwrap().remote, remote(1));
        // If connections use a whole row, nobody else gets a place in it.
        let mut refused = 0;
        for last in 0..strangers / 10 {
            let admitted = peers.admit(remote(last << 20), local, None, 1, |_| true);
            refused += u128::from(admitted.is_none());
        }
        assert!(refused > strangers / 100 * 9, "{refused}");
    }
}
