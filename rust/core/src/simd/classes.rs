//! Table of the characters of JSON's escapes, as tables that the backends look bytes up in.

/// One entry per ASCII character.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct Table(pub [u8; 128]);

/// May follow a backslash: one of `"\/bfnrtu`.
pub const VALID: u8 = 1;
/// A hexadecimal digit.
pub const HEX: u8 = 2;
/// `d` or `D`: begins the four digits of a surrogate, if one of the next two classes follows.
pub const D: u8 = 4;
/// Second digit of a high surrogate: `8`, `9`, `a`, `b`.
pub const HIGH: u8 = 8;
/// Second digit of a low surrogate: `c` to `f`.
pub const LOW: u8 = 16;

/// The classes of each ASCII character.
pub static CLASSES: Table = Table(classes());

const fn classes() -> [u8; 128] {
    let mut table = [0; 128];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = class(byte);
        byte += 1;
    }
    table
}

const fn class(byte: u8) -> u8 {
    let escape = match byte {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u' => VALID,
        _ => 0,
    };
    let digit = match byte {
        b'd' | b'D' => HEX | D | LOW,
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => HEX | HIGH,
        b'c'..=b'f' | b'C'..=b'F' => HEX | LOW,
        b'0'..=b'7' => HEX,
        _ => 0,
    };
    escape | digit
}

/// What each ASCII character means behind a backslash, if it is an escape by itself; else 0.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub static MEANINGS: Table = {
    let mut table = [0; 128];
    let mut byte = 0_u8;
    while byte < 128 {
        if class(byte) & VALID != 0 && byte != b'u' {
            table[byte as usize] = meaning(byte);
        }
        byte += 1;
    }
    Table(table)
};

/// What each hexadecimal digit counts.
#[cfg(target_arch = "x86_64")]
pub static VALUES: Table = {
    let mut table = [0; 128];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        table[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    Table(table)
};

/// What the escape of one character stands for, if the character is not itself.
pub const fn meaning(escaped: u8) -> u8 {
    match escaped {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => other,
    }
}

/// For instruction sets that look up only 16 entries: `BY_LOW[low half of a byte] & BY_HIGH[high half]` is what the
/// byte is. A bit stands for a set of low halves combined with a set of high ones, so a class may need several.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub mod nibbles {
    /// `"\/bfnrtu`: any of these bits.
    pub const ESCAPE_BY_LOW: [u8; 16] = by_half(&[
        (1, &[0x2, 0xF]),
        (2, &[0xC]),
        (4, &[0x2, 0x6, 0xE]),
        (8, &[0x2, 0x4, 0x5]),
    ]);
    /// The other half of [`ESCAPE_BY_LOW`].
    pub const ESCAPE_BY_HIGH: [u8; 16] =
        by_half(&[(1, &[0x2]), (2, &[0x5]), (4, &[0x6]), (8, &[0x7])]);

    /// Hexadecimal digits: any of these bits.
    pub const HEX_BY_LOW: [u8; 16] = by_half(&[
        (1, &[0, 1, 2, 3, 4, 5, 6, 7]),
        (EIGHT_NINE, &[8, 9]),
        (A_B, &[1, 2]),
        (D, &[4]),
        (C_E_F, &[3, 5, 6]),
    ]);
    /// The other half of [`HEX_BY_LOW`].
    pub const HEX_BY_HIGH: [u8; 16] =
        by_half(&[(1 | EIGHT_NINE, &[0x3]), (A_B | D | C_E_F, &[0x4, 0x6])]);
    /// `d` or `D`.
    pub const D: u8 = 2;
    const EIGHT_NINE: u8 = 4;
    const A_B: u8 = 8;
    const C_E_F: u8 = 16;
    /// Second digit of a high surrogate.
    pub const HIGH: u8 = EIGHT_NINE | A_B;
    /// Second digit of a low surrogate.
    pub const LOW: u8 = D | C_E_F;

    const fn by_half(sets: &[(u8, &[u8])]) -> [u8; 16] {
        let mut table = [0; 16];
        let mut set = 0;
        while set < sets.len() {
            let (bits, halves) = sets[set];
            let mut half = 0;
            while half < halves.len() {
                table[halves[half] as usize] |= bits;
                half += 1;
            }
            set += 1;
        }
        table
    }

    /// Which of `"\/fnrt` a byte can only be, by the low bits of its half, rounded up; where it can be none, a byte that
    /// has others. `b` has those of `"`.
    #[cfg(target_arch = "x86_64")]
    pub const ESCAPE_BY_HALF: [u8; 16] = by_half_of_it(false);
    /// What that one means behind a backslash.
    #[cfg(target_arch = "x86_64")]
    pub const MEANING_BY_HALF: [u8; 16] = by_half_of_it(true);

    #[cfg(target_arch = "x86_64")]
    const fn by_half_of_it(meaning: bool) -> [u8; 16] {
        let escapes = *b"\"\\/fnrt";
        // Whose entry is not the first one, as that of 0 is.
        let mut table = [b'"'; 16];
        let mut number = 0;
        while number < escapes.len() {
            let escape = escapes[number];
            let entry = escape.div_ceil(2) as usize & 15;
            table[entry] = if meaning {
                super::meaning(escape)
            } else {
                escape
            };
            number += 1;
        }
        table
    }

    /// Row `m`: the places of the set bits of `m`, then anything: moves the bytes that are kept to the front. A mebibyte, of
    /// which little is used: few of 16 bytes are left out.
    pub static COMPACT: [[u8; 16]; 1 << 16] = {
        let mut rows = [[0; 16]; 1 << 16];
        let mut mask: usize = 1;
        while mask < rows.len() {
            let last = mask.ilog2();
            let others = mask ^ (1 << last);
            rows[mask] = rows[others];
            rows[mask][others.count_ones() as usize] = last as u8;
            mask += 1;
        }
        rows
    };
}
