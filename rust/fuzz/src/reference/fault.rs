//! The first fault of a text: the grammar of RFC 8259 once more, a byte at a time.

use penstock_core::decode::RejectionCode;

/// A code, and the byte that can't stand where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: RejectionCode,
    pub at: usize,
}

impl Fault {
    pub fn new(code: RejectionCode, at: usize) -> Self {
        Self { code, at }
    }
}

/// Go over all of `text`. Where its lone surrogate escapes are, if they are let pass.
///
/// # Errors
/// The first fault.
pub fn find(text: &str, max_depth: usize, replace: bool) -> Result<Vec<usize>, Fault> {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
        max_depth,
        replace,
        lone_surrogates: Vec::new(),
    };
    reader.space();
    reader.value(0)?;
    reader.space();
    if reader.at < text.len() {
        return reader.fail();
    }
    Ok(reader.lone_surrogates)
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
    max_depth: usize,
    replace: bool,
    lone_surrogates: Vec<usize>,
}

impl Reader<'_> {
    fn fail<T>(&self) -> Result<T, Fault> {
        Err(Fault::new(RejectionCode::InvalidJson, self.at))
    }

    fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next_is(&self, bytes: &[u8]) -> bool {
        self.next().is_some_and(|next| bytes.contains(&next))
    }

    /// The next byte, which must be one of these.
    fn pass(&mut self, bytes: &[u8]) -> Result<u8, Fault> {
        match self.next() {
            Some(next) if bytes.contains(&next) => {
                self.at += 1;
                Ok(next)
            }
            _ => self.fail(),
        }
    }

    fn pass_if(&mut self, bytes: &[u8]) -> bool {
        self.pass(bytes).is_ok()
    }

    fn space(&mut self) {
        while self.pass_if(b" \t\n\r") {}
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        match self.next() {
            Some(b'{' | b'[') if depth >= self.max_depth => {
                Err(Fault::new(RejectionCode::TooDeep, self.at))
            }
            Some(b'{') => self.container(b'}', depth),
            Some(b'[') => self.container(b']', depth),
            Some(b'"') => self.string(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn container(&mut self, close: u8, depth: usize) -> Result<(), Fault> {
        self.at += 1;
        self.space();
        if self.pass_if(&[close]) {
            return Ok(());
        }
        loop {
            self.space();
            if close == b'}' {
                self.string()?;
                self.space();
                self.pass(b":")?;
                self.space();
            }
            self.value(depth + 1)?;
            self.space();
            if self.pass(&[b',', close])? == close {
                return Ok(());
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Fault> {
        for &byte in word {
            self.pass(&[byte])?;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.pass_if(b"-");
        if !self.pass_if(b"0") {
            self.digits()?;
        } else if self.next_is(b"0123456789") {
            return self.fail();
        }
        if self.pass_if(b".") {
            self.digits()?;
        }
        if self.pass_if(b"eE") {
            self.pass_if(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        self.pass(b"0123456789")?;
        while self.pass_if(b"0123456789") {}
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.pass(b"\"")?;
        while !self.pass_if(b"\"") {
            match self.next() {
                Some(b'\\') => self.escape()?,
                None | Some(0..0x20) => return self.fail(),
                Some(_) => self.at += 1,
            }
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at += 1;
        if self.pass(b"\"\\/bfnrtu")? != b'u' {
            return Ok(());
        }
        let unit = self.code_unit()?;
        let lone = match unit {
            0xD800..=0xDBFF => !self.low_surrogate(),
            0xDC00..=0xDFFF => true,
            _ => false,
        };
        if lone && !self.replace {
            return Err(Fault::new(RejectionCode::LoneSurrogate, start));
        }
        if lone {
            self.lone_surrogates.push(start);
        }
        Ok(())
    }

    fn code_unit(&mut self) -> Result<u32, Fault> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.pass(b"0123456789abcdefABCDEF")?;
            unit = unit * 16 + char::from(digit).to_digit(16).unwrap_or(0);
        }
        Ok(unit)
    }

    /// Pass the escape of a low surrogate if one stands there.
    fn low_surrogate(&mut self) -> bool {
        let start = self.at;
        let found = self.pass_if(b"\\")
            && self.pass_if(b"u")
            && matches!(self.code_unit(), Ok(0xDC00..=0xDFFF));
        if !found {
            self.at = start;
        }
        found
    }
}
