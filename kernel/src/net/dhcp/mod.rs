//! The DHCP client (RFC 2131, 4.4): a state machine that is shown messages and the time, and says what to
//! send and which address to use.
//!
//! Whatever a server answers, or a stranger in its name, the client asks no faster than it would a server
//! that is silent: between two attempts there is a pause of 4 seconds, which doubles up to 64.

mod lease;
mod message;

use core::net::Ipv4Addr;

use vmos_drivers::warn;

use self::lease::Lease;
use self::message::{ACK, Answer, DISCOVER, NAK, OFFER, REQUEST};
use super::configuration::Configuration;
use super::random::Random;
use crate::time::NEVER;

pub(super) use self::message::{CLIENT_PORT, Question, SERVER_PORT};

const SECOND: u64 = 1_000_000_000;

/// The first pause between two attempts, in nanoseconds, and how often it doubles (RFC 2131, 4.1).
const PAUSE: u64 = 4 * SECOND;
const DOUBLINGS: u32 = 4;

/// How often an offer is asked for before another one is looked for.
const REQUESTS: u32 = 4;

/// The shortest time between two questions for a lease that there is, in nanoseconds (RFC 2131, 4.4.5).
const RENEWAL_PAUSE: u64 = 60 * SECOND;

/// How long the old address stays in use after the link came back, while no server has answered, in
/// nanoseconds. Long enough for the first two questions.
const GRACE: u64 = 15 * SECOND;

/// The shortest time between two attempts to find a server where the link comes and goes, in nanoseconds.
const FLOOR: u64 = SECOND;

/// What a client asks its owner to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Nothing,
    /// Send this.
    Ask(Question),
    /// Use this from now on.
    Leased(Configuration),
    /// Use no address any more.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The link is down.
    Waiting,
    /// It looks for servers.
    Selecting,
    /// It asks for what a server offered, for the so-manieth time.
    Requesting(u32),
    /// It has a lease.
    Bound,
}

/// Why there is no lease.
#[derive(Clone, Copy)]
struct Reason {
    text: &'static str,
    /// The address that it is about.
    address: Ipv4Addr,
}

/// A client.
pub(super) struct Client {
    mac: [u8; 6],
    random: Random,
    state: State,
    /// The number of the question that waits for an answer.
    transaction: Option<u32>,
    /// When that was asked, in nanoseconds.
    asked: u64,
    /// Attempts in a row that led to nothing.
    failures: u32,
    reason: Reason,
    /// The reason was logged.
    is_told: bool,
    /// When to do something, in nanoseconds.
    due: u64,
    /// Until when the old address stays in use without a lease, in nanoseconds.
    keep_until: u64,
    /// What was offered, or is leased.
    lease: Lease,
    /// Answers that were no use.
    refused: u32,
}

impl Client {
    /// A client on a link that is down.
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
            refused: 0,
        }
    }

    /// When [`work`](Self::work) has something to do, in nanoseconds.
    pub(super) fn deadline(&self) -> u64 {
        self.due.min(self.keep_until)
    }

    /// The number of the question that waits for an answer.
    #[cfg(not(target_os = "none"))]
    pub(super) fn transaction(&self) -> Option<u32> {
        self.transaction
    }

    /// How many answers were no use so far.
    pub(super) fn refused(&self) -> u32 {
        self.refused
    }

    /// Tells of the link. With the link the network may be another, so that servers are asked anew; an
    /// address that there is stays in use meanwhile.
    pub(super) fn link(&mut self, up: bool, now: u64, has_address: bool) {
        self.transaction = None;
        self.failures = 0;
        self.is_told = false;
        self.reason = Reason::SILENCE;
        self.keep_until = NEVER;
        if !up {
            self.state = State::Waiting;
            self.due = NEVER;
            return;
        }
        // At boot nothing was asked yet.
        let floor = if self.asked == 0 {
            0
        } else {
            self.asked + FLOOR
        };
        self.state = State::Selecting;
        self.due = now.max(floor);
        if has_address {
            self.keep_until = now.saturating_add(GRACE).min(self.lease.expires);
        }
    }

    /// Does what is due.
    pub(super) fn work(&mut self, now: u64) -> News {
        if self.keep_until <= now {
            self.keep_until = NEVER;
            return News::Lost;
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

    /// Takes a message from a server.
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
                match lease::accept(&answer) {
                    Ok(_) => {
                        self.lease.server = answer.server.unwrap_or(Ipv4Addr::UNSPECIFIED);
                        self.lease.address = answer.address;
                        self.state = State::Requesting(0);
                        self.due = now;
                    }
                    // Another server may offer something better until the pause is over.
                    Err(text) => self.refuse(text, &answer),
                }
                News::Nothing
            }
            (State::Requesting(_) | State::Bound, ACK) => match lease::accept(&answer) {
                Ok(configuration) => {
                    self.lease = Lease::new(&answer, self.lease.server, self.asked);
                    self.state = State::Bound;
                    self.due = self.lease.renew.max(now.saturating_add(FLOOR));
                    self.keep_until = NEVER;
                    self.transaction = None;
                    self.failures = 0;
                    self.is_told = false;
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
                self.refuse("the server refuses what it offered", &answer);
                self.fail(self.reason, now);
                if bound { News::Lost } else { News::Nothing }
            }
            _ => News::Nothing,
        }
    }

    /// Logs why there is no lease, once until there is one.
    fn tell(&mut self, reason: Reason) {
        if !core::mem::replace(&mut self.is_told, true) {
            reason.tell();
        }
    }

    /// A question of this type.
    fn ask(&mut self, kind: u8, now: u64) -> News {
        // What was offered is asked for with the number of the offer (RFC 2131, 4.4.1).
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
            offer: (kind == REQUEST && !bound).then_some((lease.address, lease.server)),
            server: (bound && now < lease.rebind).then_some(lease.server),
        })
    }

    /// Notes an answer that is no use.
    fn refuse(&mut self, text: &'static str, answer: &Answer) {
        self.refused = self.refused.wrapping_add(1);
        self.reason = Reason {
            text,
            address: answer.address,
        };
    }

    /// An attempt led to nothing: the next one comes after a pause.
    fn fail(&mut self, reason: Reason, now: u64) {
        self.reason = reason;
        self.state = State::Selecting;
        self.transaction = None;
        self.due = now.saturating_add(self.pause());
    }

    /// The pause after one more attempt, in nanoseconds.
    fn pause(&mut self) -> u64 {
        let pause = self.random_pause(self.failures);
        self.failures += 1;
        pause
    }

    /// A pause that was doubled so often, less or more by up to a second.
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
            warn!("DHCP: {text}; asking on");
        } else {
            warn!("DHCP: {text}, for {address}; asking on");
        }
    }
}
