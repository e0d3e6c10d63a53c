//! What a step does, for people.

use arrow_schema::SchemaRef;

/// One step of the configuration, compiled.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Its `type`.
    pub kind: &'static str,
    /// Whether it runs before any text is touched, on the columns it reads alone.
    pub before_text: bool,
    /// The columns it reads.
    pub reads: Vec<String>,
    /// The columns that are built when it runs.
    pub builds: Vec<String>,
    /// The table after it.
    pub schema: SchemaRef,
}
