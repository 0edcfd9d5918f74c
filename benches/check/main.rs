//! Measures the command `straddle check` beside `buf breaking` on one large pair of versions: loading, comparing, judging,
//! telling.
//!
//! Time is from start to end of the process, memory its largest resident set; both programs run in turns, so that a busy
//! machine is busy for both. Both tell what they find as JSON.

mod buf;
mod pair;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const HELP: &str = "\
Measures `straddle check` beside `buf breaking` on 200 files with 5,000 messages.

    cargo bench --bench check -- [OPTIONS]

    --seed N         Of the pair of versions [default: 7]
    --rounds N       Runs of each program, in turns [default: 9]
    --json PATH      Where the figures go as JSON [default: target/bench/check.json]
    --keep DIR       Writes the pair there, and leaves it
    --quick          A smoke run of some seconds: one round of a small pair
    --help           Print this";

struct Arguments {
    seed: u64,
    rounds: usize,
    json: PathBuf,
    keep: Option<PathBuf>,
    size: pair::Size,
}

/// One program's runs.
struct Row {
    name: &'static str,
    seconds: Vec<f64>,
    kilobytes: Vec<u64>,
    /// How often each rule was broken, of the rules that both know.
    findings: BTreeMap<String, usize>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = parse(arguments).and_then(|arguments| {
        let Some(arguments) = arguments else {
            println!("{HELP}");
            return Ok(());
        };
        measure(&arguments)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: Vec<String>) -> Result<Option<Arguments>, String> {
    let size = pair::Size { files: 200, messages_a_file: 25, fields_a_message: 8 };
    let json = PathBuf::from("target/bench/check.json");
    let mut parsed = Arguments { seed: 7, rounds: 9, json, keep: None, size };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("not a number: {text}"));
        match argument.as_str() {
            "--help" | "-h" => return Ok(None),
            // What cargo itself adds.
            "--bench" => {}
            "--seed" => parsed.seed = number(value()?)?,
            "--rounds" => {
                parsed.rounds = usize::try_from(number(value()?)?.max(1)).map_err(|error| error.to_string())?;
            }
            "--json" => parsed.json = value()?.into(),
            "--keep" => parsed.keep = Some(value()?.into()),
            "--quick" => {
                parsed.rounds = 1;
                parsed.size = pair::Size { files: 20, ..size };
            }
            other => return Err(format!("unknown option {other}; see --help")),
        }
    }
    Ok(Some(parsed))
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let root = arguments.keep.as_deref().unwrap_or(folder.path());
    let (old, new) = (root.join("old"), root.join("new"));
    pair::write(arguments.seed, arguments.size, &old, &new).map_err(|error| error.to_string())?;
    let messages = arguments.size.files * arguments.size.messages_a_file;
    println!("seed {}: {} files, {messages} messages, twice", arguments.seed, arguments.size.files);

    let row = |name| Row { name, seconds: Vec::new(), kilobytes: Vec::new(), findings: BTreeMap::new() };
    let mut rows = vec![row("straddle")];
    let buf = buf::bring();
    match &buf {
        Ok(_) => rows.extend([row("buf, all categories"), row("buf, FILE")]),
        Err(why) => println!("SKIPPED: buf breaking, because {why}"),
    }
    for _ in 0..arguments.rounds {
        for row in &mut rows {
            let mut command = timed(root);
            match (row.name, &buf) {
                ("straddle", _) | (_, Err(_)) => {
                    command.arg(env!("CARGO_BIN_EXE_straddle")).arg("check").arg(&new).arg("--against").arg(&old);
                    command.args(["--format", "json", "--fail-on", "never"]);
                }
                (name, Ok(buf)) => {
                    let categories =
                        if name == "buf, FILE" { r#""FILE""# } else { r#""FILE","PACKAGE","WIRE_JSON","WIRE""# };
                    let config = format!(r#"{{"version":"v2","breaking":{{"use":[{categories}]}}}}"#);
                    command.arg(buf).arg("breaking").arg(&new).arg("--against").arg(&old);
                    command.args(["--config", &config, "--error-format", "json"]);
                }
            }
            let (output, took) = run(&mut command)?;
            row.seconds.push(took.as_secs_f64());
            row.kilobytes.push(peak(root)?);
            row.findings = findings(&output, row.name == "straddle");
        }
    }
    tell(arguments, &rows)
}

/// GNU time writes the peak of memory to a file of its own; nothing in the standard library knows it.
fn timed(root: &Path) -> Command {
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%M", "-o"]).arg(root.join("peak")).current_dir(root);
    command.stdin(Stdio::null());
    command
}

fn peak(root: &Path) -> Result<u64, String> {
    let text =
        std::fs::read_to_string(root.join("peak")).map_err(|error| format!("/usr/bin/time told nothing: {error}"))?;
    // It says on a line of its own where the program ended with another code than 0, as buf does on findings.
    let last = text.lines().last().unwrap_or_default();
    last.trim().parse().map_err(|_| format!("/usr/bin/time told: {text}"))
}

fn run(command: &mut Command) -> Result<(Output, Duration), String> {
    let begun = Instant::now();
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let took = begun.elapsed();
    // Buf ends with 100 where it found something.
    if output.status.success() || output.status.code() == Some(100) {
        return Ok((output, took));
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// How often each rule was broken, of the rules that both know.
fn findings(output: &Output, ours: bool) -> BTreeMap<String, usize> {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut findings = BTreeMap::new();
    let mut add = |rule: &Value| *findings.entry(rule.as_str().unwrap_or_default().to_owned()).or_default() += 1;
    if ours {
        let report: Value = serde_json::from_str(&text).unwrap_or_default();
        let rows = report["findings"].as_array().into_iter().flatten();
        rows.filter(|row| row["categories"] != json!(["STRADDLE"])).for_each(|row| add(&row["rule"]));
    } else {
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).unwrap_or_default();
            add(&row["type"]);
        }
    }
    findings
}

fn tell(arguments: &Arguments, rows: &[Row]) -> Result<(), String> {
    println!("\n| program | seconds | peak MiB | findings |\n|---|---:|---:|---:|");
    let mut written = Vec::new();
    for row in rows {
        let seconds = median(&row.seconds);
        let mebibytes = median(&row.kilobytes.iter().map(|kilobytes| mebibytes(*kilobytes)).collect::<Vec<_>>());
        let count: usize = row.findings.values().sum();
        println!("| {} | {seconds:.3} | {mebibytes:.0} | {count} |", row.name);
        written.push(json!({"program": row.name, "seconds": seconds, "all_seconds": row.seconds, "peak_mebibytes": mebibytes, "findings": count}));
    }
    println!();
    let ratio = rows.get(1).map(|buf| median(&buf.seconds) / median(&rows[0].seconds));
    let same = rows.get(1).map(|buf| buf.findings == rows[0].findings);
    if let (Some(ratio), Some(same)) = (ratio, same) {
        println!("buf takes {ratio:.2} times as long; the same number of findings by each of its rules: {same}");
    }
    let size = arguments.size;
    let report = json!({
        "seed": arguments.seed,
        "files": size.files,
        "messages": size.files * size.messages_a_file,
        "rounds": arguments.rounds,
        "programs": written,
        "buf_to_straddle": ratio,
        "same_findings": same,
    });
    if let Some(folder) = arguments.json.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
    std::fs::write(&arguments.json, text + "\n").map_err(|error| format!("{}: {error}", arguments.json.display()))?;
    println!("written to {}", arguments.json.display());
    if same == Some(false) {
        // The command takes the entries of a map that was renamed for one another; Buf calls the older one deleted.
        let count = |row: &Row, rule: &str| row.findings.get(rule).copied().unwrap_or(0);
        let mut rules: Vec<&String> = rows.iter().take(2).flat_map(|row| row.findings.keys()).collect();
        rules.sort();
        rules.dedup();
        for rule in rules.into_iter().filter(|rule| count(&rows[0], rule) != count(&rows[1], rule)) {
            println!("{rule}: {} by straddle, {} by buf", count(&rows[0], rule), count(&rows[1], rule));
        }
    }
    Ok(())
}

fn mebibytes(kilobytes: u64) -> f64 {
    u32::try_from(kilobytes).map_or(f64::INFINITY, f64::from) / 1024.0
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}
