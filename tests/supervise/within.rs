//! A supervisor within the process of its test.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use straddle::supervise::{Ended, Listen, News, Releases, Supervisor};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::disk::Placing;
use crate::place::{Place, STRADDLE};
use crate::program::{Run, straddle};

/// A supervisor within this process, that is killed by ending all of its tasks: its programs stay.
pub(crate) struct Within {
    runtime: Runtime,
    running: JoinHandle<Ended>,
    events: mpsc::Receiver<Option<News>>,
    pub(crate) callers: String,
    pub(crate) admin: String,
}

impl Within {
    /// Begins one; `placing` makes its disk, and may tell that the last word has come.
    pub(crate) fn begin(place: &Place, placing: impl FnOnce(mpsc::Sender<Option<News>>) -> Placing) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (tell, events) = mpsc::channel();
        let files = Arc::new(placing(tell.clone()));
        let news = tell;
        let supervisor = Supervisor::new(place.path("state"), Releases::parse(&place.pattern()).expect("a pattern"))
            .release("1.1.0".parse().expect("a version"))
            .helper(STRADDLE)
            .waits(Duration::from_millis(10), Duration::from_secs(1))
            .files(files)
            .news(move |told| drop(news.send(Some(told.clone()))));
        let on = || Listen::On("127.0.0.1:0".to_owned());
        let (running, callers, admin) = runtime.block_on(async move {
            let running = supervisor.begin(on(), on()).await.expect("a supervisor");
            let (callers, admin) = (running.callers().to_string(), running.admin().to_string());
            (tokio::spawn(running.run(tokio::sync::mpsc::channel(1).1)), callers, admin)
        });
        Self { runtime, running, events, callers, admin }
    }

    /// Whether this happens before the last word.
    pub(crate) fn hears(&self, wanted: impl Fn(&News) -> bool) -> bool {
        loop {
            match self.events.recv().expect("the supervisor lives") {
                Some(news) if wanted(&news) => return true,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Tells it to move, and waits for the end of that or for its last word.
    pub(crate) fn moves(&self, arguments: &[&str]) -> bool {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let admin = self.admin.clone();
        // Whoever asked is not told how it ends when the supervisor is killed.
        std::thread::spawn(move || {
            let [command, more @ ..] = arguments.as_slice() else { return None::<Run> };
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            Some(straddle(&[&["node", command, &admin][..], &more].concat()))
        });
        self.hears(|news| matches!(news, News::Moved { .. } | News::Failed { .. }))
    }

    pub(crate) fn kill(self) {
        self.running.abort();
        let ended = self.runtime.block_on(self.running);
        assert!(ended.is_err(), "it does not end by itself: {ended:?}");
        self.runtime.shutdown_background();
    }
}
