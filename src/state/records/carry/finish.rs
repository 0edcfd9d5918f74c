//! The part that callers wait for.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::copy::Copy;
use super::source::Source;
use super::target::{Found, Target, look};
use super::{Mode, Plan, RefusedRecord};
use crate::state::progress::Progress;
use crate::state::records::cursor::Cursor;
use crate::state::records::error::RecordsError;
use crate::state::records::file::{self, Head, note};
use crate::state::records::handle::Records;

/// See [`Carry::finish`](super::Carry::finish).
pub(super) fn finish(
    plan: &Plan,
    from: &Path,
    folder: &Path,
    progress: &Progress,
    lost: &mut dyn FnMut(RefusedRecord) -> bool,
) -> Result<(), RecordsError> {
    let found = look(plan, folder)?;
    if let Found::Whole = found {
        return Ok(());
    }
    let source = Source::closed(plan, from)?;
    let values = plan.values(&source.origins()?)?;
    if plan.mode == Mode::Lazy {
        return note_base(plan, from, folder);
    }
    let ahead = match (&source, found) {
        (Source::Closed(base), Found::Half(name)) => base.noting() == Some(&*name),
        _ => false,
    };
    // What a crash has left of a copy while nobody wrote may be of a time before: it is made anew.
    let (target, cursor) =
        if ahead { Target::open(plan, folder)? } else { (Target::create(plan, folder, b"eager")?, Cursor::default()) };
    let mut copy = Copy {
        plan,
        source: &source,
        target: &target,
        values: &values,
        progress,
        lost,
        resumable: ahead,
        buffer: Vec::new(),
    };
    copy.all(cursor)?;
    if ahead {
        // Durable with the rest of the file; who crashes before does it again.
        copy.rest(false, |_| Ok(()))?;
    }
    target.complete()
}

/// [`Mode::Lazy`]: what callers need not wait for.
pub(super) fn note_ahead(plan: &Plan, source: &Records, folder: &Path) -> Result<(), RecordsError> {
    if let Found::Whole = look(plan, folder)? {
        return Ok(());
    }
    let source = source.store()?;
    // That there is a way is found out before anybody waits.
    plan.values(&source.origins())?;
    note_base(plan, source.file().parent().unwrap_or(Path::new("")), folder)
}

/// [`Mode::Lazy`]: nothing but where the records are.
fn note_base(plan: &Plan, from: &Path, folder: &Path) -> Result<(), RecordsError> {
    fs::create_dir_all(folder).map_err(RecordsError::io(folder, "making the folder"))?;
    let absolute = |path: &Path| path.canonicalize().map_err(RecordsError::io(path, "finding the folder"));
    let base = relative(&absolute(folder)?, &absolute(from)?);
    let base = base.to_str().ok_or_else(|| {
        RecordsError::wrong(format!("{} is no text", base.display()), "name the state folder in UTF-8")
    })?;
    file::remove(&file::path(folder))?;
    let head = Head::new(&plan.protocol, plan.to, plan.layout.tables());
    file::make(folder, &head, &[(note::BASE, base.as_bytes())], plan.layout.cache_size())
}

/// `to`, seen from the folder `from`; both are absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let same = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(same).map(|_| Component::ParentDir);
    up.chain(to.components().skip(same)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_seen_from_another_one() {
        for (from, to, seen) in [
            ("/s/0007-2.0.0/object", "/s/0006-1.1.0/object", "../../0006-1.1.0/object"),
            ("/s/a", "/s/b", "../b"),
            ("/s/a", "/s/a/b", "b"),
            ("/s/a/b", "/s/a", ".."),
            ("/s", "/t/u", "../t/u"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(seen), "{from} {to}");
        }
    }
}
