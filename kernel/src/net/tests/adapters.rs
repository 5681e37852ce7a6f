//! Tests of the network through the traits of other crates.

use core::net::{IpAddr, SocketAddr};

use edge_nal::{
    Close, Readable, TcpAccept, TcpBind, TcpConnect, TcpShutdown, TcpSplit, UdpBind, UdpReceive,
    UdpSend,
};
use embassy_futures::join::join;
use embedded_io_async::{Error, ErrorKind, Read, Write};

use super::super::NetError;
use super::*;

fn any(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

/// Serves one connection, using only the traits.
async fn serve<N: TcpBind>(net: N) -> Result<(), N::Error> {
    let listener = net.bind(any(80)).await?;
    let (_, mut socket) = listener.accept().await?;
    {
        let (mut reader, mut writer) = socket.split();
        reader.readable().await?;
        let mut piece = [0; 64];
        let length = reader.read(&mut piece).await?;
        writer.write_all(&piece[..length]).await?;
    }
    socket.close(Close::Both).await
}

/// Connects to the address and exchanges data, using only the traits.
async fn call<N: TcpConnect>(net: N) -> Result<Vec<u8>, N::Error> {
    let mut socket = net.connect(at(A, 80).into()).await?;
    socket.write_all(b"hello").await?;
    let mut heard = Vec::new();
    let mut piece = [0; 64];
    loop {
        match socket.read(&mut piece).await? {
            0 => return Ok(heard),
            length => heard.extend_from_slice(&piece[..length]),
        }
    }
}

#[test]
fn a_server_and_a_client_that_use_only_the_traits_work_together() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let (served, heard) = cable.block_on(join(serve(a), call(b)));
    assert_eq!((served, heard), (Ok(()), Ok(b"hello".to_vec())));
}

#[test]
fn datagrams_go_both_ways_and_waiting_loses_none() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let mut server = UdpBind::bind(&a, any(7)).await.unwrap();
        let mut client = UdpBind::bind(&b, any(0)).await.unwrap();
        client.send(at(A, 7).into(), b"ping").await.unwrap();
        server.readable().await.unwrap();
        let mut buffer = [0; 16];
        let (length, from) = server.receive(&mut buffer).await.unwrap();
        assert_eq!(
            (&buffer[..length], from.ip()),
            (&b"ping"[..], IpAddr::V4(B))
        );
        server.send(from, b"pong").await.unwrap();
        assert_eq!(client.receive(&mut buffer).await, Ok((4, at(A, 7).into())));
    });
}

#[test]
fn unsupported_operations_have_a_name_and_a_kind() {
    let net = Machine::new(1, "10.0.2.15/24").net;
    let foreign = SocketAddr::new(IpAddr::V4(B), 80);
    let Poll::Ready(Err(error)) = poll_once(TcpBind::bind(&net, foreign)) else {
        panic!("it listens at the address of another machine");
    };
    assert_eq!(error, NetError::NotOwn(IpAddr::V4(B)));
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    let six = "[::1]:80".parse().unwrap();
    let Poll::Ready(Err(error)) = poll_once(TcpConnect::connect(&net, six)) else {
        panic!("it connects by IPv6");
    };
    let expected = if cfg!(feature = "ipv6") {
        // The machine has no IPv6 address.
        ErrorKind::AddrNotAvailable
    } else {
        ErrorKind::Unsupported
    };
    assert_eq!(error.kind(), expected);
}
