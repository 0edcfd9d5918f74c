//! What carrying records over needs of memory: a process of its own for each way, since a peak never goes down.

use std::path::{Path, PathBuf};
use std::process::Command;

use straddle::inventory::generated::protocol;
use straddle::state::{Layout, Mode, Progress, Records};

use super::{carry, fill, new, old, scratch, text, version};
use crate::options::Options;

/// How much a way needs for the largest state.
pub(crate) struct Row {
    pub(crate) way: &'static str,
    pub(crate) records: usize,
    /// What the process has before, and at most, in bytes.
    pub(crate) idle: u64,
    pub(crate) peak: u64,
}

/// The ways of records from version to version.
pub(crate) const WAYS: [(&str, Mode); 3] = [("eager", Mode::Eager), ("online", Mode::Online), ("lazy", Mode::Lazy)];

pub(crate) fn rows(options: &Options) -> Result<Vec<Row>, String> {
    let records = options.records.iter().copied().max().unwrap_or_default();
    let folder = scratch(options)?;
    eprintln!("memory for {records} records");
    fill(&folder.path().join("source"), records)?;
    WAYS.iter()
        .map(|(way, _)| {
            let this = std::env::current_exe().map_err(text)?;
            let output = Command::new(this).args(["--child", way]).arg(folder.path()).output().map_err(text)?;
            let answer = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut figures = answer.split_whitespace().map(str::parse);
            match (figures.next(), figures.next()) {
                (Some(Ok(idle)), Some(Ok(peak))) => Ok(Row { way, records, idle, peak }),
                _ => Err(format!("{way}: {answer}{}", String::from_utf8_lossy(&output.stderr))),
            }
        })
        .collect()
}

/// Measures this process.
pub(crate) fn child((way, folder): &(String, PathBuf)) -> Result<(), String> {
    let (name, mode) = WAYS.iter().find(|(name, _)| name == way).ok_or("there is no such way")?;
    let (source, target) = (folder.join("source"), folder.join(name));
    let protocol = protocol();
    let carry = carry(&protocol, *mode)?;
    let open =
        |folder: &Path, at: &str, layout: &Layout| Records::open(folder, &protocol, &version(at), layout).map_err(text);
    // What a node that serves has anyway, but for what it has read.
    let serving = open(&source, "1.1.0", &old())?;
    let idle = of_this_process("VmRSS")?;
    let progress = Progress::default();
    carry.ahead(&serving, &target, &progress).map_err(text)?;
    serving.close();
    carry.finish(&source, &target, &progress, &mut |_| false).map_err(text)?;
    let records = open(&target, "2.0.0", &new())?;
    records.fill(&progress).map_err(text)?;
    if !records.is_whole() {
        return Err("the records did not all come over".to_owned());
    }
    println!("{idle} {}", of_this_process("VmHWM")?);
    Ok(())
}

/// Bytes, as Linux tells them.
pub(crate) fn of_this_process(what: &str) -> Result<u64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(text)?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1024).ok_or_else(|| format!("this system does not tell its {what}"))
}
