use core::time::Duration;

use embassy_futures::join::{join, join3};
use embassy_futures::select::{Either, select};
use embedded_io_async::{Read, Write};

use super::super::{BindError, ConnectError, TCP_QUEUE, TcpError, TcpStream};
use super::*;

/// Echoes the data of a connection until the peer closes its side.
async fn echo(mut stream: TcpStream) -> usize {
    let mut buffer = [0; 1000];
    let mut total = 0;
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        if read == 0 {
            stream.close().await.unwrap();
            return total;
        }
        stream.write_all(&buffer[..read]).await.unwrap();
        total += read;
    }
}

/// Returns both ends of a connection from B to A's port 80.
async fn connected(a: Net, b: Net) -> (TcpStream, TcpStream) {
    let listener = a.tcp_listen_with(80, 1).unwrap();
    let (server, client) = join(listener.accept(), b.tcp_connect(at(A, 80))).await;
    (server.unwrap(), client.unwrap())
}

#[test]
fn more_data_than_the_queues_hold_is_transferred_both_ways() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let length = if cfg!(miri) { 2 } else { 10 } * TCP_QUEUE + 123;
    let sent: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
    cable.block_on(async {
        let listener = a.tcp_listen(80).unwrap();
        let server = async { echo(listener.accept().await.unwrap()).await };
        let client = async {
            let mut stream = b.tcp_connect(at(A, 80)).await.unwrap();
            assert_eq!(stream.peer(), Some(at(A, 80)));
            let mut received = Vec::new();
            let mut buffer = [0; 700];
            for (index, piece) in sent.chunks(TCP_QUEUE).enumerate() {
                stream.write_all(piece).await.unwrap();
                while received.len() < index * TCP_QUEUE {
                    let read = stream.read(&mut buffer).await.unwrap();
                    received.extend_from_slice(&buffer[..read]);
                }
            }
            stream.flush().await.unwrap();
            stream.shut_down();
            loop {
                match stream.read(&mut buffer).await.unwrap() {
                    0 => break received,
                    read => received.extend_from_slice(&buffer[..read]),
                }
            }
        };
        let (echoed, received) = join(server, client).await;
        assert_eq!(echoed, length);
        assert_eq!(received, sent);
    });
    cable.run(cable.now + 30 * SECOND);
    assert_eq!(cable.a.stack.next_deadline(), None);
    assert_eq!(cable.b.stack.next_deadline(), None);
}

#[test]
fn reading_without_a_copy_returns_the_same_data() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let sent: Vec<u8> = (0..3 * TCP_QUEUE).map(|n| (n % 251) as u8).collect();
    let received = cable.block_on(async {
        let (mut server, mut client) = connected(a, b).await;
        let writing = async {
            client.write_all(&sent).await.unwrap();
            client.close().await.unwrap();
        };
        let reading = async {
            let mut received = Vec::new();
            loop {
                // The reader may consume only a part of the data.
                let take = |bytes: &[u8]| {
                    let count = bytes.len().div_ceil(2);
                    received.extend_from_slice(&bytes[..count]);
                    (if bytes.len() == 1 { 100 } else { count }, bytes.len())
                };
                if server.read_with(take).await.unwrap() == 0 {
                    break received;
                }
            }
        };
        join(writing, reading).await.1
    });
    assert_eq!(received, sent);
    cable.block_on(async {
        let (mut server, client) = connected(a, b).await;
        client.abort();
        let broken = server.read_with(|bytes| (bytes.len(), ())).await;
        assert_eq!(broken, Err(TcpError::Reset));
    });
}

#[test]
fn no_data_is_lost_on_a_lossy_wire() {
    // Under Miri, less than the queues hold, and a wire that loses a part of it.
    let (harms, length) = if cfg!(miri) {
        (3..4, 20_000)
    } else {
        (1..6, 3 * TCP_QUEUE)
    };
    for harm in harms {
        let mut cable = Cable::new();
        cable.harm = harm;
        let (a, b) = (cable.a.net, cable.b.net);
        let sent: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        let received = cable.block_on(async {
            let listener = a.tcp_listen(80).unwrap();
            let server = async { echo(listener.accept().await.unwrap()).await };
            let client = async {
                let mut stream = loop {
                    if let Ok(stream) = b.tcp_connect(at(A, 80)).await {
                        break stream;
                    }
                };
                let mut received = Vec::new();
                let mut buffer = [0; 3000];
                let mut rest = &sent[..];
                while received.len() < sent.len() {
                    if let Poll::Ready(written) = embassy_futures::poll_once(stream.write(rest)) {
                        rest = &rest[written.unwrap()..];
                    }
                    let read = stream.read(&mut buffer).await.unwrap();
                    received.extend_from_slice(&buffer[..read]);
                }
                stream.shut_down();
                assert_eq!(stream.read(&mut buffer).await, Ok(0));
                received
            };
            join(server, client).await.1
        });
        assert_eq!(received, sent);
        cable.run(cable.now + 300 * SECOND);
        assert_eq!(cable.b.stack.inner.borrow().connections.count(), 0);
    }
}

#[test]
fn a_listener_takes_several_connections_before_the_first_is_accepted() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let listener = a.tcp_listen_with(80, 3).unwrap();
        let (one, two, three) = join3(
            b.tcp_connect(at(A, 80)),
            b.tcp_connect(at(A, 80)),
            b.tcp_connect(at(A, 80)),
        )
        .await;
        let (mut one, mut two, mut three) = (one.unwrap(), two.unwrap(), three.unwrap());
        // It is not refused, since it may be accepted later; it tries until it gives up.
        assert_eq!(
            b.tcp_connect(at(A, 80)).await.err(),
            Some(ConnectError::TimedOut(at(A, 80)))
        );
        for (stream, text) in [(&mut one, b"1"), (&mut two, b"2"), (&mut three, b"3")] {
            stream.write_all(text).await.unwrap();
        }
        let mut seen = Vec::new();
        for _ in 0..3 {
            let mut stream = listener.accept().await.unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            seen.push(byte[0]);
        }
        seen.sort_unstable();
        assert_eq!(seen, b"123");
    });
}

#[test]
fn a_slow_reader_blocks_the_writer_and_no_data_is_lost() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let length = 4 * TCP_QUEUE;
    cable.block_on(async {
        let (mut server, mut client) = connected(a, b).await;
        let writer = async {
            client.write_all(&std::vec![7; length]).await.unwrap();
            client.close().await.unwrap();
        };
        let reader = async {
            // A wait of ten minutes.
            let nobody = Ipv4Addr::new(10, 0, 2, 99);
            a.ping(nobody, Duration::from_secs(600)).await.unwrap_err();
            let mut buffer = [0; 1000];
            let mut total = 0;
            loop {
                match server.read(&mut buffer).await.unwrap() {
                    0 => break total,
                    read => total += read,
                }
            }
        };
        assert_eq!(join(writer, reader).await.1, length);
    });
}

#[test]
fn a_port_without_a_listener_rejects_connections() {
    let mut cable = Cable::new();
    let b = cable.b.net;
    let result = cable.block_on(b.tcp_connect(at(A, 81)));
    assert_eq!(result.err(), Some(ConnectError::Refused(at(A, 81))));
}

#[test]
fn a_rejection_after_a_long_silence_is_not_a_timeout() {
    let mut cable = Cable::new();
    let b = cable.b.net;
    assert!(cable.block_on(b.tcp_connect(at(A, 81))).is_err());
    cable.run(cable.now + 600 * SECOND);
    // The time advances while nothing arrives.
    cable.now += 600 * SECOND;
    let result = cable.block_on(b.tcp_connect(at(A, 81)));
    assert_eq!(result.err(), Some(ConnectError::Refused(at(A, 81))));
}

#[test]
fn an_unreachable_address_is_an_error_at_once() {
    let cable = Cable::new();
    let net = cable.b.net;
    let far = at(Ipv4Addr::new(192, 0, 2, 1), 80);
    let mut cases = std::vec![(far, ConnectError::NoRoute(far))];
    for address in [
        [10, 0, 2, 2],
        [127, 0, 0, 1],
        [10, 0, 2, 255],
        [255; 4],
        [224, 0, 0, 1],
        [0; 4],
    ] {
        let to = at(address.into(), 80);
        cases.push((to, ConnectError::Unaddressable(to)));
    }
    cases.push((at(A, 0), ConnectError::Unaddressable(at(A, 0))));
    for (to, error) in cases {
        let result = poll_once(net.tcp_connect(to)).map(Result::err);
        assert_eq!(result, Poll::Ready(Some(error)));
    }
    let unbound = Machine::new(3, "dhcp");
    let result = poll_once(unbound.net.tcp_connect(far)).map(Result::err);
    assert_eq!(result, Poll::Ready(Some(ConnectError::NoAddress)));
}

#[test]
fn connections_beyond_the_backlog_are_established_later() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let listener = a.tcp_listen_with(80, 1).unwrap();
    let first = cable.block_on(b.tcp_connect(at(A, 80))).unwrap();
    let (accepted, second) = cable.block_on(async {
        let accepting = async {
            // The second connects while the first was not accepted yet.
            core::future::poll_fn(|context| {
                if a.statistics().backlog_full > 0 {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            (
                listener.accept().await.unwrap(),
                listener.accept().await.unwrap(),
            )
        };
        join(accepting, b.tcp_connect(at(A, 80))).await
    });
    assert!(second.is_ok());
    assert_eq!(a.statistics().backlog_full, 1);
    drop((first, accepted));
}

#[test]
fn a_missing_machine_times_out() {
    let mut cable = Cable::new();
    let b = cable.b.net;
    let nobody = at(Ipv4Addr::new(10, 0, 2, 99), 80);
    let result = cable.block_on(b.tcp_connect(nobody));
    assert_eq!(result.err(), Some(ConnectError::TimedOut(nobody)));
    cable.run(cable.now + 30 * SECOND);
    assert_eq!(cable.b.stack.next_deadline(), None);
}

#[test]
fn a_listening_port_is_in_use_until_the_listener_is_dropped() {
    let mut cable = Cable::new();
    let a = cable.a.net;
    let listener = a.tcp_listen(80).unwrap();
    assert_eq!(a.tcp_listen(80).err(), Some(BindError::PortTaken(80)));
    drop(listener);
    cable.run(SECOND);
    assert!(a.tcp_listen(80).is_ok());
}

#[test]
fn data_written_before_a_drop_arrives_and_then_a_fin() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (mut server, mut client) = connected(a, b).await;
        client.write_all(b"goodbye").await.unwrap();
        drop(client);
        let mut buffer = [0; 16];
        assert_eq!(server.read(&mut buffer).await, Ok(7));
        assert_eq!(server.read(&mut buffer).await, Ok(0));
    });
    cable.run(cable.now + 30 * SECOND);
    assert_eq!(cable.b.stack.inner.borrow().connections.count(), 0);
}

#[test]
fn an_aborted_connection_fails_the_peers_read() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (mut server, client) = connected(a, b).await;
        client.abort();
        assert_eq!(server.read(&mut [0; 16]).await, Err(TcpError::Reset));
        assert_eq!(server.write(b"x").await, Err(TcpError::Reset));
    });
}

#[test]
fn nothing_is_written_after_shutting_down() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (_server, mut client) = connected(a, b).await;
        client.shut_down();
        assert_eq!(client.write(b"x").await, Err(TcpError::ShutDown));
    });
}

#[test]
fn an_idle_connection_stays_open_and_needs_no_turns() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let (mut server, mut client) = cable.block_on(connected(a, b));
    // As long as the peer answers probes.
    cable.run(cable.now + 600 * SECOND);
    server.set_keep_alive(None);
    client.set_keep_alive(None);
    cable.run(cable.now + 600 * SECOND);
    assert_eq!(cable.a.stack.next_deadline(), None);
    assert_eq!(cable.b.stack.next_deadline(), None);
    cable.block_on(async {
        client.write_all(b"still there?").await.unwrap();
        assert_eq!(server.read(&mut [0; 16]).await, Ok(12));
    });
}

#[test]
fn a_vanished_peer_ends_a_connection_with_unsent_data() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let (server, mut client) = cable.block_on(connected(a, b));
    cable.cut = true;
    let result = cable.block_on(async {
        client.write_all(b"hello?").await.unwrap();
        client.flush().await
    });
    assert_eq!(result, Err(TcpError::TimedOut));
    drop(server);
}

#[test]
fn reading_can_be_cancelled_without_loss() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (mut server, mut client) = connected(a, b).await;
        let mut buffer = [0; 16];
        let pinged = b.ping(A, Duration::from_secs(1));
        let Either::Second(Ok(_)) = select(server.read(&mut buffer), pinged).await else {
            panic!("read something");
        };
        client.write_all(b"whole").await.unwrap();
        assert_eq!(server.read(&mut buffer).await, Ok(5));
    });
}

/// One end of a connection on which random operations are performed.
struct End {
    stream: TcpStream,
    /// The number of bytes written and read so far.
    written: usize,
    read: usize,
    ended: bool,
}

fn byte(place: usize) -> u8 {
    (place % 251) as u8
}

impl End {
    fn write(&mut self, most: usize) {
        let bytes: Vec<u8> = (self.written..self.written + most).map(byte).collect();
        if let Poll::Ready(count) = poll_once(self.stream.write(&bytes)) {
            self.written += count.unwrap();
        }
    }

    fn read(&mut self, most: usize) {
        let mut room = std::vec![0; most];
        if let Poll::Ready(count) = poll_once(self.stream.read(&mut room)) {
            let count = count.unwrap();
            self.ended |= count == 0 && most > 0;
            let expected = (self.read..self.read + count).map(byte);
            assert!(room[..count].iter().copied().eq(expected));
            self.read += count;
        }
    }
}

#[test]
fn random_operations_on_a_bad_wire_lose_no_data() {
    for seed in 1..if cfg!(miri) { 2 } else { 13 } {
        let mut cable = Cable::new();
        let (a, b) = (cable.a.net, cable.b.net);
        let (one, other) = cable.block_on(connected(a, b));
        let mut ends = [one, other].map(|stream| End {
            stream,
            written: 0,
            read: 0,
            ended: false,
        });
        let mut random = seed;
        let mut next = move |below: u32| {
            random = u32::wrapping_mul(random, 1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % below
        };
        let sloth = next(4);
        cable.harm = if seed % 4 == 0 { 0 } else { seed };
        for _ in 0..if cfg!(miri) { 20 } else { 300 } {
            let end = &mut ends[next(2) as usize];
            match next(4 + sloth) {
                0 => end.write(next(100) as usize),
                1 => end.write(next(40_000) as usize),
                2 => end.read(next(100) as usize),
                3 => end.read(next(80_000) as usize),
                _ => {}
            }
            let pause = [0, 5 * MILLISECOND, 300 * MILLISECOND, 5 * SECOND][next(4) as usize];
            cable.run(cable.now + pause);
        }
        for end in &mut ends {
            end.stream.shut_down();
        }
        let begun = cable.now;
        while !ends.iter().all(|end| end.ended) {
            assert!(cable.now < begun + 600 * SECOND, "seed {seed}");
            ends.iter_mut().for_each(|end| end.read(80_000));
            cable.run(cable.now + 100 * MILLISECOND);
        }
        assert_eq!(ends[0].read, ends[1].written, "seed {seed}");
        assert_eq!(ends[1].read, ends[0].written, "seed {seed}");
        drop(ends);
        cable.run(cable.now + 400 * SECOND);
        for machine in [&cable.a, &cable.b] {
            assert_eq!(machine.stack.inner.borrow().connections.count(), 0);
            assert_eq!(machine.stack.next_deadline(), None, "seed {seed}");
        }
    }
}
