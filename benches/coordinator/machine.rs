//! Where it was measured.

use serde_json::{Value, json};

/// Processor, system and memory, as far as they can be told.
pub(crate) fn json() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches([':', '\t', ' ']).to_owned()
    };
    let kibibytes = after(&read("/proc/meminfo"), "MemTotal");
    let kibibytes: u64 = kibibytes.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or_default();
    json!({
        "processor": after(&read("/proc/cpuinfo"), "model name"),
        "cores": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        "memory_mebibytes": kibibytes >> 10,
        "system": std::env::consts::OS,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
    })
}
