//! The arguments of a node that attends a coordinator.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::cli::duration;
use crate::node::{Builder, Coordinated};

#[derive(Args, Debug)]
pub(in crate::cli) struct CoordinatedArguments {
    /// Attend the coordinator at this address, as 127.0.0.1:7300: tell it how the node is doing, learn what is published,
    /// and move when it says so. Callers are answered once it has admitted the node
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) coordinator: Option<String>,
    /// The node's name, which stays the same when it starts again [default: the machine's name and the port]
    #[arg(long, value_name = "NAME", requires = "coordinator")]
    pub(in crate::cli) node: Option<String>,
    /// A label for schedules and gates, as zone=a; may be given several times
    #[arg(long, value_name = "KEY=VALUE", requires = "coordinator", value_parser = label)]
    pub(in crate::cli) label: Vec<(String, String)>,
    /// Learn bundles whoever has made them, signed or not: for trying things out
    #[arg(long)]
    pub(in crate::cli) allow_unsigned_bundles: bool,
    /// Tell the coordinator at least this often who calls what, 500ms to 30s; each time costs it a write [default: 30s]
    #[arg(long, value_name = "DURATION", requires = "coordinator", value_parser = duration::parse)]
    pub(in crate::cli) tell_calls_every: Option<Duration>,
    /// Report the numbers of this file, one JSON object, as it is at each report
    #[arg(long, hide = true, value_name = "FILE", requires = "coordinator")]
    pub(in crate::cli) values: Option<PathBuf>,
}

impl CoordinatedArguments {
    /// Has the node do as they say.
    pub(in crate::cli) fn apply(&self, builder: Builder) -> Builder {
        let builder = if self.allow_unsigned_bundles { builder.allow_unsigned_bundles() } else { builder };
        let Some(url) = &self.coordinator else { return builder };
        let mut coordinated = Coordinated::by(url);
        if let Some(node) = &self.node {
            coordinated = coordinated.name(node);
        }
        for (key, value) in &self.label {
            coordinated = coordinated.label(key, value);
        }
        if let Some(every) = self.tell_calls_every {
            coordinated = coordinated.tell_calls_every(every);
        }
        if let Some(file) = self.values.clone() {
            coordinated = coordinated.values(move || values(&file));
        }
        builder.coordinated(coordinated)
    }
}

/// What a file says; one that is missing, or no such object, says nothing.
fn values(file: &Path) -> BTreeMap<String, f64> {
    std::fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

pub(super) fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("say KEY=VALUE, as zone=a")?;
    Ok((key.to_owned(), value.to_owned()))
}
