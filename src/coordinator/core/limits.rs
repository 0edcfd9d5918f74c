//! Limits that an operator has put in place of those of a schedule.

use super::fleet::Fleet;
use super::nodes::LONGEST_LABEL;
use super::outbox::Outbox;
use super::{Denied, Now, Reason, sizes};
use crate::control::v1_0_0 as wire;
use crate::coordinator::record::keys;
use crate::coordinator::schedule::Limits;

/// A schedule's limits, with those that were changed.
///
/// # Errors
/// Says which of them is none.
pub(super) fn with(mut limits: Limits, changed: Option<&wire::ChangedLimits>) -> Result<Limits, String> {
    let Some(wire::ChangedLimits { minimum_serving, serving_by, versions, apart }) = changed else { return Ok(limits) };
    if let Some(least) = minimum_serving {
        let share = least.chars().take(64).collect::<String>().parse();
        limits.minimum_serving.least = Some(share.map_err(|why| format!("minimum serving: {why}"))?);
    }
    if let Some(by) = serving_by {
        if by.len() > LONGEST_LABEL {
            return Err(format!("a label has at most {LONGEST_LABEL} bytes"));
        }
        limits.minimum_serving.by = Some(by.clone()).filter(|by| !by.is_empty());
    }
    let number = |number: u64| usize::try_from(number).ok().filter(|number| *number > 0);
    if *versions == Some(1) {
        return Err("an upgrade runs two versions at once: write 2 or more, or 0 for any number".to_owned());
    }
    if let Some(most) = *versions {
        limits.versions = number(most);
    }
    if let Some(most) = *apart {
        limits.apart = number(most);
    }
    Ok(limits)
}

impl Fleet {
    /// For what is left of the upgrade, in whichever direction it goes.
    pub(super) fn change_limits(
        &mut self,
        request: &wire::ChangeLimitsRequest,
        by: &str,
        now: Now,
        outbox: &mut Outbox,
    ) -> Result<(), Denied> {
        let Some(running) = &mut self.upgrade else { return Ok(()) };
        let new = request.limits.clone().unwrap_or_default();
        let before = running.stored.limits.clone().unwrap_or_default();
        let changed = wire::ChangedLimits {
            minimum_serving: new.minimum_serving.or(before.minimum_serving),
            serving_by: new.serving_by.or(before.serving_by),
            versions: new.versions.or(before.versions),
            apart: new.apart.or(before.apart),
        };
        if running.stored.limits.as_ref() == Some(&changed) {
            return Ok(());
        }
        let limits = with(running.scheduling.limits.clone(), Some(&changed)).map_err(|what| Denied {
            reason: Reason::Invalid,
            what,
            advice: "nodes are written as 2 or 80%".to_owned(),
        })?;
        let mut stored = running.stored.clone();
        stored.limits = Some(changed);
        sizes::keeps(&stored)?;
        outbox.put(keys::upgrade(stored.number), &stored);
        let what = format!("from now on {}", told(&limits));
        (running.stored, running.scheduling.limits) = (stored, limits);
        let (who, kind, why) = (by.to_owned(), "limits-changed".to_owned(), request.why.clone());
        self.event(outbox, now, wire::Event { who, kind, what, why, ..wire::Event::default() });
        self.forget_waits();
        self.touch(None);
        Ok(())
    }
}

/// Limits in words.
fn told(limits: &Limits) -> String {
    let by = limits.minimum_serving.by.as_ref().map(|by| format!(" of each {by}")).unwrap_or_default();
    let serving = match limits.minimum_serving.least {
        Some(least) => format!("{least} nodes{by} go on serving"),
        None => format!("as many nodes{by} go on serving as by itself"),
    };
    let versions = limits.versions.map(|most| format!(", at most {most} versions run at once")).unwrap_or_default();
    let apart = limits.apart.map(|most| format!(", at most {most} steps apart")).unwrap_or_default();
    format!("{serving}{versions}{apart}")
}
