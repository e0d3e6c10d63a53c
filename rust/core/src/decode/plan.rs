//! Declared paths as a tree of keys.

use std::collections::{BTreeMap, HashSet};

use super::config::{ColumnConfig, ConfigError};
use super::{RESIDUE_COLUMN, residue};
use crate::columns::{ColumnKind, ScalarKind};
use crate::json::Keys;

/// Longest path; objects on declared paths are entered by recursion.
const LONGEST_PATH: usize = 64;

/// The node of the record's own object.
pub const ROOT: usize = 0;

/// One column, checked.
#[derive(Debug)]
pub struct PlannedColumn {
    pub name: String,
    pub kind: ColumnKind,
    pub required: bool,
    /// Where its value is.
    pub node: usize,
}

/// One key on the way to a column, or the root.
#[derive(Debug, Default)]
pub struct Node {
    pub parent: usize,
    /// The path as the residue writes it.
    pub path: String,
    /// The column whose value stands here.
    pub column: Option<usize>,
    pub children: Keys,
    /// A `json` column here or above keeps the whole value, so nothing inside is undeclared.
    pub kept_as_json: bool,
}

/// What to look for in a record. Parents stand before their children in `nodes`.
#[derive(Debug)]
pub struct Plan {
    pub columns: Vec<PlannedColumn>,
    pub nodes: Vec<Node>,
    /// Bytes of the longest `Node::path`.
    pub longest_path: usize,
}

/// By node its children, by their keys.
type Children = Vec<BTreeMap<Box<str>, usize>>;

impl Plan {
    pub fn new(columns: &[ColumnConfig]) -> Result<Self, ConfigError> {
        if columns.is_empty() {
            return Err(ConfigError::new("columns", "declare at least one column"));
        }
        let mut plan = Self {
            columns: Vec::with_capacity(columns.len()),
            nodes: vec![Node::default()],
            longest_path: 0,
        };
        let mut names = HashSet::new();
        let mut children = Children::new();
        for column in columns {
            let key = format!("columns.{}", column.name);
            if column.name.is_empty() || column.name == RESIDUE_COLUMN {
                return Err(ConfigError::new(key, "is not a name for a column"));
            }
            if !names.insert(&column.name) {
                return Err(ConfigError::new(key, "is declared twice"));
            }
            let kind = column
                .kind
                .parse()
                .map_err(|error| ConfigError::new(format!("{key}.type"), format!("{error}")))?;
            let node = plan.insert(&column.path, &mut children, &format!("{key}.path"))?;
            plan.columns.push(PlannedColumn {
                name: column.name.clone(),
                kind,
                required: column.required,
                node,
            });
        }
        for (node, children) in plan.nodes.iter_mut().zip(children) {
            node.children = Keys::new(&children.into_iter().collect::<Vec<_>>());
        }
        plan.check_prefixes()?;
        let paths = plan.nodes.iter().map(|node| node.path.len());
        plan.longest_path = paths.max().unwrap_or(0);
        Ok(plan)
    }

    /// Make the nodes of `path`; the last one belongs to the next column.
    fn insert(
        &mut self,
        path: &[String],
        children: &mut Children,
        config_key: &str,
    ) -> Result<usize, ConfigError> {
        if path.is_empty() || path.len() > LONGEST_PATH {
            return Err(ConfigError::new(
                config_key,
                format!("must have from 1 to {LONGEST_PATH} keys"),
            ));
        }
        let mut node = ROOT;
        for key in path {
            node = self.child(node, key, children);
        }
        let column = self.columns.len();
        match self.nodes[node].column.replace(column) {
            Some(other) => {
                let other = &self.columns[other].name;
                Err(ConfigError::new(
                    config_key,
                    format!("is the path of column `{other}` too"),
                ))
            }
            None => Ok(node),
        }
    }

    fn child(&mut self, parent: usize, key: &str, children: &mut Children) -> usize {
        let next = self.nodes.len();
        if children.len() < next {
            children.resize_with(next, BTreeMap::new);
        }
        let node = *children[parent].entry(key.into()).or_insert(next);
        if node == next {
            let mut path = self.nodes[parent].path.clone();
            residue::extend_path(&mut path, key);
            self.nodes.push(Node {
                parent,
                path,
                ..Node::default()
            });
        }
        node
    }

    /// Only a `json` column may have other columns inside its value.
    fn check_prefixes(&mut self) -> Result<(), ConfigError> {
        for node in 1..self.nodes.len() {
            let column = self.nodes[node].column.map(|column| &self.columns[column]);
            let json =
                column.is_some_and(|column| column.kind == ColumnKind::Scalar(ScalarKind::Json));
            self.nodes[node].kept_as_json =
                json || self.nodes[self.nodes[node].parent].kept_as_json;
            if let Some(column) = column
                && !json
                && !self.nodes[node].children.is_empty()
            {
                let problem =
                    "is the beginning of another column's path, so the column's type must be json";
                return Err(ConfigError::new(
                    format!("columns.{}.path", column.name),
                    problem,
                ));
            }
        }
        Ok(())
    }
}
