//! The decoder held against the reference.

use std::collections::HashMap;

use arrow_array::Array;
use arrow_buffer::Buffer;
use penstock_core::decode::{
    DecodeError, Decoded, Decoder, Demand, Drift, RESIDUE_COLUMN, Shapes,
};
use penstock_core::simd::Isa;

use crate::cell::{Cell, cell, text};
use crate::configuration::configuration;
use crate::filter::HasValue;
use crate::input::Input;
use crate::reference::{Outcome, Reference, Row};

/// Each value by itself, then all in their order, by every instruction set of the machine, in one call and in the next,
/// as lines of one text and under a predicate, become what the reference says: whatever is remembered of other values
/// must not change an answer.
///
/// # Panics
/// If they do not.
pub fn decode(input: &Input) {
    let config = configuration(input.configuration);
    let reference = Reference::new(&config);
    let decoder = || Decoder::new(&config).expect("a configuration");
    let mut known: HashMap<&[u8], Outcome> = HashMap::new();
    for value in input.values.iter().flatten() {
        known.entry(value).or_insert_with(|| {
            let expected = reference.decode(value);
            let decoded = decoder().decode(&[Some(value)]);
            agree(
                decoded,
                &[(Some(value), Some(&expected))],
                None,
                "by itself",
            );
            expected
        });
    }
    let mut cases: Vec<Case<'_>> = input
        .in_order()
        .into_iter()
        .map(|value| (value, value.map(|value| &known[value])))
        .collect();
    for isa in Isa::available() {
        let decoder = decoder().on(isa);
        let mut shapes = Shapes::default();
        for call in ["first call", "next call"] {
            let decoded = decoder.decode_with(&values(&cases), &mut shapes);
            agree(decoded, &cases, None, &format!("{}, {call}", isa.name()));
            cases.reverse();
        }
    }

    let asked = input.asked % config.columns.len();
    let mut demand = Demand::everything(config.columns.len());
    demand.predicate = Some(Box::new(HasValue([asked])));
    let filtering = Decoder::for_demand(&config, demand).expect("a configuration");
    let decoded = filtering.decode(&values(&cases));
    agree(
        decoded,
        &cases,
        Some(asked),
        &format!("if column {asked} has a value"),
    );

    // A line is a value that has no line feed and is not blank.
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    // A CR at the end belongs to the line's end.
    let is_line = |value: &[u8]| {
        !value.contains(&b'\n') && !value.iter().all(blank) && !value.ends_with(b"\r")
    };
    cases.retain(|(value, _)| value.is_some_and(is_line));
    let text = values(&cases)
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(&b'\n');
    let text = Buffer::from(text);
    let decoded = decoder().decode_lines(&text, &mut Shapes::default());
    agree(decoded.map(|(decoded, _)| decoded), &cases, None, "as lines");
}

/// A value, and what must become of it; `None` is a tombstone.
type Case<'c> = (Option<&'c [u8]>, Option<&'c Outcome>);

fn values<'c>(cases: &[Case<'c>]) -> Vec<Option<&'c [u8]>> {
    cases.iter().map(|(value, _)| *value).collect()
}

/// Assert that `decoded` is what must become of `cases`; of those only that have a value in the column `asked`.
fn agree(
    decoded: Result<Decoded, DecodeError>,
    cases: &[Case<'_>],
    asked: Option<usize>,
    how: &str,
) {
    let decoded = decoded.expect("a call that is not too large");
    let mut rows = Rows::new(&decoded, how);
    let mut rejections = decoded.rejections.iter();
    let (mut drift, mut tombstones, mut filtered) = (Drift::default(), 0, 0);
    for (index, (value, expected)) in (0..).zip(cases) {
        let case = || {
            let value = value.unwrap_or_default().escape_ascii();
            format!("{how}, value {index}: {value}")
        };
        match expected {
            None => tombstones += 1,
            Some(Outcome::Rejected { code, position }) => {
                let rejection = rejections.next();
                let found = rejection.map(|found| (found.index, found.code, found.byte_position));
                assert_eq!(found, Some((index, *code, *position as u64)), "{}", case());
                let message = rejection.map_or(0, |found| found.message.len());
                assert!((5..100).contains(&message), "{}", case());
            }
            Some(Outcome::Row(row)) => {
                let undecided = asked.is_some_and(|asked| row.drifted[asked]);
                if asked.is_some_and(|asked| row.cells[asked] == Cell::Null) && !undecided {
                    filtered += 1;
                    continue;
                }
                rows.next_is(index, row, &case);
                drift += row.drift;
                drift.filter_undecided += u64::from(undecided);
            }
        }
    }
    rows.end();
    assert_eq!(rejections.next(), None, "{how}");
    let counted = (decoded.tombstones, decoded.filtered);
    assert_eq!(counted, (tombstones, filtered), "{how}");
    assert_eq!(decoded.drift, drift, "{how}");
}

/// The rows of a call, one after the other.
struct Rows<'d> {
    decoded: &'d Decoded,
    next: usize,
}

impl<'d> Rows<'d> {
    fn new(decoded: &'d Decoded, how: &str) -> Self {
        for column in decoded.batch.columns() {
            let valid = column.to_data().validate_full();
            assert!(valid.is_ok(), "{valid:?}, {how}");
        }
        assert_eq!(decoded.batch.num_rows(), decoded.rows.len(), "{how}");
        Self { decoded, next: 0 }
    }

    fn next_is(&mut self, index: u32, row: &Row, case: &dyn Fn() -> String) {
        let (batch, at) = (&self.decoded.batch, self.next);
        self.next += 1;
        assert_eq!(self.decoded.rows.get(at), Some(&index), "{}", case());
        for (number, expected) in row.cells.iter().enumerate() {
            let found = cell(batch.column(number), at);
            assert_eq!(&found, expected, "column {number}, {}", case());
        }
        if let Some(residue) = batch.column_by_name(RESIDUE_COLUMN) {
            let found = residue.is_valid(at).then(|| text(residue, at));
            assert_eq!(found, row.residue.as_deref(), "{}", case());
        }
    }

    fn end(&self) {
        assert_eq!(self.next, self.decoded.rows.len());
    }
}
