use super::*;

/// Well-formed frames of all kinds.
fn well_formed() -> Vec<Vec<u8>> {
    let address = own("fe80::", 1);
    let option = mac_option(1, THEIR_MAC);
    let mut segment = std::vec![0; 24];
    segment[..4].copy_from_slice(&[0x13, 0x88, 0, 80]);
    segment[12..14].copy_from_slice(&[0x60, 2]);
    segment[20..].copy_from_slice(&[2, 4, 5, 0xa0]);
    let mut query = icmp(
        ROUTER,
        ALL_NODES,
        1,
        &[&[130, 0, 0, 0, 3, 232, 0, 0][..], &[0; 20]].concat(),
    );
    query.splice(54..54, [58, 0, 5, 2, 0, 0, 1, 0]);
    query[20] = 0;
    query[19] += 8;
    let servers = [&[25, 3, 0, 0, 0, 0, 4, 0][..], &ip("2001:db8::53").octets()].concat();
    let mut too_big = std::vec![2, 0, 0, 0, 0, 0, 5, 0];
    too_big.extend(&udp(address, OTHER, [7, 4000], &[1; 40])[14..]);
    std::vec![
        udp(OTHER, address, [4000, 7], &[1; 40]),
        udp(OTHER, address, [4000, 9], &[1; 40]),
        echo_request(OTHER, address, &[1; 40]),
        frame(OTHER, address, 64, 6, &segment, Some(16)),
        advertise(
            1800,
            &[
                &prefix("2001:db8::", 86400, 14400),
                &option,
                &servers,
                &[5, 1, 0, 0, 0, 0, 5, 0xdc]
            ]
        ),
        solicit(OTHER, group(address), address, &option),
        neighbour(OTHER, address, OTHER, 0x60, THEIR_MAC),
        icmp(OTHER, address, 64, &too_big),
        query,
    ]
}

fn machine() -> (Machine, crate::net::UdpSocket, crate::net::TcpListener) {
    let machine = Machine::ready();
    let socket = machine.net.udp(7).unwrap();
    let listener = machine.net.tcp_listen(80).unwrap();
    (machine, socket, listener)
}

/// Writes the right checksum of the payload into a frame, so that a changed frame is not dropped for
/// its checksum alone.
fn mend(frame: &mut [u8]) {
    let Some(offset) = frame.get(20).and_then(|next| match next {
        58 => Some(2),
        17 => Some(6),
        6 => Some(16),
        _ => None,
    }) else {
        return;
    };
    if frame.len() > 54 + offset + 2 && packet_length(frame) {
        let (from, to) = (&frame[22..38], &frame[38..54]);
        let address = |bytes: &[u8]| Ipv6Addr::from(*bytes.first_chunk::<16>().unwrap());
        let whole = super::frame(
            address(from),
            address(to),
            frame[21],
            frame[20],
            &frame[54..],
            Some(offset),
        );
        let at = 54 + offset;
        frame[at..at + 2].copy_from_slice(&whole[at..at + 2]);
    }
}

fn packet_length(frame: &[u8]) -> bool {
    usize::from(u16::from_be_bytes([frame[18], frame[19]])) == frame.len() - 54
}

#[test]
fn a_frame_that_ends_anywhere_is_handled() {
    let (mut machine, _socket, _listener) = machine();
    for frame in well_formed() {
        for length in (0..frame.len()).step_by(if cfg!(miri) { 17 } else { 1 }) {
            machine.hears(frame[..length].to_vec());
            // Cut, with the length that says so.
            if length >= 54 {
                let mut frame = frame[..length].to_vec();
                frame[18..20].copy_from_slice(&((length - 54) as u16).to_be_bytes());
                mend(&mut frame);
                machine.hears(frame);
            }
        }
    }
    still_alive(machine);
}

#[test]
fn any_changed_byte_is_handled() {
    let (mut machine, _socket, _listener) = machine();
    for frame in well_formed() {
        for index in (12..frame.len().min(130)).step_by(if cfg!(miri) { 13 } else { 1 }) {
            for value in (0..=255).step_by(if cfg!(miri) { 85 } else { 3 }) {
                let mut changed = frame.clone();
                changed[index] = value;
                mend(&mut changed);
                machine.hears(changed);
            }
        }
        drain(&mut machine);
    }
    still_alive(machine);
}

#[test]
fn random_messages_and_headers_are_handled() {
    let (mut machine, _socket, _listener) = machine();
    let address = own("fe80::", 1);
    let mut random = 1u64;
    let mut next = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    for round in 0..if cfg!(miri) { 101 } else { 20_000u64 } {
        let length = next() % 120;
        let mut payload: Vec<u8> = (0..length.max(8)).map(|_| next() as u8).collect();
        let to = if next().is_multiple_of(2) {
            address
        } else {
            group(address)
        };
        let from = if next().is_multiple_of(4) {
            UNSPECIFIED
        } else {
            OTHER
        };
        let frame = match next() % 3 {
            0 => {
                payload[0] = 128 + (next() % 18) as u8;
                payload[1] = 0;
                icmp(
                    from,
                    to,
                    if next().is_multiple_of(2) { 255 } else { 1 },
                    &payload,
                )
            }
            1 => {
                // Extension headers with lengths that often fit.
                payload[1] = (next() % 4) as u8;
                frame(from, to, 64, [0, 43, 44, 60][next() % 4], &payload, None)
            }
            _ => {
                let mut kind = payload;
                kind[0] = (next() % 5) as u8;
                icmp(from, to, 64, &kind)
            }
        };
        machine.hears(frame);
        if round.is_multiple_of(100) {
            let now = CLOCK.get();
            machine.until(now + SECOND / 10);
            drain(&mut machine);
        }
    }
    still_alive(machine);
}

fn drain(machine: &mut Machine) {
    machine.card.sent.clear();
}

/// The machine still answers on the address that it had.
fn still_alive(mut machine: Machine) {
    let end = CLOCK.get() + 5 * SECOND;
    machine.until(end);
    let answers = machine.hears(echo_request(OTHER, own("fe80::", 1), b"still?"));
    assert_eq!(answers.len(), 1);
    let answers = machine.hears(frames::arp(smoltcp::wire::ArpOperation::Request, B, A));
    assert_eq!(answers.len(), 1);
}
