//! Echoes frames in their receive buffers.

use core::sync::atomic::{AtomicU16, AtomicU32, Ordering::Relaxed};

use crate::machine::Machine;
use crate::ring::{ENTRIES, Ring, WRITE, address_of};
use crate::slot::Slot;

static RECEIVED: Ring = Ring::new();
static SENT: Ring = Ring::new();

/// A buffer, as 16-bit units, because all header fields are multiples of them.
#[repr(C, align(2048))]
struct Buffer([AtomicU16; BYTES / 2]);

const BYTES: usize = 2048;

static BUFFERS: [Buffer; ENTRIES] =
    [const { Buffer([const { AtomicU16::new(0) }; BYTES / 2]) }; ENTRIES];

/// The hardware address of the device.
static ADDRESS: [AtomicU16; 3] = [const { AtomicU16::new(0) }; 3];

/// The size of the header that the device puts before a frame, in bytes.
const HEADER: usize = 12;

/// Offsets of header fields in a frame, in 16-bit units.
mod field {
    use super::HEADER;

    pub(super) const DESTINATION: usize = HEADER / 2;
    pub(super) const SOURCE: usize = DESTINATION + 3;
    pub(super) const TYPE: usize = SOURCE + 3;
    /// The part of the IPv4 header with the time to live and the protocol.
    pub(super) const PROTOCOL: usize = TYPE + 1 + 4;
    pub(super) const ADDRESSES: usize = TYPE + 1 + 6;
    pub(super) const MESSAGE: usize = TYPE + 1 + 10;
    pub(super) const ARP_OPERATION: usize = TYPE + 1 + 3;
    pub(super) const ARP_SENDER: usize = TYPE + 1 + 4;
    pub(super) const ARP_TARGET: usize = ARP_SENDER + 5;
}

const IPV4: u16 = 0x0800_u16.to_be();
const ARP: u16 = 0x0806_u16.to_be();
const ICMP: u16 = 1;
const UDP: u16 = 17;

/// Answers received frames, forever.
pub(crate) fn serve(machine: &mut Machine, slot: &Slot) -> ! {
    slot.set_queue(0, &RECEIVED);
    slot.set_queue(1, &SENT);
    let mut offered = 0;
    for (number, buffer) in (0..).zip(&BUFFERS) {
        let address = address_of(buffer);
        RECEIVED.describe(usize::from(number), address, BYTES as u32, WRITE, 0);
        RECEIVED.offer(offered, number);
        offered = offered.wrapping_add(1);
    }
    // Sent buffers are reclaimed together with other work.
    SENT.without_interrupts();
    RECEIVED.publish(offered);
    slot.begin();
    slot.notify(0);
    for (place, part) in ADDRESS.iter().enumerate() {
        let bytes = [2 * place, 2 * place + 1].map(|offset| slot.configuration8(offset));
        part.store(u16::from_ne_bytes(bytes), Relaxed);
    }
    machine.print("READY\n");
    let [mut received, mut sent, mut taken_back] = [0_u16; 3];
    loop {
        let before = (offered, sent);
        while taken_back != SENT.used_to() {
            let (number, _) = SENT.used_at(taken_back);
            taken_back = taken_back.wrapping_add(1);
            RECEIVED.offer(offered, number);
            offered = offered.wrapping_add(1);
        }
        let to = RECEIVED.used_to();
        while received != to {
            let (number, length) = RECEIVED.used_at(received);
            received = received.wrapping_add(1);
            let buffer = &BUFFERS[usize::from(number) % ENTRIES];
            if turn_around(&buffer.0) {
                SENT.describe(usize::from(number), address_of(buffer), length, 0, 0);
                SENT.offer(sent, number);
                sent = sent.wrapping_add(1);
            } else {
                RECEIVED.offer(offered, number);
                offered = offered.wrapping_add(1);
            }
        }
        if offered != before.0 && RECEIVED.publish(offered) {
            slot.notify(0);
        }
        if sent != before.1 && SENT.publish(sent) {
            slot.notify(1);
        }
        if received == RECEIVED.used_to() {
            machine.wait_for(slot);
        }
    }
}

/// Turns a received frame into its answer, in place; returns whether there is an answer.
#[inline]
fn turn_around(frame: &[AtomicU16; BYTES / 2]) -> bool {
    let get = |at: usize| frame[at].load(Relaxed);
    let set = |at: usize, value: u16| frame[at].store(value, Relaxed);
    let swap = |a: usize, b: usize| {
        let value = get(a);
        set(a, get(b));
        set(b, value);
    };
    match get(field::TYPE) {
        IPV4 => {
            match get(field::PROTOCOL).to_be() & 0xff {
                // Swap the ports.
                UDP => swap(field::MESSAGE, field::MESSAGE + 1),
                // The type changes from 8 to 0, so the checksum increases by 8.
                ICMP => {
                    set(
                        field::MESSAGE,
                        get(field::MESSAGE) & 0xff00_u16.to_be() ^ 0x0800_u16.to_be(),
                    );
                    let sum = u32::from(u16::from_be(get(field::MESSAGE + 1))) + 0x0800;
                    let sum = (sum + (sum >> 16)) as u16;
                    set(field::MESSAGE + 1, sum.to_be());
                }
                _ => return false,
            }
            swap(field::ADDRESSES, field::ADDRESSES + 2);
            swap(field::ADDRESSES + 1, field::ADDRESSES + 3);
        }
        ARP if get(field::ARP_OPERATION) == 1_u16.to_be() => {
            set(field::ARP_OPERATION, 2_u16.to_be());
            // Answer for the requested address: swap the hardware and IP addresses.
            for part in 0..5 {
                swap(field::ARP_SENDER + part, field::ARP_TARGET + part);
            }
            for (part, own) in ADDRESS.iter().enumerate() {
                set(field::ARP_SENDER + part, own.load(Relaxed));
            }
        }
        _ => return false,
    }
    for (part, own) in ADDRESS.iter().enumerate() {
        set(field::DESTINATION + part, get(field::SOURCE + part));
        set(field::SOURCE + part, own.load(Relaxed));
    }
    // The device's header requests nothing.
    for part in 0..HEADER / 2 {
        set(part, 0);
    }
    true
}

const _: () = assert!(align_of::<AtomicU32>() <= align_of::<Buffer>());
