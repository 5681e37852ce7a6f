//! Tests of name resolution with servers on the wire.

use embassy_futures::select::{Either, select};

use super::super::ResolveError;
use super::*;

/// Returns two connected machines, of which A requests names from B.
fn cable() -> Cable {
    let mut cable = Cable::new();
    cable.a = Machine::new(1, "10.0.2.15/24,10.0.2.2,10.0.2.2");
    cable
}

/// Resolves `name` while B answers each question with the result of `answer`.
fn resolve(
    name: &str,
    mut answer: impl FnMut(Vec<u8>) -> Option<Vec<u8>>,
) -> Result<Ipv4Addr, ResolveError> {
    let mut cable = cable();
    let (a, b) = (cable.a.net, cable.b.net);
    cable.block_on(async {
        let socket = b.udp(53).unwrap();
        let serving = async {
            loop {
                let question = socket.receive().await.unwrap();
                if let Some(answer) = answer(question.payload().to_vec()) {
                    socket.reply(&question, &answer).await.unwrap();
                }
            }
        };
        match select(a.resolve(name), serving).await {
            Either::First(resolved) => resolved,
            Either::Second(never) => never,
        }
    })
}

fn with_address(mut message: Vec<u8>) -> Vec<u8> {
    message[2] |= 0x80;
    message[7] = 1;
    message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    message
}

const FOUND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

#[test]
fn a_name_server_is_asked_and_its_answer_is_the_address() {
    assert_eq!(
        resolve("host.example", |m| Some(with_address(m))),
        Ok(FOUND)
    );
}

#[test]
fn an_address_is_resolved_without_a_request() {
    let resolved = resolve("192.0.2.1", |_| panic!("no server may be asked"));
    assert_eq!(resolved, Ok(FOUND));
}

#[test]
fn a_lost_request_is_repeated_with_another_number() {
    let mut numbers = Vec::new();
    let resolved = resolve("host.example", |message| {
        numbers.push([message[0], message[1]]);
        (numbers.len() == 2).then(|| with_address(message))
    });
    assert_eq!(resolved, Ok(FOUND));
    assert_ne!(numbers[0], numbers[1]);
}

#[test]
fn a_forged_answer_is_ignored() {
    let mut tries = 0;
    let resolved = resolve("host.example", |message| {
        tries += 1;
        let mut answer = with_address(message);
        if tries == 1 {
            answer[0] ^= 1;
        }
        Some(answer)
    });
    assert_eq!((resolved, tries), (Ok(FOUND), 2));
}

/// RFC 5452, 9.1: the answer must come from where the question went.
#[test]
fn an_answer_from_elsewhere_is_ignored() {
    let mut cable = cable();
    let (a, b) = (cable.a.net, cable.b.net);
    let mut tries = 0;
    let resolved = cable.block_on(async {
        let (socket, other) = (b.udp(53).unwrap(), b.udp(5353).unwrap());
        let serving = async {
            loop {
                let question = socket.receive().await.unwrap();
                tries += 1;
                let answer = with_address(question.payload().to_vec());
                if tries == 1 {
                    other.send_to(&answer, question.source()).await.unwrap();
                } else {
                    socket.reply(&question, &answer).await.unwrap();
                }
            }
        };
        match select(a.resolve("host.example"), serving).await {
            Either::First(resolved) => resolved,
            Either::Second(never) => never,
        }
    });
    assert_eq!((resolved, tries), (Ok(FOUND), 2));
}

#[test]
fn silence_differs_from_a_missing_server() {
    assert_eq!(
        resolve("host.example", |_| None),
        Err(ResolveError::NoAnswer)
    );
    let lonely = Machine::new(1, "10.0.2.15/24");
    let resolved = poll_once(lonely.net.resolve("host.example"));
    assert_eq!(resolved, Poll::Ready(Err(ResolveError::NoServer)));
}
