use super::*;

#[test]
fn the_fields_of_a_datagram_are_aligned() {
    let frame = Frame::new(1518).expect("a frame is allocated");
    let memory = frame.address().0 - START as u64;
    let (ethernet, ip) = (14, 20);
    assert_eq!(memory % 64, 0);
    for field in [ethernet + 12, ethernet + ip, ethernet + ip + 8] {
        assert_eq!((frame.address().0 + field) % 8, 0, "at {field}");
    }
    assert!(frame.capacity() >= 1518);
}

#[test]
fn bytes_and_words_are_the_same_memory() {
    let mut frame = Frame::new(100).expect("a frame is allocated");
    frame.set_len(60);
    frame.bytes_mut()[42..50].copy_from_slice(&7_u64.to_ne_bytes());
    frame.headers_mut()[6] = u64::from_ne_bytes(*b"udp here");
    assert_eq!(frame.payload_words()[0], 7);
    assert_eq!(&frame.bytes()[34..42], b"udp here");
    assert_eq!(frame.headers()[6], u64::from_ne_bytes(*b"udp here"));
    assert_eq!(frame.payload_words().len(), 9);
}

#[test]
fn a_frame_is_no_longer_than_its_memory() {
    let mut frame = Frame::new(64).expect("a frame is allocated");
    assert!(frame.is_empty() && frame.bytes().is_empty());
    frame.set_len(10_000);
    assert_eq!((frame.len(), frame.capacity()), (114, 114));
    assert_eq!(frame.bytes(), [0; 114]);
    assert!(Frame::new(usize::MAX).is_err() && Frame::new(LONGEST + 1).is_err());
    assert_eq!(Frame::new(LONGEST).map(|frame| frame.len()), Ok(0));
}

#[test]
fn a_returned_frame_is_the_next_one_taken() {
    let frames = Frames::new(1518);
    let frame = frames.take().expect("a frame is allocated");
    let address = frame.address();
    frames.give(frame);
    assert_eq!(frames.take().map(|frame| frame.address()), Ok(address));
}

#[test]
fn a_pool_keeps_only_frames_of_its_size_and_not_too_many() {
    let frames = Frames::new(1518);
    frames.give(Frame::new(4000).expect("a frame is allocated"));
    assert_eq!(frames.spare(), 0);
    let long = frames.take_for(4000).expect("a frame is allocated");
    assert!(long.capacity() >= 4000);
    for _ in 0..=Frames::MOST {
        frames.give(Frame::new(1518).expect("a frame is allocated"));
    }
    assert_eq!(frames.spare(), Frames::MOST);
}

/// A frame identified by its owner's number.
fn numbered(number: u16) -> Frame {
    let mut frame = Frame::new(64).expect("a frame is allocated");
    frame.set_owner(number);
    frame
}

fn numbers(list: &mut FrameList) -> alloc::vec::Vec<u16> {
    core::iter::from_fn(|| list.pop())
        .map(|frame| frame.owner())
        .collect()
}

#[test]
fn a_list_keeps_the_order_of_its_frames() {
    let mut list = FrameList::new();
    assert!(list.pop().is_none());
    for round in 0..3 {
        (0..4).for_each(|number| list.push(numbered(number + round)));
        assert_eq!(list.pop().map(|frame| frame.owner()), Some(round));
        list.push_first(numbered(9));
        assert_eq!(numbers(&mut list), [9, round + 1, round + 2, round + 3]);
        assert!(list.is_empty());
    }
    list.push_first(numbered(1));
    list.push(numbered(2));
    assert_eq!(numbers(&mut list), [1, 2]);
}

#[test]
fn frames_that_are_not_retained_leave_a_list() {
    let mut list = FrameList::new();
    (0..6).for_each(|number| list.push(numbered(number)));
    let mut left = alloc::vec::Vec::new();
    list.retain(
        |frame| frame.owner() % 2 == 0,
        |frame| left.push(frame.owner()),
    );
    list.push(numbered(7));
    assert_eq!(
        (numbers(&mut list), left),
        ([0, 2, 4, 7].into(), [1, 3, 5].into())
    );
}

#[test]
fn a_dropped_list_frees_its_frames() {
    // So many that they must not be freed one inside the other; Miri takes seconds for each hundred.
    let frames = if cfg!(miri) { 100 } else { 10_000 };
    let list = FrameList::new();
    (0..frames).for_each(|number| list.push(numbered(number)));
    drop(list);
}

/// The code that drops a frame need not know its pool.
#[test]
fn a_limited_pool_gets_the_place_of_a_dropped_frame_back() {
    let frames = Frames::limited(1514, 3);
    for _ in 0..4 {
        let mut taken: alloc::vec::Vec<_> =
            (0..3).map(|_| frames.take().expect("a frame")).collect();
        assert!(frames.take().is_err());
        drop(taken.pop());
        let list = FrameList::new();
        taken.into_iter().for_each(|frame| list.push(frame));
        drop(list);
    }
    let last = frames.take().expect("a frame");
    frames.give(frames.take().expect("a frame"));
    // Another frame of this size is none of the pool.
    frames.give(Frame::new(1514).expect("there is memory"));
    drop(frames);
    drop(last);
}
