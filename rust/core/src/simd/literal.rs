//! Text that is expected as it is.

/// More bytes than a literal has: half a block, so that what follows a literal is in the block that begins with it.
pub const LITERAL: usize = 32;

/// Less than [`LITERAL`] bytes that a text is compared with at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// The text, then zeros.
    pub bytes: [u8; LITERAL],
    /// Bit `i` is set if byte `i` belongs to the text.
    pub mask: u32,
    length: u32,
}

impl Literal {
    /// The literal `text`; `None` if it is too long.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        if text.len() >= LITERAL {
            return None;
        }
        let mut bytes = [0; LITERAL];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self {
            bytes,
            mask: (1 << text.len()) - 1,
            length: text.len() as u32,
        })
    }

    /// How long it is: less than [`LITERAL`].
    #[inline(always)]
    #[must_use]
    pub fn length(&self) -> usize {
        self.length as usize % LITERAL
    }
}
