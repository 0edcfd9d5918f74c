//! Random protocols of several versions: each step changes something, and says by rules what that means.
//!
//! A protocol is made from numbers alone, one for each change, so that a chain that shows a fault can be cut down change
//! by change.
#![allow(clippy::format_push_string, clippy::redundant_else, reason = "tests and peers say things plainly")]

#[path = "chain/edits.rs"]
mod edits;
#[path = "chain/first.rs"]
mod first;
#[path = "chain/model.rs"]
mod model;
#[path = "chain/retype.rs"]
mod retype;

use std::fs;
use std::path::Path;

use fastrand::Rng;
use straddle::Protocol;
use tempfile::TempDir;

use self::edits::Editor;
use self::model::Version;

/// What a chain is made from.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) seed: u64,
    /// For each step the seeds of its changes.
    pub(crate) steps: Vec<Vec<u64>>,
}

/// A chain that was loaded.
pub(crate) struct Chain {
    pub(crate) protocol: Protocol,
    pub(crate) folder: TempDir,
    /// What was loaded of it: without changes that the loader refused.
    pub(crate) spec: Spec,
    /// How often the loader refused a step.
    pub(crate) refused: usize,
}

impl Spec {
    /// Three to six versions.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let steps =
            (0..random.usize(2..6)).map(|_| (0..random.usize(1..7)).map(|_| random.u64(..)).collect()).collect();
        Self { seed, steps }
    }

    /// The same without one step, or without one change of a step.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        for step in 0..self.steps.len() {
            let mut without = self.clone();
            without.steps.remove(step);
            smaller.push(without);
        }
        for step in 0..self.steps.len() {
            for change in 0..self.steps[step].len() {
                let mut without = self.clone();
                without.steps[step].remove(change);
                smaller.push(without);
            }
        }
        smaller
    }

    /// Writes the chain into a folder and loads it. A step that the loader refuses loses its last change, until it loads.
    pub(crate) fn load(&self) -> Chain {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut refused, mut spec) = (0, Self { seed: self.seed, steps: Vec::new() });
        let mut version = Version::random(&mut Rng::with_seed(self.seed));
        let mut files = vec![("protocol.toml".to_owned(), "name = \"chain\"\n".to_owned())];
        files.push(("1.0.0/p.proto".to_owned(), version.proto()));
        write(folder.path(), &files);
        let mut protocol = Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{error}\n{}", version.proto()));
        let mut name = (1, 0);
        for changes in &self.steps {
            let mut changes = changes.clone();
            while !changes.is_empty() {
                let before = format!("{}.{}.0", name.0, name.1);
                let next = if changes[0] % 2 == 0 { (name.0 + 1, 0) } else { (name.0, name.1 + 1) };
                let mut editor = Editor::new(&version);
                for change in &changes {
                    editor.change(&mut Rng::with_seed(*change));
                }
                let (newer, step) = editor.finish(&before);
                let path = format!("{}.{}.0", next.0, next.1);
                let proto = newer.proto();
                write(folder.path(), &[(format!("{path}/p.proto"), proto), (format!("{path}/step.toml"), step)]);
                if let Ok(loaded) = Protocol::load(folder.path()) {
                    (protocol, version, name) = (loaded, newer, next);
                    spec.steps.push(changes);
                    break;
                } else {
                    refused += 1;
                    fs::remove_dir_all(folder.path().join(path)).expect("the version");
                    changes.pop();
                }
            }
        }
        Chain { protocol, folder, spec, refused }
    }
}

fn write(folder: &Path, files: &[(String, String)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("its folder");
        fs::write(path, text).expect("the file");
    }
}

impl Chain {
    /// All files of it, for people.
    pub(crate) fn told(&self) -> String {
        let mut text = String::new();
        for version in self.protocol.versions() {
            for file in ["p.proto", "step.toml"] {
                let path = format!("{}/{file}", version.version());
                if let Ok(content) = fs::read_to_string(self.folder.path().join(&path)) {
                    let content = content.lines().filter(|line| !line.starts_with("import ")).collect::<Vec<_>>();
                    text.push_str(&format!("== {path}\n{}\n", content.join("\n")));
                }
            }
        }
        text
    }
}
