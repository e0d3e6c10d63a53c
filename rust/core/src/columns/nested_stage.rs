//! The values of a nested column in the current block, read to their ends while their text is at hand.
//!
//! What a list or struct holds is not put together. Each type it is made of has its values by themselves, with the row
//! of each: the number of the item it is in. So opening a container notes a row, closing one is nothing at all, and a
//! column of it is filled in one go. Where something is to be judged or counted (a value that does not fit, a key that
//! comes twice or has no field) nothing is staged, and the value is read by its token.

use std::ops::Range;

use super::findings::Findings;
use super::kind::ColumnKind;
use super::nested_scan::{Unstaged, read};
use super::nested_types::{Step, Type, Types, Ways};
use super::scalar::Value;
use super::stage::BLOCK_RECORDS;
use crate::json::{Kind, Scanner, Token};

/// So many records more whose values could not be staged than could, and no others are tried.
const PATIENCE: i32 = 64;

/// What is staged of one nested column.
#[derive(Debug)]
pub struct NestedStage {
    parts: Parts,
    ways: Ways,
    /// At the beginning, and behind each value: by type, how much there was.
    marks: Vec<Mark>,
    /// By record, how many values there were with it.
    records: [Option<u32>; BLOCK_RECORDS],
    /// How many records more could be staged than could not.
    lead: i32,
}

/// The values by the types they are of.
#[derive(Debug)]
pub struct Parts {
    pub types: Types,
    /// What a scalar's values are.
    values: Vec<Vec<Entry>>,
    /// Where a list or a struct is.
    opened: Vec<Vec<Opened>>,
    /// Of a list how many items there are so far, and behind them how many values of the whole.
    rows: Vec<u32>,
    /// What some values stand for.
    pub findings: Findings,
    /// Of the way that is read.
    pub steps: Vec<Step>,
}

/// What is staged of one record.
#[derive(Clone, Copy, Debug)]
pub struct StagedRecord<'a> {
    parts: &'a Parts,
    pub text: &'a str,
    row: u32,
    /// How much there was without it, and with it.
    before: &'a [Mark],
    behind: &'a [Mark],
}

/// A scalar's value; none if it is null.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub row: u32,
    pub value: Option<Value>,
}

/// A list or struct, or a null in its place.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    pub row: u32,
    /// Of a list, where its items begin.
    pub items: u32,
    pub null: bool,
}

/// How much there is of a type.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    entries: u32,
    items: u32,
}

impl NestedStage {
    /// That of a column of `kind`, if such values can be staged.
    pub fn new(kind: &ColumnKind) -> Option<Self> {
        let types = Types::new(kind)?;
        let count = types.count();
        Some(Self {
            ways: Ways::new(&types),
            parts: Parts {
                types,
                values: vec![Vec::new(); count],
                opened: vec![Vec::new(); count],
                rows: vec![0; count + 1],
                findings: Findings::new(false),
                steps: Vec::new(),
            },
            marks: vec![Mark::default(); count],
            records: [None; BLOCK_RECORDS],
            lead: PATIENCE,
        })
    }

    /// Begin a block.
    pub fn clear(&mut self) {
        let parts = &mut self.parts;
        self.marks.truncate(parts.types.count());
        self.records.fill(None);
        parts.findings.clear_scratch();
        parts.values.iter_mut().for_each(Vec::clear);
        parts.opened.iter_mut().for_each(Vec::clear);
        parts.rows.fill(0);
    }

    /// Forget the value of a record.
    pub fn undo(&mut self, record: usize) {
        self.records[record % BLOCK_RECORDS] = None;
    }

    /// Stage the value of a record, a list or an object, from where `scanner` is in `text`, `depth` containers being open
    /// around it. Where it is; none if it can't be staged, or is wrong.
    pub fn read<'t>(
        &mut self,
        record: usize,
        text: &'t str,
        depth: usize,
        scanner: &mut Scanner<'t>,
    ) -> Option<Token> {
        if self.lead < 0 {
            return None;
        }
        let start = scanner.position();
        let kind = match scanner.peek()? {
            b'[' => Kind::Array,
            _ => Kind::Object,
        };
        let parts = &mut self.parts;
        let count = parts.types.count();
        let staged = self.marks.len() / count;
        parts.rows[count] = staged as u32;
        if read(parts, &mut self.ways, text, depth, scanner).is_err() {
            self.lead -= 1;
            parts.go_back(&self.marks[self.marks.len() - count..]);
            return None;
        }
        self.lead = (self.lead + 1).min(PATIENCE);
        self.marks
            .extend((0..count).map(|number| parts.mark(number)));
        self.records[record % BLOCK_RECORDS] = Some(staged as u32);
        Some(Token::new(kind, start, scanner.position()))
    }

    /// What is staged of a record, if it is; the record is `text`.
    pub fn record<'a>(&'a self, record: u32, text: &'a str) -> Option<StagedRecord<'a>> {
        let staged = self.records[record as usize % BLOCK_RECORDS]?;
        let count = self.parts.types.count();
        let (before, behind) = self
            .marks
            .get((staged as usize - 1) * count..)?
            .split_at(count);
        Some(StagedRecord {
            parts: &self.parts,
            text,
            row: staged - 1,
            before,
            behind: &behind[..count],
        })
    }
}

impl Parts {
    fn mark(&self, number: usize) -> Mark {
        Mark {
            entries: (self.values[number].len() + self.opened[number].len()) as u32,
            items: self.rows[number],
        }
    }

    /// Forget all since there was as much as `marks` say.
    #[cold]
    fn go_back(&mut self, marks: &[Mark]) {
        for (number, mark) in marks.iter().enumerate() {
            self.values[number].truncate(mark.entries as usize);
            self.opened[number].truncate(mark.entries as usize);
            self.rows[number] = mark.items;
        }
    }

    /// The row of the value of a type that is read now.
    #[inline(always)]
    fn row(&self, number: u32) -> u32 {
        self.rows[self.types.get(number).group as usize] - 1
    }

    /// Do what the text on the way to a value does.
    ///
    /// # Errors
    /// If that value has been there.
    #[inline(always)]
    pub fn step(&mut self, step: Step) -> Result<(), Unstaged> {
        match step {
            Step::Open(number) => self.open(number, false),
            Step::Item(list) => {
                self.rows[list as usize] += 1;
                Ok(())
            }
        }
    }

    /// Note a list or a struct, or a `null` in its place.
    ///
    /// # Errors
    /// If it has been there.
    #[inline(always)]
    pub fn open(&mut self, number: u32, null: bool) -> Result<(), Unstaged> {
        let (row, items) = (self.row(number), self.rows[number as usize]);
        let opened = &mut self.opened[number as usize];
        if opened.last().is_some_and(|before| before.row == row) {
            return Err(Unstaged);
        }
        opened.push(Opened { row, items, null });
        Ok(())
    }

    /// Note a scalar.
    ///
    /// # Errors
    /// If it has been there.
    #[inline(always)]
    pub fn put(&mut self, number: u32, value: Option<Value>) -> Result<(), Unstaged> {
        let row = self.row(number);
        let values = &mut self.values[number as usize];
        if values.last().is_some_and(|before| before.row == row) {
            return Err(Unstaged);
        }
        values.push(Entry { row, value });
        Ok(())
    }
}

impl<'a> StagedRecord<'a> {
    /// The row of the whole.
    pub fn rows(&self) -> Range<u32> {
        self.row..self.row + 1
    }

    pub fn get(&self, number: u32) -> &'a Type {
        self.parts.types.get(number)
    }

    pub fn findings(&self) -> &'a Findings {
        &self.parts.findings
    }

    fn entries(&self, number: u32) -> Range<usize> {
        let of = |marks: &[Mark]| marks[number as usize].entries as usize;
        of(self.before)..of(self.behind)
    }

    /// Its scalars of a type, by row.
    pub fn values(&self, number: u32) -> &'a [Entry] {
        &self.parts.values[number as usize][self.entries(number)]
    }

    /// Its lists or structs of a type, by row.
    pub fn opened(&self, number: u32) -> &'a [Opened] {
        &self.parts.opened[number as usize][self.entries(number)]
    }

    /// Which items its lists of a type have.
    pub fn items(&self, number: u32) -> Range<u32> {
        let of = |marks: &[Mark]| marks[number as usize].items;
        of(self.before)..of(self.behind)
    }
}
