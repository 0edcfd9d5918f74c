//! Versions that are loaded with the places of what their protos declare, compiled once for both.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use super::folder::{self, compile};
use super::{Fault, Protocol, ProtocolError, Source};
use crate::version::Version;

/// Protos with their places, by the folder that they were read from: encoded, which takes a fraction of the memory.
#[derive(Default)]
pub(crate) struct Places(HashMap<PathBuf, Vec<u8>>);

impl Places {
    /// Loads a protocol, and keeps the places of all its versions.
    ///
    /// # Errors
    /// As [`Protocol::load`] has them.
    pub(crate) fn load(&mut self, folder: &Path) -> Result<Protocol, ProtocolError> {
        folder::load(folder, &mut |root, files| self.compile(root, files))
    }

    /// The protos of a folder that belongs to no protocol, as a version of this number; a `step.toml` in it counts for
    /// nothing.
    ///
    /// # Errors
    /// When there are none, or one cannot be read or compiled.
    pub(crate) fn source_of_folder(&mut self, version: &Version, root: &Path) -> Result<Source, ProtocolError> {
        if folder::schema_files(root)?.is_empty() {
            let what = "no .proto files and no descriptor set (*.binpb) lie in this folder";
            return Err(Fault::new(root, what, "name a folder of protos, or one of a protocol").into());
        }
        let source = folder::source(version, Some(root), None, &mut |root, files| self.compile(root, files))?;
        Ok(Source { step: None, ..source })
    }

    /// The protos of a folder that was loaded, imports that lie elsewhere left out; none where it holds a descriptor set.
    ///
    /// # Errors
    /// When what the compiler wrote cannot be read.
    pub(crate) fn files(&self, root: &Path) -> Result<Option<Vec<FileDescriptorProto>>, ProtocolError> {
        let Some(set) = self.0.get(root) else { return Ok(None) };
        let set = FileDescriptorSet::decode(set.as_slice())
            .map_err(|error| Fault::new(root, error.to_string(), "do not change the protos while they are compiled"))?;
        Ok(Some(set.file.into_iter().filter(|file| root.join(file.name()).is_file()).collect()))
    }

    fn compile(&mut self, root: &Path, files: &[PathBuf]) -> Result<Vec<u8>, ProtocolError> {
        let with_places = compile(root, files, true)?;
        let set = match without_places(&with_places) {
            Some(set) => set,
            None => compile(root, files, false)?,
        };
        self.0.insert(root.to_owned(), with_places);
        Ok(set)
    }
}

/// The field of `FileDescriptorProto` that holds places and comments (descriptor.proto).
const SOURCE_CODE_INFO: u32 = 9;

/// An encoded descriptor set without places and comments. All else stays byte for byte, custom options too. Nothing where
/// it is no descriptor set.
fn without_places(mut set: &[u8]) -> Option<Vec<u8>> {
    let mut bare = Vec::with_capacity(set.len() / 2);
    let mut content = Vec::new();
    while !set.is_empty() {
        let (tag, kind) = decode_key(&mut set).ok()?;
        if kind != WireType::LengthDelimited {
            return None;
        }
        let length = usize::try_from(decode_varint(&mut set).ok()?).ok()?;
        let (mut file, rest) = set.split_at_checked(length)?;
        set = rest;
        content.clear();
        while !file.is_empty() {
            let field = file;
            let (tag, kind) = decode_key(&mut file).ok()?;
            skip_field(kind, tag, &mut file, DecodeContext::default()).ok()?;
            if tag != SOURCE_CODE_INFO {
                content.extend_from_slice(&field[..field.len() - file.len()]);
            }
        }
        encode_key(tag, kind, &mut bare);
        encode_varint(content.len() as u64, &mut bare);
        bare.extend_from_slice(&content);
    }
    Some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTO: &str = "syntax = \"proto3\";\npackage p;\nimport \"google/protobuf/descriptor.proto\";\n\
                         extend google.protobuf.FieldOptions { string owner = 50001; }\n\
                         // Kept.\nmessage M { string a = 1 [(owner) = \"us\"]; }\n";

    #[test]
    fn what_is_loaded_with_places_is_the_same_version() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.proto"), PROTO).unwrap();
        let version = Version::new(1, 0, 0);
        let mut places = Places::default();
        let source = places.source_of_folder(&version, folder.path()).unwrap();
        let plain = folder::source(&version, Some(folder.path()), None, &mut folder::plainly).unwrap();
        let digest = |source| {
            Protocol::assemble("p".to_owned(), crate::protocol::Declared::default(), vec![source], PathBuf::new())
                .unwrap()
                .versions()[0]
                .digest()
                .to_string()
        };
        let size = source.descriptor_set.len();
        assert_eq!(digest(source), digest(plain));
        let files = places.files(folder.path()).unwrap().unwrap();
        assert_eq!(files.len(), 1);
        let places = files[0].source_code_info.as_ref().unwrap();
        assert!(places.location.iter().any(|location| location.leading_comments() == " Kept.\n"));
        assert!(size < files[0].encoded_len() + 20_000);
    }

    #[test]
    fn bytes_that_are_no_descriptor_set_are_not_taken_for_one() {
        for bytes in [&[0x08, 0x01][..], &[0x0a, 0x05, 0x00], &[0x0a, 0x02, 0x4a, 0x05], &[0xff]] {
            assert_eq!(without_places(bytes), None, "{bytes:?}");
        }
        // A package and an empty SourceCodeInfo: `p` stays.
        assert_eq!(without_places(&[0x0a, 5, 0x12, 1, b'p', 0x4a, 0]).unwrap(), [0x0a, 3, 0x12, 1, b'p']);
    }
}
