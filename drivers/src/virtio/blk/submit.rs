//! Checks requests and submits them.

use core::slice;

use super::config::longest;
use super::operation::bytes;
use super::{
    Blk, Buffer, Consumer, Error, Features, InFlight, Operation, Payload, Refused, Rejected,
};
use super::{SECTOR, SEGMENTS, Ticket, Token, Transfer, Triple};
use crate::virtio::driver::Driver;
use crate::virtio::queue::Segment;
use crate::virtio::transport::Transport;

/// The types of requests (5.2.6).
pub(super) const IN: u32 = 0;
pub(super) const OUT: u32 = 1;
const FLUSH: u32 = 4;
const GET_ID: u32 = 8;
const DISCARD: u32 = 11;
/// The length of a serial number.
const SERIAL: u64 = 20;

/// An operation whose memory the caller still owns.
#[derive(Clone, Copy)]
enum Request<'a> {
    Transfer(Transfer, u64, &'a [Buffer]),
    Flush,
    Discard(u64, u32),
    Serial(&'a [Buffer]),
}

impl<T: Transport> Blk<T> {
    /// Returns the largest number of pieces of a payload. A piece longer than `size_max` counts
    /// once for every `size_max` bytes.
    #[must_use]
    pub fn max_segments(&self) -> u16 {
        // 2.7.5.3.1: a chain is no longer than the queue. `new` has checked that there is room for
        // one piece.
        let queue = u32::from(self.queue.size().saturating_sub(2)).max(1);
        self.config.seg_max.min(queue).min(SEGMENTS as u32) as u16
    }

    /// Accepts a request. The device sees it after the next [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// Returns [`Rejected`] with the unchanged operation.
    pub fn submit(&mut self, operation: Operation) -> Result<Token, Rejected> {
        self.submit_for(operation, Consumer::Token, &mut Ticket::none())
    }

    /// Like [`submit`](Self::submit), for `consumer`, whose turn is determined by `ticket`.
    ///
    /// # Errors
    ///
    /// Returns [`Rejected`] with the unchanged operation.
    pub fn submit_for(
        &mut self,
        operation: Operation,
        consumer: Consumer<'_>,
        ticket: &mut Ticket,
    ) -> Result<Token, Rejected> {
        let request = match &operation {
            Operation::Read { sector, payload } => {
                Request::Transfer(Transfer::Read, *sector, payload.buffers())
            }
            Operation::Write { sector, payload } => {
                Request::Transfer(Transfer::Write, *sector, payload.buffers())
            }
            Operation::Flush => Request::Flush,
            Operation::Discard { sector, sectors } => Request::Discard(*sector, *sectors),
            Operation::Serial { payload } => Request::Serial(payload.buffers()),
        };
        let chain = match self.prepare(request, ticket) {
            Ok(chain) => chain,
            Err(error) => return Err(Rejected { error, operation }),
        };
        let expected = match &operation {
            Operation::Read { payload, .. } => payload.len() as u32,
            _ => 0,
        };
        let done = matches!(operation, Operation::Flush) && self.writes_through();
        let keep = |request: &mut InFlight| {
            match operation.into_payload() {
                Some(Payload::One(buffer)) => request.one = Some(buffer),
                Some(Payload::Many(buffers)) => request.many = Some(buffers),
                None => {}
            }
            request.expected = expected;
        };
        let token = self.begin(keep, chain, consumer);
        if done {
            self.requests.finish(token.slot, |_request| Ok(()));
        }
        Ok(token)
    }

    /// Like [`submit_for`](Self::submit_for), for one buffer.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] with the buffer.
    pub fn submit_one(
        &mut self,
        transfer: Transfer,
        sector: u64,
        buffer: Buffer,
        consumer: Consumer<'_>,
        ticket: &mut Ticket,
    ) -> Result<Token, Refused> {
        match self.submit_again(transfer, sector, buffer, consumer, ticket) {
            Ok(token) => Ok(token),
            Err(buffer) => self.submit_first(transfer, sector, buffer, consumer, ticket),
        }
    }

    /// Submits a request with one buffer in the usual case: it is valid, a request slot keeps a
    /// chain for it, the disk works and nobody waits for it.
    ///
    /// # Errors
    ///
    /// Returns the buffer in any other case, for [`submit_first`](Self::submit_first).
    #[inline]
    pub fn submit_again(
        &mut self,
        transfer: Transfer,
        sector: u64,
        buffer: Buffer,
        consumer: Consumer<'_>,
        ticket: &Ticket,
    ) -> Result<Token, Buffer> {
        if let Some(segment) = self.fits(transfer, sector, &buffer)
            && !self.line.is_taken()
            && ticket.is_none()
            && let Some(place) = self.requests.ready()
            && let Some(chain) = place.chain()
            && self.queue.lend_triple_again(chain, segment)
        {
            self.headers.write(place.number(), transfer.kind(), sector);
            let keep = |request: &mut InFlight| request.keep(transfer, buffer);
            return Ok(place.fill(consumer, keep));
        }
        Err(buffer)
    }

    /// Submits a request with one buffer in any case, with a newly composed chain.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] with the buffer.
    #[cold]
    #[inline(never)]
    pub fn submit_first(
        &mut self,
        transfer: Transfer,
        sector: u64,
        buffer: Buffer,
        consumer: Consumer<'_>,
        ticket: &mut Ticket,
    ) -> Result<Token, Refused> {
        let request = Request::Transfer(transfer, sector, slice::from_ref(&buffer));
        match self.prepare(request, ticket) {
            Ok(chain) => {
                let keep = |request: &mut InFlight| request.keep(transfer, buffer);
                Ok(self.begin(keep, chain, consumer))
            }
            Err(error) => Err(Refused { error, buffer }),
        }
    }

    /// Returns the segment of a valid request that needs only one; otherwise `None`.
    #[inline]
    fn fits(&self, transfer: Transfer, sector: u64, buffer: &Buffer) -> Option<Segment> {
        let (address, len) = (buffer.address(), buffer.len());
        if len.wrapping_sub(1) >= self.config.piece_max as usize {
            return None;
        }
        let len = len as u32;
        let mask = self.config.block_mask;
        let sectors = u64::from(len / SECTOR as u32);
        let capacity = self.config.capacity;
        // A block consists of whole sectors, and the capacity in bytes fits in 64 bits.
        if len & mask != 0
            || (sector as u32) & (mask / SECTOR as u32) != 0
            || sector > capacity
            || sectors > capacity - sector
        {
            return None;
        }
        match transfer {
            Transfer::Read => Some(Segment::writable(address, len)),
            Transfer::Write if self.read_only() => None,
            Transfer::Write => Some(Segment::readable(address, len)),
        }
    }

    /// Prepares a request whose turn is determined by `ticket`: ensures a request slot without a
    /// chain, checks the request and lends its chain. Returns the chain if the request slot must
    /// keep it.
    fn prepare(
        &mut self,
        request: Request<'_>,
        ticket: &mut Ticket,
    ) -> Result<Option<Triple>, Error> {
        if let Some(failure) = self.device.failure() {
            return Err(Error::DeviceReset(failure));
        }
        if !self.line.admits(ticket) {
            return Err(Error::Full);
        }
        if self.requests.bare().is_none() {
            self.strip_one();
        }
        let place = self.requests.bare().ok_or(Error::Full)?;
        let slot = place.number();
        let chain = self.lend(slot, request)?;
        self.line.enter(ticket);
        Ok(chain)
    }

    /// Uses the [prepared](Self::prepare) request slot, with the memory of its request.
    fn begin(
        &mut self,
        keep: impl FnOnce(&mut InFlight),
        chain: Option<Triple>,
        consumer: Consumer<'_>,
    ) -> Token {
        match self.requests.bare() {
            Some(mut place) => {
                place.keep(chain);
                place.fill(consumer, keep)
            }
            None => unreachable!("a request slot was prepared"),
        }
    }

    /// Frees the chain of one vacant request slot that keeps one. Returns whether there was one.
    fn strip_one(&mut self) -> bool {
        let Some(chain) = self.requests.strip() else {
            return false;
        };
        self.queue.free(chain.head());
        true
    }

    /// Returns whether completed writes are durable without a flush, because the device lacks the
    /// flush feature (5.2.6.2).
    const fn writes_through(&self) -> bool {
        !self.features.contains(Features::FLUSH)
    }

    /// Checks a request and lends its chain to the device, with `slot` as the owner. Returns the
    /// chain if the next request can reuse it: if it has one piece of data.
    fn lend(&mut self, slot: u16, request: Request<'_>) -> Result<Option<Triple>, Error> {
        self.segments[0] = self.headers.header(slot);
        let (kind, sector, count) = match request {
            Request::Transfer(transfer, sector, buffers) => {
                if transfer == Transfer::Write {
                    self.check_writable()?;
                }
                self.check_range(sector, bytes(buffers))?;
                let count = self.lay_out(buffers, transfer == Transfer::Read)?;
                (transfer.kind(), sector, count)
            }
            Request::Flush if self.writes_through() => return Ok(None),
            Request::Flush => (FLUSH, 0, 1),
            Request::Discard(sector, sectors) => {
                self.check_discard(sector, sectors)?;
                self.headers.write_range(slot, sector, sectors);
                self.segments[1] = self.headers.range(slot);
                (DISCARD, 0, 2)
            }
            Request::Serial(buffers) if bytes(buffers) == SERIAL => {
                (GET_ID, 0, self.lay_out(buffers, true)?)
            }
            Request::Serial(_) => return Err(Error::TooLong { most: SERIAL }),
        };
        self.segments[count] = self.headers.status(slot);
        self.headers.write(slot, kind, sector);
        // Chains kept by vacant request slots are freed if they are needed.
        while !self.queue.has_room(count + 1) && self.strip_one() {}
        let lacks = !self.queue.has_room(count + 1) && !self.queue.has_tables();
        self.wanted = if lacks { count + 1 } else { 0 };
        if matches!(request, Request::Transfer(..))
            && let Some(segments) = self.segments[..=count].as_array()
        {
            let chain = self.queue.lend_triple(segments, slot);
            return chain.map(Some).ok_or(Error::Full);
        }
        let head = self.queue.lend(&self.segments[..=count], slot);
        head.map(|_head| None).ok_or(Error::Full)
    }

    /// Adds the pieces of a payload after the header. Returns the number of segments.
    fn lay_out(&mut self, buffers: &[Buffer], writable: bool) -> Result<usize, Error> {
        let most = self.max_segments();
        let mut count = 1;
        for buffer in buffers {
            let mut address = buffer.address();
            let mut left = buffer.len() as u64;
            while left > 0 {
                if count > usize::from(most) {
                    return Err(Error::TooManySegments { most });
                }
                let len = left.min(u64::from(self.config.size_max)) as u32;
                self.segments[count] = if writable {
                    Segment::writable(address, len)
                } else {
                    Segment::readable(address, len)
                };
                address.0 += u64::from(len);
                left -= u64::from(len);
                count += 1;
            }
        }
        Ok(count)
    }

    fn check_writable(&self) -> Result<(), Error> {
        if self.read_only() {
            Err(Error::ReadOnly)
        } else {
            Ok(())
        }
    }

    /// Checks that the sectors are on the disk. The interrupt that reports a new end may be lost or lead
    /// nowhere, so the end is read again before a request is refused.
    fn check_end(&mut self, sector: u64, sectors: u64) -> Result<(), Error> {
        let ends_before = |end: u64| sector < end && sectors <= end - sector;
        if !ends_before(self.config.capacity) {
            self.configuration_changed();
            if let Some(failure) = self.device.failure() {
                return Err(Error::DeviceReset(failure));
            }
        }
        let capacity = self.config.capacity;
        if ends_before(capacity) {
            return Ok(());
        }
        Err(Error::OutOfRange {
            sector,
            sectors,
            capacity,
        })
    }

    pub(super) fn check_range(&mut self, sector: u64, bytes: u64) -> Result<(), Error> {
        let block_size = self.config.block_size;
        let mask = u64::from(block_size) - 1;
        if bytes == 0 {
            return Err(Error::Empty);
        }
        let most = longest(block_size);
        if bytes > most {
            return Err(Error::TooLong { most });
        }
        self.check_end(sector, bytes.div_ceil(SECTOR))?;
        if (bytes | (sector * SECTOR)) & mask != 0 {
            return Err(Error::Misaligned { block_size });
        }
        Ok(())
    }

    fn check_discard(&mut self, sector: u64, sectors: u32) -> Result<(), Error> {
        if !self.features.contains(Features::DISCARD) {
            return Err(Error::Unsupported);
        }
        self.check_writable()?;
        let most = u64::from(self.config.max_discard) * SECTOR;
        let bytes = u64::from(sectors) * SECTOR;
        if bytes > most {
            return Err(Error::TooLong { most });
        }
        if sectors == 0 {
            return Err(Error::Empty);
        }
        self.check_end(sector, u64::from(sectors))?;
        let block_size = self.config.block_size;
        let mask = u64::from(block_size) - 1;
        let aligned = (bytes | (sector * SECTOR)) & mask == 0;
        if aligned {
            Ok(())
        } else {
            Err(Error::Misaligned { block_size })
        }
    }
}
