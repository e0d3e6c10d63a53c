//! What goes before the bytes of a page (`PageHeader` of Parquet's Thrift definition, in Thrift's compact protocol).
//!
//! The Parquet library can write one only together with a page, which it copies to do so.

use parquet::basic::{Encoding, PageType};
use parquet::errors::ParquetError;

use super::packing::{varint, zigzag};

/// What a page is.
#[derive(Clone, Copy, Debug)]
pub enum Contents {
    /// Of data: how many rows it has and how its values are encoded.
    Data { rows: usize, encoding: Encoding },
    /// The values that data pages refer to.
    Dictionary { values: usize },
}

const I32: u8 = 5;
const STRUCT: u8 = 12;
const FALSE: u8 = 2;
const STOP: u8 = 0;

impl Contents {
    /// Whether it has references to a dictionary.
    pub fn refer_to_dictionary(self) -> bool {
        matches!(
            self,
            Self::Data {
                encoding: Encoding::RLE_DICTIONARY,
                ..
            }
        )
    }

    /// The header of such a page.
    pub fn header(self, uncompressed: usize, compressed: usize) -> Result<Vec<u8>, ParquetError> {
        let kind = match self {
            Self::Data { .. } => PageType::DATA_PAGE,
            Self::Dictionary { .. } => PageType::DICTIONARY_PAGE,
        };
        let mut out = Vec::with_capacity(32);
        integer(&mut out, kind as i32);
        integer(&mut out, size(uncompressed)?);
        integer(&mut out, size(compressed)?);
        match self {
            Self::Data { rows, encoding } => {
                // Field 5; the checksum, field 4, is left out.
                out.push(2 << 4 | STRUCT);
                integer(&mut out, size(rows)?);
                integer(&mut out, encoding as i32);
                integer(&mut out, Encoding::RLE as i32);
                integer(&mut out, Encoding::RLE as i32);
            }
            Self::Dictionary { values } => {
                // Field 7. Its values are not sorted.
                out.push(4 << 4 | STRUCT);
                integer(&mut out, size(values)?);
                integer(&mut out, Encoding::PLAIN as i32);
                out.push(1 << 4 | FALSE);
            }
        }
        out.extend_from_slice(&[STOP, STOP]);
        Ok(out)
    }
}

/// Appends the next field.
fn integer(out: &mut Vec<u8>, value: i32) {
    out.push(1 << 4 | I32);
    varint(out, zigzag(value.into()));
}

fn size(count: usize) -> Result<i32, ParquetError> {
    i32::try_from(count)
        .map_err(|_| ParquetError::General(format!("a page can't have {count} bytes or values")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;
    use parquet::column::page::{CompressedPage, Page, PageWriter};
    use parquet::file::writer::{SerializedPageWriter, TrackedWrite};

    use super::*;

    fn of_library(page: Page, uncompressed: usize) -> Vec<u8> {
        let mut sink = TrackedWrite::new(Vec::new());
        let body = page.buffer().len();
        let page = CompressedPage::new(page, uncompressed);
        SerializedPageWriter::new(&mut sink)
            .write_page(page)
            .unwrap();
        let mut bytes = sink.into_inner().unwrap();
        bytes.truncate(bytes.len() - body);
        bytes
    }

    #[test]
    fn it_is_the_header_of_the_library() {
        let encodings = [
            Encoding::PLAIN,
            Encoding::RLE_DICTIONARY,
            Encoding::DELTA_BINARY_PACKED,
            Encoding::DELTA_LENGTH_BYTE_ARRAY,
            Encoding::BYTE_STREAM_SPLIT,
        ];
        for (rows, bytes, uncompressed) in [(0, 0, 0), (1, 63, 64), (20_000, 70_000, 1 << 20)] {
            let buf = Bytes::from(vec![0; bytes]);
            for encoding in encodings {
                let page = Page::DataPage {
                    buf: buf.clone(),
                    num_values: rows as u32,
                    encoding,
                    def_level_encoding: Encoding::RLE,
                    rep_level_encoding: Encoding::RLE,
                    statistics: None,
                };
                let header = Contents::Data { rows, encoding }.header(uncompressed, bytes);
                assert_eq!(header.unwrap(), of_library(page, uncompressed));
            }
            let page = Page::DictionaryPage {
                buf,
                num_values: rows as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            let header = Contents::Dictionary { values: rows }.header(uncompressed, bytes);
            assert_eq!(header.unwrap(), of_library(page, uncompressed));
        }
    }

    #[test]
    fn a_page_that_is_too_large_is_an_error() {
        let contents = Contents::Dictionary { values: 1 };
        assert!(contents.header(1 << 31, 5).is_err());
    }
}
