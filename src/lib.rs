//! Straddle: a version-aware RPC layer.

// So that generated code of our own schemas can name this crate as that of users does.
extern crate self as straddle;

mod version;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "codegen")]
pub mod codegen;
#[cfg(feature = "runtime")]
pub mod dispatch;
#[cfg(all(fuzzing, feature = "runtime"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "cli")]
pub mod inventory;
#[cfg(feature = "runtime")]
pub mod node;
pub mod protocol;
#[cfg(feature = "runtime")]
pub mod refusal;
#[cfg(feature = "runtime")]
pub mod simulation;
#[cfg(feature = "runtime")]
pub mod transport;
#[cfg(feature = "runtime")]
pub mod wire;

pub use protocol::Protocol;
pub use version::{Version, VersionError};

/// Brings in the code that [`codegen::compile`](crate::codegen::compile) made of a protocol in the build script, by the
/// protocol's name.
#[macro_export]
macro_rules! include_protocol {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}
