//! Straddle: a version-aware RPC layer.

// So that generated code of our own schemas can name this crate as that of users does.
extern crate self as straddle;

#[cfg(feature = "cli")]
pub mod inventory;
#[cfg(feature = "runtime")]
pub mod refusal;
#[cfg(feature = "runtime")]
pub mod wire;
