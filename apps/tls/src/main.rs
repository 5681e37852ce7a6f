//! Fetches a page over TLS 1.3 and prints it.
//!
//! `--append "tls=10.0.2.2:4433,example.org"` names the server and the name in its certificate. The
//! server's chain must lead to the certificate at the start of the first disk, in DER, with ECDSA
//! keys on P-256: `openssl x509 -in ca.pem -outform DER -out disk.img`.

#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

use alloc::string::String;
use alloc::vec;
use core::net::SocketAddrV4;

use embedded_io_async::Write as _;
use embedded_tls::pki::CertVerifier;
use embedded_tls::{
    Aes128GcmSha256, Certificate, CryptoProvider, TlsClock, TlsConfig, TlsConnection, TlsContext,
    TlsError, TlsVerifier,
};
use rand_core_06::{CryptoRng, RngCore};
use vmos::random::{self, Random};
use vmos::time::{self, Duration, with_timeout};
use vmos::{Error, Kernel, Result, Spawner, println};

/// The longest record of TLS 1.3 with its overhead (RFC 8446, 5.2).
const RECORD: usize = 16_640;
/// The longest certificate, in bytes.
const CERTIFICATE: usize = 4096;
/// The largest number of bytes of the page that are read.
const PAGE: usize = 8192;
/// The time limit for the whole exchange.
const PATIENCE: Duration = Duration::from_secs(30);

#[vmos::main]
async fn main(kernel: Kernel, spawner: Spawner) -> Result<()> {
    let random = random::start(kernel, spawner).await?;
    let words = kernel.command_line().value("tls");
    let (server, name) = words
        .and_then(|words| words.split_once(','))
        .ok_or(Error::new("no server: --append \"tls=ADDRESS:PORT,NAME\""))?;
    let server: SocketAddrV4 = server.parse()?;
    // A certificate spans a few sectors.
    let first = kernel.disk(0)?.read(0, kernel.buffer(CERTIFICATE)?).await?;
    let trusted = certificate(&first).ok_or(Error::new("no certificate on the first disk"))?;
    kernel.net()?.configured().await;
    with_timeout(PATIENCE, fetch(kernel, server, name, trusted, random))
        .await
        .map_err(|_| Error::new("no answer within the time limit"))?
}

/// Returns the DER value at the start of `bytes`: a sequence with a length of two bytes (X.690,
/// 8.1.3).
fn certificate(bytes: &[u8]) -> Option<&[u8]> {
    let [0x30, 0x82, high, low, ..] = bytes else {
        return None;
    };
    bytes.get(..4 + usize::from(u16::from_be_bytes([*high, *low])))
}

async fn fetch(
    kernel: Kernel,
    server: SocketAddrV4,
    name: &str,
    trusted: &[u8],
    random: Random,
) -> Result<()> {
    let stream = kernel.net()?.tcp_connect(server).await?;
    let (mut received, mut sent) = (vec![0; RECORD], vec![0; RECORD]);
    let mut tls = TlsConnection::new(stream, &mut received, &mut sent);
    let config = TlsConfig::new().with_server_name(name);
    let provider = Provider {
        random: Generator(random),
        verifier: CertVerifier::new(Certificate::X509(trusted)),
    };
    tls.open(TlsContext::new(&config, provider))
        .await
        .map_err(Said)?;
    println!("the server {name} is who it says it is");
    tls.write_all(b"GET / HTTP/1.0\r\n\r\n")
        .await
        .map_err(Said)?;
    tls.flush().await.map_err(Said)?;
    let mut page = vec![0; PAGE];
    let mut length = 0;
    while let Some(free) = page.get_mut(length..).filter(|free| !free.is_empty()) {
        match tls.read(free).await {
            Ok(0) | Err(TlsError::ConnectionClosed) => break,
            Ok(count) => length += count,
            Err(error) => return Err(Said(error).into()),
        }
    }
    for line in String::from_utf8_lossy(&page[..length]).lines() {
        println!("{line}");
    }
    Ok(())
}

/// The operations that embedded-tls requires from its environment.
struct Provider<'a> {
    random: Generator,
    verifier: CertVerifier<'a, Aes128GcmSha256, WallClock, CERTIFICATE>,
}

impl CryptoProvider for Provider<'_> {
    type CipherSuite = Aes128GcmSha256;
    // This client has no certificate, so it signs nothing.
    type Signature = &'static [u8];

    fn rng(&mut self) -> impl embedded_tls::CryptoRngCore {
        &mut self.random
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

/// The time of day, for the validity of certificates.
struct WallClock;

impl TlsClock for WallClock {
    fn now() -> Option<u64> {
        Some(time::wall_clock()?.since_1970().as_secs())
    }
}

/// The kernel's generator, for the older traits that embedded-tls uses.
struct Generator(Random);

impl RngCore for Generator {
    fn next_u32(&mut self) -> u32 {
        rand_core::Rng::next_u32(&mut self.0)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::Rng::next_u64(&mut self.0)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        rand_core::Rng::fill_bytes(&mut self.0, bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Generator {}

/// An error of embedded-tls, which only has debug text.
#[derive(Debug)]
struct Said(TlsError);

impl core::fmt::Display for Said {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TLS: {:?}", self.0)
    }
}

impl core::error::Error for Said {}
