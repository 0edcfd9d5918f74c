//! The inventory as programs know it that were built before its newest versions existed.

use std::fs;
use std::path::Path;

use straddle::Protocol;

use crate::folder::{folder, write};

/// The protocol with just these versions; they adjoin.
pub(crate) fn inventory_of(versions: &[&str]) -> Protocol {
    let schemas = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory"));
    let resume = |package: &str| {
        format!("\"{package}.Inventory.WatchItems\" = {{ from = \"revision\", into = \"after_revision\" }}\n")
    };
    let packages = [("inventory.v1", '1'), ("inventory.v2", '2')];
    let known = packages.iter().filter(|(_, major)| versions.iter().any(|version| version.starts_with(*major)));
    let resume: String = known.map(|(package, _)| resume(package)).collect();
    let manifest = format!("name = \"inventory\"\n[resume]\n{resume}");
    let folder = folder(&[("protocol.toml", &manifest)]);
    for (number, version) in versions.iter().enumerate() {
        for file in ["inventory.proto", "step.toml"] {
            match fs::read(schemas.join(version).join(file)) {
                Ok(content) if number > 0 || file != "step.toml" => {
                    write(folder.path(), &format!("{version}/{file}"), &content);
                }
                _ => {}
            }
        }
    }
    Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}
