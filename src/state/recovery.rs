//! What to do with a state that was left in the middle of something.
//!
//! | journal | pointer | what is done |
//! |---|---|---|
//! | serving | at the epoch | what was prepared for a way back is removed |
//! | learned, permitted | at the epoch | nothing; what was prepared for the upgrade stays |
//! | the same, on somebody's word | at the epoch | back to serving: whoever could give the word has lost the node |
//! | the same, under a coordinator's permit | at the epoch | back to serving: it was for the program that has ended |
//! | quiescing | at the epoch | back to serving: callers had only waited |
//! | transforming, reversing | at the epoch | made anew, or gone on with; after three attempts back to serving |
//! | reversing, in a dry run | at the epoch | back to serving: nobody wanted more than to see what would be lost |
//! | switching | at the epoch, or at the target | the pointer is moved; then verified |
//! | verifying | at the target | verified: no caller has been answered yet |
//! | verifying | at the epoch | back to serving: it had failed, and the pointer was moved back |
//! | finalizing | at the epoch | what was kept is removed |
//!
//! Anything else is damage.

use std::path::Path;

use super::epoch::Epoch;
use super::error::StateError;
use super::phase::Phase;
use super::status::{Status, Way};

/// How often the making of an epoch is begun before it is given up.
const ATTEMPTS: u32 = 3;

/// What whoever opens a state has to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing: serve what is current.
    Serve,
    /// Make the target epoch, with the transform function for [`Way::On`] and with the reverse one for [`Way::Back`]. Its
    /// folder holds what the attempts before have left, if they have left anything.
    Make(Way),
    /// The target epoch is current: verify it, then release or fail.
    Verify,
}

/// What has to be done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mending {
    /// Nothing.
    None,
    /// What was prepared is removed: nobody goes on with it.
    Abandon,
    /// The upgrade is forgotten, and what was prepared for it removed.
    Forget,
    /// The move is undone, saying why.
    Undo(&'static str),
    /// A dry run is ended.
    TakeBack,
    /// The pointer is moved to the target.
    Switch,
    /// What was kept is removed.
    Free,
}

/// Decides, from what the journal says last and from where the pointer points.
pub(super) fn decide(status: &Status, current: &Epoch, root: &Path) -> Result<(Mending, Recovery), StateError> {
    let at_epoch = *current == status.epoch;
    let target = status.under_way.as_ref().and_then(|under_way| under_way.target.as_ref());
    let at_target = target == Some(current);
    let dry_run = status.under_way.as_ref().is_some_and(|under_way| under_way.dry_run);
    let attempts = status.under_way.as_ref().map_or(0, |under_way| under_way.attempts);
    let for_then = status.under_way.as_ref().is_some_and(|under_way| under_way.on_word || under_way.under_permit);
    Ok(match status.phase {
        Phase::Serving if at_epoch => (Mending::Abandon, Recovery::Serve),
        Phase::Learned | Phase::Permitted if at_epoch && for_then => (Mending::Forget, Recovery::Serve),
        Phase::Learned | Phase::Permitted if at_epoch => (Mending::None, Recovery::Serve),
        Phase::Quiescing | Phase::Reversing if at_epoch && dry_run => (Mending::TakeBack, Recovery::Serve),
        Phase::Quiescing if at_epoch => {
            (Mending::Undo("the program ended while calls were held back"), Recovery::Serve)
        }
        Phase::Transforming | Phase::Reversing if at_epoch && attempts >= ATTEMPTS => {
            (Mending::Undo("the program ended each time while the state was made"), Recovery::Serve)
        }
        Phase::Transforming if at_epoch => (Mending::None, Recovery::Make(Way::On)),
        Phase::Reversing if at_epoch => (Mending::None, Recovery::Make(Way::Back)),
        Phase::Switching if at_epoch || at_target => (Mending::Switch, Recovery::Verify),
        Phase::Verifying if at_target => (Mending::None, Recovery::Verify),
        Phase::Verifying if at_epoch => {
            (Mending::Undo("the new object was not sane, and the program ended before it said so"), Recovery::Serve)
        }
        Phase::Finalizing if at_epoch => (Mending::Free, Recovery::Serve),
        _ => {
            let what = format!("points at {current}, but the journal says {} at {}", status.phase, status.epoch);
            let advice = "restore the state folder as a whole from a copy; its files belong together";
            return Err(StateError::damaged(&root.join("CURRENT"), what, advice));
        }
    })
}
