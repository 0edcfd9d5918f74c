//! The arguments of `straddle db`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(in crate::cli) struct DbArguments {
    #[command(subcommand)]
    pub(in crate::cli) command: DbCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DbCommand {
    /// Write the whole database as lines of JSON
    ///
    /// The first line says what it is, its revision, and how many keys follow; then there is one line a key, with its record in
    /// words where this program knows them, and else as base64. What goes away with a lease, such as who leads, is left out.
    /// No coordinator may have the database open.
    #[command(after_help = "Exit codes: 0 when all was written, 1 when not, 2 when the arguments are bad.

Examples:
  straddle db export --data /var/lib/straddle --out backup.jsonl
  straddle db export --data /var/lib/straddle | grep straddle/nodes/")]
    Export(DbExportArguments),
    /// Fill an empty database with an export: all of it, or nothing
    ///
    /// Each line is checked first. A database that has something is left alone unless it is to be replaced. No coordinator may
    /// have the database open. Records get new revisions.
    #[command(after_help = "Exit codes: 0 when all was imported, 1 when nothing was, 2 when the arguments are bad.

Examples:
  straddle db import --data /var/lib/straddle backup.jsonl
  straddle db import --data /var/lib/straddle --replace backup.jsonl")]
    Import(DbImportArguments),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DbExportArguments {
    /// The folder that the coordinator was given as --data
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) data: PathBuf,
    /// The file that is written, when all of it can be; one that is there is replaced [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Say what was written in JSON
    #[arg(long, requires = "out")]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DbImportArguments {
    /// The folder that the coordinator is to be given as --data; it is made when it is not there
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) data: PathBuf,
    /// The export; - reads standard input
    pub(in crate::cli) file: PathBuf,
    /// Give up all that the database has
    #[arg(long)]
    pub(in crate::cli) replace: bool,
    /// Say what was imported in JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
