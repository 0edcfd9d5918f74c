//! Gates of an upgrade under way.

use super::fleet::{Fleet, Waits};
use super::outbox::Outbox;
use super::upgrade::clock;
use super::{Now, states};
use crate::control::v1_0_0 as wire;
use crate::control::v1_0_0::UpgradeState;
use crate::coordinator::schedule::{self, Verdict};
use crate::coordinator::view::View;

impl Fleet {
    /// Gates: whether nobody is to go now, or the upgrade is at its end.
    pub(super) fn held(&mut self, view: &View, now: Now, outbox: &mut Outbox) -> Option<Waits> {
        let running = self.upgrade.as_mut().filter(|running| running.state() == UpgradeState::Running)?;
        let verdicts = running.scheduling.gates.verdicts(view, clock(now));
        let status = |verdict: &schedule::GateVerdict| wire::GateStatus {
            name: verdict.name.clone(),
            expression: verdict.expression.clone(),
            holds: verdict.verdict == Verdict::Holds,
            waits: verdict.verdict == Verdict::Waits,
            what: verdict.what.clone(),
        };
        running.gates = verdicts.iter().map(status).collect();
        if let Some(failed) = verdicts.iter().find(|verdict| verdict.verdict == Verdict::Fails) {
            let goes_back = running.rolls_back_on_failed_gate();
            let bound = self.upgrade.as_ref().filter(|_| goes_back).and_then(|running| self.leads_back(running).err());
            let mut why = format!("gate `{}` does not hold: {}", failed.name, failed.what);
            if let Some(bound) = &bound {
                why = format!("{why}; it is paused, not taken back: {}", bound.what);
            }
            self.tell_event(outbox, now, "gate-failed", "", &why, &failed.expression);
            let event = if goes_back && bound.is_none() { states::Event::RollBack } else { states::Event::Pause };
            self.change(event, &why, "coordinator", now, outbox);
            return None;
        }
        let waiting = verdicts.iter().find(|verdict| verdict.verdict == Verdict::Waits);
        waiting.map(|gate| Waits::new("gate", format!("gate `{}`: {}", gate.name, gate.what), ""))
    }
}
