//! A node that stays at its version for as long as it lives.

mod retired;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use self::retired::{Retirement, lock};
use super::agent::Agency;
use super::draining;
use super::front::Fronts;
use super::learn::{Built, Learning, Trust};
use super::life::NodeStatus;
use crate::dispatch::{Dispatch, Object, Objects, Table};
use crate::protocol::{Protocol, Schema};
use crate::retiring::{WallClock, reaches};
use crate::version::Version;

/// A node without a state folder.
pub(super) struct Resting {
    pub(super) version: Version,
    pub(super) dispatch: Dispatch,
    pub(super) status: watch::Sender<NodeStatus>,
    protocol: RwLock<Protocol>,
    /// None where all are served, also what is learned.
    oldest: Option<Version>,
    built: Built,
    pub(super) learning: Learning,
    pub(super) fronts: Fronts,
    pub(super) agency: Agency,
    objects: Mutex<Vec<(Version, Object)>>,
    retirement: Retirement,
}

impl Resting {
    /// `oldest` and the places of objects are indices of the protocol's versions.
    pub(super) fn new(
        protocol: Protocol,
        version: Version,
        dispatch: Dispatch,
        (oldest, at): (usize, Vec<Option<Object>>),
        trust: Trust,
        agency: Agency,
        patience: (Duration, Arc<dyn WallClock>),
    ) -> Self {
        agency.hold(&dispatch, None);
        let mut status = NodeStatus::resting(&protocol, &version);
        status.served.drain(..oldest);
        let versions = protocol.versions().iter().map(|schema| schema.version().clone());
        let objects = versions.zip(at).filter_map(|(version, object)| Some((version, object?))).collect();
        let oldest = (oldest > 0).then(|| protocol.versions()[oldest].version().clone());
        let (status, built, learning) = (watch::Sender::new(status), Built::of(&protocol), Learning::new(trust));
        let (protocol, fronts) = (RwLock::new(protocol), Fronts::new(!agency.attends()));
        let (objects, retirement) = (Mutex::new(objects), Retirement::new(patience));
        Self { version, dispatch, status, protocol, oldest, built, learning, fronts, agency, objects, retirement }
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn status(&self) -> NodeStatus {
        let status = self.status.borrow().clone();
        let active = self.agency.active(&self.protocol()).unwrap_or(status.active);
        let retired = status.retired.as_ref();
        let is_served = |version: &Version| {
            self.oldest.as_ref().is_none_or(|oldest| version >= oldest)
                && !retired.is_some_and(|retired| retired.in_force.retires(version))
        };
        let protocol = self.protocol();
        let versions = protocol.versions().iter().map(Schema::version);
        let served = versions.filter(|version| is_served(version)).cloned().collect();
        NodeStatus { served, calls: self.calls(), active, unadmitted: self.dispatch.kept_away(), ..status }
    }

    /// What the node is called in its log: as its coordinator calls it, else by its protocol.
    fn called(&self) -> String {
        let name = self.agency.attends_as().map(|(_, name)| name).filter(|name| !name.is_empty());
        name.unwrap_or_else(|| self.protocol().name().to_owned())
    }

    /// Tells those who watch what the node itself has not seen happen.
    pub(super) fn tell(&self) {
        let now = self.status();
        self.status.send_if_modified(|told| {
            let news = *told != now;
            *told = now;
            news
        });
    }

    fn calls(&self) -> (usize, usize) {
        let gate = self.dispatch.gate();
        (gate.inside(), gate.waiting())
    }

    /// Takes the node out of service: how many calls are left inside when nobody is, or the time is over.
    pub(super) async fn drain(&self, wait: Duration) -> usize {
        self.status.send_modify(|status| status.drained = true);
        draining::drain(self.dispatch.gate(), &self.fronts);
        let tell = || {
            let calls = self.calls();
            self.status.send_if_modified(|status| std::mem::replace(&mut status.calls, calls) != calls);
        };
        draining::emptied(self.dispatch.gate(), self.status.subscribe(), wait, tell).await
    }

    /// Takes the node back into service.
    pub(super) fn resume(&self) {
        draining::resume(self.dispatch.gate(), &self.fronts);
        self.status.send_modify(|status| status.drained = false);
    }

    /// Serves another protocol, which has all versions of the one before.
    pub(super) fn extend(&self, protocol: Protocol) -> Result<(), String> {
        let mut serves = self.protocol.write().unwrap_or_else(PoisonError::into_inner);
        let table = self.table(&protocol, &lock(&self.objects), self.retirement.gone_up_to().as_ref())?;
        let oldest = self.oldest.as_ref().and_then(|oldest| protocol.index_of(oldest)).unwrap_or(0);
        let versions: Vec<Version> =
            protocol.versions()[oldest..].iter().map(|schema| schema.version().clone()).collect();
        let learned = self.built.learned(&protocol);
        *serves = protocol;
        self.dispatch.install(table);
        self.status.send_modify(|status| (status.served, status.learned) = (versions, learned));
        Ok(())
    }

    /// The routes to these objects in a protocol; of versions up to one, which are retired, there are none.
    fn table(
        &self,
        protocol: &Protocol,
        objects: &[(Version, Object)],
        gone: Option<&Version>,
    ) -> Result<Table, String> {
        let mut at: Vec<Option<Object>> = vec![None; protocol.versions().len()];
        for (version, object) in objects {
            if let Some(index) = protocol.index_of(version) {
                at[index] = Some(object.clone());
            }
        }
        let oldest = self.oldest.as_ref().map_or(Some(0), |oldest| protocol.index_of(oldest));
        let (Some(node), Some(oldest)) = (protocol.index_of(&self.version), oldest) else {
            return Err("the other protocol lacks versions that this node serves".to_owned());
        };
        let versions = protocol.versions().iter().map(Schema::version);
        let oldest = oldest.max(versions.filter(|version| gone.is_some_and(|gone| reaches(gone, version))).count());
        Table::new(protocol, &Objects { node, oldest, at: &at, built: self.built.range(protocol) }).map_err(|missing| {
            let missing = missing.iter().map(|missing| format!("{} of {}", missing.method, missing.service));
            format!("the node has no objects for {}", missing.collect::<Vec<_>>().join(", "))
        })
    }
}
