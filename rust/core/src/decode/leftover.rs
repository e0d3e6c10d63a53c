//! What records hold that no column shows, and the residue's text of it.

use super::locate::Rules;
use super::members::Unknown;
use super::plan::Plan;
use super::rejection::{Reason, RejectionCode};
use super::residue;
use super::tape::Tape;
use crate::columns::Oddity;
use crate::json::Token;

/// Something of a value that goes to the residue.
#[derive(Debug)]
pub struct Leftover {
    pub record: u32,
    pub node: usize,
    pub oddity: Oddity,
    /// Its column is in the table; what another column can't show is gone.
    pub kept: bool,
}

impl Leftover {
    /// The value that goes to the residue.
    pub fn value(&self) -> Token {
        match self.oddity {
            Oddity::Misfit(_, value) | Oddity::Inside(_, value) => value,
        }
    }
}

/// Writes residues, one at a time.
#[derive(Debug, Default)]
pub struct ResidueText {
    /// The residue of the last record, empty if it has none.
    pub text: String,
    path: String,
    /// Where each member's value begins, and which of the undeclared keys or of the leftovers it is.
    order: Vec<(u32, bool, usize)>,
}

impl ResidueText {
    /// Write the residue of the record `text`: its undeclared keys and `leftovers`, in the record's order.
    ///
    /// # Errors
    /// If it is longer than a record may be.
    pub fn write(
        &mut self,
        rules: Rules<'_>,
        tape: &Tape,
        record: u32,
        leftovers: &[Leftover],
        text: &str,
    ) -> Result<(), Reason> {
        self.text.clear();
        let unknown = tape.unknown(record);
        self.order.clear();
        let keys = unknown.iter().enumerate();
        self.order
            .extend(keys.map(|(index, key)| (key.value.start, true, index)));
        let others = leftovers.iter().enumerate();
        self.order
            .extend(others.map(|(index, leftover)| (leftover.value().start, false, index)));
        self.order.sort_unstable();
        for at in 0..self.order.len() {
            let (_, is_key, index) = self.order[at];
            let value = if is_key {
                self.path_of_key(rules.plan, tape, &unknown[index], text);
                unknown[index].value
            } else {
                self.path_of(rules.plan, &leftovers[index]);
                leftovers[index].value()
            };
            residue::push(&mut self.text, &self.path, value.of(text));
            // Paths repeat what the record says once: a few long keys could make a residue far larger than it.
            if self.text.len() >= rules.options.max_bytes {
                return Err(Reason::new(
                    RejectionCode::TooLarge,
                    value.start as usize,
                    "its residue is longer than max_bytes",
                ));
            }
        }
        if !self.text.is_empty() {
            residue::close(&mut self.text);
        }
        Ok(())
    }

    fn path_of_key(&mut self, plan: &Plan, tape: &Tape, key: &Unknown, text: &str) {
        self.path.clone_from(&plan.nodes[key.node].path);
        residue::extend_path(&mut self.path, tape.key(key, text));
    }

    fn path_of(&mut self, plan: &Plan, leftover: &Leftover) {
        self.path.clone_from(&plan.nodes[leftover.node].path);
        if let Oddity::Inside(below, _) = &leftover.oddity
            && !below.is_empty()
        {
            self.path.push('.');
            self.path.push_str(below);
        }
    }
}
