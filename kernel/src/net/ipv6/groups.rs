//! Multicast groups that this machine is a member of, and the reports of them to routers and
//! switches: Multicast Listener Discovery, version 2 (RFC 3810).
//!
//! Routers that only know version 1 get no reports.

use core::net::Ipv6Addr;

use alloc::vec::Vec;

use super::State;
use super::address::{ALL_MLD_ROUTERS, ALL_NODES, group_mac, is_of_link, solicited_node};
use super::packet::{Packet, Route, number};
use crate::net::stack::Stack;
use crate::time::NEVER;

/// The type of a report (RFC 3810, 5.2).
const REPORT: u8 = 143;
/// The types of records: what is the case, and what changed.
const IS_EXCLUDE: u8 = 2;
const TO_INCLUDE: u8 = 3;
const TO_EXCLUDE: u8 = 4;

/// How often a change is reported (RFC 3810, 9.1), and the longest pause between, in nanoseconds
/// (9.11).
const REPORTS: u8 = 2;
const INTERVAL: u64 = 1_000_000_000;
/// The shortest time between two answers to queries, in nanoseconds, so that other machines do not
/// set how often this machine speaks to the whole link.
const ANSWER_PAUSE: u64 = 100_000_000;
/// The largest number of groups in a report.
const RECORDS: usize = 16;

struct Member {
    group: Ipv6Addr,
    /// The number of times that it was joined; 0 if it was left.
    joined: usize,
    /// The number of further reports of the change.
    reports: u8,
}

/// The groups.
#[derive(Default)]
pub(super) struct Groups {
    members: Vec<Member>,
    /// When changes are reported, in nanoseconds; 0 means never.
    report: u64,
    /// When an answer to a router is due, in nanoseconds; 0 means never.
    answer: u64,
    /// The earliest time of the next answer, in nanoseconds.
    answer_from: u64,
}

impl Groups {
    /// Returns whether packets to the group are for this machine.
    pub(super) fn contain(&self, group: Ipv6Addr) -> bool {
        let mut members = self.members.iter();
        let node = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1);
        group == ALL_NODES
            || group == node
            || members.any(|member| member.group == group && member.joined > 0)
    }

    /// Joins a group.
    pub(super) fn join(&mut self, group: Ipv6Addr, now: u64) {
        let member = match self.members.iter_mut().position(|one| one.group == group) {
            Some(place) => &mut self.members[place],
            None => {
                self.members.push(Member {
                    group,
                    joined: 0,
                    reports: 0,
                });
                let last = self.members.len() - 1;
                &mut self.members[last]
            }
        };
        member.joined += 1;
        if member.joined == 1 {
            member.reports = REPORTS;
            self.report = now.max(1);
        }
    }

    /// Leaves a group. Does nothing if it was not joined.
    pub(super) fn leave(&mut self, group: Ipv6Addr, now: u64) {
        let mut members = self.members.iter_mut();
        if let Some(member) = members.find(|one| one.group == group && one.joined > 0) {
            member.joined -= 1;
            if member.joined == 0 {
                member.reports = REPORTS;
                self.report = now.max(1);
            }
        }
    }

    /// Reports all groups again, since the link is another one.
    pub(super) fn renew(&mut self, now: u64) {
        self.members.retain(|member| member.joined > 0);
        for member in &mut self.members {
            member.reports = REPORTS;
            self.report = now.max(1);
        }
    }

    /// Leaves the groups of all addresses.
    pub(super) fn clear_addresses(&mut self) {
        let first = solicited_node(Ipv6Addr::UNSPECIFIED).to_bits() >> 24;
        self.members
            .retain(|member| member.group.to_bits() >> 24 != first);
    }

    /// Takes a router's query, and answers it at a random time within its limit.
    pub(super) fn hear_query(&mut self, message: &[u8], random: u64, now: u64) {
        let (Some(code), Some(_)) = (number(message, 4), message.get(..28)) else {
            return;
        };
        let longest = match code {
            0x8000.. => u64::from(code & 0xfff | 0x1000) << ((code >> 12 & 7) + 3),
            code => u64::from(code),
        };
        let at = now.max(self.answer_from) + random % (longest.min(10_000) * 1_000_000 + 1);
        if self.answer == 0 || at < self.answer {
            self.answer = at.max(1);
        }
    }

    /// Returns when a report is due, in nanoseconds.
    pub(super) fn due(&self) -> u64 {
        let times = [self.report, self.answer].into_iter();
        times.filter(|time| *time > 0).min().unwrap_or(NEVER)
    }

    /// Returns the records of the report that is due, if any: types and groups.
    fn take_due(&mut self, now: u64) -> Option<Vec<(u8, Ipv6Addr)>> {
        let mut records = Vec::new();
        if self.answer > 0 && self.answer <= now {
            self.answer = 0;
            self.answer_from = now.saturating_add(ANSWER_PAUSE);
            let members = self.members.iter().filter(|member| member.joined > 0);
            records.extend(members.map(|member| (IS_EXCLUDE, member.group)));
            return Some(records);
        }
        if self.report == 0 || self.report > now {
            return None;
        }
        for member in self.members.iter_mut().filter(|member| member.reports > 0) {
            member.reports -= 1;
            let kind = if member.joined > 0 {
                TO_EXCLUDE
            } else {
                TO_INCLUDE
            };
            records.push((kind, member.group));
        }
        self.members
            .retain(|member| member.joined > 0 || member.reports > 0);
        let more = self.members.iter().any(|member| member.reports > 0);
        self.report = if more { now + INTERVAL } else { 0 };
        Some(records)
    }
}

/// Returns whether a query is from a router on the link (RFC 3810, 5.1).
pub(super) fn is_query(packet: &Packet) -> bool {
    packet.hop_limit == 1 && packet.alerts && is_of_link(packet.source)
}

impl Stack {
    /// Sends the reports that are due.
    pub(super) fn report_listeners(&self, state: &mut State, now: u64) {
        while let Some(records) = state.groups.take_due(now) {
            for records in records.chunks(RECORDS) {
                let mut message = [0; 8 + RECORDS * 20];
                message[0] = REPORT;
                message[7] = records.len() as u8;
                for (place, (kind, group)) in message[8..].chunks_mut(20).zip(records) {
                    place[0] = *kind;
                    place[4..].copy_from_slice(&group.octets());
                }
                let route = Route {
                    own_mac: state.mac,
                    mac: group_mac(ALL_MLD_ROUTERS),
                    // A machine may have no address yet (RFC 3810, 5.2.13).
                    source: state.host.link_local().unwrap_or(Ipv6Addr::UNSPECIFIED),
                    destination: ALL_MLD_ROUTERS,
                    hop_limit: 1,
                };
                let message = &message[..8 + records.len() * 20];
                self.send_message(&route, &[message], true);
            }
        }
    }
}
