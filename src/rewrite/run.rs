//! Tables, run on bytes.

mod carry;
mod decide;
mod emit;
mod entries;
mod gather;
mod mask;
mod notes;
mod scan;
mod seen;
mod swift;

pub(super) use self::emit::encode;
use std::cell::Cell;

use bytes::Bytes;

use self::notes::{Frame, Notes};
use self::seen::Seen;
use super::buffer::Buffer;
use super::failure::{Failure, Outcome};
use super::input::Input;
use super::output::Output;
use super::table::{Action, Compiled, Layout, Program};
use super::{Limits, RewriteError, Rewritten};

thread_local! {
    /// Memory that the last rewrite of this thread left for the next one.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Memory that is used again.
#[derive(Debug, Default)]
struct Scratch {
    output: Output,
    notes: Notes,
    /// A value by itself.
    value: Buffer,
}

/// Rewrites one message by the table at `root`.
///
/// # Errors
/// When it is refused, malformed, or takes more than `limits` allow.
///
/// `fused` are tables for several hops at once. What they cannot do without a doubt is done hop by hop, by `program`.
pub(super) fn run(
    fused: Option<&(Program, usize)>,
    program: &Program,
    root: usize,
    message: &Bytes,
    limits: &Limits,
) -> Result<Rewritten, RewriteError> {
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let at_once = fused.and_then(|(program, root)| hastily(program, *root, message, limits, &mut scratch));
    let result = match at_once {
        Some(rewritten) => Ok(rewritten),
        None => attempts(program, root, message, limits, &mut scratch).map_err(|error| {
            fused.and_then(|fused| in_words_of_source(&error, fused, message, limits)).unwrap_or(error)
        }),
    };
    scratch.clear();
    SCRATCH.set(Some(scratch));
    result
}

/// A refusal that came up hop by hop names fields as a version in between does. Where the hops as one refuse as well, they
/// name them as the source does.
#[cold]
fn in_words_of_source(
    error: &RewriteError,
    (program, root): &(Program, usize),
    message: &Bytes,
    limits: &Limits,
) -> Option<RewriteError> {
    let RewriteError::Refused(_) = error else { return None };
    let mut scratch = Scratch::default();
    let input = Input { bytes: message, is_whole: true, offset: 0 };
    let mut runner = Runner { program, limits, careful: true, scratch: &mut scratch };
    let again = runner.table(*root, input, 0, message.len(), limits.depth).err().map(RewriteError::from);
    again.filter(|error| matches!(error, RewriteError::Refused(refusal) if refusal.path().is_some()))
}

/// The same by `fused` alone; nothing where these cannot do it.
pub(super) fn at_once((program, root): &(Program, usize), message: &Bytes, limits: &Limits) -> Option<Rewritten> {
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let rewritten = hastily(program, *root, message, limits, &mut scratch);
    scratch.clear();
    SCRATCH.set(Some(scratch));
    rewritten
}

/// What the swift way makes of a message; nothing where there is none, or where it leaves the message to the careful one.
pub(super) fn swiftly(program: &Program, root: usize, message: &Bytes, limits: &Limits) -> Option<Rewritten> {
    let Action::Plan(plan) = &program.tables[root].action else { return None };
    plan.swift.as_ref()?;
    hastily(program, root, message, limits, &mut Scratch::default())
}

/// What the careful way makes of a message.
pub(super) fn carefully(
    program: &Program,
    root: usize,
    message: &Bytes,
    limits: &Limits,
) -> Result<Rewritten, RewriteError> {
    let mut scratch = Scratch::default();
    let input = Input { bytes: message, is_whole: true, offset: 0 };
    let mut runner = Runner { program, limits, careful: true, scratch: &mut scratch };
    runner.table(root, input, 0, message.len(), limits.depth)?;
    Ok(scratch.output.finish(message))
}

fn attempts(
    program: &Program,
    root: usize,
    message: &Bytes,
    limits: &Limits,
    scratch: &mut Scratch,
) -> Result<Rewritten, RewriteError> {
    if let Some(rewritten) = hastily(program, root, message, limits, scratch) {
        return Ok(rewritten);
    }
    // Whatever the message, all of it is done over just once, and this time with care.
    let input = Input { bytes: message, is_whole: true, offset: 0 };
    let mut runner = Runner { program, limits, careful: true, scratch };
    runner.table(root, input, 0, message.len(), limits.depth)?;
    Ok(scratch.output.finish(message))
}

/// Nothing where the message needs care, or is refused.
fn hastily(
    program: &Program,
    root: usize,
    message: &Bytes,
    limits: &Limits,
    scratch: &mut Scratch,
) -> Option<Rewritten> {
    let input = Input { bytes: message, is_whole: true, offset: 0 };
    let mut runner = Runner { program, limits, careful: false, scratch };
    let done = runner.table(root, input, 0, message.len(), limits.depth).is_ok();
    if done {
        return Some(scratch.output.finish(message));
    }
    scratch.clear();
    None
}

impl Scratch {
    fn clear(&mut self) {
        self.output.clear();
        self.notes.clear();
    }
}

/// One way through a message.
struct Runner<'p> {
    program: &'p Program,
    limits: &'p Limits,
    careful: bool,
    scratch: &'p mut Scratch,
}

/// A message that is being rewritten.
#[derive(Clone, Copy)]
struct Message<'p> {
    plan: &'p Compiled,
    layout: &'p Layout,
    input: Input<'p>,
    /// How many messages may follow inside one another.
    depth: usize,
    frame: Frame,
}

impl Message<'_> {
    /// Whether what has no place on the other side is left out, without anybody declaring it; else it is refused.
    fn leaves_unknown_out(&self) -> bool {
        self.layout.nodes[0].unknown.leave_out
    }
}

impl Runner<'_> {
    /// Rewrites the message between `start` and `end`.
    fn table(&mut self, index: usize, input: Input<'_>, start: usize, end: usize, depth: usize) -> Outcome<()> {
        let Some(depth) = depth.checked_sub(1) else { return Err(Failure::too_deep()) };
        let program = self.program;
        match &program.tables[index].action {
            Action::Identity => self.scratch.output.copy(input, start, end),
            Action::Plan(plan) => match &plan.swift {
                Some(swift) if !self.careful => self.swiftly(swift, input, start, end, depth)?,
                _ => self.plan(plan, input, start, end, depth)?,
            },
            Action::Refuse(why) => return Err(Failure::refused(why)),
            Action::Sequence(tables) => self.sequence(tables, input, start, end, depth)?,
        }
        self.fits()
    }

    /// Whether what is written so far is within the limit.
    #[inline]
    fn fits(&self) -> Outcome<()> {
        if self.scratch.output.len() > self.limits.output { Err(Failure::too_long(self.limits.output)) } else { Ok(()) }
    }

    /// One table after the other.
    fn sequence(&mut self, tables: &[usize], input: Input<'_>, start: usize, end: usize, depth: usize) -> Outcome<()> {
        let Some((last, first)) = tables.split_last() else {
            self.scratch.output.copy(input, start, end);
            return Ok(());
        };
        let mut between: Option<Vec<u8>> = None;
        for table in first {
            let outer = std::mem::take(&mut self.scratch.output);
            let result = match &between {
                None => self.table(*table, input, start, end, depth + 1),
                Some(bytes) => {
                    let input = Input::copied(bytes, input.place(start));
                    self.table(*table, input, 0, bytes.len(), depth + 1)
                }
            };
            let written = std::mem::replace(&mut self.scratch.output, outer);
            result?;
            between = Some(written.to_vec(input.bytes));
        }
        match &between {
            None => self.table(*last, input, start, end, depth + 1),
            Some(bytes) => {
                let input = Input::copied(bytes, input.place(start));
                self.table(*last, input, 0, bytes.len(), depth + 1)
            }
        }
    }

    fn plan(&mut self, plan: &Compiled, input: Input<'_>, start: usize, end: usize, depth: usize) -> Outcome<()> {
        let layout = if self.careful { &plan.careful } else { &plan.hasty };
        // One more for what the message itself does not declare.
        let slots = if layout.noting { plan.slots.len() + 1 } else { 0 };
        let frame = self.scratch.notes.enter(slots);
        let message = Message { plan, layout, input, depth, frame };
        let mut seen = Seen::default();
        self.scan(&message, 0, start, end, &mut seen)?;
        for (guard, field) in &layout.absents {
            if !seen.has(*guard) {
                let Some(field) = field else { return Err(Failure::Hasty) };
                self.scratch.output.buffer().extend_from_slice(field);
            }
        }
        if layout.noting {
            self.finish(&message, start, end)?;
        }
        if slots > 0 {
            self.scratch.notes.leave(frame);
        }
        Ok(())
    }
}
