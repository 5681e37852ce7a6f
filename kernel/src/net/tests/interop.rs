//! Tests of TCP with smoltcp, an independent implementation.

use embedded_io_async::{Read, Write};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

use super::super::TCP_QUEUE;
use super::*;

/// The virtual network cable of a machine that runs smoltcp.
#[derive(Default)]
struct Wire {
    received: VecDeque<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
}

struct Taken(Vec<u8>);

impl phy::RxToken for Taken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

struct Place<'a>(&'a mut VecDeque<Vec<u8>>);

impl phy::TxToken for Place<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame = std::vec![0; length];
        let result = fill(&mut frame);
        self.0.push_back(frame);
        result
    }
}

impl phy::Device for Wire {
    type RxToken<'a> = Taken;
    type TxToken<'a> = Place<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Taken, Place<'_>)> {
        let frame = self.received.pop_front()?;
        Some((Taken(frame), Place(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Place<'_>> {
        Some(Place(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

/// A machine that runs smoltcp.
pub(super) struct Theirs {
    wire: Wire,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
}

impl Theirs {
    fn new(queue: usize) -> Self {
        let mut wire = Wire::default();
        let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 2]).into());
        let mut interface = Interface::new(config, &mut wire, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(IpAddress::Ipv4(B), 24)).unwrap();
        });
        let buffer = || tcp::SocketBuffer::new(std::vec![0; queue]);
        let mut sockets = SocketSet::new(Vec::new());
        let socket = sockets.add(tcp::Socket::new(buffer(), buffer()));
        Self {
            wire,
            interface,
            sockets,
            socket,
        }
    }

    fn socket(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.socket)
    }
}

/// Returns a smoltcp machine that listens.
pub(super) fn listen_theirs() -> Theirs {
    let mut theirs = Theirs::new(64 * 1024);
    theirs.socket().listen(80).unwrap();
    theirs
}

/// Returns a smoltcp machine that connects.
pub(super) fn connect_theirs() -> Theirs {
    let mut theirs = Theirs::new(64 * 1024);
    let to = IpEndpoint::new(IpAddress::Ipv4(A), 80);
    let socket = theirs
        .sockets
        .get_mut::<tcp::Socket<'static>>(theirs.socket);
    socket
        .connect(theirs.interface.context(), to, 5000)
        .unwrap();
    theirs
}

fn time(now: u64) -> Instant {
    Instant::from_micros((now / 1000) as i64)
}

/// A machine that runs smoltcp, driven by the test's clock.
impl Theirs {
    pub(super) fn poll(&mut self, now: u64) -> bool {
        let before = (self.wire.received.len(), self.wire.sent.len());
        self.interface
            .poll(time(now), &mut self.wire, &mut self.sockets);
        before != (self.wire.received.len(), self.wire.sent.len())
    }

    pub(super) fn poll_at(&mut self, now: u64) -> Option<u64> {
        let next = self.interface.poll_at(time(now), &self.sockets)?;
        Some(next.total_micros() as u64 * 1000)
    }

    pub(super) fn take_sent(&mut self) -> Vec<Vec<u8>> {
        self.wire.sent.drain(..).collect()
    }

    pub(super) fn give(&mut self, frame: Vec<u8>) {
        self.wire.received.push_back(frame);
    }

    pub(super) fn read(&mut self, received: &mut Vec<u8>) {
        let mut buffer = [0; 4000];
        while let Ok(read @ 1..) = self.socket().recv_slice(&mut buffer) {
            received.extend_from_slice(&buffer[..read]);
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let socket = self.socket();
        if socket.can_send() && !bytes.is_empty() {
            socket.send_slice(bytes).unwrap()
        } else {
            0
        }
    }
}

/// Runs both until neither has work, then advances the time. `act` is smoltcp's application; it
/// returns whether it is done.
fn run<F: Future>(
    ours: &mut Machine,
    theirs: &mut Theirs,
    task: F,
    mut act: impl FnMut(&mut tcp::Socket<'static>) -> bool,
) -> F::Output {
    let mut task = pin!(task);
    let mut context = Context::from_waker(Waker::noop());
    let mut output = None;
    let mut now = MILLISECOND;
    for _ in 0..100_000 {
        let time = Instant::from_micros((now / 1000) as i64);
        let mut busy = ours.turn(now);
        if output.is_none()
            && let Poll::Ready(done) = task.as_mut().poll(&mut context)
        {
            output = Some(done);
        }
        busy |= ours.turn(now);
        theirs.wire.received.append(&mut ours.card.sent);
        let done = act(theirs.socket());
        let Theirs {
            wire,
            interface,
            sockets,
            ..
        } = &mut *theirs;
        interface.poll(time, wire, sockets);
        busy |= !wire.sent.is_empty();
        ours.card.received.append(&mut wire.sent);
        if done && let Some(output) = output.take_if(|_| !busy) {
            return output;
        }
        if !busy {
            now += MILLISECOND;
        }
    }
    panic!("it never ends");
}

fn data(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

#[test]
fn a_smoltcp_client_gets_its_data_echoed() {
    // Queues above 64 KiB need shifted windows.
    let queues: &[usize] = if cfg!(miri) {
        &[2000]
    } else {
        &[2000, 20_000, 300_000]
    };
    let length = if cfg!(miri) { 9000 } else { 5 * TCP_QUEUE + 77 };
    for &queue in queues {
        let mut ours = Machine::new(1, "10.0.2.15/24");
        let mut theirs = Theirs::new(queue);
        let listener = ours.net.tcp_listen(80).unwrap();
        let to = IpEndpoint::new(IpAddress::Ipv4(A), 80);
        let socket = theirs
            .sockets
            .get_mut::<tcp::Socket<'static>>(theirs.socket);
        socket
            .connect(theirs.interface.context(), to, 5000)
            .unwrap();
        let sent = data(length);
        let (mut written, mut received) = (0, Vec::new());
        let server = async {
            let mut stream = listener.accept().await.unwrap();
            let mut buffer = [0; 5000];
            loop {
                match stream.read(&mut buffer).await.unwrap() {
                    0 => break stream.close().await.unwrap(),
                    read => stream.write_all(&buffer[..read]).await.unwrap(),
                }
            }
        };
        run(&mut ours, &mut theirs, server, |socket| {
            if socket.can_send() && written < sent.len() {
                written += socket.send_slice(&sent[written..]).unwrap();
            } else if written == sent.len() && socket.state() == tcp::State::Established {
                socket.close();
            }
            let mut buffer = [0; 3000];
            while let Ok(read @ 1..) = socket.recv_slice(&mut buffer) {
                received.extend_from_slice(&buffer[..read]);
            }
            received.len() == sent.len() && socket.state() == tcp::State::TimeWait
        });
        assert!(received == sent, "{queue}");
    }
}

#[test]
fn a_smoltcp_server_is_read_to_the_end() {
    let mut ours = Machine::new(1, "10.0.2.15/24");
    let mut theirs = Theirs::new(10_000);
    theirs.socket().listen(80).unwrap();
    let sent = data(if cfg!(miri) { 20_000 } else { 100_000 });
    let mut written = 0;
    let net = ours.net;
    let client = async {
        let mut stream = net.tcp_connect(at(B, 80)).await.unwrap();
        stream.write_all(b"all of it, please").await.unwrap();
        let (mut received, mut buffer) = (Vec::new(), [0; 777]);
        loop {
            match stream.read(&mut buffer).await.unwrap() {
                0 => break,
                read => received.extend_from_slice(&buffer[..read]),
            }
        }
        stream.close().await.unwrap();
        received
    };
    let received = run(&mut ours, &mut theirs, client, |socket| {
        if socket.can_send() && written < sent.len() {
            written += socket.send_slice(&sent[written..]).unwrap();
        } else if written == sent.len() && socket.state() == tcp::State::Established {
            socket.close();
        }
        written == sent.len() && !socket.is_active()
    });
    assert!(received == sent);
}

#[test]
fn each_side_ends_when_the_other_aborts() {
    let mut ours = Machine::new(1, "10.0.2.15/24");
    let mut theirs = Theirs::new(10_000);
    theirs.socket().listen(80).unwrap();
    let net = ours.net;
    let client = async {
        let stream = net.tcp_connect(at(B, 80)).await.unwrap();
        stream.abort();
    };
    let mut was_open = false;
    run(&mut ours, &mut theirs, client, |socket| {
        was_open |= socket.is_active();
        was_open && socket.state() == tcp::State::Closed
    });
    theirs.socket().listen(80).unwrap();
    let client = async {
        let mut stream = net.tcp_connect(at(B, 80)).await.unwrap();
        stream.read(&mut [0; 8]).await
    };
    let read = run(&mut ours, &mut theirs, client, |socket| {
        if socket.state() == tcp::State::Established {
            socket.abort();
        }
        socket.state() == tcp::State::Closed
    });
    assert_eq!(read, Err(super::super::TcpError::Reset));
}
