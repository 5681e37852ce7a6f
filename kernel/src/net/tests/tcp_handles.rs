//! Tests of operations on a connection other than reading and writing.

use core::time::Duration;

use embassy_futures::join::join;
use embedded_io_async::{Read, ReadReady, Write, WriteReady};

use super::super::{TCP_BACKLOG, TcpError, TcpStream};
use super::*;

async fn connected(a: Net, b: Net) -> (TcpStream, TcpStream) {
    let listener = a.tcp_listen_with(80, 1).unwrap();
    let (server, client) = join(listener.accept(), b.tcp_connect(at(A, 80))).await;
    (server.unwrap(), client.unwrap())
}

#[test]
fn the_halves_of_a_connection_read_and_write_at_the_same_time() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (mut server, mut client) = connected(a, b).await;
        let (mut reader, mut writer) = server.split();
        let mut buffer = [0; 5];
        let waiting = async {
            reader.read_exact(&mut buffer).await.unwrap();
            buffer
        };
        let talking = async {
            writer.write_all(b"first").await.unwrap();
            let mut heard = [0; 5];
            client.read_exact(&mut heard).await.unwrap();
            client.write_all(&heard).await.unwrap();
        };
        assert_eq!(join(waiting, talking).await.0, *b"first");
    });
}

#[test]
fn a_dropped_writing_half_sends_a_fin_and_the_other_still_reads() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (server, mut client) = connected(a, b).await;
        let (mut reader, mut writer) = server.into_split();
        writer.write_all(b"bye").await.unwrap();
        drop(writer);
        let mut buffer = [0; 8];
        assert_eq!(client.read(&mut buffer).await, Ok(3));
        assert_eq!(client.read(&mut buffer).await, Ok(0));
        client.write_all(b"still").await.unwrap();
        assert_eq!(reader.read(&mut buffer).await, Ok(5));
    });
}

#[test]
fn only_halves_of_one_connection_can_be_reunited() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (server, client) = connected(a, b).await;
        let (server_reader, server_writer) = server.into_split();
        let (client_reader, client_writer) = client.into_split();
        let other = server_reader.reunite(client_writer).err().unwrap();
        let (server_reader, client_writer) = (other.0, other.1);
        let mut server = server_reader.reunite(server_writer).unwrap();
        let mut client = client_reader.reunite(client_writer).unwrap();
        server.write_all(b"one").await.unwrap();
        let mut buffer = [0; 8];
        assert_eq!(client.read(&mut buffer).await, Ok(3));
    });
}

#[test]
fn peeked_data_is_still_read() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (mut server, mut client) = connected(a, b).await;
        assert_eq!(server.read_ready(), Ok(false));
        client.write_all(b"GET /").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.read_ready(), Ok(true));
        let mut buffer = [0; 8];
        assert_eq!(server.peek(&mut buffer[..3]).await, Ok(3));
        assert_eq!(&buffer[..3], b"GET");
        assert_eq!(server.read(&mut buffer).await, Ok(5));
        assert_eq!(server.read_ready(), Ok(false));
        client.shut_down();
        server.readable().await.unwrap();
        assert_eq!(server.peek(&mut buffer).await, Ok(0));
        assert_eq!(server.read_ready(), Ok(true));
        assert_eq!(client.write_ready(), Err(TcpError::ShutDown));
    });
}

#[test]
fn both_ends_know_their_own_addresses() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let (server, client) = connected(a, b).await;
        assert_eq!(server.local(), Some(at(A, 80)));
        assert_eq!(client.local(), server.peer());
        assert_eq!(client.peer(), server.local());
    });
}

#[test]
fn a_queue_that_is_full_is_not_ready() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let listener = a.tcp_listen(80).unwrap();
        listener.set_queue(1);
        let (server, client) = join(listener.accept(), b.tcp_connect_with(at(A, 80), 3000)).await;
        let (server, mut client) = (server.unwrap(), client.unwrap());
        let mut written = 0;
        while client.write_ready().unwrap() {
            written += client.write(&[0; 512]).await.unwrap();
        }
        // Nothing was sent: the requested size is rounded up to a power of two.
        assert_eq!(written, 4096);
        // The other side accepts 2 KiB at a time.
        let mut buffer = [0; 4096];
        let mut reading = &server;
        assert!(reading.read(&mut buffer).await.unwrap() <= 2048);
    });
}

#[test]
fn a_small_write_waits_for_an_acknowledgement_by_default() {
    // Returns how many segments with data three small writes cause before an acknowledgement.
    let segments = |no_delay: bool| {
        let mut cable = Cable::new();
        let (a, b) = (cable.a.net, cable.b.net);
        let (_server, mut client) = cable.block_on(connected(a, b));
        client.set_no_delay(no_delay);
        let mut count = 0;
        for _ in 0..3 {
            assert!(poll_once(client.write_all(b"x")).is_ready());
            count += cable.b.answers(cable.now).len();
        }
        count
    };
    assert_eq!(segments(false), 1);
    assert_eq!(segments(true), 3);
}

#[test]
fn a_peer_that_owes_an_answer_is_given_up_after_the_timeout() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let (_server, mut client) = cable.block_on(connected(a, b));
    client.set_timeout(Duration::from_secs(5));
    cable.cut = true;
    let start = cable.now;
    cable.block_on(async {
        client.write_all(b"anybody").await.unwrap();
        assert_eq!(client.flush().await, Err(TcpError::TimedOut));
    });
    assert!((5 * SECOND..7 * SECOND).contains(&(cable.now - start)));
}

#[test]
fn the_connections_of_a_browser_wait_to_be_accepted() {
    let mut cable = Cable::new();
    let (a, b) = (cable.a.net, cable.b.net);
    let _listener = a.tcp_listen(80).unwrap();
    let start = cable.now;
    cable.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..TCP_BACKLOG {
            streams.push(b.tcp_connect(at(A, 80)).await.unwrap());
        }
    });
    assert!(TCP_BACKLOG >= 24 && cable.now - start < SECOND);
}
