//! The device: answers QEMU's messages, and moves packets between the queues and the test.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;

use super::GUEST;
use super::memory::Memory;
use super::message::Message;
use crate::outcome::Outcome;

/// The features: the current interface, and extensions of vhost-user.
const FEATURES: u64 = 1 << 32 | 1 << 30;
/// The extension for the device's configuration.
const PROTOCOL_FEATURES: u64 = 1 << 9;
/// The queue for packets to the machine, and that for packets from it.
const RECEIVE: usize = 0;
const TRANSMIT: usize = 1;
/// Bits of a descriptor's flags.
const NEXT: u16 = 1;
const WRITABLE: u16 = 2;

/// A queue.
#[derive(Debug, Default)]
struct Queue {
    size: u16,
    descriptors: u64,
    available: u64,
    used: u64,
    /// The index of the next available entry, and of the next used one.
    next: u16,
    is_running: bool,
    call: Option<File>,
    /// Kept so that QEMU can write it; the queue is looked at regularly anyway.
    kick: Option<File>,
}

/// The device.
#[derive(Debug)]
pub(super) struct Backend {
    stream: UnixStream,
    memory: Memory,
    queues: [Queue; 2],
}

impl Backend {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            memory: Memory::default(),
            queues: Default::default(),
        }
    }

    /// Answers all messages that have arrived. Returns false if QEMU has ended.
    pub(super) fn answer_messages(&mut self) -> Outcome<bool> {
        loop {
            match Message::receive(&self.stream) {
                Ok(Some(message)) => self.answer(message)?,
                Ok(None) => return Ok(true),
                Err(error) => {
                    let error = error.downcast::<io::Error>()?;
                    let has_ended = matches!(
                        error.kind(),
                        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
                    );
                    return if has_ended { Ok(false) } else { Err(error) };
                }
            }
        }
    }

    fn answer(&mut self, mut message: Message) -> Outcome {
        let stream = &self.stream;
        // Most messages name a queue first.
        let number = message.word(0) as usize & 0xff;
        let queue = self.queues.get_mut(number);
        match (message.request, queue) {
            // GET_FEATURES, GET_PROTOCOL_FEATURES
            (1, _) => message.reply(stream, &FEATURES.to_le_bytes())?,
            (15, _) => message.reply(stream, &PROTOCOL_FEATURES.to_le_bytes())?,
            // SET_FEATURES, SET_OWNER, SET_VRING_ERR, SET_PROTOCOL_FEATURES, SET_CONFIG
            (2 | 3 | 14 | 16 | 25, _) => {}
            // SET_MEM_TABLE
            (5, _) => self.memory = Memory::of(message),
            // SET_VRING_NUM
            (8, Some(queue)) => queue.size = u16::try_from(message.word(4))?,
            // SET_VRING_ADDR
            (9, Some(queue)) => {
                queue.descriptors = self.memory.in_machine(message.long(8))?;
                queue.used = self.memory.in_machine(message.long(16))?;
                queue.available = self.memory.in_machine(message.long(24))?;
            }
            // SET_VRING_BASE
            (10, Some(queue)) => queue.next = message.word(4) as u16,
            // GET_VRING_BASE: stops the queue.
            (11, Some(queue)) => {
                queue.is_running = false;
                let reply = [(number as u32), u32::from(queue.next)].map(u32::to_le_bytes);
                message.reply(stream, reply.as_flattened())?;
            }
            // SET_VRING_KICK, SET_VRING_CALL
            (12, Some(queue)) => queue.kick = message.files.pop(),
            (13, Some(queue)) => queue.call = message.files.pop(),
            // SET_VRING_ENABLE
            (18, Some(queue)) => queue.is_running = message.word(4) == 1,
            // GET_CONFIG
            (24, _) => {
                let mut reply = message.payload.clone();
                let config = reply.get_mut(12..20);
                let config = config.ok_or("QEMU asks for too short a configuration")?;
                config.copy_from_slice(&GUEST.to_le_bytes());
                message.reply(stream, &reply)?;
            }
            (request, _) => return Err(format!("QEMU sends an unknown message {request}").into()),
        }
        Ok(())
    }

    /// Returns the next chain of a queue: its head and its segments.
    #[expect(
        clippy::type_complexity,
        reason = "it is taken apart where it is called"
    )]
    fn next(&self, number: usize, flag: u16) -> Outcome<Option<(u16, Vec<(u64, usize)>)>> {
        let (queue, memory) = (&self.queues[number], &self.memory);
        if !queue.is_running || queue.available == 0 {
            return Ok(None);
        }
        let available = u16::from_le_bytes(memory.read(queue.available + 2)?);
        if available == queue.next {
            return Ok(None);
        }
        let entry = queue.available + 4 + 2 * u64::from(queue.next % queue.size);
        let head = u16::from_le_bytes(memory.read(entry)?);
        let (mut index, mut segments) = (head, Vec::new());
        loop {
            if index >= queue.size || segments.len() > usize::from(queue.size) {
                return Err(format!("a chain of queue {number} is malformed").into());
            }
            let bytes: [u8; 16] = memory.read(queue.descriptors + 16 * u64::from(index))?;
            let [address @ .., a, b, c, d, e, f, g, h] = bytes;
            let (flags, next) = (u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
            if flags & WRITABLE != flag {
                return Err(format!("a buffer of queue {number} has the wrong direction").into());
            }
            let len = u32::from_le_bytes([a, b, c, d]) as usize;
            segments.push((u64::from_le_bytes(address), len));
            if flags & NEXT == 0 {
                return Ok(Some((head, segments)));
            }
            index = next;
        }
    }

    /// Returns a chain to the machine, and raises an interrupt unless it does not want one.
    fn give_back(&mut self, number: usize, head: u16, len: usize) -> Outcome {
        let (queue, memory) = (&mut self.queues[number], &self.memory);
        let entry = [u32::from(head), len as u32].map(u32::to_le_bytes);
        let place = queue.used + 4 + 8 * u64::from(queue.next % queue.size);
        memory.write(place, entry.as_flattened())?;
        queue.next = queue.next.wrapping_add(1);
        memory.write(queue.used + 2, &queue.next.to_le_bytes())?;
        let flags = u16::from_le_bytes(memory.read(queue.available)?);
        if let Some(call) = queue.call.as_mut().filter(|_| flags & 1 == 0) {
            call.write_all(&1_u64.to_ne_bytes())?;
        }
        Ok(())
    }

    /// Gives a packet to the machine. Returns false if it has no buffer for it.
    pub(super) fn give(&mut self, packet: &[u8]) -> Outcome<bool> {
        let Some((head, segments)) = self.next(RECEIVE, WRITABLE)? else {
            return Ok(false);
        };
        let mut rest = packet;
        for (address, len) in segments {
            let (part, after) = rest.split_at(len.min(rest.len()));
            self.memory.write(address, part)?;
            rest = after;
        }
        if !rest.is_empty() {
            return Err("the machine's buffers are smaller than the test's packets".into());
        }
        self.give_back(RECEIVE, head, packet.len())?;
        Ok(true)
    }

    /// Takes a packet of the machine.
    pub(super) fn take(&mut self) -> Outcome<Option<Vec<u8>>> {
        let Some((head, segments)) = self.next(TRANSMIT, 0)? else {
            return Ok(None);
        };
        let mut packet = Vec::new();
        for (address, len) in segments {
            let start = packet.len();
            packet.resize(start + len, 0);
            self.memory.read_into(address, &mut packet[start..])?;
        }
        self.give_back(TRANSMIT, head, 0)?;
        Ok(Some(packet))
    }
}
