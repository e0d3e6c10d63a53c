//! Text that is expected as it is.

use super::BLOCK;

/// At most [`BLOCK`] bytes that a text is compared with at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Literal {
    /// The text, then zeros.
    pub bytes: [u8; BLOCK],
    /// Bit `i` is set if byte `i` belongs to the text.
    pub mask: u64,
    /// How long it is.
    pub length: usize,
}

impl Literal {
    /// The literal `text`; `None` if it is longer than a block.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; BLOCK];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let mask = match text.len() {
            BLOCK => u64::MAX,
            length => (1 << length) - 1,
        };
        Some(Self {
            bytes,
            mask,
            length: text.len(),
        })
    }
}
