//! Multicast groups that this machine is a member of (RFC 1112), and the reports of the memberships
//! to routers and switches (IGMP version 2, RFC 2236).

use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::net::Ipv4Addr;

use vmos_drivers::dma::Frame;

use crate::net::Net;
use crate::net::checksum::{fold, sum};
use crate::net::packet::IP_HEADERS;
use crate::net::stack::{Inner, Stack};
use crate::time::NEVER;

/// The number of IGMP in an IPv4 header.
pub(super) const IGMP: u8 = 2;
/// The group of all machines on the link, which every machine is a member of.
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
/// The group to which leaving a group is reported: all routers on the link.
const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);

/// The types of IGMP messages (RFC 2236, 2.1).
const QUERY: u8 = 0x11;
const REPORT: u8 = 0x16;
const LEAVE: u8 = 0x17;

/// The length of a message, and of its packet's header, which has an option.
const MESSAGE: usize = 8;
const HEADER: usize = 24;
/// The option "router alert" (RFC 2113).
const ROUTER_ALERT: [u8; 4] = [0x94, 0x04, 0, 0];
const ETHERNET: usize = 14;

/// The limit of the answers to queries, a token bucket, so that other machines do not set how often
/// this machine speaks to the whole link: one answer in this time, in nanoseconds, and at most this
/// number in a burst.
const ANSWER_TIME: u64 = 100_000_000;
const BURST: u64 = 10;
/// The time after which the report of a group that was joined is repeated, because it can be lost, in
/// nanoseconds (RFC 2236, 8.10: "unsolicited report interval").
const AGAIN: u64 = 10_000_000_000;

/// The address is no multicast group (224.0.0.0/4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAGroup(pub Ipv4Addr);

impl fmt::Display for NotAGroup {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is no multicast group: these are 224.0.0.0 to 239.255.255.255",
            self.0
        )
    }
}

impl core::error::Error for NotAGroup {}

/// Why groups are reported.
pub(in crate::net) enum Occasion<'a> {
    /// The address or the link has changed.
    Changed,
    /// A router asks.
    Asked(&'a Frame),
    /// An answer to a router is due.
    Due,
}

/// A group that this machine is a member of.
struct Member {
    group: Ipv4Addr,
    /// The number of times that it was joined.
    joined: usize,
    /// Whether a report of this group is due.
    asked: Cell<bool>,
    /// Whether its first report is to be repeated.
    repeats: Cell<bool>,
}

/// The groups that this machine is a member of.
pub(super) struct Groups {
    members: Vec<Member>,
    /// The function that reports groups. It is set when a group is joined, so that only images of
    /// apps that join groups contain it.
    report: Option<fn(&Stack, &Inner, Occasion<'_>)>,
    /// When a report of the groups that were asked for is due, in nanoseconds.
    due: Cell<u64>,
    /// When first reports are repeated, in nanoseconds.
    repeat: Cell<u64>,
    /// The virtual time of the token bucket: until when the answers so far use up the permitted rate, in
    /// nanoseconds.
    answered: Cell<u64>,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            members: Vec::new(),
            report: None,
            due: Cell::new(NEVER),
            repeat: Cell::new(NEVER),
            answered: Cell::new(0),
        }
    }
}

impl Groups {
    /// Returns when a report is due, in nanoseconds.
    pub(super) fn due(&self) -> u64 {
        self.due.get().min(self.repeat.get())
    }

    /// Takes a query for a group, or for all with the unspecified address. Only a query that gets
    /// an answer counts for the limit; an answer over the limit is sent later, and answers all
    /// queries until then.
    fn hear_query(&self, about: Ipv4Addr, now: u64) {
        let is_meant = |one: &&Member| about.is_unspecified() || about == one.group;
        let mut is_member = false;
        for one in self.members.iter().filter(is_meant) {
            one.asked.set(true);
            is_member = true;
        }
        if is_member && self.due.get() == NEVER {
            let saved = (BURST - 1) * ANSWER_TIME;
            let from = self.answered.get().max(now.saturating_sub(saved));
            self.answered.set(from.saturating_add(ANSWER_TIME));
            self.due.set(from.max(now));
        }
    }

    /// Repeats the reports of now after some time, or together with earlier ones.
    fn repeat_from(&self, now: u64) {
        self.repeat
            .set(self.repeat.get().min(now.saturating_add(AGAIN)));
    }

    /// Returns whether packets to `to` are for this machine, because it is a member.
    pub(super) fn contain(&self, to: Ipv4Addr) -> bool {
        let mut members = self.members.iter();
        members.any(|one| one.group == to || to == ALL_HOSTS)
    }
}

impl Net {
    /// Joins a multicast group: from then on, the datagrams of the group arrive at all UDP sockets
    /// of their port. A group that was joined several times is left as often.
    ///
    /// # Errors
    ///
    /// If `group` is no multicast group.
    pub fn join(&self, group: Ipv4Addr) -> Result<(), NotAGroup> {
        if !group.is_multicast() {
            return Err(NotAGroup(group));
        }
        let inner = &mut *self.stack.inner();
        let groups = &mut inner.protocols.groups;
        match groups.members.iter_mut().find(|one| one.group == group) {
            Some(member) => member.joined += 1,
            None => {
                groups.members.push(Member {
                    group,
                    joined: 1,
                    asked: Cell::new(false),
                    repeats: Cell::new(true),
                });
                groups.report = Some(Stack::report);
                groups.repeat_from(self.stack.time());
                self.stack.send_membership(inner, REPORT, group);
            }
        }
        Ok(())
    }

    /// Leaves a multicast group. Does nothing if it was not joined.
    pub fn leave(&self, group: Ipv4Addr) {
        let inner = &mut *self.stack.inner();
        let members = &mut inner.protocols.groups.members;
        let Some(index) = members.iter().position(|one| one.group == group) else {
            return;
        };
        members[index].joined -= 1;
        if members[index].joined == 0 {
            members.remove(index);
            self.stack.send_membership(inner, LEAVE, group);
        }
    }
}

impl Stack {
    /// Reports groups.
    pub(in crate::net) fn report_groups(&self, inner: &Inner, occasion: Occasion<'_>) {
        if let Some(report) = inner.protocols.groups.report {
            report(self, inner, occasion);
        }
    }

    /// Reports groups. An answer within the limit is not delayed, since few machines are on the
    /// link of a virtual machine.
    #[cold]
    fn report(&self, inner: &Inner, occasion: Occasion<'_>) {
        let groups = &inner.protocols.groups;
        let now = self.time();
        let is_changed = matches!(occasion, Occasion::Changed);
        if let Occasion::Asked(query) = occasion
            && let Some(about) = asked_for(query)
        {
            groups.hear_query(about, now);
        }
        let is_due = |time: &Cell<u64>| (time.get() <= now).then(|| time.set(NEVER)).is_some();
        let (answers, repeats) = (is_due(&groups.due), is_due(&groups.repeat));
        if is_changed {
            groups.repeat_from(now);
        }
        for one in &groups.members {
            let asked = answers && one.asked.replace(false);
            let again = repeats && one.repeats.replace(false);
            if is_changed {
                one.repeats.set(true);
            }
            if asked || again || is_changed {
                self.send_membership(inner, REPORT, one.group);
            }
        }
    }

    fn send_membership(&self, inner: &Inner, kind: u8, group: Ipv4Addr) {
        // Without an address, nothing is sent; the groups are reported when there is one.
        let Some(configuration) = inner.protocols.configuration() else {
            return;
        };
        let to = if kind == LEAVE { ALL_ROUTERS } else { group };
        let own = configuration.address.address();
        let mut bytes = [0; ETHERNET + HEADER + MESSAGE];
        let (ethernet, packet) = bytes.split_at_mut(ETHERNET);
        let [_, b, c, d] = to.octets();
        ethernet[..6].copy_from_slice(&[0x01, 0x00, 0x5e, b & 0x7f, c, d]);
        ethernet[6..12].copy_from_slice(&inner.protocols.mac);
        ethernet[12..].copy_from_slice(&super::ETHERTYPE_IPV4);
        let (header, message) = packet.split_at_mut(HEADER);
        // Version 4 and 6 words; internetwork control; a time to live of 1.
        header[..2].copy_from_slice(&[0x46, 0xc0]);
        header[3] = (HEADER + MESSAGE) as u8;
        header[8..10].copy_from_slice(&[1, IGMP]);
        header[12..16].copy_from_slice(&own.octets());
        header[16..20].copy_from_slice(&to.octets());
        header[20..].copy_from_slice(&ROUTER_ALERT);
        let checksum = !fold(sum(header));
        header[10..12].copy_from_slice(&checksum.to_ne_bytes());
        message[0] = kind;
        message[4..].copy_from_slice(&group.octets());
        let checksum = !fold(sum(message));
        message[2..4].copy_from_slice(&checksum.to_ne_bytes());
        if let Some(report) = self.frame_of(&bytes) {
            self.answer(report);
        }
    }
}

/// Returns the group that a query asks for, the unspecified address for all groups; `None` if it is
/// no valid query.
fn asked_for(query: &Frame) -> Option<Ipv4Addr> {
    let message: &[u8; MESSAGE] = query.bytes().get(IP_HEADERS..)?.first_chunk()?;
    let [kind, _, _, _, a, b, c, d] = *message;
    let valid = kind == QUERY && fold(sum(message)) == 0xffff;
    valid.then_some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::packet::Mac;

    #[test]
    fn only_joined_groups_and_all_hosts_are_ours() {
        let group = Ipv4Addr::new(224, 0, 0, 251);
        assert!(!Groups::default().contain(ALL_HOSTS));
        let groups = Groups {
            members: Vec::from([Member {
                group,
                joined: 1,
                asked: Cell::new(false),
                repeats: Cell::new(false),
            }]),
            ..Groups::default()
        };
        assert!(groups.contain(group) && groups.contain(ALL_HOSTS));
        assert!(!groups.contain(Ipv4Addr::new(224, 0, 0, 252)));
    }

    #[test]
    fn the_hardware_address_of_a_group_has_its_last_23_bits() {
        let mac = Mac::multicast(Ipv4Addr::new(239, 129, 2, 3));
        assert!(!mac.is_unicast());
        assert_eq!(mac, Mac::new([0x01, 0x00, 0x5e, 0x01, 2, 3]));
    }
}
