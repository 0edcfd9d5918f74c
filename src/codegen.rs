//! Rust code for the versions of a protocol, for a user's `build.rs`.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     straddle::codegen::compile("schemas/inventory")?;
//!     Ok(())
//! }
//! ```
//!
//! ```text
//! // src/main.rs
//! mod inventory {
//!     straddle::include_protocol!("inventory");
//! }
//!
//! use inventory::v2_0_0::{Item, inventory_server::{Inventory, InventoryServer}};
//! ```
//!
//! Each version becomes a module, `2.0.0-beta.3` for one `v2_0_0_beta_3`, with prost messages, tonic server traits and
//! clients in modules after their proto packages. What lies in the packages of the version's services is also to be
//! had from the version's module itself. Beside it stand `LABEL`, what calls of the version carry, and for each
//! service a constructor of a client that carries it, and that brings the steps along: over a `Channel` it is simulated
//! where a node does not know its version. `protocol()` has the descriptors and steps of all versions.

mod servers;
mod text;
mod version_module;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::protocol::{Cause, Hop, Protocol, ProtocolError};

/// Makes code of the protocol in `folder`, into Cargo's `OUT_DIR`, and has Cargo run the build script anew when
/// anything in the folder changes.
///
/// # Errors
/// When the protocol cannot be loaded, or the code cannot be written.
pub fn compile(folder: impl AsRef<Path>) -> Result<(), CodegenError> {
    configure().compile(folder)
}

/// Starts from the defaults of [`compile`].
pub fn configure() -> Builder {
    Builder { out: None, rerun: true }
}

/// How code is made.
#[derive(Clone, Debug)]
#[must_use = "nothing is made before `compile`"]
pub struct Builder {
    out: Option<PathBuf>,
    rerun: bool,
}

impl Builder {
    /// Writes into this folder instead of `OUT_DIR`.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out = Some(folder.into());
        self
    }

    /// Whether to print `cargo:rerun-if-changed` lines; on by default.
    pub fn emit_rerun_if_changed(mut self, emit: bool) -> Self {
        self.rerun = emit;
        self
    }

    /// Makes code of the protocol in `folder`: `<name>.rs`, and beside it a descriptor set a version.
    ///
    /// # Errors
    /// When the protocol cannot be loaded, or the code cannot be written.
    pub fn compile(self, folder: impl AsRef<Path>) -> Result<(), CodegenError> {
        let folder = folder.as_ref();
        if self.rerun {
            println!("cargo:rerun-if-changed={}", folder.display());
        }
        let protocol = Protocol::load(folder)?;
        if self.rerun {
            for elsewhere in protocol.sources().iter().map(|source| &source.origin).filter(|at| !is_within(folder, at))
            {
                println!("cargo:rerun-if-changed={}", elsewhere.display());
            }
        }
        if self.rerun {
            warn_of_open_methods(&protocol);
        }
        let out = match self.out {
            Some(out) => out,
            None => std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or(CodegenError(Kind::NoOutDir))?,
        };
        let write = |name: String, content: &[u8]| {
            let file = out.join(name);
            fs::write(&file, content).map_err(|error| CodegenError(Kind::Write { file, error }))
        };
        let code = text::of(&protocol)?;
        write(format!("{}.rs", protocol.name()), code.as_bytes())?;
        for schema in protocol.versions() {
            write(text::descriptor_set_name(&protocol, schema), schema.descriptor_set())?;
        }
        Ok(())
    }
}

/// Whether a path that begins with the folder stays in it: `schemas/shop/../../vendor` does not.
fn is_within(folder: &Path, path: &Path) -> bool {
    path.strip_prefix(folder).is_ok_and(|rest| !rest.components().any(|part| part == Component::ParentDir))
}

/// Methods that every call across their step is refused of, only because the step says nothing about them: somebody has
/// forgotten something, most likely.
fn warn_of_open_methods(protocol: &Protocol) {
    let name = protocol.name();
    for (index, step) in protocol.steps().iter().enumerate() {
        let sides = [(index, index + 1, step.past()), (index + 1, index, step.future())];
        for (caller, node, hops) in sides {
            let (caller, node) = (&protocol.versions()[caller], &protocol.versions()[node]);
            for (method, hop) in caller.methods().iter().zip(hops) {
                let Hop::Refused(Cause::Open(differences)) = hop else { continue };
                let why = differences.first().map(|difference| format!(" ({difference})")).unwrap_or_default();
                println!(
                    "cargo:warning={name}: callers of {} are refused {} on nodes that run {}: it differs{why}, and the \
                     step says nothing of it",
                    caller.version(),
                    method.full_name(),
                    node.version(),
                );
            }
        }
    }
}

/// Why code could not be made.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct CodegenError(Kind);

/// As its display: a build script that ends in it shows nothing else.
impl fmt::Debug for CodegenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("{0}")]
    Protocol(#[from] ProtocolError),
    #[error("OUT_DIR is not set: call this from a build script, or name a folder with `out_dir`")]
    NoOutDir,
    #[error("{} cannot be written: {error}", file.display())]
    Write { file: PathBuf, error: io::Error },
    #[error("no Rust code can be made of version {version}: {why}; please report this with the proto")]
    Generate { version: String, why: String },
}

impl CodegenError {
    /// The faults of the protocol, when it could not be loaded.
    #[must_use]
    pub fn protocol_error(&self) -> Option<&ProtocolError> {
        match &self.0 {
            Kind::Protocol(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ProtocolError> for CodegenError {
    fn from(error: ProtocolError) -> Self {
        Self(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protos_that_lie_elsewhere_are_watched_by_themselves() {
        let folder = Path::new("schemas/shop");
        assert!(is_within(folder, Path::new("schemas/shop/1.0.0")));
        assert!(!is_within(folder, Path::new("schemas/shop/../../vendor/shop-1.0.0")));
        assert!(!is_within(folder, Path::new("/vendor/shop-1.0.0")));
    }
}
