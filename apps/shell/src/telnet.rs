//! Telnet (RFC 854): a connection on which the client sends each key at once.

use embedded_io_async::{ErrorType, Read, Write};
use vmos::net::{TcpError, TcpStream};

/// The byte that starts a protocol command, and the commands.
const IAC: u8 = 255;
const SUBNEGOTIATION: u8 = 250;
const END: u8 = 240;
const WILL: u8 = 251;
const DONT: u8 = 254;
/// This side echoes (RFC 857) and suppresses go-ahead (RFC 858).
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;

/// A connection without the protocol's commands: only typed bytes remain.
pub(crate) struct Telnet {
    stream: TcpStream,
    words: Words,
    greeted: bool,
}

impl Telnet {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            words: Words::Text,
            greeted: false,
        }
    }

    async fn greet(&mut self) -> Result<(), TcpError> {
        if core::mem::replace(&mut self.greeted, true) {
            return Ok(());
        }
        self.stream.set_no_delay(true);
        let offer = [IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD];
        self.stream.write_all(&offer).await
    }
}

impl ErrorType for Telnet {
    type Error = TcpError;
}

impl Read for Telnet {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        self.greet().await?;
        loop {
            let length = self.stream.read(buffer).await?;
            let mut kept = 0;
            for index in 0..length {
                if self.words.is_text(buffer[index]) {
                    buffer[kept] = buffer[index];
                    kept += 1;
                }
            }
            if kept > 0 || length == 0 {
                return Ok(kept);
            }
        }
    }
}

impl Write for Telnet {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, TcpError> {
        self.greet().await?;
        self.stream.write(bytes).await
    }

    async fn flush(&mut self) -> Result<(), TcpError> {
        self.stream.flush().await
    }
}

/// The state within a protocol command.
#[derive(Clone, Copy)]
enum Words {
    Text,
    Begun,
    Option,
    Within,
    WithinBegun,
}

impl Words {
    /// Processes the next byte; returns whether it was typed.
    fn is_text(&mut self, byte: u8) -> bool {
        let (next, is_text) = match (*self, byte) {
            (Self::Text, IAC) => (Self::Begun, false),
            (Self::Text, _) => (Self::Text, true),
            (Self::Begun, WILL..=DONT) => (Self::Option, false),
            (Self::Begun, SUBNEGOTIATION) => (Self::Within, false),
            (Self::Within, IAC) => (Self::WithinBegun, false),
            (Self::Within, _) => (Self::Within, false),
            (Self::WithinBegun, byte) if byte != END => (Self::Within, false),
            (Self::Begun | Self::Option | Self::WithinBegun, _) => (Self::Text, false),
        };
        *self = next;
        is_text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_commands_are_removed() {
        let mut words = Words::Text;
        let sent = [
            &b"a"[..],
            &[
                IAC, WILL, 31, IAC, 250, 31, 0, 80, IAC, IAC, 0, 24, IAC, 240,
            ],
            b"b",
            &[IAC, 241],
            b"c",
        ]
        .concat();
        let typed: Vec<u8> = sent
            .into_iter()
            .filter(|byte| words.is_text(*byte))
            .collect();
        assert_eq!(typed, b"abc");
    }
}
