//! Tests of the socket driver against a simulated device and peer.

use alloc::vec;
use alloc::vec::Vec;

use super::super::fake::{DeviceRing, FakeDevice, MmioRegisters, Wakes};
use super::super::transport::MmioTransport;
use super::header::{NO_RECEIVE, NO_SEND};
use super::*;
use crate::watched::Watched as _;

const VERSION_1: u64 = 1 << 32;
const CID: u64 = 33;
const PEER: Address = Address {
    cid: HOST,
    port: 1000,
};

type Driver = Vsock<MmioTransport<MmioRegisters>>;

struct Host {
    device: FakeDevice,
    receive: DeviceRing,
    transmit: DeviceRing,
    events: DeviceRing,
}

/// A packet to the machine's port 7.
fn packet(operation: Operation) -> Header {
    Header {
        from: PEER,
        to: Address { cid: CID, port: 7 },
        len: 0,
        kind: header::STREAM,
        operation: Some(operation),
        flags: 0,
        allocated: 6000,
        forwarded: 0,
    }
}

impl Host {
    fn new() -> (Self, Driver) {
        let config = [33, 0, 0, 0, 0, 0, 0, 0];
        let device = FakeDevice::new(2, 19, VERSION_1 | STREAM, &[64; 3], &config);
        let vsock = Vsock::new(device.transport()).expect("a fine device");
        let rings = [0, 1, 2].map(|queue| device.ring(queue));
        let [receive, transmit, events] = rings;
        let host = Self {
            device,
            receive,
            transmit,
            events,
        };
        (host, vsock)
    }

    fn send(&mut self, vsock: &mut Driver, header: Header, payload: &[u8]) {
        let header = Header {
            len: payload.len() as u32,
            ..header
        };
        self.send_raw(vsock, &[&header.bytes(), payload].concat());
    }

    fn send_raw(&mut self, vsock: &mut Driver, bytes: &[u8]) {
        let chain = self.receive.pop().expect("the driver has given a buffer");
        let len = chain.write(bytes);
        self.receive.give_back(u32::from(chain.head), len);
        vsock.complete(64);
        vsock.publish();
    }

    /// Takes all packets that the driver has sent.
    fn take(&mut self, vsock: &mut Driver) -> Vec<(Header, Vec<u8>)> {
        vsock.publish();
        let mut packets = Vec::new();
        while let Some(chain) = self.transmit.pop() {
            let bytes = chain.bytes();
            let (header, payload) = Header::read(&bytes).expect("a packet");
            packets.push((header, payload.to_vec()));
            self.transmit.give_back(u32::from(chain.head), 0);
        }
        vsock.complete(64);
        packets
    }

    fn operations(&mut self, vsock: &mut Driver) -> Vec<Operation> {
        let packets = self.take(vsock).into_iter();
        packets.filter_map(|(header, _)| header.operation).collect()
    }

    /// A connection from the host that was accepted.
    fn accepted(&mut self, vsock: &mut Driver) -> Handle {
        vsock.listen(7).expect("the port is free");
        self.send(vsock, packet(Operation::Request), &[]);
        let Poll::Ready((handle, peer)) = vsock.poll_accept(7, Waker::noop()) else {
            panic!("nothing to accept");
        };
        assert_eq!(peer, PEER);
        assert_eq!(self.operations(vsock), [Operation::Response]);
        handle
    }
}

fn read(vsock: &mut Driver, handle: Handle, len: usize) -> Poll<Result<Vec<u8>, Error>> {
    let mut buffer = vec![0; len];
    vsock
        .poll_read(handle, &mut buffer, Waker::noop())
        .map_ok(|count| buffer[..count].to_vec())
}

fn write(vsock: &mut Driver, handle: Handle, bytes: &[u8]) -> Poll<Result<usize, Error>> {
    vsock.poll_write(handle, bytes, Waker::noop())
}

#[test]
fn the_machine_has_the_number_of_the_configuration() {
    let (_host, vsock) = Host::new();
    assert_eq!(vsock.cid(), CID);
}

#[test]
fn a_connection_is_accepted_and_carries_bytes_both_ways() {
    let (mut host, mut vsock) = Host::new();
    let (wakes, waker) = Wakes::new();
    vsock.listen(7).expect("the port is free");
    assert!(vsock.poll_accept(7, &waker).is_pending());
    vsock.stop_listening(7);
    let handle = host.accepted(&mut vsock);
    assert_eq!(wakes.count(), 0);
    assert!(read(&mut vsock, handle, 8).is_pending());
    host.send(&mut vsock, packet(Operation::Data), b"hello");
    assert_eq!(
        read(&mut vsock, handle, 3),
        Poll::Ready(Ok(b"hel".to_vec()))
    );
    assert_eq!(read(&mut vsock, handle, 8), Poll::Ready(Ok(b"lo".to_vec())));
    assert_eq!(write(&mut vsock, handle, b"bye"), Poll::Ready(Ok(3)));
    let (header, payload) = host.take(&mut vsock).remove(0);
    assert_eq!((header.from, header.to), (packet(Operation::Data).to, PEER));
    assert_eq!(
        (header.allocated, header.forwarded),
        (RECEIVE_BUFFER as u32, 5)
    );
    assert_eq!(payload, b"bye");
}

#[test]
fn a_task_that_accepts_is_woken() {
    let (mut host, mut vsock) = Host::new();
    let (wakes, waker) = Wakes::new();
    vsock.listen(7).expect("the port is free");
    assert!(vsock.poll_accept(7, &waker).is_pending());
    host.send(&mut vsock, packet(Operation::Request), &[]);
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_connection_to_the_host_is_made_or_refused() {
    for (answer, connected) in [
        (Operation::Response, Ok(())),
        (Operation::Reset, Err(Error::Refused)),
    ] {
        let (mut host, mut vsock) = Host::new();
        let handle = vsock.connect(PEER).expect("there is room");
        assert!(vsock.poll_connected(handle, Waker::noop()).is_pending());
        let (request, _) = host.take(&mut vsock).remove(0);
        assert_eq!(request.operation, Some(Operation::Request));
        let answer = Header {
            to: request.from,
            ..packet(answer)
        };
        host.send(&mut vsock, answer, &[]);
        let poll = vsock.poll_connected(handle, Waker::noop());
        assert_eq!(poll, Poll::Ready(connected));
    }
}

#[test]
fn what_nobody_wants_is_refused_but_a_refusal_is_not() {
    let (mut host, mut vsock) = Host::new();
    for operation in [
        Operation::Request,
        Operation::Response,
        Operation::Data,
        Operation::Shutdown,
    ] {
        host.send(&mut vsock, packet(operation), &[]);
        let packets = host.take(&mut vsock);
        assert_eq!(packets.len(), 1);
        assert_eq!(packets[0].0.operation, Some(Operation::Reset));
        assert_eq!(packets[0].0.to, PEER);
    }
    host.send(&mut vsock, packet(Operation::Reset), &[]);
    let other = Header {
        to: Address { cid: 99, port: 7 },
        ..packet(Operation::Request)
    };
    host.send(&mut vsock, other, &[]);
    assert!(host.take(&mut vsock).is_empty());
}

#[test]
fn an_unknown_type_is_refused_with_its_type() {
    let (mut host, mut vsock) = Host::new();
    vsock.listen(7).expect("the port is free");
    let kind = 2;
    let header = Header {
        kind,
        ..packet(Operation::Request)
    };
    host.send(&mut vsock, header, &[]);
    let (reset, _) = host.take(&mut vsock).remove(0);
    assert_eq!((reset.operation, reset.kind), (Some(Operation::Reset), 2));
}

#[test]
fn no_more_is_sent_than_the_peer_has_room_for() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    let bytes = vec![7; 20_000];
    assert_eq!(write(&mut vsock, handle, &bytes), Poll::Ready(Ok(6000)));
    let (wakes, waker) = Wakes::new();
    assert!(vsock.poll_write(handle, &bytes, &waker).is_pending());
    let sent = host.take(&mut vsock);
    let lens: Vec<_> = sent.iter().map(|(_, payload)| payload.len()).collect();
    assert_eq!(lens, [4052, 1948, 0]);
    assert_eq!(sent[2].0.operation, Some(Operation::CreditRequest));
    assert!(vsock.poll_write(handle, &bytes, &waker).is_pending());
    // The peer is asked once.
    assert!(host.take(&mut vsock).is_empty());
    let credit = Header {
        forwarded: 4000,
        ..packet(Operation::CreditUpdate)
    };
    let before = wakes.count();
    host.send(&mut vsock, credit, &[]);
    assert_eq!(wakes.count(), before + 1);
    host.take(&mut vsock);
    assert_eq!(write(&mut vsock, handle, &bytes), Poll::Ready(Ok(4000)));
}

#[test]
fn a_peer_that_answers_without_credit_is_not_asked_again() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    let bytes = vec![7; 20_000];
    assert_eq!(write(&mut vsock, handle, &bytes), Poll::Ready(Ok(6000)));
    assert!(write(&mut vsock, handle, &bytes).is_pending());
    host.take(&mut vsock);
    for _ in 0..3 {
        host.send(&mut vsock, packet(Operation::CreditUpdate), &[]);
        assert!(write(&mut vsock, handle, &bytes).is_pending());
        assert!(host.take(&mut vsock).is_empty());
    }
}

#[test]
fn a_peer_that_accepts_sends_and_closes_at_once_is_heard() {
    let (mut host, mut vsock) = Host::new();
    let handle = vsock.connect(PEER).expect("there is room");
    vsock.publish();
    let (request, _) = host.take(&mut vsock).remove(0);
    let answer = |operation| Header {
        to: request.from,
        flags: NO_SEND | NO_RECEIVE,
        ..packet(operation)
    };
    host.send(&mut vsock, answer(Operation::Response), &[]);
    host.send(&mut vsock, answer(Operation::Data), b"bye");
    host.send(&mut vsock, answer(Operation::Shutdown), &[]);
    let poll = vsock.poll_connected(handle, Waker::noop());
    assert_eq!(poll, Poll::Ready(Ok(())));
    let bytes = read(&mut vsock, handle, 8);
    assert_eq!(bytes, Poll::Ready(Ok(b"bye".to_vec())));
    assert_eq!(read(&mut vsock, handle, 8), Poll::Ready(Ok(vec![])));
}

#[test]
fn a_peer_that_claims_to_have_taken_more_than_was_sent_gets_no_credit() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    let credit = Header {
        forwarded: 5000,
        ..packet(Operation::CreditUpdate)
    };
    host.send(&mut vsock, credit, &[]);
    assert_eq!(
        write(&mut vsock, handle, &[7; 20_000]),
        Poll::Ready(Ok(6000))
    );
}

#[test]
fn the_peer_learns_when_there_is_room_again() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    for _ in 0..4 {
        host.send(&mut vsock, packet(Operation::Data), &[1; 4000]);
    }
    assert!(host.take(&mut vsock).is_empty());
    assert!(read(&mut vsock, handle, 4000).is_ready());
    assert!(host.take(&mut vsock).is_empty());
    assert!(read(&mut vsock, handle, 6000).is_ready());
    let (update, _) = host.take(&mut vsock).remove(0);
    assert_eq!(update.operation, Some(Operation::CreditUpdate));
    assert_eq!(update.forwarded, 10_000);
    host.send(&mut vsock, packet(Operation::CreditRequest), &[]);
    assert_eq!(host.operations(&mut vsock), [Operation::CreditUpdate]);
}

#[test]
fn a_peer_that_ignores_its_credit_is_reset() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    for _ in 0..5 {
        host.send(&mut vsock, packet(Operation::Data), &[1; 4000]);
    }
    assert_eq!(host.operations(&mut vsock), [Operation::Reset]);
    // What had arrived before can be read.
    for _ in 0..4 {
        assert_eq!(
            read(&mut vsock, handle, 4000),
            Poll::Ready(Ok(vec![1; 4000]))
        );
    }
    assert_eq!(read(&mut vsock, handle, 1), Poll::Ready(Err(Error::Reset)));
}

#[test]
fn a_peer_that_closes_ends_the_stream_after_its_bytes() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    host.send(&mut vsock, packet(Operation::Data), b"bye");
    let shutdown = Header {
        flags: NO_RECEIVE | NO_SEND,
        ..packet(Operation::Shutdown)
    };
    host.send(&mut vsock, shutdown, &[]);
    assert_eq!(host.operations(&mut vsock), [Operation::Reset]);
    assert_eq!(
        read(&mut vsock, handle, 8),
        Poll::Ready(Ok(b"bye".to_vec()))
    );
    assert_eq!(read(&mut vsock, handle, 8), Poll::Ready(Ok(vec![])));
    assert_eq!(
        write(&mut vsock, handle, b"x"),
        Poll::Ready(Err(Error::Closed))
    );
}

#[test]
fn a_peer_that_only_stops_sending_still_receives() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    let shutdown = Header {
        flags: NO_SEND,
        ..packet(Operation::Shutdown)
    };
    host.send(&mut vsock, shutdown, &[]);
    assert_eq!(read(&mut vsock, handle, 8), Poll::Ready(Ok(vec![])));
    assert_eq!(write(&mut vsock, handle, b"x"), Poll::Ready(Ok(1)));
}

#[test]
fn closing_sends_a_shutdown_and_waits_for_the_reset() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    assert_eq!(write(&mut vsock, handle, b"last"), Poll::Ready(Ok(4)));
    vsock.close(handle);
    let packets = host.take(&mut vsock);
    assert_eq!(packets[0].1, b"last");
    assert_eq!(packets[1].0.operation, Some(Operation::Shutdown));
    assert_eq!(packets[1].0.flags, NO_RECEIVE | NO_SEND);
    host.send(&mut vsock, packet(Operation::Reset), &[]);
    assert!(host.take(&mut vsock).is_empty());
    // The place is free again.
    host.send(&mut vsock, packet(Operation::Request), &[]);
    assert_eq!(host.operations(&mut vsock), [Operation::Response]);
}

#[test]
fn more_connections_than_the_backlog_are_refused() {
    let (mut host, mut vsock) = Host::new();
    vsock.listen(7).expect("the port is free");
    let mut answers = Vec::new();
    for port in 0..20 {
        let from = Address { cid: HOST, port };
        let request = Header {
            from,
            ..packet(Operation::Request)
        };
        host.send(&mut vsock, request, &[]);
        answers.extend(host.operations(&mut vsock));
    }
    let accepted = answers.iter().filter(|it| **it == Operation::Response);
    assert_eq!(accepted.count(), BACKLOG);
    assert_eq!(answers.len(), 20);
    vsock.stop_listening(7);
    assert_eq!(host.operations(&mut vsock), [Operation::Reset; BACKLOG]);
}

#[test]
fn connections_that_the_peer_never_confirms_give_up_their_places() {
    let (mut host, mut vsock) = Host::new();
    for _ in 0..3 * MOST_CONNECTIONS {
        let handle = vsock.connect(PEER).expect("there is room");
        let (request, _) = host.take(&mut vsock).pop().expect("a request");
        let response = Header {
            to: request.from,
            ..packet(Operation::Response)
        };
        host.send(&mut vsock, response, &[]);
        vsock.close(handle);
        host.take(&mut vsock);
    }
    let open: Vec<_> = (0..MOST_CONNECTIONS).map(|_| vsock.connect(PEER)).collect();
    assert!(open.iter().all(Result::is_ok));
    assert_eq!(vsock.connect(PEER), Err(Error::TooMany));
}

#[test]
fn malformed_packets_have_no_effect() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    host.send_raw(&mut vsock, &[1; 43]);
    let mut long = packet(Operation::Data);
    long.len = 4096;
    host.send_raw(&mut vsock, &long.bytes());
    assert!(host.take(&mut vsock).is_empty());
    assert!(read(&mut vsock, handle, 8).is_pending());
    assert!(vsock.failure().is_none());
}

#[test]
fn a_reset_of_the_transport_resets_connections_but_no_listeners() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    host.device.0.borrow_mut().config[0] = 44;
    let chain = host.events.pop().expect("the driver has given a buffer");
    let len = chain.write(&TRANSPORT_RESET.to_le_bytes());
    host.events.give_back(u32::from(chain.head), len);
    vsock.complete(64);
    assert_eq!(read(&mut vsock, handle, 8), Poll::Ready(Err(Error::Reset)));
    assert_eq!(vsock.cid(), 44);
    assert_eq!(vsock.listen(7), Err(Error::PortTaken(7)));
}

#[test]
fn a_broken_queue_resets_connections_and_the_device_works_again() {
    let (mut host, mut vsock) = Host::new();
    let handle = host.accepted(&mut vsock);
    let (wakes, waker) = Wakes::new();
    assert!(vsock.poll_read(handle, &mut [0; 4], &waker).is_pending());
    host.receive.give_back(999, 0);
    vsock.complete(64);
    assert_eq!(wakes.count(), 1);
    assert!(matches!(vsock.connect(PEER), Err(Error::DeviceReset(_))));
    vsock.reinitialize().expect("a fine device");
    vsock.close(handle);
    let rings = [0, 1, 2].map(|queue| host.device.ring(queue));
    [host.receive, host.transmit, host.events] = rings;
    host.send(&mut vsock, packet(Operation::Request), &[]);
    assert_eq!(host.operations(&mut vsock), [Operation::Response]);
}
