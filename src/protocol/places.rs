//! Versions that are loaded with the places of what their protos declare, compiled once for both.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};
use prost_types::FileDescriptorProto;

use super::folder::{self, compile};
use super::{Fault, Protocol, ProtocolError, Source};
use crate::version::Version;

/// Protos with their places, by the folder that they were read from: encoded, which takes a fraction of the memory.
#[derive(Default)]
pub(crate) struct Places(HashMap<PathBuf, Vec<u8>>);

/// A file without its `SourceCodeInfo`, and that, encoded.
pub(crate) type Placed<'a> = (FileDescriptorProto, &'a [u8]);

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

    /// The protos of a folder that was loaded, imports that lie elsewhere left out, each with its encoded `SourceCodeInfo`
    /// beside it; none where the folder holds a descriptor set.
    ///
    /// # Errors
    /// When what the compiler wrote cannot be read.
    pub(crate) fn files(&self, root: &Path) -> Result<Option<Vec<Placed<'_>>>, ProtocolError> {
        let Some(set) = self.0.get(root) else { return Ok(None) };
        let fault = |what: String| Fault::new(root, what, "do not change the protos while they are compiled");
        let split = Files(set).map(|file| file.ok_or_else(|| fault("the compiler wrote no descriptor set".to_owned())));
        let mut files = Vec::new();
        for file in split {
            let Split { bare, info, .. } = file?;
            let file = FileDescriptorProto::decode(bare.as_slice()).map_err(|error| fault(error.to_string()))?;
            if root.join(file.name()).is_file() {
                files.push((file, info));
            }
        }
        Ok(Some(files))
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
fn without_places(set: &[u8]) -> Option<Vec<u8>> {
    let mut all = Vec::with_capacity(set.len() / 2);
    for file in Files(set) {
        let Split { tag, bare, .. } = file?;
        encode_key(tag, WireType::LengthDelimited, &mut all);
        encode_varint(bare.len() as u64, &mut all);
        all.extend_from_slice(&bare);
    }
    Some(all)
}

/// A file of an encoded descriptor set, taken apart.
struct Split<'a> {
    tag: u32,
    /// All but the places and comments.
    bare: Vec<u8>,
    /// Those; empty where there are none.
    info: &'a [u8],
}

/// The files of an encoded descriptor set, up to one that is none.
struct Files<'a>(&'a [u8]);

impl<'a> Iterator for Files<'a> {
    type Item = Option<Split<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = self.split();
        if split.is_none() {
            self.0 = &[];
        }
        Some(split)
    }
}

impl<'a> Files<'a> {
    fn split(&mut self) -> Option<Split<'a>> {
        let (tag, mut file) = length_delimited(&mut self.0)?;
        let (mut bare, mut info) = (Vec::new(), &[][..]);
        while !file.is_empty() {
            let field = file;
            let (tag, kind) = decode_key(&mut file).ok()?;
            skip_field(kind, tag, &mut file, DecodeContext::default()).ok()?;
            let mut field = &field[..field.len() - file.len()];
            if tag == SOURCE_CODE_INFO {
                (_, info) = length_delimited(&mut field)?;
            } else {
                bare.extend_from_slice(field);
            }
        }
        Some(Split { tag, bare, info })
    }
}

/// The number and the content of a field that has a length.
fn length_delimited<'a>(bytes: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    let (tag, kind) = decode_key(bytes).ok()?;
    if kind != WireType::LengthDelimited {
        return None;
    }
    let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
    let (content, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((tag, content))
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
        let (file, info) = &files[0];
        assert_eq!(file.source_code_info, None);
        let info = prost_types::SourceCodeInfo::decode(*info).unwrap();
        assert!(info.location.iter().any(|location| location.leading_comments() == " Kept.\n"));
        assert!(size < file.encoded_len() + 20_000);
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
