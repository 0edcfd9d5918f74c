//! Protocols and messages, by the names that people give them.

use std::fs;
use std::path::{Path, PathBuf};

use prost_reflect::MessageDescriptor;

use crate::cli::BadArguments;
use crate::protocol::{Protocol, Schema, nearest};

/// The protocol in `folder`; if there is none, the error names the folder beside it that was meant.
pub(in crate::cli) fn protocol(folder: &Path) -> Result<Protocol, Box<dyn std::error::Error>> {
    if !folder.join("protocol.toml").exists()
        && let Some(near) = meant(folder)
    {
        let what = format!("{} is no folder of a protocol; did you mean {}?", folder.display(), near.display());
        return Err(BadArguments(what).into());
    }
    Ok(Protocol::load(folder)?)
}

/// A folder of a protocol: below this one, if there is just one, or beside it under a similar name.
fn meant(folder: &Path) -> Option<PathBuf> {
    let protocols = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        entries.filter(|entry| entry.join("protocol.toml").exists()).collect()
    };
    if let [only] = protocols(folder).as_slice() {
        return Some(only.clone());
    }
    let wanted = folder.file_name()?.to_str()?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = protocols(parent);
    let names = beside.iter().filter_map(|folder| folder.file_name()?.to_str());
    nearest(wanted, names).map(|name| folder.with_file_name(name))
}

/// The message that `wanted` means: its full name, or the end of it.
pub(in crate::cli) fn message(schema: &Schema, wanted: &str) -> Result<MessageDescriptor, String> {
    /// Most names that help.
    const SHOWN: usize = 30;
    if let Some(message) = schema.pool().get_message_by_name(wanted) {
        return Ok(message);
    }
    let messages: Vec<MessageDescriptor> =
        schema.pool().all_messages().filter(|message| !message.is_map_entry()).collect();
    let tail = format!(".{wanted}");
    let meant: Vec<&MessageDescriptor> =
        messages.iter().filter(|message| message.full_name().ends_with(&tail)).collect();
    match meant.as_slice() {
        [message] => return Ok((*message).clone()),
        [] => {}
        several => {
            let names: Vec<&str> = several.iter().map(|message| message.full_name()).collect();
            return Err(format!("`{wanted}` may be {}; write its package, too", names.join(", ")));
        }
    }
    let own = messages.iter().filter(|message| !message.full_name().starts_with("google.protobuf."));
    let mut names: Vec<&str> = own.map(MessageDescriptor::full_name).collect();
    names.sort_unstable();
    // Who wrote a package, too, may have erred in that.
    let last = wanted.rsplit('.').next().unwrap_or(wanted);
    let near = nearest(wanted, names.iter().copied())
        .or_else(|| nearest(last, names.iter().map(|name| name.rsplit('.').next().unwrap_or(name))));
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    names.truncate(SHOWN);
    Err(format!("{} declares no message `{wanted}`\n  {near}It has {}{more}", schema.version(), names.join(", ")))
}
