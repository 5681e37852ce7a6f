//! Tests of what is logged about servers: why there is no address, once after the second attempt.

use super::*;
use crate::log::kept::logged;

/// Returns what is logged within ten minutes.
fn about(serve: fn(u8) -> Option<Answer>) -> Vec<std::string::String> {
    logged(|| {
        let mut machine = Machine::new(1, "dhcp");
        let early = logged(|| drop(run(&mut machine, 0, 2 * SECOND, serve)));
        assert!(early.is_empty(), "after the first attempt: {early:?}");
        run(&mut machine, 2 * SECOND, 600 * SECOND, serve);
    })
}

#[test]
fn a_silent_server_is_mentioned_once() {
    assert_eq!(about(|_| None), ["DHCP: no server answers; still trying"]);
}

#[test]
fn a_server_that_rejects_what_it_offered_is_mentioned_once() {
    let lines = about(|kind| Some(lease(if kind == DISCOVER { OFFER } else { NAK }, 3600)));
    let told = lines.iter().filter(|line| {
        line.contains("the server rejects the address that it offered")
            && line.ends_with("still trying")
    });
    assert_eq!(told.count(), 1, "{lines:?}");
}
