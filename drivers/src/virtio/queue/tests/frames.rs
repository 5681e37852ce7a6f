//! Frames that the queue keeps for their chains.

use super::*;
use crate::dma::{Frame, Frames};

fn frame() -> Frame {
    Frame::new(64).expect("a frame is allocated")
}

#[test]
fn a_frame_comes_back_with_its_chain() {
    let (mut queue, mut ring, heads) = three_in_flight(&buffer());
    let first = frame();
    let address = first.address();
    assert!(queue.keep(heads[0], first).is_none());
    ring.give_back(u32::from(heads[0]), 10);
    assert_eq!(queue.look(), 1);
    let second = frame();
    let next = second.address();
    let (used, frame) = queue.exchange(next, second).expect("the chain is good");
    assert_eq!((used.head, used.len), (heads[0], 10));
    assert_eq!(frame.map(|frame| frame.address()), Some(address));
    assert_eq!(queue.frame(heads[0]).map(Frame::address), Some(next));
    assert_eq!(
        queue.take_frame(heads[0]).map(|frame| frame.address()),
        Some(next)
    );
    assert!(queue.frame(heads[0]).is_none());
}

#[test]
fn a_frame_for_which_no_chain_came_back_stays_with_the_caller() {
    let (mut queue, mut ring, heads) = three_in_flight(&buffer());
    let frame = frame();
    let address = frame.address();
    let frame = queue.exchange(address, frame).expect_err("none came back");
    assert_eq!(frame.address(), address);
    ring.give_back(9999, 0);
    assert_eq!(queue.look(), 1);
    let frame = queue.exchange(address, frame).expect_err("the id is wrong");
    assert_eq!(frame.address(), address);
    assert_eq!(queue.broken(), Some(Refusal::Id(9999)));
    let frame = queue.keep(9999, frame).expect("there is no such chain");
    assert_eq!(frame.address(), address);
    assert!(heads.iter().all(|head| queue.frame(*head).is_none()));
}

#[test]
fn frames_outlast_a_restart_until_they_are_given_back() {
    let (mut queue, _ring, heads) = three_in_flight(&buffer());
    let frames = Frames::new(64);
    for head in &heads {
        queue.keep(*head, frame());
    }
    queue.restart();
    assert_eq!(frames.spare(), 0);
    queue.give_back(&frames);
    assert_eq!(frames.spare(), heads.len());
    assert!(heads.iter().all(|head| queue.frame(*head).is_none()));
}
