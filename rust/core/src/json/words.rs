//! Text looked at in words of eight bytes: what needs no instructions of its own.

/// Where the next `"`, `\` or control byte is from `position` on, or the end of `bytes`. Eight bytes at a time: a byte
/// of `word` below 0x20, or equal to one searched, leaves its high bit in `found`; the lowest one found is exact.
pub fn next_special(bytes: &[u8], mut position: usize) -> usize {
    const ONES: u64 = u64::MAX / 0xFF;
    const HIGH: u64 = ONES << 7;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word;
    while let Some(chunk) = bytes.get(position..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = zero_bytes(word ^ (ONES * u64::from(b'"')));
        let backslash = zero_bytes(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (quote | backslash | control) & HIGH;
        if found != 0 {
            return position + (found.trailing_zeros() / 8) as usize;
        }
        position += 8;
    }
    while let Some(byte) = bytes.get(position) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        position += 1;
    }
    position
}

#[cfg(test)]
mod tests {
    use super::next_special;

    /// Every byte value at every place of a word and of its tail is classified as a plain loop does.
    #[test]
    fn special_bytes_are_found_wherever_they_are() {
        for length in 0..20 {
            for place in 0..length {
                for byte in 0..=255_u8 {
                    for background in [b'a', 0x80, 0xFF, 0x21, b'#', b']'] {
                        let mut bytes = vec![background; length];
                        bytes[place] = byte;
                        let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
                        let expected = bytes.iter().position(special).unwrap_or(length);
                        assert_eq!(next_special(&bytes, 0), expected, "{bytes:?}");
                    }
                }
            }
        }
    }
}
