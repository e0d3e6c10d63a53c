//! The columns as they are before a step: what a step may name.

use crate::columns::ColumnKind;

use super::expression::Named;

/// One column of the table so far. Its array is in a slot: that of the decoder's column with the same number, or the
/// last one for the residue. Renaming moves nothing.
#[derive(Clone, Debug)]
pub struct ScopeColumn {
    pub name: String,
    pub kind: ColumnKind,
    pub slot: usize,
    /// Its values are no longer those that were decoded.
    pub changed: bool,
}

/// All of them, in the table's order.
#[derive(Clone, Debug)]
pub struct Scope {
    pub columns: Vec<ScopeColumn>,
}

impl Scope {
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    pub fn by_slot(&self, slot: usize) -> Option<&ScopeColumn> {
        self.columns.iter().find(|column| column.slot == slot)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    pub fn named(&self) -> Vec<Named<'_>> {
        let named = |column| {
            let ScopeColumn {
                name, kind, slot, ..
            }: &ScopeColumn = column;
            Named {
                name,
                kind,
                slot: *slot,
            }
        };
        self.columns.iter().map(named).collect()
    }

    /// What to say of a name that is not there.
    pub fn unknown(&self, name: &str) -> String {
        let hint = super::problem::did_you_mean(name, self.names());
        let names = self.names().collect::<Vec<_>>().join(", ");
        format!("there is no column `{name}`{hint}; columns here: {names}")
    }
}
