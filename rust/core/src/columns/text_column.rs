//! Strings and kept JSON as views.

use super::cells::{Cells, Oddity};
use super::column::{Surroundings, present};
use super::kind::ScalarKind;
use super::scalar::fit;
use super::slab::Plain;
use super::views::{Views, holds_its_text};
use crate::json::{Kind, Token};
use crate::simd::append_unescaped;

/// Append strings: views of the text as it came, and of the plain text of those with escapes.
pub fn append_strings(
    views: &mut Views,
    cells: Cells<'_>,
    around: &mut Surroundings<'_>,
    odd: &mut dyn FnMut(u32, Oddity),
) {
    if let Some(whole) = cells.whole()
        && (!around.copied || whole.all(holds_its_text))
    {
        views.push_whole(whole);
        return;
    }
    views.reserve(cells.records.len());
    for (record, token) in cells.each() {
        if !around.copied
            && let Some(staged) = cells.staged(record)
        {
            views.push_view(staged);
            continue;
        }
        let Some(token) = present(token) else {
            views.push_null();
            continue;
        };
        match token.kind {
            Kind::String { escaped: false } if !around.copied => {
                push_part(views, cells, record, inside(token));
            }
            Kind::String { escaped: false } => {
                push_copy(views, cells, record, inside(token), around.plain);
            }
            Kind::String { escaped: true } => {
                let (start, end) = inside(token);
                let plain = &mut *around.plain;
                let before = plain.bytes.len();
                let text = &cells.from(record, start)[..(end - start) as usize];
                append_unescaped(around.isa, text, &mut plain.bytes);
                push_plain(views, plain, before);
            }
            _ => match other(token, cells, record, around) {
                Ok(()) => written(views, cells, record, token, around),
                Err(oddity) => {
                    views.push_null();
                    odd(record, oddity);
                }
            },
        }
    }
}

/// Append values as the records have them.
pub fn append_written(views: &mut Views, cells: Cells<'_>, around: &mut Surroundings<'_>) {
    for (record, token) in cells.each() {
        match present(token) {
            Some(token) => written(views, cells, record, token, around),
            None => views.push_null(),
        }
    }
}

/// Append `text`, by way of the plain slab.
pub fn append_text(views: &mut Views, plain: &mut Plain, text: &str) {
    let before = plain.bytes.len();
    plain.bytes.extend_from_slice(text.as_bytes());
    push_plain(views, plain, before);
}

#[cold]
fn other(
    token: Token,
    cells: Cells<'_>,
    record: u32,
    around: &mut Surroundings<'_>,
) -> Result<(), Oddity> {
    around.findings.clear_scratch();
    fit(
        ScalarKind::String,
        token,
        cells.text(record),
        around.findings,
    )
    .map(|_| ())
    .map_err(|misfit| Oddity::Misfit(misfit, token))
}

fn written(
    views: &mut Views,
    cells: Cells<'_>,
    record: u32,
    token: Token,
    around: &mut Surroundings<'_>,
) {
    let part = (token.start, token.end);
    if around.copied {
        push_copy(views, cells, record, part, around.plain);
    } else {
        push_part(views, cells, record, part);
    }
}

#[inline(always)]
fn inside(token: Token) -> (u32, u32) {
    (token.start + 1, token.end - 1)
}

#[inline(always)]
fn push_part(views: &mut Views, cells: Cells<'_>, record: u32, (start, end): (u32, u32)) {
    let text = cells.from(record, start);
    let length = (end - start) as usize;
    let (slab, start) = cells.place(record, start);
    views.push(text, length, slab, start);
}

fn push_copy(
    views: &mut Views,
    cells: Cells<'_>,
    record: u32,
    (start, end): (u32, u32),
    plain: &mut Plain,
) {
    let before = plain.bytes.len();
    let text = cells.from(record, start);
    plain
        .bytes
        .extend_from_slice(&text[..(end - start) as usize]);
    push_plain(views, plain, before);
}

/// Append what the plain slab has got since it had `before` bytes.
#[inline(always)]
fn push_plain(views: &mut Views, plain: &Plain, before: usize) {
    let text = &plain.bytes[before..];
    views.push(text, text.len(), plain.number(), before as u32);
}
