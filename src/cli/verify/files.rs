//! Counterexamples, as files.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::protocol::Protocol;
use crate::verify::{Counterexample, direction_name, use_name};

/// Writes each into a file of its own where `place` is a folder, or all into the file `place`.
pub(super) fn write(place: &Path, protocol: &Protocol, found: &[Counterexample]) -> Result<(), String> {
    let cannot = |place: &Path, error: std::io::Error| format!("{} cannot be written: {error}", place.display());
    if place.is_dir() || place.as_os_str().as_encoded_bytes().ends_with(b"/") {
        fs::create_dir_all(place).map_err(|error| cannot(place, error))?;
        for (index, counterexample) in found.iter().enumerate() {
            let subject = &counterexample.subject;
            let (way, used) = (direction_name(subject.direction()), use_name(subject.used));
            let file = place.join(format!("{index:04}-{}-{way}-{used}.json", subject.message()));
            write_json(&file, &counterexample.json(protocol)).map_err(|error| cannot(&file, error))?;
        }
        return Ok(());
    }
    let all: Vec<Value> = found.iter().map(|counterexample| counterexample.json(protocol)).collect();
    write_json(place, &all.into()).map_err(|error| cannot(place, error))
}

fn write_json(file: &Path, value: &Value) -> std::io::Result<()> {
    fs::write(file, format!("{value:#}\n"))
}
