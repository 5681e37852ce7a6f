//! The counts of TCP.

/// The counts of TCP since boot. They only increase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpStatistics {
    /// Established connections, in either direction.
    pub established: u64,
    /// Half-open connections evicted for a newer one (RFC 4987, 3.2).
    pub half_open_evicted: u64,
    /// Requests to connect answered by a SYN cookie, without a connection, because half-open ones
    /// took all the room (RFC 4987, 3.6).
    pub cookies_sent: u64,
    /// Connections created from a SYN cookie.
    pub cookies_accepted: u64,
    /// Connections without an owner that were evicted because another one needed the socket.
    pub orphans_evicted: u64,
    /// Acknowledgements sent in answer to unacceptable segments (RFC 5961).
    pub challenges: u64,
    /// Answers to unacceptable segments not sent because of the rate limit (RFC 5961, 7).
    pub challenges_withheld: u64,
    /// Resets ignored because their sequence number was not exactly the expected one (RFC 5961, 3),
    /// or because the connection was in TIME-WAIT (RFC 1337).
    pub resets_refused: u64,
    /// Retransmitted segments.
    pub retransmissions: u64,
    /// Connections whose segments became shorter because a router reported a smaller MTU (RFC 1191).
    pub shortened: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Connections given up because the peer was silent.
    pub gave_up: u64,
}

vmos_drivers::counted!(TcpStatistics {
    established,
    half_open_evicted,
    cookies_sent,
    cookies_accepted,
    orphans_evicted,
    challenges,
    challenges_withheld,
    resets_refused,
    retransmissions,
    shortened,
    timeouts,
    gave_up,
});
