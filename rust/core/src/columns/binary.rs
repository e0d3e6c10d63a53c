//! Text of binary columns to bytes.

use base64::engine::{Engine, general_purpose::STANDARD};

use super::BinaryText;

/// Append the bytes that `text` stands for. False, with `bytes` in any state, if it is not of that encoding: no white
/// space, base64 padded and without stray bits.
pub fn decode(encoding: BinaryText, text: &str, bytes: &mut Vec<u8>) -> bool {
    match encoding {
        BinaryText::Base64 => STANDARD.decode_vec(text, bytes).is_ok(),
        BinaryText::Hex => decode_hex(text.as_bytes(), bytes),
    }
}

fn decode_hex(digits: &[u8], bytes: &mut Vec<u8>) -> bool {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, rest) = digits.as_chunks::<2>();
    for &[high, low] in pairs {
        let (Some(high), Some(low)) = (value(high), value(low)) else {
            return false;
        };
        bytes.push((high << 4 | low) as u8);
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{BinaryText, decode};

    fn decoded(encoding: BinaryText, text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        decode(encoding, text, &mut bytes).then_some(bytes)
    }

    /// Only the one canonical base64 text of some bytes is taken.
    #[test]
    fn base64_is_canonical() {
        assert_eq!(decoded(BinaryText::Base64, ""), Some(vec![]));
        assert_eq!(decoded(BinaryText::Base64, "+/8="), Some(vec![0xFB, 0xFF]));
        for text in [
            "+/8", "+/9=", "-_8=", " +/8=", "+/8=\n", "=", "A", "AAA=AAAA", "é",
        ] {
            assert_eq!(decoded(BinaryText::Base64, text), None, "{text}");
        }
    }

    /// Hexadecimal digits come in pairs, in either case.
    #[test]
    fn hex_comes_in_pairs() {
        assert_eq!(
            decoded(BinaryText::Hex, "00fFA9"),
            Some(vec![0, 0xFF, 0xA9])
        );
        for text in ["0", "0x00", "fg", "00 0", "é"] {
            assert_eq!(decoded(BinaryText::Hex, text), None, "{text}");
        }
    }
}
