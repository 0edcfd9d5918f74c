//! What has to prove itself for a while.

use crate::coordinator::view::View;

/// When something was reached, as a mark that was kept, or as the view has it now.
///
/// A bake goes by the watch, from the mark on. A mark that lies ahead of it (who restored a database may have got one) is set anew, so
/// that the rest takes at most one bake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    /// When, on the watch.
    pub(super) at: u64,
    /// It has to be kept: nobody did yet.
    pub(super) new: bool,
}

/// When it was reached, of the mark `key`, or else `seen` where that says that it is reached now. The outcome lies between the
/// upgrade's start and `now`.
pub(super) fn reached(view: &View, key: &str, now: u64, seen: impl FnOnce() -> Option<u64>) -> Option<Reached> {
    match view.marks.get(key) {
        Some(at) if *at <= now => Some(Reached { at: *at, new: false }),
        Some(_) => Some(Reached { at: now, new: true }),
        None => seen().map(|at| {
            // Nobody saw it come: it may have come just now.
            let at = if at == 0 { now } else { at };
            Reached { at: at.max(view.started).min(now), new: true }
        }),
    }
}

/// Microseconds as people write them, the largest two units of them.
pub(in crate::coordinator) fn in_words(microseconds: u64) -> String {
    let seconds = microseconds.div_ceil(1_000_000);
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(parts.len() - 1);
    let shown = parts[first..].iter().take(2).filter(|(count, _)| *count > 0 || seconds == 0);
    shown.map(|(count, unit)| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_units_at_most() {
        let cases = [
            (0, "0s"),
            (1, "1s"),
            (59_000_000, "59s"),
            (600_000_000, "10m"),
            (3_725_000_000, "1h 2m"),
            (90_061_000_000, "1d 1h"),
        ];
        for (microseconds, words) in cases {
            assert_eq!(in_words(microseconds), words);
        }
    }
}
