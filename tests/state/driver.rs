//! A node that lives a whole life on some files: it serves writes, upgrades, goes back, and upgrades again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use straddle::Version;
use straddle::state::{Files, Phase, Recovery, StateError, StateFolder, Way};

use crate::memory::Memory;

const ROOT: &str = "/state";

pub(crate) struct Driver {
    memory: Arc<Memory>,
    /// Whether moves begin where nobody is answered.
    at_rest: bool,
    state: Option<StateFolder>,
    /// Writes that callers were told of.
    acknowledged: Vec<u32>,
    next: u32,
}

/// The program is gone.
struct Crashed;

impl Driver {
    pub(crate) fn new(memory: Arc<Memory>, at_rest: bool) -> Self {
        Self { memory, at_rest, state: None, acknowledged: Vec::new(), next: 0 }
    }

    /// Lives until the end or a crash; how many operations it took.
    pub(crate) fn live(&mut self) -> usize {
        let _: Result<(), Crashed> = self.life();
        self.memory.operations()
    }

    fn life(&mut self) -> Result<(), Crashed> {
        let first = self.retry(|driver| {
            let (state, recovery) = StateFolder::open_on(driver.memory.clone(), ROOT, &Version::new(1, 1, 0))?;
            driver.state = Some(state);
            Ok(recovery)
        })?;
        assert_eq!(first, Recovery::Serve);
        self.serve()?;
        // One that waits for a word that nobody gives.
        self.retry(|driver| driver.state().permit_on_word(&Version::new(2, 0, 0)))?;
        self.prepare()?;
        self.retry(|driver| driver.state().forget())?;
        self.serve()?;
        // One under a permit, whose time is over before it begins.
        self.retry(|driver| driver.state().permit_under(7, &Version::new(2, 0, 0), false))?;
        self.prepare()?;
        self.retry(|driver| driver.state().forget())?;
        self.serve()?;
        // One that is made ready ahead of a permit, twice: nobody permits the first.
        for permit in [None, Some(8)] {
            self.retry(|driver| driver.state().learn_ahead(&Version::new(2, 0, 0)))?;
            self.prepare()?;
            if let Some(permit) = permit {
                self.retry(|driver| driver.state().permit_under(permit, &Version::new(2, 0, 0), false))?;
                self.prepare()?;
            }
            self.retry(|driver| driver.state().forget())?;
            self.serve()?;
        }
        // It is tried again until it works: a fault comes once.
        while self.version() != Version::new(2, 0, 0) {
            self.upgrade()?;
            self.serve()?;
        }
        // One that nobody wants after all.
        self.prepare()?;
        self.retry(|driver| driver.state().abandon())?;
        while self.version() != Version::new(1, 1, 0) {
            self.prepare()?;
            if self.at_rest {
                self.move_on(StateFolder::reverse_at_rest)?;
            } else {
                self.move_on(|state| state.rollback_under(8, None).and_then(|()| state.reverse()))?;
            }
            self.serve()?;
        }
        while self.version() != Version::new(2, 0, 0) {
            self.upgrade()?;
            self.serve()?;
        }
        self.retry(|driver| driver.state().finalize())?;
        self.serve()
    }

    fn upgrade(&mut self) -> Result<(), Crashed> {
        if self.at_rest {
            return self.move_on(|state| state.transform_at_rest(&Version::new(2, 0, 0)));
        }
        self.retry(|driver| match driver.state().status().phase {
            Phase::Serving => driver.state().learn(&Version::new(2, 0, 0)),
            _ => Ok(()),
        })?;
        self.serve()?;
        self.retry(|driver| match driver.state().status().phase {
            Phase::Learned => driver.state().permit(),
            _ => Ok(()),
        })?;
        self.prepare()?;
        self.move_on(|state| state.quiesce().and_then(|()| state.transform()))
    }

    /// Begins the next epoch while callers go on.
    fn prepare(&mut self) -> Result<(), Crashed> {
        let folder = self.retry(|driver| driver.state().prepare())?;
        // What lies there ahead of time counts for nothing by itself.
        let _ = self.memory.write(&folder.join("object/data"), b"half");
        self.serve()
    }

    /// From holding callers back to answering them again; an error goes back to what was.
    fn move_on(&mut self, begin: impl FnOnce(&mut StateFolder) -> Result<PathBuf, StateError>) -> Result<(), Crashed> {
        let moved = begin(self.state()).and_then(|folder| {
            let old = self.object();
            self.make(&old, &folder);
            // Nothing else was changed since it was prepared, where it was.
            self.state().switch_made(&[folder.join("object")])
        });
        match moved {
            Ok(()) => self.retry(|driver| driver.state().release()),
            Err(_) if self.memory.is_dead() => Err(Crashed),
            // Where not even the first phase was written down, nothing has to be undone.
            Err(_) if self.state().status().phase.answers_callers() => Ok(()),
            Err(error) => {
                self.retry(|driver| driver.state().fail(error.to_string()))?;
                // What lies on disk now says the same as what we hold in memory.
                self.retry(|driver| {
                    driver.state = None;
                    let (state, recovery) = StateFolder::open_on(driver.memory.clone(), ROOT, &Version::new(1, 1, 0))?;
                    assert_eq!(recovery, Recovery::Serve);
                    driver.state = Some(state);
                    Ok(())
                })
            }
        }
    }

    /// The transform function: each write again, under the version that is made.
    fn make(&self, old: &Path, folder: &Path) {
        let data = self.memory.read(old).unwrap_or_default();
        // What the author's function does is not the state's: it is tried until it works.
        for _ in 0..3 {
            if self.memory.write(&folder.join("object/data"), &data).is_ok() {
                break;
            }
        }
    }

    /// Answers callers: a write is acknowledged once it is durable.
    fn serve(&mut self) -> Result<(), Crashed> {
        assert!(self.state().status().phase.answers_callers());
        let data = self.object();
        let write = self.next;
        self.next += 1;
        let folder = data.parent().unwrap().to_owned();
        let written = self.memory.append(&data, line(write).as_bytes());
        if written.is_ok() && self.memory.sync_folder(&folder).is_ok() {
            self.acknowledged.push(write);
        } else if !self.memory.is_dead() {
            // A torn write ends in a line of its own, as a store would have it.
            let _ = self.memory.append(&data, b"\n");
            let _ = self.memory.sync_folder(&folder);
        }
        if self.memory.is_dead() { Err(Crashed) } else { Ok(()) }
    }

    /// Starts again after a crash, and does what the state says.
    pub(crate) fn recover(&mut self, told: &str) -> Recovery {
        self.state = None;
        let opened = StateFolder::open_on(self.memory.clone(), ROOT, &Version::new(1, 1, 0));
        let (state, recovery) = opened.unwrap_or_else(|error| panic!("{told}: {error}"));
        self.state = Some(state);
        let mut to_release = recovery == Recovery::Verify;
        if let Recovery::Make(way) = recovery {
            let old = self.object();
            let folder = match way {
                Way::On => self.state().transform().unwrap(),
                Way::Back => self.state().reverse().unwrap(),
            };
            self.make(&old, &folder);
            self.state().switch().unwrap();
            to_release = true;
        }
        if to_release {
            self.state().release().unwrap();
        }
        recovery
    }

    /// What was acknowledged is there, once, and no epoch too many.
    pub(crate) fn check(&mut self, told: &str) {
        assert!(self.state().status().phase.answers_callers(), "{told}: {:?}", self.state().status());
        let file = self.object();
        let data = String::from_utf8(self.memory.read(&file).unwrap_or_default()).unwrap();
        for write in &self.acknowledged {
            let found = data.lines().filter(|found| *found == line(*write).trim_end()).count();
            assert_eq!(found, 1, "{told}: write {write} is there {found} times in {data:?}");
        }
        // What could not be removed at once is, when the state is opened.
        self.state = None;
        let (state, recovery) = StateFolder::open_on(self.memory.clone(), ROOT, &Version::new(1, 1, 0)).unwrap();
        assert_eq!(recovery, Recovery::Serve, "{told}");
        let mut names: Vec<String> = self
            .memory
            .list(Path::new(ROOT))
            .unwrap()
            .into_iter()
            .map(|name| name.into_string().unwrap())
            .filter(|name| name.contains('-'))
            .collect();
        names.retain(|name| *name != state.current().to_string());
        // The folder of one that is prepared may not have been made yet.
        let prepared: Vec<String> = state.status().prepared.iter().map(ToString::to_string).collect();
        names.retain(|name| !prepared.contains(name));
        let kept: Vec<String> = state.status().kept.iter().map(ToString::to_string).collect();
        assert_eq!(names, kept, "{told}: epochs beside the current one");
        self.state = Some(state);
    }

    fn version(&mut self) -> Version {
        self.state().current().version().clone()
    }

    fn object(&mut self) -> PathBuf {
        let current = self.state().current().clone();
        self.state().folder_of(&current).join("object/data")
    }

    fn state(&mut self) -> &mut StateFolder {
        self.state.as_mut().unwrap()
    }

    /// A fault comes once: the second time it works, or the program is gone.
    fn retry<T>(&mut self, act: impl Fn(&mut Self) -> Result<T, StateError>) -> Result<T, Crashed> {
        for _ in 0..3 {
            match act(self) {
                Ok(done) => return Ok(done),
                Err(_) if self.memory.is_dead() => return Err(Crashed),
                Err(error) => assert!(error.is_io(), "{error}"),
            }
        }
        panic!("it still does not work");
    }
}

/// Half of a line is no other line.
fn line(write: u32) -> String {
    format!("write {write} is done.\n")
}
