//! Versions that are served no longer, or not for long.
//!
//! A version is retired with all older ones. Nobody may call it any more, and that has to be known: for the guard time up to the
//! newest moment that all nodes have told of, each node's calls have to be counted without a gap, with none of such a version
//! among them. All of it goes by the watch, on which nothing looks older than it is.

use std::time::Duration;

use super::census::coverage;
use super::fleet::{Fleet, Node};
use super::nodes::some_of;
use super::outbox::Outbox;
use super::{Denied, Now, Reason};
use crate::census::LATE;
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::UpgradeState;
use crate::coordinator::record::keys;
use crate::coordinator::schedule::in_words;
use crate::retiring::Retiring;
use crate::version::Version;

/// The guard time where none is named: 14 days, in microseconds.
const GUARD: u64 = 14 * 24 * 60 * 60 * 1_000_000;
/// Most obstacles that are told.
const TOLD: usize = 200;
/// Most callers that are named for a method.
const CALLERS: usize = 10;

/// How a node tells who calls it.
pub(super) enum Tells<'c> {
    Nothing,
    /// Since its program started; one before has.
    NothingAnew,
    /// Nothing for so long, in microseconds.
    Late(u64),
    InTime(&'c wire::CensusNode),
}

impl Fleet {
    /// The newest version that is retired.
    pub(super) fn retired_up_to(&self) -> Option<Version> {
        let retiring = self.retiring.as_ref()?.retiring.as_ref()?;
        self.canonical(&retiring.retired_up_to)
    }

    /// Retires a version and all older ones, if nothing stands in the way.
    pub(super) fn retire(
        &mut self,
        request: &wire::RetireRequest,
        by: &str,
        now: Now,
        outbox: &mut Outbox,
    ) -> Result<wire::RetireResponse, Denied> {
        let version = self.published_version(&request.version)?;
        let grace = Duration::from_secs(request.grace_seconds);
        Retiring::default().keep_state_for(grace).check().map_err(invalid)?;
        if self.retired_up_to().is_some_and(|retired| retired >= version) {
            let retiring = self.retiring.clone();
            let asked = now.watched;
            return Ok(wire::RetireResponse { retired: true, retiring, asked, ..wire::RetireResponse::default() });
        }
        self.left_behind(&version)?;
        let guard = request.guard_microseconds.unwrap_or(GUARD);
        let guarded = outbox.settings.invariants.retire_guard;
        let mut obstacles = Vec::new();
        if guarded {
            obstacles = self.obstacles(&version, guard, now);
            obstacles.extend(self.not_told_up_to(request.told_up_to));
        }
        let (found, goes) = (obstacles.len(), (obstacles.is_empty() || request.force) && !request.dry_run);
        if goes {
            let first: Vec<String> = obstacles.iter().take(CALLERS).map(|obstacle| obstacle.what.clone()).collect();
            self.put_retired(&version, request.grace_seconds, by, now, outbox);
            let what = format!("{version} of {} is served no longer, nor is any older one", self.name);
            let why = if first.is_empty() {
                format!("nobody has called it for {}", in_words(guard))
            } else {
                format!("by force, although: {}", first.join("; "))
            };
            self.operator_event(outbox, now, by, "retired", what, why);
        }
        obstacles.truncate(TOLD);
        Ok(wire::RetireResponse {
            retired: goes,
            more: (found - obstacles.len()) as u64,
            obstacles,
            retiring: self.retiring.clone(),
            asked: now.watched,
        })
    }

    fn put_retired(&mut self, version: &Version, grace: u64, by: &str, now: Now, outbox: &mut Outbox) {
        let mut stored = self.stored_retiring();
        let retiring = stored.retiring.get_or_insert_default();
        retiring.retired_up_to = version.to_string();
        retiring.grace_seconds = grace;
        // Nothing is announced any more of what is gone.
        retiring.notices.retain(|notice| notice.version.parse().is_ok_and(|of: Version| of > *version));
        (stored.retired, stored.retired_watched) = (now.wall, now.watched);
        self.put_retiring(stored, by, now, outbox);
    }

    /// Serves all versions again.
    pub(super) fn unretire(
        &mut self,
        request: &wire::UnretireRequest,
        by: &str,
        now: Now,
        outbox: &mut Outbox,
    ) -> Result<wire::StoredRetiring, Denied> {
        let Some(retired) = self.retired_up_to() else { return Ok(self.stored_retiring()) };
        let swept = |node: &&Node| node.report.retiring.as_ref().is_some_and(|one| !one.swept_up_to.is_empty());
        let swept: Vec<&str> = self.counted().filter(swept).map(Node::name).collect();
        if !swept.is_empty() && !request.anyway {
            return Err(Denied {
                reason: Reason::TooLate,
                what: format!(
                    "{} does not have the state of the simulation objects up to {retired} any more",
                    swept.join(", ")
                ),
                advice: "--anyway serves these versions all the same; their objects begin without state".to_owned(),
            });
        }
        let mut stored = self.stored_retiring();
        stored.retiring.get_or_insert_default().retired_up_to.clear();
        (stored.retired, stored.retired_watched) = (0, 0);
        self.put_retiring(stored.clone(), by, now, outbox);
        let what = format!("{retired} of {} is served again, and all older ones", self.name);
        self.operator_event(outbox, now, by, "unretired", what, String::new());
        Ok(self.stored_retiring())
    }

    /// Announces something of a version, or nothing any more.
    pub(super) fn announce(
        &mut self,
        notice: &wire::Notice,
        by: &str,
        now: Now,
        outbox: &mut Outbox,
    ) -> Result<wire::StoredRetiring, Denied> {
        let version = self.published_version(&notice.version)?;
        if self.retired_up_to().is_some_and(|retired| retired >= version) {
            return Err(invalid(format!("{version} is retired already: its callers are told so")));
        }
        let nothing = notice.deprecated_since == 0 && notice.sunset == 0 && notice.brownout.is_none();
        let mut stored = self.stored_retiring();
        let retiring = stored.retiring.get_or_insert_default();
        let notices = &mut retiring.notices;
        notices.retain(|other| self.canonical(&other.version).as_ref() != Some(&version));
        if !nothing {
            notices.push(wire::Notice { version: version.to_string(), ..notice.clone() });
            notices.sort_by_key(|notice| self.canonical(&notice.version));
        }
        // Nodes would refuse what is not.
        let within = Retiring::try_from(&*retiring).map_err(|error| error.to_string()).and_then(|all| all.check());
        within.map_err(invalid)?;
        self.put_retiring(stored, by, now, outbox);
        let what = if nothing {
            format!("nothing is announced of {version} of {} any more", self.name)
        } else {
            format!("callers of {version} of {} are told that it will be retired", self.name)
        };
        let why = if notice.brownout.is_some() { "with brown-outs".to_owned() } else { String::new() };
        self.operator_event(outbox, now, by, "announced", what, why);
        Ok(self.stored_retiring())
    }

    fn stored_retiring(&self) -> wire::StoredRetiring {
        let none = || wire::StoredRetiring { protocol: self.name.clone(), ..wire::StoredRetiring::default() };
        self.retiring.clone().unwrap_or_else(none)
    }

    fn put_retiring(&mut self, stored: wire::StoredRetiring, by: &str, now: Now, outbox: &mut Outbox) {
        let stored = wire::StoredRetiring { by: by.to_owned(), changed: now.wall, ..stored };
        outbox.put(keys::retiring(&self.name), &stored);
        self.retiring = Some(stored);
        self.tell_goals(outbox);
        self.touch(None);
    }

    /// No node may run such a version, or be taken back to it.
    fn left_behind(&self, version: &Version) -> Result<(), Denied> {
        let blocked = |what: String, advice: String| Err(Denied { reason: Reason::Blocked, what, advice });
        if let Some(running) = self.upgrade.as_ref().filter(|running| running.from <= *version) {
            let (number, from) = (running.number(), &running.from);
            let finalizing = running.state() == UpgradeState::Finalizing;
            let advice = if finalizing { "wait until all nodes have finalized" } else { "finalize it first" };
            let what = format!("upgrade {number} of {} can still be taken back to {from}", self.name);
            return blocked(what, format!("{advice}: straddle upgrade status {number}"));
        }
        for node in self.counted() {
            let name = node.name();
            match &node.version {
                Some(runs) if runs > version => {}
                _ => {
                    let runs = &node.stored.version;
                    let advice = format!("upgrade it; if it is gone for good: {}", node.forget());
                    return blocked(format!("{name} runs {runs}"), advice);
                }
            }
            if let Some(back) = self.canonical(&node.stored.back).filter(|back| back <= version) {
                let advice = "finalize first: straddle upgrade finalize, or straddle node finalize".to_owned();
                return blocked(format!("{name} could still go back to {back}"), advice);
            }
        }
        Ok(())
    }

    /// What is called, and what is not known.
    fn obstacles(&self, version: &Version, guard: u64, now: Now) -> Vec<wire::RetireObstacle> {
        let mut obstacles = Vec::new();
        // What was called before it was published is not counted.
        let published = self.published.range(..=version).map(|(_, one)| one.at).max().unwrap_or_default();
        let published = now.watched.saturating_sub(now.wall.saturating_sub(published));
        let known = self.census.nodes().map(|node| node.from_watched).min().map(|since| since.max(published));
        let horizon = self.horizon(now);
        let begins = horizon.saturating_sub(guard);
        let young = |what| wire::RetireObstacle { rule: "young".to_owned(), what, ..wire::RetireObstacle::default() };
        match known {
            Some(since) if since <= begins && guard <= horizon => {}
            None => obstacles.push(young(format!("calls of {} are not counted yet", self.name))),
            Some(since) => obstacles.push(young(format!(
                "calls of {} are known for {}, up to {} ago, and have to be for {}",
                self.name,
                in_words(horizon.saturating_sub(since)),
                in_words(now.watched.saturating_sub(horizon)),
                in_words(guard)
            ))),
        }
        obstacles.extend(self.called(version, begins));
        for node in self.counted() {
            obstacles.extend(self.unknown_now(node, begins, now));
            let unpublished = |of: &&Version| *of <= version && self.index(of).is_none();
            if let Some(unpublished) = node.knows.versions().find(unpublished) {
                let name = node.name();
                let what =
                    format!("{name} serves {unpublished}, which nobody has published: its calls are not counted");
                obstacles.push(about("unpublished", name, what));
            }
        }
        for node in self.census.nodes() {
            for gap in node.gaps.iter().filter(|gap| gap.until_watched > begins) {
                let lasted = in_words(gap.until_watched.saturating_sub(gap.from_watched));
                let what = format!("of {} nothing is known for {lasted}: {}", node.node, gap.why);
                obstacles.push(about("gap", &node.node, what));
            }
        }
        obstacles
    }

    /// The nodes that have not told their calls up to then.
    fn not_told_up_to(&self, moment: u64) -> Option<wire::RetireObstacle> {
        let behind = |node: &&Node| self.tells_on(node).is_some_and(|kept| kept.until_watched < moment);
        let names: Vec<&str> = self.counted().filter(behind).map(Node::name).collect();
        let (have, node) = if let [one] = names[..] { ("has", one) } else { ("have", "") };
        let what = format!("{} {have} not told what was called up to now", some_of(&names));
        (!names.is_empty()).then(|| about("recent", node, what))
    }

    /// What is known of the calls of a node that goes on to tell them.
    fn tells_on(&self, node: &Node) -> Option<&wire::CensusNode> {
        self.census.node(node.name()).filter(|kept| !kept.closed || node.live.is_some())
    }

    /// Up to when all nodes that are there have told their calls, on the watch.
    fn horizon(&self, now: Now) -> u64 {
        self.told_up_to().unwrap_or(now.watched).min(now.watched)
    }

    /// The same, where any has told.
    pub(super) fn told_up_to(&self) -> Option<u64> {
        self.counted().filter_map(|node| self.tells_on(node)).map(|kept| kept.until_watched).min()
    }

    /// Methods of such versions that were called, with who has called them.
    fn called(&self, version: &Version, begins: u64) -> Vec<wire::RetireObstacle> {
        let mut called = Vec::new();
        for (place, kept) in self.census.services().filter(|((of, _), _)| of <= version) {
            let (of, service) = place;
            let kept = self.census.kept(&self.name, place, kept);
            for row in kept.rows.iter().filter(|row| row.last_seen_watched >= begins && row.begun + row.refused > 0) {
                let own =
                    |caller: &&wire::CensusCaller| caller.method == row.method && caller.unlabelled == row.unlabelled;
                let mut callers: Vec<wire::CensusCaller> = kept.callers.iter().filter(own).cloned().collect();
                callers.sort_by_key(|caller| std::cmp::Reverse(caller.last_seen));
                callers.truncate(CALLERS);
                let label = if row.unlabelled { " without a label" } else { "" };
                let names: Vec<&str> = callers.iter().map(|caller| caller.caller.as_str()).collect();
                let who = if names.is_empty() { String::new() } else { format!(" by {}", names.join(", ")) };
                called.push(wire::RetireObstacle {
                    rule: "called".to_owned(),
                    what: format!("{of} {service}.{}{label} is called{who}", row.method),
                    version: of.to_string(),
                    method: format!("{service}.{}", row.method),
                    unlabelled: row.unlabelled,
                    last_seen: row.last_seen,
                    callers,
                    node: String::new(),
                });
            }
        }
        called
    }

    /// Whether a node tells its calls.
    pub(super) fn tells(&self, node: &Node, now: Now) -> Tells<'_> {
        let Some(kept) = self.census.node(node.name()) else { return Tells::Nothing };
        let silent_for = now.watched.saturating_sub(kept.until_watched);
        match () {
            () if node.live.as_ref().is_some_and(|live| live.instance != kept.instance) => Tells::NothingAnew,
            () if !kept.closed && Duration::from_micros(silent_for) > LATE => Tells::Late(silent_for),
            () => Tells::InTime(kept),
        }
    }

    /// Whether a node's calls are not known up to now.
    fn unknown_now(&self, node: &Node, begins: u64, now: Now) -> Option<wire::RetireObstacle> {
        let name = node.name();
        let (rule, what) = match self.tells(node, now) {
            Tells::Nothing => ("silent", format!("{name} has told nothing of its calls yet")),
            Tells::NothingAnew => ("silent", format!("{name} has told nothing of its calls since its program started")),
            Tells::Late(_) | Tells::InTime(wire::CensusNode { closed: false, .. }) if node.live.is_none() => {
                ("away", format!("{name} is not heard, and has not told its last calls"))
            }
            Tells::Late(silent_for) => {
                ("late", format!("{name} has told nothing of its calls for {}", in_words(silent_for)))
            }
            Tells::InTime(kept) => ("gap", coverage::before_it_was_counted(kept, &node.stored, begins)?),
        };
        Some(about(rule, name, what))
    }
}

fn about(rule: &str, node: &str, what: String) -> wire::RetireObstacle {
    wire::RetireObstacle { rule: rule.to_owned(), node: node.to_owned(), what, ..wire::RetireObstacle::default() }
}

fn invalid(what: String) -> Denied {
    Denied { reason: Reason::Invalid, what, advice: "nothing was changed".to_owned() }
}
