//! The working protos, copied.

use std::fs;
use std::path::{Path, PathBuf};

use crate::protocol::schema_files;

/// Copies all protos below `from` to `to`, and gives their names; what lies in the protocol's own folder is none of them.
pub(super) fn take(from: &Path, to: &Path, protocol: &Path) -> Result<Vec<String>, String> {
    if from.join("protocol.toml").exists() {
        return Err(format!(
            "{} is the folder of a protocol\n  help: name the folder that holds the working protos",
            from.display()
        ));
    }
    let protocol = protocol.canonicalize().ok();
    let own = |file: &Path| {
        let file = file.canonicalize().ok();
        file.zip(protocol.as_ref()).is_some_and(|(file, protocol)| file.starts_with(protocol))
    };
    let found = schema_files(from).map_err(|error| error.to_string())?;
    let files: Vec<PathBuf> = found.into_iter().filter(|file| !own(file)).collect();
    if files.is_empty() {
        return Err(format!(
            "no .proto files lie in {}\n  help: name the folder that holds the working protos",
            from.display()
        ));
    }
    let mut names = Vec::new();
    for file in files {
        // `schema_files` found it below `from`.
        let Ok(name) = file.strip_prefix(from) else { continue };
        let target = to.join(name);
        let copied = target.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            // Not `fs::copy`: a file that may not be written to is none in a protocol.
            fs::write(&target, fs::read(&file)?)
        });
        copied.map_err(|error| format!("{} cannot be copied: {error}", file.display()))?;
        names.push(name.display().to_string());
    }
    Ok(names)
}
