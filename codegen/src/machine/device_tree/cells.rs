//! The values of properties: cells of 32 bits, most significant byte first, and text.

/// Returns the cells of a value; ignores an incomplete one at its end.
pub(super) fn cells(value: &[u8]) -> Vec<u32> {
    let (cells, _) = value.as_chunks::<4>();
    cells.iter().map(|cell| u32::from_be_bytes(*cell)).collect()
}

/// Returns the number that cells form; `None` if it does not fit 64 bits.
pub(super) fn join(cells: &[u32]) -> Option<u64> {
    let number = cells.iter().try_fold(0_u128, |number, cell| {
        number.checked_mul(1 << 32)?.checked_add(u128::from(*cell))
    })?;
    u64::try_from(number).ok()
}

/// Returns a text that ends with a zero and contains no other.
pub(super) fn text(value: &[u8]) -> Option<&str> {
    let text = value.strip_suffix(&[0])?;
    let is_text = !text.is_empty() && text.iter().all(|byte| (0x20..0x7F).contains(byte));
    std::str::from_utf8(text).ok().filter(|_| is_text)
}

/// Returns the controller's own number of an interrupt. A GIC's has three cells: 0 for a shared or
/// 1 for a private peripheral interrupt, the number in that space, and flags (Linux,
/// Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml). For other controllers,
/// the first cell is the number.
pub(super) fn interrupt(cells: &[u32]) -> Option<u32> {
    match *cells {
        [0, number, _] => number.checked_add(32),
        [1, number, _] => number.checked_add(16),
        [number] | [number, _] => Some(number),
        _ => None,
    }
}
