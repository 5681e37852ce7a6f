use super::*;

/// Returns a minimal ELF64 file with loadable segments at the given physical addresses.
fn elf(segments: &[(u64, &[u8])]) -> Vec<u8> {
    let mut data = 64 + 56 * segments.len() as u64;
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend(2u16.to_le_bytes()); // e_type
    file.extend(183u16.to_le_bytes()); // e_machine
    file.extend(1u32.to_le_bytes()); // e_version
    file.extend(0u64.to_le_bytes()); // e_entry
    file.extend(64u64.to_le_bytes()); // e_phoff
    file.extend(0u64.to_le_bytes()); // e_shoff
    file.extend(0u32.to_le_bytes()); // e_flags
    for half in [64u16, 56, segments.len() as u16, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    for (address, bytes) in segments {
        let size = bytes.len() as u64;
        file.extend(PT_LOAD.0.to_le_bytes());
        file.extend(7u32.to_le_bytes());
        // The virtual address differs from the physical one, to detect a mix-up.
        for word in [
            data,
            address.wrapping_add(1 << 40),
            *address,
            size,
            size + 0x1000,
            8,
        ] {
            file.extend(word.to_le_bytes());
        }
        data += size;
    }
    for (_, bytes) in segments {
        file.extend(*bytes);
    }
    file
}

#[test]
fn segments_are_placed_by_physical_address_with_zeros_between() {
    let image = flatten(&elf(&[(0x8004, b"cd"), (0x8000, b"ab")])).unwrap();
    assert_eq!(
        image,
        FlatImage {
            base: 0x8000,
            bytes: b"ab\0\0cd".to_vec()
        }
    );
}

#[test]
fn an_empty_segment_takes_no_space() {
    let image = flatten(&elf(&[(0x8000, b"ab"), (0x1000, b"")])).unwrap();
    assert_eq!(image.range(), 0x8000..0x8002);
}

#[test]
fn segments_too_far_apart_are_rejected_with_their_addresses() {
    let error = flatten(&elf(&[(0, b"a"), (1 << 32, b"b")])).unwrap_err();
    assert_eq!(
        error,
        FlattenError::FarApart {
            low: 0,
            high: 1 << 32
        }
    );
}

#[test]
fn an_address_at_the_end_of_the_address_space_is_rejected() {
    let error = flatten(&elf(&[(0, b"a"), (u64::MAX, b"bc")])).unwrap_err();
    assert_eq!(
        error,
        FlattenError::FarApart {
            low: 0,
            high: u64::MAX
        }
    );
}

#[test]
fn a_file_with_nothing_to_load_is_rejected() {
    assert_eq!(flatten(&elf(&[])), Err(FlattenError::Empty));
}

#[test]
fn a_truncated_file_is_rejected() {
    let file = elf(&[(0x8000, b"abcdef")]);
    assert!(matches!(
        flatten(&file[..file.len() - 3]),
        Err(FlattenError::Malformed(_))
    ));
}

#[test]
fn a_text_file_is_rejected() {
    assert!(matches!(
        flatten(b"#!/bin/sh\n"),
        Err(FlattenError::Malformed(_))
    ));
}

#[test]
fn a_segment_below_the_payload_is_left_out() {
    let whole = elf(&[(0x8000, b"jump"), (0x4_0000, b"ab"), (0x4_0010, b"cd")]);
    let payload = without_segments_below(&whole, 0x4_0000).unwrap();
    assert_eq!(payload.len(), whole.len());
    assert_eq!(flatten(&payload).unwrap().range(), 0x4_0000..0x4_0012);
}
