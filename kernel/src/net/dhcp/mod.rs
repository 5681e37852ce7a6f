//! The DHCP client (RFC 2131, 4.4): a state machine that receives messages and the time, and
//! returns what to send and which address to use.
//!
//! No answer, genuine or forged, makes the client send requests faster than it would to a silent
//! server: the pause between two attempts is 4 seconds, doubling up to 64.

mod check;
mod lease;
mod message;

use core::net::Ipv4Addr;

use vmos_drivers::warn;

use self::lease::Lease;
use self::message::{ACK, Answer, DECLINE, DISCOVER, NAK, OFFER, REQUEST};
use super::configuration::Configuration;
use super::random::Random;
use crate::time::NEVER;

pub(super) use self::message::{CLIENT_PORT, Question, SERVER_PORT};

const SECOND: u64 = 1_000_000_000;

/// The first pause between two attempts, in nanoseconds, and the number of doublings (RFC 2131,
/// 4.1).
const PAUSE: u64 = 4 * SECOND;
const DOUBLINGS: u32 = 4;

/// The number of requests for an offer before the client looks for another one.
const REQUESTS: u32 = 4;

/// The shortest time between two requests to renew a lease, in nanoseconds (RFC 2131, 4.4.5).
const RENEWAL_PAUSE: u64 = 60 * SECOND;

/// How long the old address stays in use after the link came back while no server has answered, in
/// nanoseconds: enough for the first two requests.
const GRACE: u64 = 15 * SECOND;

/// The shortest time between two searches for a server while the link goes up and down, in
/// nanoseconds.
const FLOOR: u64 = SECOND;

/// An action that the client's owner must perform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Nothing,
    /// The client must send this request.
    Ask(Question),
    /// The client must send an ARP probe for this address.
    Probe(Ipv4Addr),
    /// The client must use this configuration from now on.
    Leased(Configuration),
    /// The client must stop using the address.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The client waits for the link.
    Waiting,
    /// The client searches for servers.
    Selecting,
    /// The client has requested an offer this many times.
    Requesting(u32),
    /// The client has a lease.
    Bound,
    /// Another machine uses the offered or leased address.
    Declining,
}

/// The reason why there is no lease.
#[derive(Clone, Copy)]
struct Reason {
    text: &'static str,
    /// The address concerned; unspecified if there is none.
    address: Ipv4Addr,
}

/// A DHCP client.
pub(super) struct Client {
    mac: [u8; 6],
    random: Random,
    state: State,
    /// The number (`xid`) of the unanswered request.
    transaction: Option<u32>,
    /// When that request was sent, in nanoseconds.
    asked: u64,
    /// The number of consecutive failed attempts.
    failures: u32,
    reason: Reason,
    /// Whether the reason for the missing lease was logged.
    is_told: bool,
    /// When the next action is due, in nanoseconds.
    due: u64,
    /// How long the old address stays in use without a lease, in nanoseconds.
    keep_until: u64,
    /// The offer that was requested, or the lease.
    lease: Lease,
    /// The number of probes to send for the offered address, and when the next one is due, in
    /// nanoseconds.
    probes: u8,
    probe_due: u64,
    /// When the check of the address ends, in nanoseconds.
    checked_until: u64,
    /// Whether an address was declined, and none was renewed since.
    declined: bool,
    /// The number of unusable answers so far.
    refused: u32,
}

impl Client {
    /// Creates a client; the link is down.
    pub(super) fn new(mac: [u8; 6], seed: u64) -> Self {
        Self {
            mac,
            random: Random::new(seed),
            state: State::Waiting,
            transaction: None,
            asked: 0,
            failures: 0,
            reason: Reason::SILENCE,
            is_told: false,
            due: NEVER,
            keep_until: NEVER,
            lease: Lease::NONE,
            probes: 0,
            probe_due: NEVER,
            checked_until: 0,
            declined: false,
            refused: 0,
        }
    }

    /// Returns when [`work`](Self::work) is due, in nanoseconds.
    pub(super) fn deadline(&self) -> u64 {
        self.due.min(self.keep_until).min(self.probe_due)
    }

    /// The number (`xid`) of the unanswered request.
    #[cfg(not(target_os = "none"))]
    pub(super) fn transaction(&self) -> Option<u32> {
        self.transaction
    }

    /// Returns the number of unusable answers so far.
    pub(super) fn refused(&self) -> u32 {
        self.refused
    }

    /// Reports the state of the link. When it comes up, the client asks servers again, since the
    /// network may have changed; meanwhile the current address stays in use.
    #[inline(never)]
    pub(super) fn link(&mut self, up: bool, now: u64, has_address: bool) {
        self.transaction = None;
        // A link that flaps must not make a declined address asked for sooner (RFC 2131, 3.1.5).
        let (failures, floor) = match self.declined {
            true => (check::DECLINED, check::PAUSE_AFTER_DECLINE),
            false => (0, FLOOR),
        };
        self.failures = failures;
        self.is_told = false;
        self.reason = Reason::SILENCE;
        self.keep_until = NEVER;
        self.end_check();
        if !up {
            self.state = State::Waiting;
            self.due = NEVER;
            return;
        }
        // Nothing has been sent at boot.
        let floor = if self.asked == 0 {
            0
        } else {
            self.asked + floor
        };
        self.state = State::Selecting;
        self.due = now.max(floor);
        if has_address {
            self.keep_until = now.saturating_add(GRACE).min(self.lease.expires);
        }
    }

    /// Performs the action that is due.
    pub(super) fn work(&mut self, now: u64) -> News {
        if self.keep_until <= now {
            self.keep_until = NEVER;
            return News::Lost;
        }
        if self.probe_due <= now {
            return self.next_probe(now);
        }
        if self.due > now {
            return News::Nothing;
        }
        match self.state {
            State::Waiting => {
                self.due = NEVER;
                News::Nothing
            }
            State::Selecting => {
                if self.failures > 0 {
                    self.tell(self.reason);
                }
                self.due = now.saturating_add(self.pause());
                self.ask(DISCOVER, now)
            }
            State::Requesting(REQUESTS) => {
                self.fail(Reason::SILENCE, now);
                News::Nothing
            }
            State::Requesting(times) => {
                self.state = State::Requesting(times + 1);
                self.due = now.saturating_add(self.random_pause(times));
                self.ask(REQUEST, now)
            }
            State::Declining => {
                let question = self.ask(DECLINE, now);
                self.fail(self.reason, now);
                question
            }
            State::Bound if now >= self.lease.expires => {
                self.state = State::Selecting;
                News::Lost
            }
            State::Bound => {
                let rebinds = now >= self.lease.rebind;
                let end = if rebinds {
                    self.tell(Reason::NOT_RENEWED);
                    self.lease.expires
                } else {
                    self.lease.rebind
                };
                let pause = (end.saturating_sub(now) / 2).max(RENEWAL_PAUSE);
                self.due = end.min(now.saturating_add(pause));
                self.ask(REQUEST, now)
            }
        }
    }

    /// Handles a message from a server.
    pub(super) fn hear(&mut self, message: &[u8], now: u64) -> News {
        let Some(transaction) = self.transaction else {
            return News::Nothing;
        };
        let Some(answer) = Answer::read(message, transaction, self.mac) else {
            return News::Nothing;
        };
        let bound = self.state == State::Bound;
        match (self.state, answer.kind) {
            (State::Selecting, OFFER) => {
                // A request must name its server (RFC 2131, table 5).
                let nameless = "the offer names no server";
                match answer.server.ok_or(nameless).and_then(|server| {
                    lease::accept(&answer)?;
                    Ok(server)
                }) {
                    Ok(server) => {
                        self.lease.server = server;
                        self.lease.address = answer.address;
                        self.state = State::Requesting(0);
                        self.begin_check(now);
                        self.due = now;
                    }
                    // Another server may send a usable offer before the pause ends.
                    Err(text) => self.refuse(text, &answer),
                }
                News::Nothing
            }
            (State::Requesting(_) | State::Bound, ACK) => match lease::accept(&answer) {
                Ok(configuration) => {
                    let moved = answer.address != self.lease.address;
                    self.lease = Lease::new(&answer, self.lease.server, self.asked);
                    if moved {
                        self.begin_check(now);
                    }
                    self.state = State::Bound;
                    self.due = self.lease.renew.max(now.saturating_add(PAUSE));
                    self.keep_until = NEVER;
                    self.transaction = None;
                    if bound || !self.declined {
                        self.failures = 0;
                        self.is_told = false;
                        self.declined = false;
                    }
                    News::Leased(configuration)
                }
                Err(text) => {
                    self.refuse(text, &answer);
                    if !bound {
                        self.fail(self.reason, now);
                    }
                    News::Nothing
                }
            },
            (State::Requesting(_) | State::Bound, NAK) => {
                self.refuse("the server rejects the address that it offered", &answer);
                self.fail(self.reason, now);
                if bound { News::Lost } else { News::Nothing }
            }
            _ => News::Nothing,
        }
    }

    /// Logs why there is no lease: once, until there is a lease again.
    #[inline(never)]
    fn tell(&mut self, reason: Reason) {
        if !core::mem::replace(&mut self.is_told, true) {
            reason.tell();
        }
    }

    /// Returns a request of this type.
    fn ask(&mut self, kind: u8, now: u64) -> News {
        // An offer is requested with the number of its question (RFC 2131, 4.4.1).
        let transaction = match self.state {
            State::Requesting(_) => self.transaction,
            _ => None,
        };
        let transaction = transaction.unwrap_or_else(|| self.random.next() as u32);
        self.transaction = Some(transaction);
        self.asked = now;
        let bound = self.state == State::Bound;
        let lease = &self.lease;
        News::Ask(Question {
            kind,
            transaction,
            own: if bound {
                lease.address
            } else {
                Ipv4Addr::UNSPECIFIED
            },
            offer: (kind != DISCOVER && !bound).then_some((lease.address, lease.server)),
            server: (bound && now < lease.rebind).then_some(lease.server),
        })
    }

    /// Counts an unusable answer.
    fn refuse(&mut self, text: &'static str, answer: &Answer) {
        self.refused = self.refused.wrapping_add(1);
        self.reason = Reason {
            text,
            address: answer.address,
        };
    }

    /// Records a failed attempt; the next one follows after a pause.
    #[inline(never)]
    fn fail(&mut self, reason: Reason, now: u64) {
        self.reason = reason;
        self.state = State::Selecting;
        self.transaction = None;
        self.end_check();
        self.due = now.saturating_add(self.pause());
    }

    /// Returns the pause after one more attempt, in nanoseconds.
    fn pause(&mut self) -> u64 {
        let pause = self.random_pause(self.failures);
        self.failures += 1;
        pause
    }

    /// Returns a pause that was doubled this many times, varied by up to a second.
    fn random_pause(&mut self, doublings: u32) -> u64 {
        let pause = PAUSE << doublings.min(DOUBLINGS);
        pause - SECOND + self.random.next() % (2 * SECOND)
    }
}

impl Reason {
    const SILENCE: Self = Self::new("no server answers");
    const NOT_RENEWED: Self = Self::new("the lease is not renewed");

    const fn new(text: &'static str) -> Self {
        Self {
            text,
            address: Ipv4Addr::UNSPECIFIED,
        }
    }

    #[cold]
    fn tell(self) {
        let Self { text, address } = self;
        if address.is_unspecified() {
            warn!("DHCP: {text}; still trying");
        } else {
            warn!("DHCP: {text}, for {address}; still trying");
        }
    }
}
