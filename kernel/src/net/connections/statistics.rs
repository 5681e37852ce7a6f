//! What happened to TCP, counted.

/// Counts of TCP since boot. Every number only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpStatistics {
    /// Connections that were established, in either direction.
    pub established: u64,
    /// Half-open connections that were evicted for a newer one (RFC 4987, 3.2).
    pub half_open_evicted: u64,
    /// Connections that were made from a SYN cookie, since their half-open one had been evicted.
    pub cookies_accepted: u64,
    /// Connections that nobody owned any more and that were evicted, since another needed a socket.
    pub orphans_evicted: u64,
    /// Acknowledgements sent in answer to a segment that has no place in its connection (RFC 5961).
    pub challenges: u64,
    /// The same, not sent because of the rate limit of a connection (RFC 5961, 7).
    pub challenges_withheld: u64,
    /// Resets that were not accepted, since they were not exactly where the next byte is expected
    /// (RFC 5961, 3), or since the connection is in TIME-WAIT (RFC 1337).
    pub resets_refused: u64,
    /// Segments that were dropped because they came from or went to an address that is no peer's.
    pub no_peer: u64,
    /// Segments sent again.
    pub retransmissions: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Connections given up because the peer was silent.
    pub gave_up: u64,
}

vmos_drivers::counted!(TcpStatistics {
    established,
    half_open_evicted,
    cookies_accepted,
    orphans_evicted,
    challenges,
    challenges_withheld,
    resets_refused,
    no_peer,
    retransmissions,
    timeouts,
    gave_up,
});
