//! Asking for permits, and moving under them.

use std::collections::VecDeque;

use super::{AgentCore, Output, version};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::Phase;

/// Requests of which permits count. Older ones ran out long ago.
const REQUESTS: usize = 64;

/// The moves of an agent.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Of this stream, the oldest first.
    requests: VecDeque<Request>,
    /// The number of the last one.
    asked: u64,
    /// What was asked for last, on this stream.
    wanted: Option<Wanted>,
    moving: Option<Moving>,
    /// The last one that is over.
    ended: Option<wire::Ended>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    upgrade: u64,
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Debug)]
struct Request {
    number: u64,
    sent: u64,
    wanted: Wanted,
}

#[derive(Debug)]
struct Moving {
    permit: wire::Permit,
    /// The word was passed on.
    word: bool,
}

impl Moves {
    pub(super) fn forget_requests(&mut self) {
        self.requests.clear();
        (self.asked, self.wanted) = (0, None);
    }
}

impl AgentCore {
    /// Asks to go, with each report and whenever what it wants has changed.
    pub(super) fn ask(&mut self, now: u64) {
        let (along, wanted) = (self.reporting.asks_along(), self.wanted());
        let ready = self.is_ready_for(wanted.as_ref(), along, now);
        let wanted = wanted.filter(|_| ready);
        if along || wanted != self.moves.wanted {
            self.moves.wanted.clone_from(&wanted);
            if let Some(wanted) = wanted {
                self.request(wanted, now);
            }
        }
    }

    fn request(&mut self, wanted: Wanted, now: u64) {
        self.moves.asked += 1;
        let number = self.moves.asked;
        if self.moves.requests.len() == REQUESTS {
            self.moves.requests.pop_front();
        }
        let Wanted { upgrade, from, to } = wanted.clone();
        self.moves.requests.push_back(Request { number, sent: now, wanted });
        self.say(wire::from_agent::Message::PermitRequest(wire::PermitRequest { number, upgrade, from, to }));
    }

    /// The next step towards the goal, if the node could take one.
    fn wanted(&self) -> Option<Wanted> {
        let (goal, node) = (self.goal.as_ref()?, self.reporting.node());
        let (at, wanted) = (version(&node.version)?, version(&goal.version)?);
        if goal.paused || !self.is_still() || !self.reporting.is_fresh() || node.stuck.is_some() {
            return None;
        }
        let to = match wanted.cmp(&at) {
            std::cmp::Ordering::Equal => return None,
            std::cmp::Ordering::Less => version(&node.back).filter(|back| *back >= wanted)?,
            // What can be taken back has to be finalized before.
            std::cmp::Ordering::Greater if !node.back.is_empty() => return None,
            std::cmp::Ordering::Greater => version(&node.next).filter(|next| *next <= wanted)?,
        };
        Some(Wanted { upgrade: goal.upgrade, from: at.to_string(), to: to.to_string() })
    }

    /// Whether nothing is under way.
    pub(super) fn is_still(&self) -> bool {
        let node = self.reporting.node();
        let phase = matches!(node.phase(), Phase::Unspecified | Phase::Serving | Phase::Learned);
        phase && self.moves.moving.is_none() && node.moving_to.is_empty() && node.prepared.is_empty()
    }

    /// Begins to move, if the permit is what was asked for, and in time.
    pub(super) fn permitted(&mut self, permit: wire::Permit, now: u64) {
        if self.moves.moving.as_ref().is_some_and(|moving| moving.permit.permit == permit.permit) {
            return;
        }
        if self.moves.ended.as_ref().is_some_and(|ended| ended.permit == permit.permit) {
            return self.say_ended_again();
        }
        match self.begin_by(&permit, now) {
            Ok(begin_by) => {
                self.moves.forget_permits();
                self.moves.moving = Some(Moving { permit: permit.clone(), word: false });
                self.outputs.push(Output::Begin { permit, begin_by });
            }
            Err((reason, what)) => self.not_begun(permit.permit, reason, what),
        }
    }

    /// The last moment to begin, or why the permit does not count.
    fn begin_by(&self, permit: &wire::Permit, now: u64) -> Result<u64, (&'static str, String)> {
        let no = |what: &str| ("NOT_PERMITTED", what.to_owned());
        let request = self.moves.requests.iter().find(|request| request.number == permit.request);
        let Some(request) = request else { return Err(no("the node has not asked for this on its stream")) };
        let wanted = Wanted { upgrade: permit.upgrade, from: permit.from.clone(), to: permit.to.clone() };
        if request.wanted != wanted {
            return Err(no("the node has asked for something else"));
        }
        if self.wanted() != Some(wanted) {
            return Err(no("the node does not want this any more"));
        }
        if permit.back != (version(&permit.to) < version(&permit.from)) {
            return Err(no("the permit contradicts itself about going back"));
        }
        if permit.way() != wire::Way::Unspecified && !self.hello.ways.contains(&permit.way) {
            return Err(no("the node cannot go in this way"));
        }
        let begin_by = request.sent.saturating_add(permit.within_microseconds);
        if now >= begin_by {
            return Err(("EXPIRED", "the permit came when its time was over".to_owned()));
        }
        Ok(begin_by)
    }

    fn not_begun(&mut self, permit: u64, reason: &str, what: String) {
        let failure = Some(wire::Failure { reason: reason.to_owned(), what, advice: String::new() });
        let version = self.reporting.node().version.clone();
        self.say(wire::from_agent::Message::Ended(wire::Ended { permit, failure, pause_microseconds: 0, version }));
    }

    /// Passes the word on, once.
    pub(super) fn word(&mut self, word: wire::Word) {
        let wire::Word { permit, switch } = word;
        if self.moves.ended.as_ref().is_some_and(|ended| ended.permit == permit) {
            return self.say_ended_again();
        }
        match &mut self.moves.moving {
            Some(moving) if moving.permit.permit == permit => {
                if !std::mem::replace(&mut moving.word, true) {
                    self.outputs.push(Output::Word { permit, switch });
                }
            }
            _ => self.not_begun(permit, "NO_WORD", "the node knows of no such preparation".to_owned()),
        }
    }

    /// Takes back what waits for a word that will not come.
    pub(super) fn take_back_preparation(&mut self) {
        if let Some(moving) = &mut self.moves.moving
            && moving.permit.way() == wire::Way::Barrier
            && !std::mem::replace(&mut moving.word, true)
        {
            let permit = moving.permit.permit;
            self.outputs.push(Output::Word { permit, switch: false });
        }
    }

    /// A move is over: the node goes on from there when it has said how it is.
    pub(super) fn move_ended(&mut self, permit: u64, failure: Option<wire::Failure>, pause: u64) {
        let ours = self.moves.moving.take_if(|moving| moving.permit.permit == permit);
        let Some(Moving { permit, .. }) = ours else { return };
        let version = if failure.is_none() { permit.to.clone() } else { permit.from.clone() };
        self.used_ready();
        self.reporting.moved(&permit, failure.is_none());
        self.moves.ended = Some(wire::Ended { permit: permit.permit, failure, pause_microseconds: pause, version });
        if self.is_attending() {
            self.say_ended_again();
        }
    }

    /// Says how the last move has ended.
    pub(super) fn say_ended_again(&mut self) {
        if let Some(ended) = self.moves.ended.clone() {
            self.say(wire::from_agent::Message::Ended(ended));
        }
    }

    /// How the node is doing, with what the agent alone knows.
    pub(super) fn told(&self) -> wire::Report {
        let mut report = self.reporting.node().clone();
        report.unlearned = self.reporting.unlearned();
        if let Some(why) = self.retiring.failure() {
            report.retiring.get_or_insert_default().refused = Some(why.to_owned());
        }
        if let Some(Moving { permit, .. }) = &self.moves.moving {
            report.permit = permit.permit;
            if report.moving_to.is_empty() {
                // The node has not begun, and may do so at any moment.
                (report.moving_to, report.moving_back) = (permit.to.clone(), permit.back);
            }
            if matches!(report.phase(), Phase::Unspecified | Phase::Serving | Phase::Learned) {
                report.set_phase(Phase::Permitted);
            }
        } else if let Some(ended) = &self.moves.ended {
            report.permit = ended.permit;
        }
        report
    }
}

impl Moves {
    /// A permit was used: no other one that answers the same questions counts.
    fn forget_permits(&mut self) {
        self.requests.clear();
        self.wanted = None;
    }
}
