//! Measures what the worst bundles cost that the limits allow: each is as large as it may be in one way.
//!
//! The program runs itself once for each, so that each has a peak of memory of its own. What is measured is all that a node
//! does with a bundle before it is used: reading, counting, decoding, resolving. The digests in these bundles are wrong, so
//! each ends in a fault, after all of that.

#[path = "../../tests/bundle/forge.rs"]
#[allow(dead_code, reason = "shared with tests")]
mod forge;
mod worst;

use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use straddle::bundle::Bundle;

/// When one is given up.
const LONGEST: Duration = Duration::from_secs(180);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [child, name] = arguments.as_slice()
        && child == "--child"
    {
        be_measured(name);
        return ExitCode::SUCCESS;
    }
    println!("{:<10} {:>9} {:>9} {:>9}  what came of it", "worst by", "file MiB", "seconds", "peak MiB");
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    for (name, _) in worst::CASES.iter().filter(|(name, _)| wanted(name)) {
        let program = std::env::current_exe().expect("this program");
        let ended = Command::new(program).args(["--child", name]).status().expect("this program runs");
        if !ended.success() {
            println!("{name:<10} ended with {ended}");
        }
    }
    ExitCode::SUCCESS
}

/// Measures one bundle, and prints its line.
fn be_measured(name: &str) {
    let (_, make) = worst::CASES.iter().find(|(case, _)| *case == name).expect("a case");
    let file = make();
    let size = mebibytes(file.len() as u64);
    let before = memory("VmRSS:");
    let start = Instant::now();
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let ended = match Bundle::read(file).and_then(|bundle| bundle.protocol()) {
            Ok(protocol) => format!("a protocol of {} versions", protocol.versions().len()),
            Err(error) => error.to_string(),
        };
        // Whoever waits is there until the program ends.
        let _ = done.send(ended);
    });
    let ended = wait.recv_timeout(LONGEST).unwrap_or_else(|_| "it was given up".to_owned());
    let told: String = ended.lines().next().unwrap_or_default().chars().take(90).collect();
    // Of what was there before, the file is a part of what a node has to hold.
    let peak = mebibytes(memory("VmHWM:").saturating_sub(before)) + size;
    println!("{name:<10} {size:>9.1} {:>9.2} {peak:>9.0}  {told}", start.elapsed().as_secs_f64());
}

/// A line of what the system tells of this process, in bytes; 0 where it tells nothing.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|text| text.strip_prefix(line)?.trim().strip_suffix(" kB")?.parse().ok());
    kilobytes.unwrap_or(0) * 1024
}

fn mebibytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0
}
