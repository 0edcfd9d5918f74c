//! Which protocol is meant where nobody names one.

use std::path::{Path, PathBuf};

use crate::check::report::is_protocol;
use crate::cli::protocols::protocols;

/// The only protocol of a folder: the folder itself, else one of `schemas`, else one of its own.
///
/// # Errors
/// When there is none, or more than one.
pub(super) fn only(folder: &Path) -> Result<PathBuf, String> {
    if is_protocol(folder) {
        return Ok(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() });
    }
    for within in [folder.join("schemas"), folder.to_owned()] {
        let found = protocols(&within);
        match found.as_slice() {
            [] => {}
            [one] => return Ok(one.clone()),
            [first, ..] => {
                let all: Vec<String> = found.iter().map(|one| one.display().to_string()).collect();
                return Err(format!(
                    "there are several protocols here: {}\n  help: name one of them: straddle check {}",
                    all.join(", "),
                    first.display()
                ));
            }
        }
    }
    Err("there is no protocol here: neither this folder, nor one in it or in schemas, has a protocol.toml\n  help: name \
         the protocol's folder, such as schemas/inventory; or a folder of protos, and what to compare it with: straddle \
         check protos --against git:v1.0.0:protos"
        .to_owned())
}
