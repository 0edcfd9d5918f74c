//! The objects of one version, as they stand on a node: open, with what they have open.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::chain::Chain;
use super::opening::Opening;
use crate::dispatch::{Compiling, Dispatch, Object, Objects, Table};
use crate::protocol::{Protocol, Schema};
use crate::retiring::reaches;
use crate::simulation::{Adjacent, observed};
use crate::state::{Files, HeldRecords, Records};
use crate::version::Version;

/// The objects of a node that runs one version, and what they were opened with.
pub(super) struct Standing {
    version: Version,
    /// What stands where, the current object first.
    opened: Vec<Opened>,
    /// There are no past objects of this version and older ones.
    retired_up_to: Option<Version>,
}

/// From behind this version to this one.
pub(super) type Range<'a> = (Option<&'a Version>, Option<&'a Version>);

/// What the routes of a version take of what is no object's: compiled while nobody waits for it.
pub(super) struct Ahead {
    version: Version,
    rewrites: Compiling,
}

struct Opened {
    /// For people: `the object of 2.0.0`.
    what: String,
    /// None once it was dropped.
    object: Option<Object>,
    opening: Opening,
}

/// Objects that nobody closes take their work in the background with them.
impl Drop for Standing {
    fn drop(&mut self) {
        self.opened.iter().for_each(|one| one.opening.background().abandon());
    }
}

impl Standing {
    /// Opens the objects of a version on an epoch's folder, but those of retired versions. Blocks, on a thread of the runtime.
    pub(super) fn open(
        chain: &Chain,
        protocol: &Protocol,
        dispatch: &Dispatch,
        files: &Arc<dyn Files>,
        epoch: &Path,
        version: &Version,
        retired_up_to: Option<&Version>,
    ) -> Result<Self, String> {
        let Some(link) = chain.link(version) else {
            return Err(format!("this program cannot run {version}; it can run {}", chain.told()));
        };
        let Some(schema) = protocol.schema(version) else {
            return Err(format!("the protocol has no {version} any more"));
        };
        let mut standing = Self { version: version.clone(), opened: Vec::new(), retired_up_to: retired_up_to.cloned() };
        let object = |opening: &Opening| Ok(observed((link.object)(opening)?, &chain.observers, schema));
        let folder = epoch.join("object");
        standing.add(protocol, files, version, &format!("the object of {version}"), &folder, object)?;
        for one in &chain.simulations {
            // Of a step there is one side that a node is on, and one object for callers of the other.
            let past = one.newer <= *version;
            let (open, simulated, adjacent, side) = if past {
                (&one.past, &one.older, &one.newer, "past")
            } else {
                (&one.future, &one.newer, &one.older, "future")
            };
            let Some(open) = open else { continue };
            if past && retired_up_to.is_some_and(|up_to| reaches(up_to, simulated)) {
                continue;
            }
            let adjacent = Adjacent::new(dispatch.within(adjacent.clone()));
            let (folder, what) =
                (epoch.join(side).join(simulated.to_string()), format!("{side} object of {simulated}"));
            let object = |opening: &Opening| open(adjacent, opening);
            standing.add(protocol, files, simulated, &format!("the {what}"), &folder, object)?;
        }
        Ok(standing)
    }

    /// Opens the past objects alone of some versions.
    pub(super) fn open_past(
        chain: &Chain,
        protocol: &Protocol,
        dispatch: &Dispatch,
        files: &Arc<dyn Files>,
        epoch: &Path,
        version: &Version,
        (behind, up_to): Range<'_>,
    ) -> Result<Self, String> {
        let mut standing = Self { version: version.clone(), opened: Vec::new(), retired_up_to: None };
        let is_wanted = |past: &Version| {
            past < version
                && up_to.is_some_and(|up_to| reaches(up_to, past))
                && !behind.is_some_and(|b| reaches(b, past))
        };
        for one in chain.simulations.iter().filter(|one| is_wanted(&one.older)) {
            let Some(open) = &one.past else { continue };
            let adjacent = Adjacent::new(dispatch.within(one.newer.clone()));
            let (folder, what) =
                (epoch.join("past").join(one.older.to_string()), format!("the past object of {}", one.older));
            standing.add(protocol, files, &one.older, &what, &folder, |opening| open(adjacent, opening))?;
        }
        Ok(standing)
    }

    /// They stand together from here on.
    pub(super) fn join(&mut self, mut more: Self, retired_up_to: Option<&Version>) {
        self.opened.append(&mut more.opened);
        self.retired_up_to = retired_up_to.cloned();
    }

    /// Takes the past objects of this version and older ones away. The table has to have no routes to them.
    pub(super) fn take_retired(&mut self, up_to: &Version) -> Self {
        let is_retired =
            |one: &mut Opened| *one.opening.version() < self.version && reaches(up_to, one.opening.version());
        let opened = self.opened.extract_if(.., is_retired).collect();
        self.retired_up_to = Some(up_to.clone());
        Self { version: self.version.clone(), opened, retired_up_to: None }
    }

    /// There are no past objects of this version and older ones.
    pub(super) fn retired_up_to(&self) -> Option<&Version> {
        self.retired_up_to.as_ref()
    }

    /// What all objects were opened with.
    pub(super) fn openings(&self) -> Vec<Opening> {
        self.opened.iter().map(|one| one.opening.clone()).collect()
    }

    fn add(
        &mut self,
        protocol: &Protocol,
        files: &Arc<dyn Files>,
        version: &Version,
        what: &str,
        folder: &Path,
        open: impl FnOnce(&Opening) -> Result<Object, String>,
    ) -> Result<(), String> {
        let failed = |why: &dyn std::fmt::Display| format!("{what} could not be opened: {why}");
        files.create_folder(folder).map_err(|error| failed(&error))?;
        let opening = Opening::new(version.clone(), protocol.clone(), folder.to_owned());
        // What it has begun before it failed ends with it.
        self.opened.push(Opened { what: what.to_owned(), object: None, opening: opening.clone() });
        let object = open(&opening).map_err(|why| failed(&why))?;
        if let Some(opened) = self.opened.last_mut() {
            opened.object = Some(object);
        }
        Ok(())
    }

    pub(super) fn version(&self) -> &Version {
        &self.version
    }

    /// What the routes to the objects of a version take that can be made before those stand.
    pub(super) fn ahead(
        chain: &Chain,
        protocol: &Protocol,
        version: &Version,
        retired_up_to: Option<&Version>,
    ) -> Option<Ahead> {
        let index = |version: &Version| protocol.versions().iter().position(|schema| schema.version() == version);
        let oldest = oldest(chain, protocol, retired_up_to);
        Some(Ahead { version: version.clone(), rewrites: Table::ahead(protocol, index(version)?, oldest) })
    }

    /// The routes to the objects. What was made ahead is taken where it is for them.
    pub(super) fn table(&self, chain: &Chain, protocol: &Protocol, ahead: Option<Ahead>) -> Result<Table, String> {
        let ahead = ahead.filter(|ahead| ahead.version == self.version && ahead.rewrites.is_of(protocol));
        let rewrites = ahead.map_or_else(|| Compiling::new(protocol), |ahead| ahead.rewrites);
        let index = |version: &Version| protocol.versions().iter().position(|schema| schema.version() == version);
        let Some(node) = index(&self.version) else {
            return Err(format!("the protocol has no {} any more", self.version));
        };
        let oldest = oldest(chain, protocol, self.retired_up_to.as_ref());
        let mut at: Vec<Option<Object>> = vec![None; protocol.versions().len()];
        for one in &self.opened {
            if let Some(index) = index(one.opening.version()) {
                at[index].clone_from(&one.object);
            }
        }
        let objects = Objects { node, oldest, at: &at, built: chain.built.range(protocol) };
        Table::compiled(protocol, &objects, rewrites).map_err(|missing| {
            let missing = missing.iter().map(|missing| {
                let version = protocol.versions()[missing.version].version();
                format!("the object of {version} lacks {}, for {}", missing.service, missing.method)
            });
            missing.collect::<Vec<_>>().join("; ")
        })
    }

    /// The records that the current object has opened.
    pub(super) fn records(&self) -> Option<Records> {
        self.opened.first()?.opening.opened_records().into_iter().next()
    }

    /// All records that objects have opened.
    pub(super) fn all_records(&self) -> Vec<Records> {
        self.opened.iter().flat_map(|one| one.opening.opened_records()).collect()
    }

    /// What simulation objects were opened with.
    pub(super) fn simulated(&self) -> impl Iterator<Item = &Opening> {
        self.opened.iter().skip(1).map(|one| &one.opening)
    }

    /// Stops the work in the background, and waits until nothing of it is left.
    ///
    /// # Errors
    /// Names the objects whose work does not end.
    pub(super) async fn stop_background(&self, limit: Duration) -> Result<(), String> {
        let mut left = Vec::new();
        // All at once: the patience is with all of them together.
        let mut stopping = tokio::task::JoinSet::new();
        for one in &self.opened {
            let (what, background) = (one.what.clone(), one.opening.background().clone());
            stopping.spawn(async move { (what, background.stop(limit).await) });
        }
        while let Some(stopped) = stopping.join_next().await {
            if let Ok((what, Err(tasks))) = stopped {
                left.push(format!("{what} ({tasks} tasks)"));
            }
        }
        let told = "background work does not end although it was told to, and does not wait anywhere where it could be \
                    dropped";
        if left.is_empty() { Ok(()) } else { Err(format!("{told}: {}", left.join(", "))) }
    }

    /// Drops the objects, closes their records, and waits until nothing is in use any more. The table has to be gone.
    ///
    /// # Errors
    /// Names the objects that are still in use.
    pub(super) async fn close(self, limit: Duration) -> Result<(), String> {
        self.close_as(limit, |records| records.iter().for_each(Records::close)).await
    }

    /// The same, but the files of records stay open: for whoever reads them beneath others, or closes them later.
    ///
    /// # Errors
    /// As [`close`](Self::close); the files are closed then.
    pub(super) async fn close_holding(self, limit: Duration) -> Result<Vec<HeldRecords>, String> {
        self.close_as(limit, |records| records.iter().filter_map(Records::hold).collect()).await
    }

    async fn close_as<T: Send + 'static>(
        mut self,
        limit: Duration,
        close: impl FnOnce(&[Records]) -> T + Send + 'static,
    ) -> Result<T, String> {
        let objects: Vec<Object> = self.opened.iter_mut().filter_map(|one| one.object.take()).collect();
        let records = self.all_records();
        let closed = tokio::task::spawn_blocking(move || {
            drop(objects);
            close(&records)
        });
        let closed = closed.await.map_err(|error| format!("an object could not be dropped: {error}"))?;
        let returned = async {
            for one in &self.opened {
                one.opening.leases().returned().await;
            }
        };
        if timeout(limit, returned).await.is_ok() {
            return Ok(closed);
        }
        let held = self.opened.iter().filter(|one| one.opening.leases().held() > 0);
        let held: Vec<String> = held.map(|one| format!("{} ({})", one.what, one.opening.leases().held())).collect();
        Err(format!("the state is still in use, although calls and background work have ended, by {}", held.join(", ")))
    }
}

/// The index of the oldest version that is served.
fn oldest(chain: &Chain, protocol: &Protocol, retired_up_to: Option<&Version>) -> usize {
    let versions = protocol.versions().iter().map(Schema::version);
    let declared = chain.oldest.as_ref().and_then(|oldest| protocol.index_of(oldest)).unwrap_or(0);
    let retired = versions.filter(|version| retired_up_to.is_some_and(|up_to| reaches(up_to, version))).count();
    declared.max(retired)
}
