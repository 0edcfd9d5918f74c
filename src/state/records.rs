//! State that is messages: kept record by record, and carried from version to version by the protocol's rules.
//!
//! A [`Records`] is one redb file, `records.redb`, in a folder of the state. Its tables map keys to values; both are bytes,
//! and keys are in the order of their bytes. What a table's values are, its [`Layout`] says: messages of one type, which
//! are stored in envelopes and so say their version themselves, or bytes that mean the same in every version.
//!
//! ```no_run
//! # fn example(protocol: &straddle::Protocol, folder: &std::path::Path) -> Result<(), straddle::state::RecordsError> {
//! use straddle::state::{Layout, Records, RecordsError};
//!
//! let layout = Layout::new().messages("items", "inventory.v2.Item").carried("revisions");
//! let records = Records::open(folder, protocol, &"2.0.0".parse().unwrap(), &layout)?;
//! records.write(|writing| writing.insert("items", b"anvil", b"\x0a\x05anvil"))?;     // an Item of 2.0.0, encoded
//! let item = records.read()?.get("items", b"anvil")?;
//! # Ok(()) }
//! ```
//!
//! # From version to version
//!
//! [`Carry`] takes what is in one folder to another one, for another version: at once while callers wait
//! ([`Mode::Eager`]), ahead of time while the old object serves ([`Mode::Online`]), or later while the new one serves
//! ([`Mode::Lazy`]). The folder that it comes from is never changed, but for the note of what an online copy has yet to
//! catch up with.

mod batch;
mod carry;
mod cursor;
mod error;
mod file;
mod fill;
mod handle;
mod held;
mod layers;
mod layout;
mod loose;
mod origin;
mod reading;
mod store;
#[cfg(all(test, feature = "compile"))]
mod tests;
mod turns;
mod values;
mod writing;

pub use self::carry::{Carry, Mode, RefusedRecord};
pub use self::error::RecordsError;
pub(crate) use self::handle::Unchanged;
pub use self::handle::{Records, WeakRecords};
pub(crate) use self::held::Held;
pub use self::layout::Layout;
pub use self::reading::Reading;
pub use self::writing::Writing;
