//! `straddle db`: the upgrade database as lines of JSON.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::arguments::{DbArguments, DbCommand, DbExportArguments, DbImportArguments};
use super::whole_file::{self, Beside, Readers};
use super::{Outcome, count};
use crate::coordinator::database::transfer::{self, Exported, TransferError};
use crate::coordinator::database::{Embedded, Options, Store};

pub(super) fn run(arguments: &DbArguments) -> Outcome {
    match &arguments.command {
        DbCommand::Export(arguments) => export(arguments),
        DbCommand::Import(arguments) => import(arguments),
    }
}

fn export(arguments: &DbExportArguments) -> Outcome {
    let store = Store::open(&arguments.data, &Options { create: false, ..Options::default() })?;
    let database = Embedded::without_thread(store);
    let Some(file) = &arguments.out else {
        let exported = write(&database, &mut BufWriter::new(io::stdout()))?;
        eprintln!("exported {}", told(&exported));
        return Ok(ExitCode::SUCCESS);
    };
    // What the records say is for those alone who may read the database.
    let mut out = BufWriter::new(Placed(whole_file::begin(file, Readers::Owner)?));
    let exported = write(&database, &mut out)?;
    let Placed(beside) = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    beside.place(true)?;
    if arguments.json {
        let (revision, entries, left_out) = (exported.revision.0, exported.entries, exported.left_out);
        println!("{}", json!({"file": file, "revision": revision, "entries": entries, "leftOut": left_out}));
    } else {
        println!("wrote {}: {}", file.display(), told(&exported));
    }
    Ok(ExitCode::SUCCESS)
}

fn write(database: &Embedded, out: &mut (dyn Write + Send)) -> Result<Exported, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(transfer::export(database, out)).map_err(|error: TransferError| match error.write_error() {
        // Whoever reads our output may have seen enough.
        Some(error) => io::Error::new(error.kind(), error.to_string()).into(),
        None => error.into(),
    })
}

fn told(exported: &Exported) -> String {
    let told = format!("{} of revision {}", count(exported.entries, "key", "keys"), exported.revision);
    match exported.left_out {
        0 => told,
        left_out => format!("{told}; {} under a lease left out", count(left_out, "key", "keys")),
    }
}

fn import(arguments: &DbImportArguments) -> Outcome {
    let standard = arguments.file == Path::new("-");
    let name = if standard { "standard input".to_owned() } else { arguments.file.display().to_string() };
    // Before anything is made in the folder.
    let file =
        if standard { None } else { Some(File::open(&arguments.file).map_err(|error| unreadable(&name, &error))?) };
    let store = Store::open(&arguments.data, &Options::default())?;
    let imported = match file {
        None => transfer::import(&store, io::stdin().lock(), &name, arguments.replace),
        Some(file) => transfer::import(&store, BufReader::new(file), &name, arguments.replace),
    }?;
    let (revision, entries, replaced) = (imported.revision.0, imported.entries, imported.replaced);
    if arguments.json {
        println!("{}", json!({"file": name, "revision": revision, "entries": entries, "replaced": replaced}));
    } else {
        let instead = if replaced > 0 { format!(" instead of {replaced}") } else { String::new() };
        println!("imported {}{instead} as revision {revision}", count(entries, "key", "keys"));
    }
    Ok(ExitCode::SUCCESS)
}

fn unreadable(name: &str, error: &io::Error) -> String {
    format!("{name} cannot be read: {error}")
}

/// A file that is not in its place yet, to write into.
struct Placed(Beside);

impl Write for Placed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
