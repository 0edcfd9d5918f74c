//! The rows as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::options::Options;
use crate::run::Row;

const MEANING: &str = "Nanoseconds for one message, medians of the rounds. (a) prost decode, conversion by hand, encode; \
(b) prost-reflect's dynamic messages; (c) a copy of the bytes. Ratios are medians of the rounds' ratios: how many times \
faster than (a) and (b), how many copies (c), and ten fused hops to one.";

impl Row {
    fn figures(&self, name: &str) -> Option<&[f64]> {
        self.candidates.iter().find(|(candidate, _)| *candidate == name).map(|(_, figures)| &figures[..])
    }

    fn nanoseconds(&self, name: &str) -> Option<f64> {
        self.figures(name).map(|figures| median(figures.iter().copied()))
    }

    fn ratio(&self, one: &str, other: &str) -> Option<f64> {
        let (one, other) = (self.figures(one)?, self.figures(other)?);
        Some(median(one.iter().zip(other).map(|(one, other)| one / other)))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!("{MEANING}\n\n");
    text += "| change | message | bytes | straddle ns | (a) ns | (b) ns | (c) ns | times (a) | times (b) | copies | ten hops / one |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
    for row in rows {
        let whole = |name: &str| row.nanoseconds(name).map_or_else(|| "–".to_owned(), |figure| format!("{figure:.0}"));
        let ratio = |one: &str, other: &str, digits: usize| {
            row.ratio(one, other).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.digits$}"))
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.kind,
            row.message,
            row.bytes,
            whole("straddle"),
            whole("typed"),
            whole("dynamic"),
            whole("memcpy"),
            ratio("typed", "straddle", 1),
            ratio("dynamic", "straddle", 1),
            ratio("straddle", "memcpy", 2),
            ratio("straddle, ten hops", "straddle", 2),
        )
        .expect("a string takes all");
    }
    text
}

pub(crate) fn write_json(options: &Options, rows: &[Row]) -> Result<(), String> {
    let all = json!({
        "meaning": MEANING,
        "rounds": options.rounds,
        "seconds": options.length.as_secs_f64(),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    });
    let path = &options.json;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    std::fs::write(path, format!("{all:#}\n")).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn row(row: &Row) -> Value {
    let candidates: Vec<Value> = row
        .candidates
        .iter()
        .map(|(name, figures)| {
            json!({
                "name": name,
                "ns": median(figures.iter().copied()),
                "ns_min": figures.iter().copied().fold(f64::INFINITY, f64::min),
                "ns_max": figures.iter().copied().fold(0.0, f64::max),
            })
        })
        .collect();
    json!({
        "change": row.kind,
        "message": row.message,
        "bytes": row.bytes,
        "candidates": candidates,
        "times_faster_than_typed": row.ratio("typed", "straddle"),
        "times_faster_than_dynamic": row.ratio("dynamic", "straddle"),
        "ratio_to_memcpy": row.ratio("straddle", "memcpy"),
        "ten_hops_to_one": row.ratio("straddle, ten hops", "straddle"),
    })
}
