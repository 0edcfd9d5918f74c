//! `straddle check`: what each change between versions means, and what a fleet would say to it.

mod fleet;
mod folder;
mod github;
mod json;
mod rules;
mod sarif;
mod text;
mod view;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use self::text::Detail;
use self::view::View;
use super::arguments::{CategoryName, CheckArguments, CheckFormat, FailOn};
use super::protocols::protocols;
use super::{BadArguments, Outcome};
use crate::check::Category;
use crate::check::judge::Level;
use crate::check::lock;
use crate::check::report::{self, CheckError, Report, Scope};
use crate::tree::Tree;

/// What the program ends with when something was found that fails.
const FAILED: u8 = 1;
/// What the program ends with when there is nothing that could be checked.
const UNREADABLE: u8 = 2;

pub(super) fn run(arguments: &CheckArguments) -> Outcome {
    if arguments.list_rules {
        io::stdout().write_all(rules::listed(arguments.format)?.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let outcome = checked(arguments);
    // Whoever reads a format reads it of checks that could not be made, too.
    if let Err(error) = &outcome
        && let Some(BadArguments(told)) = error.downcast_ref::<BadArguments>()
    {
        let document = match arguments.format {
            CheckFormat::Text => String::new(),
            CheckFormat::Json => json::of_error(told)?,
            CheckFormat::Github => github::of_error(told),
            CheckFormat::Sarif => sarif::of_error(told)?,
        };
        io::stdout().write_all(document.as_bytes())?;
    }
    outcome
}

fn checked(arguments: &CheckArguments) -> Outcome {
    let folder = &match &arguments.folder {
        Some(folder) => folder.clone(),
        None => folder::only(Path::new("")).map_err(BadArguments)?,
    };
    let against = match arguments.against.as_ref().map(crate::tree::Location::open).transpose() {
        Ok(against) => against,
        Err(error) => return Err(BadArguments(error.to_string()).into()),
    };
    if against.is_none() && !report::is_protocol(folder) && folder.is_dir() {
        let within: Vec<String> = protocols(folder).iter().map(|one| one.display().to_string()).collect();
        let named = if within.is_empty() { String::new() } else { format!("one of them: {}; or ", within.join(", ")) };
        let has = if within.is_empty() { "" } else { ", though there are protocols in it" };
        let what = format!(
            "{} is no folder of a protocol (it has no protocol.toml){has}, so there are no versions to compare\n  help: name \
             {named}what to compare it with, such as --against git:v1.0.0:{}",
            folder.display(),
            folder.display()
        );
        return Err(BadArguments(what).into());
    }
    if arguments.against_fleet.is_some() && !report::is_protocol(folder) {
        let what = format!(
            "{} is no folder of a protocol (it has no protocol.toml), and a fleet's versions are those of one\n  help: name the \
             protocol's folder, such as schemas/inventory",
            folder.display()
        );
        return Err(BadArguments(what).into());
    }
    let checked = check(arguments, folder, against.as_ref());
    let view = |report| View::new(report, against.as_ref());
    match checked {
        Ok(report) => {
            let fails = fails(&report, arguments.fail_on);
            print(arguments, &view(report), fails)?;
            Ok(if fails { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
        }
        Err(error) => unreadable(arguments, folder, against.as_ref(), &error),
    }
}

fn check(arguments: &CheckArguments, folder: &Path, against: Option<&Tree>) -> Result<Report, CheckError> {
    let scope = Scope { categories: arguments.categories.iter().copied().map(category).collect() };
    let ask = |protocol: &str| {
        let at = arguments.coordinator();
        at.map(|at| fleet::ask(&at, protocol, arguments.calls_within).map_err(CheckError::Other)).transpose()
    };
    if let Some(against) = against {
        return report::of_change(folder, against, &scope, &ask);
    }
    let (report, recorded) = report::of_protocol(folder, &scope, arguments.update_lock, &ask)?;
    for change in recorded {
        // Whoever does not read what was recorded sees it in the file.
        let _ = writeln!(io::stderr(), "{}: {change}", lock::FILE);
    }
    Ok(report)
}

fn fails(report: &Report, fail_on: FailOn) -> bool {
    least(fail_on).is_some_and(|least| report.worst().is_some_and(|worst| worst <= least))
}

/// The mildest level that fails.
fn least(fail_on: FailOn) -> Option<Level> {
    match fail_on {
        FailOn::Error => Some(Level::Error),
        FailOn::Warning => Some(Level::Warning),
        FailOn::Note => Some(Level::Note),
        FailOn::Never => None,
    }
}

fn print(arguments: &CheckArguments, view: &View<'_>, fails: bool) -> Result<(), Box<dyn std::error::Error>> {
    let detail = match (arguments.quiet, arguments.all) {
        (true, _) => Detail::Quiet(least(arguments.fail_on).unwrap_or(Level::Error)),
        (false, true) => Detail::All,
        (false, false) => Detail::Usual,
    };
    let text = match arguments.format {
        CheckFormat::Text => text::of(view, detail, super::snippet::Style::of_stdout())?,
        CheckFormat::Json => json::of(view, fails)?,
        CheckFormat::Github => github::of(view)?,
        CheckFormat::Sarif => sarif::of(view, fails)?,
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Tells why nothing could be checked: people on standard error, programs in their own format besides.
fn unreadable(arguments: &CheckArguments, folder: &Path, against: Option<&Tree>, error: &CheckError) -> Outcome {
    let findings = match error {
        CheckError::Protocol(error) => report::faults(error),
        CheckError::Lock(error) => vec![report::lock_fault(error)],
        CheckError::Tree(_) | CheckError::Other(_) => Vec::new(),
    };
    if findings.is_empty() {
        let told = error.to_string();
        return Err(BadArguments(against.map_or(told.clone(), |against| against.name_as_given(&told))).into());
    }
    let anchor = folder.join("protocol.toml");
    let report = Report { protocol: None, versions: Vec::new(), steps: Vec::new(), findings, anchor, fleet: None };
    let view = View::new(report, against);
    if arguments.format != CheckFormat::Text {
        print(arguments, &view, true)?;
    }
    let told = text::faults(&view, super::snippet::Style::of_stderr())?;
    io::stderr().write_all(told.as_bytes())?;
    Ok(ExitCode::from(UNREADABLE))
}

fn category(name: CategoryName) -> Category {
    match name {
        CategoryName::Wire => Category::Wire,
        CategoryName::WireJson => Category::WireJson,
        CategoryName::Package => Category::Package,
        CategoryName::File => Category::File,
        CategoryName::Straddle => Category::Straddle,
    }
}
