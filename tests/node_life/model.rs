//! What a node of the shop has to be: at one version, with every word that it has acknowledged, each once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use straddle::dispatch::Dispatch;
use straddle::node::NodeStatus;

use crate::shop::list;
use crate::version;

/// Something that a caller of a version has added.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) urgent: bool,
    pub(crate) version: u32,
}

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) version: u32,
    /// Where it can go back to.
    pub(crate) back: Option<u32>,
    /// Whether it came there without what is new.
    pub(crate) given_up: bool,
}

pub(crate) struct Model {
    words: Vec<Word>,
    /// Those whose calls were not answered: they may be there, once.
    unanswered: Vec<Word>,
    /// One, but after a crash.
    at: Vec<At>,
    active: u32,
}

impl Model {
    pub(crate) fn new() -> Self {
        let at = At { version: 1, back: None, given_up: false };
        Self { words: Vec::new(), unanswered: Vec::new(), at: vec![at], active: 1 }
    }

    pub(crate) fn at(&self) -> At {
        self.at[0]
    }

    pub(crate) fn has(&mut self, word: Word) {
        self.words.push(word);
    }

    pub(crate) fn may_have(&mut self, word: Word) {
        self.unanswered.push(word);
    }

    pub(crate) fn is_one_of(&mut self, at: Vec<At>) {
        self.at = at;
    }

    /// How many words only 3.0.0 knows what to do with.
    pub(crate) fn news(&self) -> usize {
        self.words.iter().filter(|word| word.is_new()).count()
    }

    /// The node is where it may be; what it came there without is written down.
    pub(crate) fn is_at(&mut self, status: &NodeStatus, lost: &Path) {
        let is = |at: &&At| {
            status.version == version(&format!("{}.0.0", at.version))
                && status.back == at.back.map(|back| version(&format!("{back}.0.0")))
        };
        let Some(at) = self.at.iter().find(is).copied() else {
            panic!("it is at {} and can go back to {:?}, not {:?}", status.version, status.back, self.at);
        };
        assert_eq!(status.stuck, None);
        let active = u32::try_from(status.active.major()).unwrap();
        assert!(active >= self.active, "{} was active, and {} is", self.active, status.active);
        assert_eq!(active, at.back.unwrap_or(at.version));
        self.active = active;
        if at.given_up {
            let written = written(lost);
            for word in self.words.extract_if(.., |word| word.is_new()) {
                assert!(written.contains(&word.text), "{word:?} was given up, and is not in {written:?}");
            }
        }
        self.at = vec![At { given_up: false, ..at }];
    }

    /// Callers of each version read what they should.
    pub(crate) async fn reads(&mut self, node: &Dispatch, told: &str) {
        // 3.0.0 is told of all there is.
        let all = list(node, 3).await.unwrap_or_else(|status| panic!("{told}: {status:?}"));
        for word in std::mem::take(&mut self.unanswered) {
            if all.contains(&word.text) {
                self.words.push(word);
            }
        }
        for version in [3, 2, 1] {
            let urgent = version == 3 || self.at().version == 3;
            let words = self.words.iter().filter(|word| urgent || !word.urgent);
            let mut expected: Vec<&str> = words.map(|word| &*word.text).collect();
            expected.sort_unstable();
            let read = list(node, version).await.unwrap_or_else(|status| panic!("{told}: {status:?}"));
            assert_eq!(read, expected, "{told}: read in {version} at {:?}", self.at());
        }
    }
}

impl Word {
    fn is_new(&self) -> bool {
        self.text.starts_with("new")
    }
}

/// The words in a file of what was given up.
fn written(file: &Path) -> BTreeSet<String> {
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert_eq!((&line["version"], &line["table"]), (&"3.0.0".into(), &"entries".into()));
        let words = line["value_base64"].as_str().expect("a value");
        let words = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, words).expect("base64");
        String::from_utf8(words).expect("text")
    };
    fs::read_to_string(file).unwrap_or_default().lines().map(line).collect()
}
