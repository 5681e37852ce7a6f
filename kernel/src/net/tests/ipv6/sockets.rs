use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use embassy_futures::join::join;
use embedded_io_async::{Read, Write};

use super::*;
use crate::net::{ConnectError, Ipv6Error, PingError, SendError, TCP_QUEUE, TcpError};

/// Two machines with link-local addresses.
pub(super) fn cable() -> Cable {
    let mut cable = Cable::new();
    cable.a.net.configure_ipv6(Ip6::Auto);
    cable.b.net.configure_ipv6(Ip6::Auto);
    cable.run(3 * SECOND);
    cable
}

pub(super) fn a(port: u16) -> SocketAddr {
    SocketAddr::from((own("fe80::", 1), port))
}

#[test]
fn two_machines_ping_each_other() {
    let mut cable = cable();
    let (a, b) = (cable.a.net, cable.b.net);
    let second = Duration::from_secs(1);
    let (there, back) = cable.block_on(join(
        b.ping_any(IpAddr::V6(own("fe80::", 1)), second),
        a.ping_any(IpAddr::V6(own("fe80::", 2)), second),
    ));
    assert!(there.is_ok() && back.is_ok(), "{there:?} {back:?}");
    let nobody = cable.block_on(b.ping_any(IpAddr::V6(ip("fe80::99")), second));
    assert!(matches!(nobody, Err(PingError::TimedOut { .. })));
    // The same for an address of IPv4.
    assert!(cable.block_on(b.ping_any(IpAddr::V4(A), second)).is_ok());
}

#[test]
fn datagrams_are_echoed_by_code_that_knows_only_ipv4() {
    let mut cable = cable();
    let (server, client) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let echo = server.udp(7).unwrap();
        let socket = client.udp(0).unwrap();
        for length in [0, 1, 500, 1452] {
            let payload = std::vec![length as u8; length];
            let serve = async {
                let datagram = echo.receive().await.unwrap();
                assert_eq!(
                    datagram.sender(),
                    SocketAddr::from((own("fe80::", 2), socket.port()))
                );
                if length == 500 {
                    echo.send_to(datagram.payload(), datagram.source())
                        .await
                        .unwrap();
                } else {
                    echo.send_back(datagram).await.unwrap();
                }
            };
            let ask = async {
                socket.send_to_any(&payload, a(7)).await.unwrap();
                let reply = socket.receive().await.unwrap();
                assert_eq!((reply.payload(), reply.sender()), (&payload[..], a(7)));
            };
            join(serve, ask).await;
        }
        let long = socket.send_to_any(&[0; 1453], a(7)).await;
        assert_eq!(
            long,
            Err(SendError::TooLong {
                length: 1453,
                maximum: 1452
            })
        );
    });
}

#[test]
fn what_cannot_be_reached_is_an_error_at_once() {
    let mut cable = cable();
    let net = cable.b.net;
    cable.block_on(async {
        let socket = net.udp(0).unwrap();
        let far = ip("2001:db8::1");
        let no_route = Ipv6Error::NoRoute(far);
        assert_eq!(
            socket.send_to_any(b"x", (far, 7).into()).await,
            Err(SendError::Ipv6(no_route))
        );
        assert_eq!(
            net.tcp_connect_any((far, 7).into()).await.err(),
            Some(ConnectError::Ipv6(no_route))
        );
        for text in ["::", "::1", "fe80::ff:fe00:2"] {
            let to = ip(text);
            let error = Ipv6Error::Unaddressable(to);
            assert_eq!(
                socket.send_to_any(b"x", (to, 7).into()).await,
                Err(SendError::Ipv6(error))
            );
        }
        // A group is no machine: datagrams go to it, connections do not (RFC 9293, 3.9.2.3).
        let group = ip("ff02::1");
        assert_eq!(socket.send_to_any(b"x", (group, 7).into()).await, Ok(()));
        assert_eq!(
            net.tcp_connect_any((group, 7).into()).await.err(),
            Some(ConnectError::Ipv6(Ipv6Error::Unaddressable(group)))
        );
        // A stand-in of nobody is an address of nobody.
        let nobody = at(Ipv4Addr::new(240, 1, 2, 3), 7);
        assert_eq!(
            socket.send_to(b"x", nobody).await,
            Err(SendError::Unaddressable(nobody))
        );
        assert_eq!(
            net.tcp_connect(nobody).await.err(),
            Some(ConnectError::Unaddressable(nobody))
        );
        let refused = net.tcp_connect_any(a(7)).await;
        assert!(matches!(refused, Err(ConnectError::Refused(_))));
    });
    let fresh = Machine::new(3, "10.0.2.3/24");
    let socket = fresh.net.udp(0).unwrap();
    let none = SendError::Ipv6(Ipv6Error::NoAddress);
    assert_eq!(
        poll_once(socket.send_to_any(b"x", a(7))),
        Poll::Ready(Err(none))
    );
}

#[test]
fn a_stream_transfers_much_both_ways_over_a_bad_wire() {
    let (harms, queues): (&[u32], _) = if cfg!(miri) { (&[7], 0) } else { (&[0, 7], 3) };
    for &harm in harms {
        let mut cable = cable();
        let (server, client) = (cable.a.net, cable.b.net);
        cable.harm = harm;
        let sent: Vec<u8> = (0..queues * TCP_QUEUE + 12_345)
            .map(|n| (n % 251) as u8)
            .collect();
        let received = cable.block_on(async {
            let listener = server.tcp_listen(80).unwrap();
            let serve = async {
                let mut stream = listener.accept().await.unwrap();
                let remote = stream.remote().unwrap();
                assert_eq!(remote.ip(), IpAddr::V6(own("fe80::", 2)));
                let mut buffer = [0; 1000];
                loop {
                    match stream.read(&mut buffer).await.unwrap() {
                        0 => break,
                        read => stream.write_all(&buffer[..read]).await.unwrap(),
                    }
                }
                stream.close().await.unwrap();
            };
            let ask = async {
                let mut stream = client.tcp_connect_any(a(80)).await.unwrap();
                assert_eq!(stream.remote(), Some(a(80)));
                let mut received = Vec::new();
                let mut buffer = [0; 700];
                for piece in sent.chunks(TCP_QUEUE / 2) {
                    stream.write_all(piece).await.unwrap();
                    let wanted = received.len() + piece.len();
                    while received.len() < wanted {
                        let read = stream.read(&mut buffer).await.unwrap();
                        received.extend_from_slice(&buffer[..read]);
                    }
                }
                stream.close().await.unwrap();
                received
            };
            join(serve, ask).await.1
        });
        assert_eq!(received, sent);
    }
}

#[test]
fn a_connection_of_ipv6_survives_changes_of_the_ipv4_address_and_ends_with_its_own() {
    let mut cable = cable();
    let (server, client) = (cable.a.net, cable.b.net);
    let (mut one, mut other) = cable.block_on(async {
        let listener = server.tcp_listen(80).unwrap();
        let (one, other) = join(listener.accept(), client.tcp_connect_any(a(80))).await;
        (one.unwrap(), other.unwrap())
    });
    client.configure("10.0.2.77/24".parse().unwrap());
    server.configure("dhcp".parse().unwrap());
    cable.block_on(async {
        one.write_all(b"still here").await.unwrap();
        let mut buffer = [0; 10];
        other.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"still here");
    });
    client.configure_ipv6(Ip6::Off);
    assert_eq!(
        cable.block_on(other.read(&mut [0; 10])),
        Err(TcpError::AddressLost)
    );
}

#[test]
fn a_connection_survives_a_link_that_was_down_for_seconds() {
    let mut cable = cable();
    let (server, client) = (cable.a.net, cable.b.net);
    let (mut one, mut other) = cable.block_on(async {
        let listener = server.tcp_listen(80).unwrap();
        let (one, other) = join(listener.accept(), client.tcp_connect_any(a(80))).await;
        (one.unwrap(), other.unwrap())
    });
    for _ in 0..3 {
        cable.b.stack.link(false);
        let end = cable.now + 3 * SECOND;
        cable.run(end);
        cable.b.stack.link(true);
        cable.block_on(async {
            one.write_all(b"still here").await.unwrap();
            let mut buffer = [0; 10];
            other.read_exact(&mut buffer).await.unwrap();
            other.write_all(&buffer).await.unwrap();
            one.read_exact(&mut buffer).await.unwrap();
            assert_eq!(&buffer, b"still here");
        });
    }
}

#[test]
fn a_machine_without_an_ipv4_address_serves_ipv6() {
    let mut machine = Machine::new(1, "dhcp");
    machine.net.configure_ipv6(Ip6::Auto);
    machine.until(3 * SECOND);
    let socket = machine.net.udp(7).unwrap();
    machine.hears(udp(OTHER, own("fe80::", 1), [4000, 7], b"hello"));
    let Poll::Ready(Ok(datagram)) = poll_once(socket.receive()) else {
        panic!("no datagram")
    };
    assert_eq!(poll_once(socket.send_back(datagram)), Poll::Ready(Ok(())));
    let now = CLOCK.get();
    let sent = machine.sends(now);
    // It goes to where the datagram came from, without a question.
    assert_eq!(sent[0][..6], THEIR_MAC);
    assert_eq!(datagram_of(&sent[0]), ([7, 4000], b"hello".to_vec()));
}

fn datagram_of(frame: &[u8]) -> ([u16; 2], Vec<u8>) {
    datagram(frame).expect("a datagram")
}

#[test]
fn a_datagram_without_or_with_a_wrong_checksum_is_dropped() {
    let mut machine = Machine::ready();
    let socket = machine.net.udp(7).unwrap();
    let valid = udp(OTHER, own("fe80::", 1), [4000, 7], b"hello");
    for (high, low) in [(0, 0), (valid[60] ^ 1, valid[61])] {
        let mut frame = valid.clone();
        (frame[60], frame[61]) = (high, low);
        assert!(machine.hears(frame).is_empty());
        assert!(poll_once(socket.receive()).is_pending());
    }
    assert_eq!(machine.net.ipv6_statistics().wrong_checksum, 2);
    machine.hears(valid);
    assert!(poll_once(socket.receive()).is_ready());
}

#[test]
fn a_router_lowers_the_size_of_datagrams_and_segments() {
    let mut machine = Machine::routed();
    let (address, far) = (own("2001:db8::", 1), ip("2001:db9::1"));
    let socket = machine.net.udp(7).unwrap();
    let send = |length: usize| poll_once(socket.send_to_any(&[0; 1452][..length], (far, 9).into()));
    assert_eq!(send(1452), Poll::Ready(Ok(())));
    machine.sends(5 * SECOND);
    let too_big = |mtu: u32, quoted: &[u8]| {
        let message = [&[2, 0, 0, 0][..], &mtu.to_be_bytes(), quoted].concat();
        icmp(ROUTER, address, 64, &message)
    };
    let quoted = udp(address, far, [7, 9], &[0; 40]);
    machine.hears(too_big(1400, &quoted[14..]));
    let error = SendError::TooLong {
        length: 1452,
        maximum: 1352,
    };
    assert_eq!(send(1452), Poll::Ready(Err(error)));
    assert_eq!(send(1352), Poll::Ready(Ok(())));
    // Packets of 1280 bytes always pass, whatever a message says.
    machine.hears(too_big(100, &quoted[14..]));
    assert_eq!(send(1232), Poll::Ready(Ok(())));
    let error = SendError::TooLong {
        length: 1452,
        maximum: 1232,
    };
    let heard = CLOCK.get();
    machine.sends(heard + 599 * SECOND);
    assert_eq!(send(1452), Poll::Ready(Err(error)));
    // The path may have changed after ten minutes (RFC 8201, 4).
    machine.sends(heard + 601 * SECOND);
    assert_eq!(send(1452), Poll::Ready(Ok(())));
    machine.hears(advertise(1800, &[&prefix("2001:db8::", 86400, 14400)]));
    // A connection to a listener of the peer's: SYN, then much data.
    let listener = machine.net.tcp_listen(80).unwrap();
    let mut syn = std::vec![0; 24];
    syn[..4].copy_from_slice(&[0x13, 0x88, 0, 80]);
    syn[7] = 1;
    syn[12..16].copy_from_slice(&[0x60, 2, 0xff, 0xff]);
    syn[20..].copy_from_slice(&[2, 4, 0x22, 0xb8]);
    let answers = machine.hears(frame(far, address, 64, 6, &syn, Some(16)));
    let answer = answers.iter().find(|one| one[20] == 6).unwrap();
    // The segments that this machine takes fit its link.
    assert_eq!(answer[74..78], [2, 4, 0x05, 0xa0]);
    let sequence = u32::from_be_bytes(*answer[58..].first_chunk().unwrap());
    let mut ack = syn[..20].to_vec();
    ack[7] = 2;
    ack[8..12].copy_from_slice(&(sequence + 1).to_be_bytes());
    ack[12..14].copy_from_slice(&[0x50, 0x10]);
    machine.hears(frame(far, address, 64, 6, &ack, Some(16)));
    let Poll::Ready(Ok(mut stream)) = poll_once(listener.accept()) else {
        panic!("no connection")
    };
    assert_eq!(poll_once(stream.write(&[1; 4000])), Poll::Ready(Ok(4000)));
    let longest = |frames: &[Vec<u8>]| frames.iter().map(|one| one.len() - 14).max();
    let now = CLOCK.get();
    let sent = machine.sends(now);
    assert_eq!(longest(&sent), Some(1500), "{sent:x?}");
    let segment = sent.iter().find(|one| one.len() == 1514).unwrap();
    let sent = machine.hears(too_big(1300, &segment[14..]));
    assert_eq!(longest(&sent), Some(1300));
}

#[test]
fn packets_to_groups_stay_on_the_link_unless_the_socket_says_otherwise() {
    let mut machine = Machine::routed();
    let group = ip("ff0e::1");
    let socket = machine.net.udp(7).unwrap();
    #[cfg(feature = "raw")]
    let raw = machine.net.raw(253).unwrap();
    for (hops, expected) in [(None, 1), (Some(255), 255), (Some(0), 1)] {
        if let Some(hops) = hops {
            socket.set_multicast_ttl(hops);
            #[cfg(feature = "raw")]
            raw.set_multicast_ttl(hops);
        }
        let sent = poll_once(socket.send_to_any(b"x", (group, 9).into()));
        assert_eq!(sent, Poll::Ready(Ok(())));
        #[cfg(feature = "raw")]
        raw.send_to(b"x", group.into()).unwrap();
        let now = CLOCK.get();
        let sent = machine.sends(now);
        let packets = sent.iter().filter(|one| one[38..54] == group.octets());
        let limits: Vec<_> = packets.map(|one| one[21]).collect();
        assert_eq!(
            limits,
            std::vec![expected; 1 + usize::from(cfg!(feature = "raw"))]
        );
    }
}

#[test]
fn datagrams_to_machines_have_the_hop_limit_of_their_socket() {
    let mut machine = Machine::routed();
    let far = ip("2001:db9::1");
    let socket = machine.net.udp(7).unwrap();
    let routed = 64;
    for (hops, expected) in [(None, routed), (Some(255), 255), (Some(0), 1)] {
        if let Some(hops) = hops {
            socket.set_ttl(hops);
        }
        let sent = poll_once(socket.send_to_any(b"x", (far, 9).into()));
        assert_eq!(sent, Poll::Ready(Ok(())));
        let now = CLOCK.get();
        let sent = machine.sends(now);
        let packets = sent.iter().filter(|one| one[38..54] == far.octets());
        let limits: Vec<_> = packets.map(|one| one[21]).collect();
        assert_eq!(limits, [expected]);
    }
}
