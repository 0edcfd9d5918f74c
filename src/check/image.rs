//! The protos of one version as they were written: descriptors with the places of what they declare.

use std::path::{Path, PathBuf};

use prost_types::FileDescriptorProto;

use crate::protocol::ProtocolError;

/// The protos of one version.
#[derive(Clone, Debug)]
pub struct Image {
    root: PathBuf,
    files: Vec<FileDescriptorProto>,
}

impl Image {
    /// The protos below `root`, which is their only import root.
    ///
    /// # Errors
    /// When a proto cannot be read or compiled, with its place.
    pub fn of_folder(root: &Path) -> Result<Self, ProtocolError> {
        let files = crate::protocol::compile_folder(root)?;
        Ok(Self { root: root.to_owned(), files })
    }

    /// Files that were read already, whose names count from `root`.
    #[must_use]
    pub fn new(root: PathBuf, files: Vec<FileDescriptorProto>) -> Self {
        Self { root, files }
    }

    /// The folder that file names count from.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files with their source info, imports that lie elsewhere (the well-known types) left out.
    #[must_use]
    pub fn files(&self) -> &[FileDescriptorProto] {
        &self.files
    }
}
