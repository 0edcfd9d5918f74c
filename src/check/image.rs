//! The protos of one version as they were written: descriptors with the places of what they declare.

use std::path::{Path, PathBuf};

use prost_reflect::FileDescriptor;
use prost_types::FileDescriptorProto;

use super::spans::Spans;
use crate::protocol::ProtocolError;

/// The protos of one version.
#[derive(Clone, Debug)]
pub struct Image {
    root: PathBuf,
    files: Vec<File>,
}

#[derive(Clone, Debug)]
struct File {
    held: Held,
    spans: Spans,
}

/// Where a file's descriptor is: large schemas are not held twice.
#[derive(Clone, Debug)]
enum Held {
    Here(Box<FileDescriptorProto>),
    /// In the pool of a version that was loaded.
    Pooled(FileDescriptor),
}

impl Image {
    /// The protos below `root`, which is their only import root.
    ///
    /// # Errors
    /// When a proto cannot be read or compiled, with its place.
    pub fn of_folder(root: &Path) -> Result<Self, ProtocolError> {
        Ok(Self::new(root.to_owned(), crate::protocol::compile_folder(root)?))
    }

    /// Files that were read already, whose names count from `root`.
    #[must_use]
    pub fn new(root: PathBuf, files: Vec<FileDescriptorProto>) -> Self {
        let file = |mut file: FileDescriptorProto| {
            let spans = file.source_code_info.take().as_ref().map(Spans::from).unwrap_or_default();
            File { held: Held::Here(Box::new(file)), spans }
        };
        Self { root, files: files.into_iter().map(file).collect() }
    }

    /// The same, of files of a version that was loaded, whose places were read apart.
    pub(crate) fn pooled(root: PathBuf, files: impl IntoIterator<Item = (FileDescriptor, Spans)>) -> Self {
        let file = |(file, spans)| File { held: Held::Pooled(file), spans };
        Self { root, files: files.into_iter().map(file).collect() }
    }

    /// The folder that file names count from.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files, imports that lie elsewhere (the well-known types) left out. Their source info is kept apart, and is none
    /// here.
    #[must_use]
    pub fn files(&self) -> impl ExactSizeIterator<Item = &FileDescriptorProto> {
        self.files.iter().map(|file| match &file.held {
            Held::Here(file) => file,
            Held::Pooled(file) => file.file_descriptor_proto(),
        })
    }

    /// The places in the file at this position in [`files`](Self::files).
    pub(crate) fn spans(&self, file: usize) -> &Spans {
        &self.files[file].spans
    }
}
