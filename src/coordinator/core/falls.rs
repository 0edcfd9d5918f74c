//! Nodes that had come to a version, and are back at an older one though nothing has let them go back: their supervisor gave the
//! newer program up, somebody took them back by hand, or an older state was put in place.
//!
//! That is a failure of the move, even if it was over: the node holds up what waits for it, and is not sent again before somebody
//! has seen to it. What it had come to is in its record, so a coordinator that begins again sees it as well. A Hello alone is no
//! proof, since it may be an old one that was underway for long; so the record stays until the node says more on that stream.

use super::Now;
use super::fleet::Fleet;
use super::outbox::Outbox;
use super::upgrade::Running;
use crate::coordinator::record::keys;

impl Fleet {
    /// Whether a node is behind the version that it had come to, and is to be there.
    pub(super) fn fell(&self, name: &str) -> bool {
        let Some(node) = self.nodes.get(name).filter(|node| node.stored.version != node.report.version) else {
            return false;
        };
        let came_to = self.canonical(&node.stored.version);
        node.version < came_to && self.next_step(node, self.bounds().as_ref()).is_some_and(|step| !step.back)
    }

    /// Writes down that a node has fallen back, if it has. What is under way under a permit is told when that is over.
    pub(super) fn fallen_back(&mut self, name: &str, now: Now, outbox: &mut Outbox) {
        if !self.fell(name) {
            return;
        }
        let upgrade = self.upgrade.as_ref().map_or(0, Running::number);
        let bounds = self.bounds();
        let Some(node) = self.nodes.get(name).filter(|node| node.permit.is_none()) else { return };
        let Some(step) = self.next_step(node, bounds.as_ref()) else { return };
        let told = node.report.failure.clone();
        // It failed in this upgrade before, and was told of then; or it was away, or put back, while nobody upgraded.
        let known = node.stored.failure.is_some() && node.stored.failed_in == upgrade;
        let is_news = !known && (told.is_some() || !step.behind);
        let Some(node) = self.nodes.get_mut(name) else { return };
        let had = std::mem::replace(&mut node.stored.version, node.report.version.clone());
        (node.stored.moved, node.stored.moved_watched) = (now.wall, now.watched);
        node.stored.changed = now.wall;
        let why = told.unwrap_or_else(|| "it does not say why".to_owned());
        let what = format!("it ran {had}, and is back at {} by itself", step.from);
        if is_news {
            node.stored.failure = Some(format!("{what}: {why}"));
            node.stored.failed_in = upgrade;
            node.again = node.again.after(now.monotonic);
        }
        outbox.put(keys::node(&self.name, name), &node.stored);
        if is_news {
            self.hold(name, outbox);
            let what = format!("{name} could not go from {} to {}: {what}", step.from, step.to);
            self.tell_event(outbox, now, "move-failed", name, &what, &why);
        }
        self.touch(Some(name));
    }

    /// A node that an operator had let go is to be let go again.
    fn hold(&mut self, name: &str, outbox: &mut Outbox) {
        let Some(running) = self.upgrade.as_mut() else { return };
        let before = running.stored.let_go.len();
        running.stored.let_go.retain(|one| one != name);
        if running.stored.let_go.len() != before {
            outbox.put(keys::upgrade(running.stored.number), &running.stored);
        }
    }
}
