//! Implementations of other crates' network traits. Each is a feature of this crate and off by
//! default.
//!
//! | feature | crate | used by |
//! |---|---|---|
//! | `edge-nal` | `edge-nal` 0.7 | edge-http, edge-mdns and other TCP and UDP software |
//! | `embedded-nal-async` | `embedded-nal-async` 0.9 | reqwless and other TCP clients |
//! | `picoserve` | `picoserve` 0.20 | web servers |
//! | `sntpc` | `sntpc` 0.11 | clients of time servers |
//!
//! `embedded-io-async` needs no feature: [`TcpStream`](super::TcpStream) and its halves implement
//! its traits.
//!
//! With the feature `networks`, the traits of edge-nal, embedded-nal-async and sntpc are also
//! implemented for all networks together, [`Networks`](super::Networks) and its sockets.

#[cfg(feature = "edge-nal")]
mod binding;
#[cfg(any(feature = "edge-nal", feature = "embedded-nal-async"))]
mod connection;
#[cfg(feature = "edge-nal")]
mod edge_tcp;
#[cfg(feature = "edge-nal")]
mod edge_udp;
#[cfg(any(
    feature = "edge-nal",
    feature = "embedded-nal-async",
    feature = "sntpc"
))]
mod error;
#[cfg(any(feature = "edge-nal", feature = "embedded-nal-async"))]
mod host;
#[cfg(feature = "embedded-nal-async")]
mod nal;
#[cfg(feature = "picoserve")]
mod picoserve;
#[cfg(feature = "sntpc")]
mod sntpc;
#[cfg(any(feature = "edge-nal", feature = "sntpc"))]
mod sockets;
#[cfg(any(feature = "edge-nal", feature = "embedded-nal-async"))]
mod versions;

#[cfg(any(feature = "edge-nal", feature = "embedded-nal-async"))]
pub use connection::{Connection, Reading, Writing};
#[cfg(feature = "edge-nal")]
pub use edge_tcp::Accepting;
#[cfg(feature = "edge-nal")]
pub use edge_udp::{Membership, UdpConnection, UdpReceiver, UdpSender};
#[cfg(any(
    feature = "edge-nal",
    feature = "embedded-nal-async",
    feature = "sntpc"
))]
pub use error::NetError;
#[cfg(feature = "picoserve")]
pub use picoserve::{PicoserveTimer, Vmos};
#[cfg(feature = "sntpc")]
pub use sntpc::SntpcClock;
