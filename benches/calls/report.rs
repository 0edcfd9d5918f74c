//! The rows as a table and as JSON.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::candidates::{ONE_APART, RAW, TEN_APART, TONIC};
use crate::drivers::Driver;
use crate::options::Options;
use crate::run::{Sample, Subject};

const RATIOS: &str = "Figures are medians of the rounds. Ratios are of server CPU per call, against the servers tonic \
and raw under the raw driver, the median of the rounds' ratios; rows under another driver have none. Calls through \
rules that bridge ten steps have one to those that bridge one step, too. What is attending (callers are counted), watched (and numbers \
are asked for each second), sampled (and the span of one call in a hundred is taken) or traced (and that of each call) has one to the same without (off).";

pub(crate) struct Row {
    name: &'static str,
    driver: &'static str,
    workload: &'static str,
    in_flight: usize,
    calls_per_s: f64,
    p50_us: f64,
    p99_us: f64,
    cpu_us: f64,
    cpu_us_min: f64,
    cpu_us_max: f64,
    to_tonic: Option<f64>,
    to_raw: Option<f64>,
    to_one_apart: Option<f64>,
    to_off: Option<f64>,
    calls_to_tonic: Option<f64>,
    calls_to_raw: Option<f64>,
}

pub(crate) fn rows(measured: &[(Subject, Vec<Sample>)]) -> Vec<Row> {
    measured
        .iter()
        .map(|(subject, samples)| {
            let base = |name: &str, of: fn(&Sample) -> f64| {
                let (_, base) = measured.iter().find(|(other, _)| {
                    other.driver == Driver::Raw
                        && other.candidate.name == name
                        && std::ptr::eq(other.workload, subject.workload)
                        && subject.driver == Driver::Raw
                })?;
                Some(median(samples.iter().zip(base).map(|(sample, base)| of(sample) / of(base))))
            };
            let cpu = || samples.iter().map(|sample| sample.server_cpu_us);
            Row {
                name: subject.candidate.name,
                driver: subject.driver.name(),
                workload: subject.workload.name,
                in_flight: subject.workload.in_flight,
                calls_per_s: median(samples.iter().map(|sample| sample.calls_per_s)),
                p50_us: median(samples.iter().map(|sample| sample.p50_us)),
                p99_us: median(samples.iter().map(|sample| sample.p99_us)),
                cpu_us: median(cpu()),
                cpu_us_min: cpu().fold(f64::INFINITY, f64::min),
                cpu_us_max: cpu().fold(0.0, f64::max),
                to_tonic: base(TONIC, |sample| sample.server_cpu_us),
                to_raw: base(RAW, |sample| sample.server_cpu_us),
                to_one_apart: (subject.candidate.name == TEN_APART)
                    .then(|| base(ONE_APART, |sample| sample.server_cpu_us))
                    .flatten(),
                to_off: subject.candidate.off.and_then(|off| base(off, |sample| sample.server_cpu_us)),
                calls_to_tonic: base(TONIC, |sample| sample.calls_per_s),
                calls_to_raw: base(RAW, |sample| sample.calls_per_s),
            }
        })
        .collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!("{RATIOS}\n\n");
    text += "| server | driver | workload | in flight | calls/s | p50 us | p99 us | server CPU us a call (min..max) \
             | / tonic | / raw | / one apart | / off |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
    for row in rows {
        let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let Row {
            name, driver, workload, in_flight, calls_per_s, p50_us, p99_us, cpu_us, cpu_us_min, cpu_us_max, ..
        } = row;
        let (tonic, raw, one_apart) = (ratio(row.to_tonic), ratio(row.to_raw), ratio(row.to_one_apart));
        let off = ratio(row.to_off);
        writeln!(
            text,
            "| {name} | {driver} | {workload} | {in_flight} | {calls_per_s:.0} | {p50_us:.0} | {p99_us:.0} \
             | {cpu_us:.2} ({cpu_us_min:.2}..{cpu_us_max:.2}) | {tonic} | {raw} | {one_apart} | {off} |"
        )
        .expect("a string takes all");
    }
    text
}

pub(crate) fn write_json(path: &Path, options: &Options, rows: &[Row]) -> Result<(), String> {
    let all = json!({
        "ratios": RATIOS,
        "rounds": options.rounds,
        "seconds": options.length.as_secs_f64(),
        "rows": rows.iter().map(Row::json).collect::<Vec<_>>(),
    });
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    std::fs::write(path, format!("{all:#}\n")).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "driver": self.driver,
            "workload": self.workload,
            "in_flight": self.in_flight,
            "calls_per_s": self.calls_per_s,
            "p50_us": self.p50_us,
            "p99_us": self.p99_us,
            "server_cpu_us_per_call": self.cpu_us,
            "server_cpu_us_per_call_min": self.cpu_us_min,
            "server_cpu_us_per_call_max": self.cpu_us_max,
            "ratio_to_tonic": self.to_tonic,
            "ratio_to_raw": self.to_raw,
            "ratio_to_one_apart": self.to_one_apart,
            "ratio_to_off": self.to_off,
            "calls_per_s_ratio_to_tonic": self.calls_to_tonic,
            "calls_per_s_ratio_to_raw": self.calls_to_raw,
        })
    }
}
