//! The protocol that a version is added to.

use std::fs;
use std::path::{Path, PathBuf};

use crate::check::report::is_protocol;
use crate::cli::BadArguments;
use crate::cli::protocols::protocols;
use crate::protocol::Protocol;

/// A protocol's folder, and the protocol in it.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// None where the first version is added.
    pub(super) protocol: Option<Protocol>,
    name: String,
}

impl Place {
    /// The folder that is named, or the only one that can be meant; a new one where a name is given.
    pub(super) fn find(folder: Option<&Path>, name: Option<&str>) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = match (folder, name) {
            (Some(folder), _) => folder.to_owned(),
            (None, Some(name)) => Path::new("schemas").join(name),
            (None, None) => only()?,
        };
        let own = || folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        let last = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let name_of_new = name.map(str::to_owned).or(last).or_else(own).unwrap_or_default();
        if !folder.join("protocol.toml").exists() {
            return Ok(Self { folder, protocol: None, name: name_of_new });
        }
        let protocol = match Protocol::load(&folder) {
            Ok(protocol) => Some(protocol),
            // A manifest that was written by hand waits for its first version.
            Err(error) if error.faults().iter().any(|fault| fault.what() == "the protocol has no versions") => None,
            Err(error) => return Err(error.into()),
        };
        if let (Some(protocol), Some(name)) = (&protocol, name)
            && protocol.name() != name
        {
            let what = format!(
                "{} is the folder of the protocol {}, not of {name}\n  help: leave --name away, or name another folder",
                folder.display(),
                protocol.name()
            );
            return Err(BadArguments(what).into());
        }
        Ok(Self { folder, protocol, name: name_of_new })
    }

    /// The text of `protocol.toml`: what is there, or a new one.
    pub(super) fn manifest(&self) -> String {
        let there = fs::read_to_string(self.folder.join("protocol.toml"));
        // What it says of versions that are not there yet cannot hold.
        there.unwrap_or_else(|_| format!("name = \"{}\"\n", self.name))
    }
}

/// The folder that has a `protocol.toml`: the current one, or the only one below `schemas`.
fn only() -> Result<PathBuf, BadArguments> {
    if is_protocol(Path::new(".")) {
        return Ok(PathBuf::from("."));
    }
    match protocols(Path::new("schemas")).as_slice() {
        [folder] => Ok(folder.clone()),
        [] => Err(BadArguments(
            "there is no protocol.toml here or in a folder below schemas\n  \
             help: name a new protocol with --name NAME, or the folder of one with --protocol FOLDER"
                .to_owned(),
        )),
        several => {
            let names: Vec<String> = several.iter().map(|folder| folder.display().to_string()).collect();
            Err(BadArguments(format!(
                "several protocols lie here: {}\n  help: name the folder of one with --protocol FOLDER",
                names.join(", ")
            )))
        }
    }
}
