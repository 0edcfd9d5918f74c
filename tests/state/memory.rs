//! A file system in memory that fails on demand, and forgets what was not synced.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use straddle::state::{Files, Held};

/// What goes wrong at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not done, and fails.
    Error,
    /// It is done, and fails.
    ErrorAfter,
    /// Half of it is done, and it fails.
    ErrorTorn,
    /// It is not done, and nothing after it is.
    Crash,
    /// It is done, and nothing after it is.
    CrashAfter,
    /// Half of it is done, and nothing after it is.
    CrashTorn,
}

#[derive(Debug)]
pub(crate) struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    /// Files and folders; the root is number 0. A folder's names are told twice: as they are, and as they are on disk.
    nodes: HashMap<usize, Node>,
    /// How much of a file is durable, where that is not all of it.
    durable: HashMap<usize, usize>,
    next: usize,
    operations: usize,
    fault: Option<(usize, Fault)>,
    failed: bool,
    dead: bool,
    seed: u64,
    locks: HashSet<PathBuf>,
}

#[derive(Clone, Debug)]
enum Node {
    File(Vec<u8>),
    Folder { now: BTreeMap<OsString, usize>, durable: BTreeMap<OsString, usize>, pending: Vec<Change> },
}

impl Node {
    fn empty_folder() -> Self {
        Self::Folder { now: BTreeMap::new(), durable: BTreeMap::new(), pending: Vec::new() }
    }
}

/// What happened to the names of a folder since it was synced.
#[derive(Clone, Debug)]
enum Change {
    Add(OsString, usize),
    Rename(OsString, OsString),
    Remove(OsString),
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<OsString, usize>) {
        match self {
            Self::Add(name, node) => {
                names.insert(name.clone(), *node);
            }
            Self::Rename(from, to) => {
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Memory {
    /// Seed 0 keeps what was not synced; with others some of the last changes of a folder go, and of a file
    /// some of its end, or some of what comes before that.
    pub(crate) fn new(seed: u64) -> Self {
        let root = Node::empty_folder();
        Self(Arc::new(Mutex::new(Inner {
            nodes: HashMap::from([(0, root)]),
            durable: HashMap::new(),
            next: 1,
            operations: 0,
            fault: None,
            failed: false,
            dead: false,
            seed,
            locks: HashSet::new(),
        })))
    }

    pub(crate) fn fail(&self, at: usize, fault: Fault) {
        self.0.lock().unwrap().fault = Some((at, fault));
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.0.lock().unwrap().failed
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().unwrap().dead
    }

    pub(crate) fn operations(&self) -> usize {
        self.0.lock().unwrap().operations
    }

    pub(crate) fn forget_locks(&self) {
        self.0.lock().unwrap().locks.clear();
    }

    /// The machine comes back, with what was durable and some of what was not.
    pub(crate) fn restart(&self) {
        let mut inner = self.0.lock().unwrap();
        inner.dead = false;
        inner.fault = None;
        inner.locks.clear();
        let mut random = inner.seed;
        let keep_all = inner.seed == 0;
        let mut folders: Vec<usize> = inner.nodes.keys().copied().collect();
        folders.sort_unstable();
        for number in folders {
            let Some(Node::Folder { now, durable, pending }) = inner.nodes.get_mut(&number) else { continue };
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let kept = if keep_all { pending.len() } else { (random >> 33) as usize % (pending.len() + 1) };
            for change in pending.drain(..).take(kept) {
                change.apply(durable);
            }
            *now = durable.clone();
        }
        for (number, durable) in std::mem::take(&mut inner.durable) {
            let Some(Node::File(bytes)) = inner.nodes.get_mut(&number) else { continue };
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if keep_all {
                continue;
            }
            let kept = (random >> 33) as usize % (bytes.len() - durable + 1);
            bytes.truncate(durable + kept);
            // A disk may write what comes later first.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let missing = if random >> 63 == 0 { 0 } else { (random >> 33) as usize % (kept + 1) };
            bytes[durable..durable + missing].fill(0);
        }
    }
}

impl Inner {
    /// Whether, and how, the next operation is done; and what it answers.
    fn begin(&mut self) -> io::Result<(Extent, io::Result<()>)> {
        let error = || io::Error::other("the disk said no");
        if self.dead {
            return Err(error());
        }
        let number = self.operations;
        self.operations += 1;
        let Some((_, fault)) = self.fault.filter(|(at, _)| *at == number) else { return Ok((Extent::Whole, Ok(()))) };
        self.failed = true;
        self.dead = matches!(fault, Fault::Crash | Fault::CrashAfter | Fault::CrashTorn);
        let extent = match fault {
            Fault::Error | Fault::Crash => Extent::Nothing,
            Fault::ErrorAfter | Fault::CrashAfter => Extent::Whole,
            Fault::ErrorTorn | Fault::CrashTorn => Extent::Half,
        };
        Ok((extent, Err(error())))
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for part in path.components().filter_map(name) {
            let Some(Node::Folder { now, .. }) = self.nodes.get(&at) else { return Err(not_found(path)) };
            at = *now.get(&part).ok_or_else(|| not_found(path))?;
        }
        Ok(at)
    }

    fn change(&mut self, folder: usize, change: Change) {
        if let Some(Node::Folder { now, pending, .. }) = self.nodes.get_mut(&folder) {
            change.apply(now);
            pending.push(change);
        }
    }

    fn add(&mut self, folder: usize, called: OsString, node: Node) -> usize {
        let number = self.next;
        self.next += 1;
        self.nodes.insert(number, node);
        self.change(folder, Change::Add(called, number));
        number
    }

    fn file(&mut self, path: &Path) -> io::Result<&mut Vec<u8>> {
        let number = if let Ok(number) = self.find(path) {
            number
        } else {
            let (folder, called) = split(path)?;
            let folder = self.find(folder)?;
            self.add(folder, called, Node::File(Vec::new()))
        };
        match self.nodes.get_mut(&number) {
            Some(Node::File(bytes)) => Ok(bytes),
            _ => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn write(&mut self, path: &Path, bytes: &[u8], append: bool, durably: bool) -> io::Result<()> {
        let (extent, answer) = self.begin()?;
        if extent != Extent::Nothing {
            let kept = if extent == Extent::Half { bytes.len() / 2 } else { bytes.len() };
            let before = if append { self.file(path)?.len() } else { 0 };
            self.file(path)?;
            let number = self.find(path)?;
            if durably && extent == Extent::Whole {
                self.durable.remove(&number);
            } else {
                self.durable.entry(number).or_insert(before);
            }
            let file = self.file(path)?;
            if !append {
                file.clear();
            }
            file.extend_from_slice(&bytes[..kept]);
        }
        answer
    }

    fn make_folder(&mut self, folder: &Path, durably: bool) -> io::Result<()> {
        let (extent, answer) = self.begin()?;
        if extent == Extent::Whole {
            let mut at = 0;
            for part in folder.components().filter_map(name) {
                let Some(Node::Folder { now, .. }) = self.nodes.get(&at) else { return Err(not_found(folder)) };
                at = if let Some(number) = now.get(&part) {
                    *number
                } else {
                    let made = self.add(at, part, Node::empty_folder());
                    if durably {
                        self.sync(at, false);
                    }
                    made
                };
            }
        }
        answer
    }

    fn sync(&mut self, folder: usize, deep: bool) {
        let Some(Node::Folder { now, durable, pending }) = self.nodes.get_mut(&folder) else {
            self.durable.remove(&folder);
            return;
        };
        *durable = now.clone();
        pending.clear();
        if deep {
            for within in now.values().copied().collect::<Vec<_>>() {
                self.sync(within, true);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Nothing,
    Half,
    Whole,
}

impl Files for Memory {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        let inner = self.0.lock().unwrap();
        match inner.nodes.get(&inner.find(file)?) {
            Some(Node::File(bytes)) if !inner.dead => Ok(bytes.clone()),
            _ => Err(io::Error::other("the disk said no")),
        }
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().write(file, bytes, false, true)
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().write(file, bytes, true, true)
    }

    fn append_loosely(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().write(file, bytes, true, false)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        let (extent, answer) = inner.begin()?;
        inner.find(from)?;
        // A rename is whole or not at all.
        if extent == Extent::Whole {
            let (folder, from) = split(from)?;
            let folder = inner.find(folder)?;
            inner.change(folder, Change::Rename(from, split(to)?.1));
        }
        answer
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.lock().unwrap().make_folder(folder, true)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.lock().unwrap().make_folder(folder, false)
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        inner.find(file)?;
        let (extent, answer) = inner.begin()?;
        if extent == Extent::Whole {
            let (folder, called) = split(file)?;
            let folder = inner.find(folder)?;
            inner.change(folder, Change::Remove(called));
        }
        answer
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        let number = inner.find(folder)?;
        let (extent, answer) = inner.begin()?;
        match extent {
            Extent::Nothing => {}
            // What is in it goes first.
            Extent::Half => {
                if let Some(Node::Folder { now, .. }) = inner.nodes.get(&number)
                    && let Some(first) = now.keys().next().cloned()
                {
                    inner.change(number, Change::Remove(first));
                }
            }
            Extent::Whole => {
                let (parent, called) = split(folder)?;
                let parent = inner.find(parent)?;
                inner.change(parent, Change::Remove(called));
            }
        }
        answer
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let inner = self.0.lock().unwrap();
        match inner.nodes.get(&inner.find(folder)?) {
            Some(Node::Folder { now, .. }) if !inner.dead => Ok(now.keys().cloned().collect()),
            _ => Err(io::Error::other("the disk said no")),
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        let number = inner.find(folder)?;
        let (extent, answer) = inner.begin()?;
        if extent == Extent::Whole {
            inner.sync(number, false);
        }
        answer
    }

    fn sync_tree(&self, folder: &Path) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        let number = inner.find(folder)?;
        let (extent, answer) = inner.begin()?;
        if extent == Extent::Whole {
            inner.sync(number, true);
        }
        answer
    }

    fn copy_tree(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.create_folder(to)?;
        for name in self.list(from)? {
            match self.read(&from.join(&name)) {
                Ok(bytes) => self.write(&to.join(&name), &bytes)?,
                Err(_) => self.copy_tree(&from.join(&name), &to.join(&name))?,
            }
        }
        Ok(())
    }

    fn size(&self, folder: &Path) -> io::Result<u64> {
        let sizes = self.list(folder)?.into_iter().map(|name| {
            let path = folder.join(name);
            self.read(&path).map(|bytes| bytes.len() as u64).or_else(|_| self.size(&path))
        });
        sizes.sum()
    }

    fn free_space(&self, _: &Path) -> io::Result<Option<u64>> {
        Ok(None)
    }

    fn lock(&self, file: &Path) -> io::Result<Held> {
        if !self.0.lock().unwrap().locks.insert(file.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock { file: file.to_owned(), inner: self.0.clone() }))
    }
}

struct Lock {
    file: PathBuf,
    inner: Arc<Mutex<Inner>>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.inner.lock().unwrap().locks.remove(&self.file);
    }
}

fn name(part: Component<'_>) -> Option<OsString> {
    match part {
        Component::Normal(name) => Some(name.to_owned()),
        _ => None,
    }
}

fn split(path: &Path) -> io::Result<(&Path, OsString)> {
    let folder = path.parent().ok_or_else(|| not_found(path))?;
    Ok((folder, path.file_name().ok_or_else(|| not_found(path))?.to_owned()))
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no {}", path.display()))
}
