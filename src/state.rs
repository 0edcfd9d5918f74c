//! The state of a node on disk: one folder an epoch, one pointer to the current one, and a journal of phases.
//!
//! # What lies on disk
//!
//! ```text
//! state/
//!   LOCK             empty; held with an exclusive file lock by the program that owns the state
//!   FENCE            how often the state has had an owner: decimal digits, a line feed
//!   CURRENT          the folder of the current epoch: its name, a line feed
//!   ACTIVE           the newest version whose behaviour is active, as a coordinator has said; absent until then
//!   RETIRING         what is retired, as the node was told: CRC-32 of the rest in 8 hexadecimal digits, a space, JSON (below), a line
//!                    feed; absent until the node is told something
//!   handed-over      what a node was whose program left it to another one, see `node/agent/succession.rs`; absent until then
//!   JOURNAL          one line an entry: CRC-32 of the rest in 8 hexadecimal digits, a space, JSON, a line feed
//!   0007-2.0.0/      an epoch: its number (at least four digits, never used again), `-`, its version
//!     object/        the state of the current object
//!     past/1.1.0/    the state of the past simulation object for callers of 1.1.0
//!     future/3.0.0/  the state of the future simulation object for callers of 3.0.0
//!     checkpoint/    while it is made: how far that has come
//!   bundles/         what the node has learned since its program was built
//!     <digest>.bundle    one bundle, as its digest names it
//!   lost/            what rollbacks gave up, by the will of whoever called for them; nothing here reads or removes it
//!     0007-2.0.0-1.jsonl     of that epoch, a JSON object a line
//!   trash-0006-1.1.0/    an epoch that is being removed; whoever finds it removes it
//! ```
//!
//! `FENCE`, `CURRENT`, `ACTIVE`, `RETIRING`, bundles and a shortened `JOURNAL` are replaced: written beside under the name with `.new` behind it, synced,
//! renamed, and the folder synced; what `CURRENT` will say of an epoch that is made ahead of time lies there from then on. The journal
//! grows by appending and syncing, but for the entry of verifying, which the next one syncs; each entry tells the whole [`Status`], so
//! the last one counts. A last line that is torn is as if it had not been written. Any other line that does not fit its
//! checksum is damage, and nothing is guessed.
//!
//! `RETIRING` has one JSON object, with all of these fields:
//!
//! ```json
//! {"told": {"retired_up_to": "1.0.0", "notices": [{"version": "1.1.0", "deprecated_since": 1790000000, "sunset": 1800000000,
//!           "brownout": {"seconds": 300, "every_seconds": 3600, "from": 1795000000}}], "grace_seconds": null},
//!  "waiting": [{"up_to": "1.0.0", "not_before": 1790604800, "left_seconds": 604800}],
//!  "swept_up_to": null}
//! ```
//!
//! `told` is what the node was told last, whether all of it can be in force or not; in it `retired_up_to`, `deprecated_since`, `sunset`,
//! `brownout` and `grace_seconds` may be null. `waiting` has the states of simulation objects that are to go: those up to `up_to`, not
//! before that second since 1970, and not before a program has run for `left_seconds` more; that is written down each hour, and when a
//! program ends. The folders in `past/` up to `swept_up_to` go: whoever finds one after that is written down removes it.
//!
//! # Who owns it
//!
//! One program at a time: it holds the lock, and has raised the fencing number by one. Before each entry and each switch
//! it looks whether the number is still its own; a program that was thought dead and comes back changes nothing.
//!
//! # Ahead of time
//!
//! An epoch may be begun while callers are still answered by the one before ([`StateFolder::prepare`]): its number is
//! journaled first, so that a crash leaves no folder that nobody knows of. The move takes it; whatever else happens, it is
//! swept.
//!
//! # After a crash
//!
//! [`StateFolder::open`] reads pointer and journal and leaves the state at the old version or at the new one, never
//! between; see [`Recovery`].

mod bundles;
mod epoch;
mod error;
mod files;
mod folder;
mod journal;
mod lease;
mod lost;
mod ownership;
mod phase;
mod pointer;
mod progress;
mod records;
mod recovery;
mod retiring;
mod sparse;
mod status;

pub use self::epoch::Epoch;
pub use self::error::StateError;
pub use self::files::{Disk, Files, Held};
pub use self::folder::StateFolder;
pub(crate) use self::folder::version_of;
pub use self::lease::{Lease, Leases};
pub use self::phase::{Event, IllegalEvent, Phase};
pub(crate) use self::pointer::{read as read_pointer, replace as replace_pointer};
pub use self::progress::Progress;
pub use self::records::{Carry, Layout, Mode, Reading, Records, RecordsError, RefusedRecord, WeakRecords, Writing};
pub(crate) use self::records::{Held as HeldRecords, Unchanged};
pub use self::recovery::Recovery;
pub(crate) use self::retiring::Retired;
pub use self::status::{Accepted, Move, Status, Way};
