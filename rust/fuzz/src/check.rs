//! The decoder held against the reference.

use std::collections::HashMap;

use penstock_core::decode::{Decoded, Decoder, Demand, Drift, RESIDUE_COLUMN};

use crate::cell::{Cell, cell, text};
use crate::configuration::configuration;
use crate::filter::HasValue;
use crate::input::Input;
use crate::reference::{Outcome, Reference, Row};

/// Each value by itself, then all in their order, in one call and in the next, and under a predicate, become what the
/// reference says: whatever a decoder remembers must not change an answer.
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
            let case = || format!("by itself: {}", value.escape_ascii());
            agree(&decoder(), &[Some(value)], &[Some(&expected)], None, &case);
            expected
        });
    }
    let expected: Vec<Option<&Outcome>> = input
        .in_order()
        .into_iter()
        .map(|value| value.map(|value| &known[value]))
        .collect();
    let values = input.in_order();
    let together = decoder();
    agree(&together, &values, &expected, None, &|| {
        "with others".to_owned()
    });
    let (mut values, mut expected) = (values, expected);
    values.reverse();
    expected.reverse();
    agree(&together, &values, &expected, None, &|| {
        "in the next call".to_owned()
    });
    let asked = input.asked % config.columns.len();
    let mut demand = Demand::everything(config.columns.len());
    demand.predicate = Some(Box::new(HasValue([asked])));
    let filtering = Decoder::for_demand(&config, demand).expect("a configuration");
    agree(&filtering, &values, &expected, Some(asked), &|| {
        format!("if column {asked} has a value")
    });
}

/// Assert that `decoder` makes what is `expected` of `values`; those only that have a value in the column `asked`.
fn agree(
    decoder: &Decoder,
    values: &[Option<&[u8]>],
    expected: &[Option<&Outcome>],
    asked: Option<usize>,
    case: &dyn Fn() -> String,
) {
    let decoded = decoder
        .decode(values)
        .expect("a call that is not too large");
    let mut rows = Rows::new(&decoded, case);
    let mut rejections = decoded.rejections.iter();
    let (mut drift, mut tombstones, mut filtered) = (Drift::default(), 0, 0);
    for (index, (value, expected)) in (0..).zip(values.iter().zip(expected)) {
        let case = || {
            let value = value.unwrap_or_default().escape_ascii();
            format!("{}, value {index}: {value}", case())
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
    assert_eq!(rejections.next(), None, "{}", case());
    let counted = (decoded.tombstones, decoded.filtered);
    assert_eq!(counted, (tombstones, filtered), "{}", case());
    assert_eq!(decoded.drift, drift, "{}", case());
}

/// The rows of a call, one after the other.
struct Rows<'d> {
    decoded: &'d Decoded,
    next: usize,
}

impl<'d> Rows<'d> {
    fn new(decoded: &'d Decoded, case: &dyn Fn() -> String) -> Self {
        for column in decoded.batch.columns() {
            let valid = column.to_data().validate_full();
            assert!(valid.is_ok(), "{valid:?}, {}", case());
        }
        assert_eq!(decoded.batch.num_rows(), decoded.rows.len(), "{}", case());
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
