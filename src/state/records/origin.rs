//! Where records come from, and whether they can become those of a layout.

use std::path::PathBuf;

use super::error::RecordsError;
use super::layout::{Kind, Table, find};
use super::values::Values;
use crate::protocol::Protocol;

/// A file that records come from, or the one beneath it.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) file: PathBuf,
    /// The index of its version.
    pub(super) version: usize,
    pub(super) tables: Vec<Table>,
}

/// Which tables of a chain of files, the upper first, these are read from: for each of them, from how many files.
pub(super) fn depths(tables: &[Table], origins: &[Origin]) -> Vec<usize> {
    let depth = |table: &Table| {
        if table.kind == Kind::Left {
            return 0;
        }
        let mut depth = 0;
        for origin in origins {
            let Some(theirs) = find(&origin.tables, &table.name) else { break };
            depth += 1;
            // What is beneath was not brought here.
            if theirs.kind == Kind::Left {
                break;
            }
        }
        depth
    };
    tables.iter().map(depth).collect()
}

/// The values of `tables` in the version at index `to`, ready for those of the chain of files, the upper one first.
///
/// # Errors
/// When a table of the upper file has no place to go, or its values cannot become those of the table of its name.
pub(super) fn line_up(
    protocol: &Protocol,
    to: usize,
    tables: &[Table],
    origins: &[Origin],
) -> Result<Vec<Values>, RecordsError> {
    if let Some(origin) = origins.first() {
        let lost = |theirs: &&Table| theirs.kind != Kind::Left && find(tables, &theirs.name).is_none();
        if let Some(theirs) = origin.tables.iter().find(lost) {
            let what = format!("its table {:?} has no place in {}", theirs.name, protocol.versions()[to].version());
            let advice = "name the table in the layout of that version, as `left` if it is not to be carried over";
            return Err(RecordsError::mismatch(&origin.file, what, advice));
        }
    }
    let depths = depths(tables, origins);
    tables.iter().zip(depths).map(|(table, depth)| values(protocol, to, table, &origins[..depth])).collect()
}

fn values(protocol: &Protocol, to: usize, table: &Table, origins: &[Origin]) -> Result<Values, RecordsError> {
    let mut values = Values::new(protocol, to, &table.kind)?;
    for origin in origins {
        let Some(theirs) = find(&origin.tables, &table.name) else { break };
        values.expect(protocol, origin.version, to, &theirs.kind).map_err(|why| {
            let what = format!("the values of its table {:?} cannot be carried over: {why}", table.name);
            let advice = "say in the layout what the rules make of them, in step.toml what becomes of the messages, \
                          or that the table is `left`";
            RecordsError::mismatch(&origin.file, what, advice)
        })?;
    }
    Ok(values)
}
