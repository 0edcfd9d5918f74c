//! A protocol's folder on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
#[cfg(any(feature = "codegen", feature = "cli"))]
use prost::Message;

use super::error::{Fault, ProtocolError};
use super::manifest;
use super::{Protocol, Source};
use crate::version::Version;

/// How deep a version's folder may nest.
const DEPTH: usize = 32;
/// How many files and folders may lie in a version's folder. Links may lead to anything, in circles too.
const ENTRIES: usize = 10_000;

pub(super) fn load(folder: &Path) -> Result<Protocol, ProtocolError> {
    let manifest = manifest::read(folder)?;
    let mut folders = BTreeMap::new();
    for entry in entries(folder)?.into_iter().filter(|entry| !is_hidden(entry)) {
        if entry.is_dir() {
            folders.insert(version_of(&entry)?, entry);
        } else if version_of(&entry).is_ok() {
            // A link that leads nowhere, for one: to pass it over would take the version out of the chain.
            let what = "is named after a version, but is no folder that can be read";
            return Err(Fault::new(entry, what, "restore the folder, or give the file another name").into());
        }
    }
    let mut versions: Vec<&Version> = folders.keys().chain(manifest.protos.keys()).collect();
    versions.sort();
    versions.dedup();
    let sources = versions
        .into_iter()
        .map(|version| {
            let own = folders.get(version).map(PathBuf::as_path);
            source(version, own, manifest.protos.get(version).map(PathBuf::as_path))
        })
        .collect::<Result<_, _>>()?;
    Protocol::assemble(manifest.name, manifest.declared, sources, folder.to_owned())
}

/// The protos of a folder that belongs to no protocol, as a version of this number; a `step.toml` in it counts for nothing.
#[cfg(feature = "cli")]
pub(crate) fn source_of_folder(version: &Version, root: &Path) -> Result<Source, ProtocolError> {
    Ok(Source { step: None, ..source(version, Some(root), None)? })
}

fn version_of(folder: &Path) -> Result<Version, ProtocolError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.parse().map_err(|error: crate::version::VersionError| {
        let advice = "name a version's folder major.minor.patch; put other folders elsewhere";
        Fault::new(folder, error.to_string(), advice).into()
    })
}

pub(super) fn source(version: &Version, own: Option<&Path>, elsewhere: Option<&Path>) -> Result<Source, ProtocolError> {
    let step = own.map(|own| own.join("step.toml")).filter(|step| fs::symlink_metadata(step).is_ok());
    if let (None, Some(astray)) = (&step, elsewhere.map(|elsewhere| elsewhere.join("step.toml")))
        && astray.exists()
    {
        let what = format!("a step.toml beside protos that lie elsewhere is not read for {version}");
        let advice = format!("move it into the folder {version} beside protocol.toml");
        return Err(Fault::new(astray, what, advice).into());
    }
    let step = step
        .map(|file| match fs::read_to_string(&file) {
            Ok(text) => Ok((file, text)),
            Err(error) => Err(Fault::unreadable(&file, &error)),
        })
        .transpose()?;
    let own_files = own.map(schema_files).transpose()?.unwrap_or_default();
    let (root, files) = match (own, elsewhere) {
        (Some(own), None) => (own, own_files),
        (_, Some(elsewhere)) if own_files.is_empty() => (elsewhere, schema_files(elsewhere)?),
        (own, elsewhere) => {
            let own = own.or(elsewhere).unwrap_or(Path::new(""));
            let what =
                format!("two folders of one version: protocol.toml says that the protos of {version} lie elsewhere");
            return Err(Fault::new(own, what, "remove the protos here, or the line in protocol.toml").into());
        }
    };
    let sets: Vec<&PathBuf> = files.iter().filter(|file| has_extension(file, "binpb")).collect();
    let descriptor_set = match (sets.as_slice(), files.len()) {
        ([], 0) => {
            let what = format!("version {version} has no .proto files and no descriptor set (*.binpb)");
            return Err(Fault::new(root, what, "add its protos").into());
        }
        ([], _) => compile(root, &files, false)?,
        ([set], 1) => fs::read(set).map_err(|error| Fault::unreadable(set, &error))?,
        ([set, ..], _) => {
            let what = "a descriptor set lies beside other schemas, and nothing says which one counts";
            return Err(Fault::new(*set, what, "keep either the .proto files or one *.binpb").into());
        }
    };
    Ok(Source { version: version.clone(), origin: root.to_owned(), descriptor_set: Bytes::from(descriptor_set), step })
}

/// Compiles the protos below `root`, which is their only import root, into an encoded descriptor set.
///
/// Custom options are kept: the set is not re-encoded through types that do not know them.
pub(crate) fn compile(root: &Path, files: &[PathBuf], with_comments: bool) -> Result<Vec<u8>, ProtocolError> {
    for file in files {
        refuse_editions(file)?;
    }
    let mut compiler = protox::Compiler::new([root]).map_err(|error| proto_fault(root, &error))?;
    compiler.include_imports(true).include_source_info(with_comments);
    for file in files {
        compiler.open_file(file).map_err(|error| proto_fault(root, &error))?;
    }
    Ok(compiler.encode_file_descriptor_set())
}

/// The descriptors of a version with its comments, for generated documentation.
#[cfg(feature = "codegen")]
pub(crate) fn compile_with_comments(source: &Source) -> Result<prost_types::FileDescriptorSet, ProtocolError> {
    let files = schema_files(&source.origin)?;
    let set = if files.iter().any(|file| has_extension(file, "binpb")) {
        source.descriptor_set.to_vec()
    } else {
        compile(&source.origin, &files, true)?
    };
    // It was decoded before, when the protocol was loaded.
    prost_types::FileDescriptorSet::decode(set.as_slice()).map_err(|error| {
        Fault::new(&source.origin, error.to_string(), "do not change the protos while they are compiled").into()
    })
}

/// The protos below `root`, which is their only import root, with their comments and places; imports that lie elsewhere
/// left out.
#[cfg(feature = "cli")]
pub(crate) fn compile_folder(root: &Path) -> Result<Vec<prost_types::FileDescriptorProto>, ProtocolError> {
    let files = schema_files(root)?;
    let set = compile(root, &files, true)?;
    let set = prost_types::FileDescriptorSet::decode(set.as_slice())
        .map_err(|error| Fault::new(root, error.to_string(), "do not change the protos while they are compiled"))?;
    Ok(set.file.into_iter().filter(|file| root.join(file.name()).is_file()).collect())
}

fn proto_fault(root: &Path, error: &protox::Error) -> ProtocolError {
    let advice = if error.is_file_not_found() {
        "add the file; a version's own folder is its only import root"
    } else {
        "correct the proto"
    };
    let file = error.file().map_or_else(|| root.to_owned(), |file| root.join(file));
    // The alternate form leads with `file:line:column: `, where the place is known.
    let placed = format!("{error:?}");
    let mut place = error
        .file()
        .and_then(|file| placed.strip_prefix(file)?.strip_prefix(':'))
        .into_iter()
        .flat_map(|rest| rest.split(':').take(2))
        .map_while(|number| number.trim().parse::<usize>().ok());
    let (line, column) = (place.next(), place.next());
    Fault::new(file, error.to_string(), advice).at_line(line).at_column(column).into()
}

/// The compiler reads proto2 and proto3; of an edition it would only say that the first word is strange.
fn refuse_editions(file: &Path) -> Result<(), ProtocolError> {
    let text = fs::read_to_string(file).map_err(|error| Fault::unreadable(file, &error))?;
    let Some(offset) = first_statement(&text).filter(|offset| text[*offset..].starts_with("edition")) else {
        return Ok(());
    };
    let advice = "write it in proto3 or proto2";
    let what = "the file is written in an edition, which is not supported yet";
    Err(Fault::new(file, what, advice).at_line(super::text::line_of(&text, offset)).into())
}

/// The offset of the first word that is not in a comment.
fn first_statement(text: &str) -> Option<usize> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}');
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else {
            return (!rest.is_empty()).then(|| text.len() - rest.len());
        }
    }
}

/// The schemas below a folder, in a stable order.
pub(crate) fn schema_files(root: &Path) -> Result<Vec<PathBuf>, ProtocolError> {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        if depth > DEPTH {
            let what = format!("folders nest more than {DEPTH} deep");
            return Err(Fault::new(folder, what, "flatten them, or remove the link that leads in a circle").into());
        }
        let within = entries(&folder)?;
        seen += within.len();
        if seen > ENTRIES {
            let what = format!("more than {ENTRIES} files and folders lie in the folder of one version");
            return Err(Fault::new(root, what, "name the folder that holds the protos and nothing else").into());
        }
        for entry in within.into_iter().filter(|entry| !is_hidden(entry)) {
            if entry.is_dir() {
                folders.push((entry, depth + 1));
            } else if has_extension(&entry, "proto") || has_extension(&entry, "binpb") {
                found.push(entry);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ProtocolError> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut entries = read().map_err(|error| Fault::unreadable(folder, &error))?;
    entries.sort();
    Ok(entries)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension == wanted)
}
