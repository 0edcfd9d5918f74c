//! Protocols of eleven versions: one hop that changes nothing, then there and back and there again, so that ten hops end
//! at the changed version.

use std::fs;
use std::path::Path;

use straddle::Protocol;

const HOPS: usize = 10;

/// The protocol in `folder`, whose two versions alternate.
pub(crate) fn of(folder: &Path) -> Result<Protocol, String> {
    let into = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let read = |path: &str| fs::read_to_string(folder.join(path)).map_err(|error| format!("{path}: {error}"));
    let write = |path: &str, text: &str| {
        let path = into.path().join(path);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        made.map_err(|error| format!("{}: {error}", path.display()))
    };
    write("protocol.toml", "name = \"chain\"\n")?;
    let there = read("2.0.0/step.toml")?;
    let there = there.split_once('\n').map(|(_, rules)| rules.to_owned()).ok_or("a step has lines")?;
    let back = read("back.toml")?;
    let protos = [read("1.0.0/bench.proto")?, read("2.0.0/bench.proto")?];
    for hop in 0..=HOPS {
        let version = hop + 1;
        write(&format!("{version}.0.0/bench.proto"), &protos[if hop == 0 { 0 } else { (hop + 1) % 2 }])?;
        if hop > 0 {
            let rules = match hop {
                1 => "",
                hop if hop % 2 == 0 => &there,
                _ => &back,
            };
            write(&format!("{version}.0.0/step.toml"), &format!("from = \"{hop}.0.0\"\n{rules}"))?;
        }
    }
    Protocol::load(into.path()).map_err(|error| error.to_string())
}
