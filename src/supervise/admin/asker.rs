//! Whoever asked for a move, and listens.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tonic::Status;

use crate::node::admin::wire::move_update::Update;
use crate::node::admin::wire::{Done, MoveUpdate};
use crate::supervise::machine::Move;
use crate::supervise::release::PassedOver;

/// Messages that wait for whoever asked. Each may be large, and there may be any number.
const WAITING: usize = 4;
/// The longest that they may take to take one: the program that tells waits with them, and the move behind it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Debug)]
pub(in crate::supervise) enum Ask {
    /// With the releases that were passed over for it.
    Move(Box<Move>, Vec<PassedOver>, Asker),
    /// The move that is under way is given up, if it can be: whether it was is told.
    Abort(oneshot::Sender<bool>),
    /// The program has been told, and has done it. Whoever says so waits until it is written down.
    Finalized(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(in crate::supervise) struct Asker {
    parts: mpsc::Sender<Result<MoveUpdate, Status>>,
    last: Option<mpsc::OwnedPermit<Result<MoveUpdate, Status>>>,
    end: oneshot::Sender<Result<Done, Status>>,
}

/// What the old program tells on the way: to be sent on, a part each, as fast as they are taken.
#[derive(Debug)]
pub(in crate::supervise) struct More {
    parts: mpsc::Sender<Result<MoveUpdate, Status>>,
    /// A place that is kept for saying that there will be no more; none once that is said.
    last: Option<mpsc::OwnedPermit<Result<MoveUpdate, Status>>>,
    patience: Duration,
}

/// The other side.
pub(super) struct Asked {
    /// What comes before the end, to its own end; last of all perhaps why not all of it came.
    pub(super) more: mpsc::Receiver<Result<MoveUpdate, Status>>,
    pub(super) end: oneshot::Receiver<Result<Done, Status>>,
}

impl Asker {
    pub(super) fn new() -> (Self, Asked) {
        let (parts, more_comes) = mpsc::channel(WAITING + 1);
        let (end, end_comes) = oneshot::channel();
        let last = parts.clone().try_reserve_owned().ok();
        (Self { parts, last, end }, Asked { more: more_comes, end: end_comes })
    }

    /// For whoever hears the program, which bears to be kept waiting for so long. The end is not told before this is dropped.
    pub(in crate::supervise) fn more(&mut self, bears: Duration) -> More {
        More { parts: self.parts.clone(), last: self.last.take(), patience: PATIENCE.min(bears) }
    }

    /// Nobody has to listen.
    pub(in crate::supervise) fn end(self, end: Result<Done, Status>) {
        let _ = self.end.send(end);
    }
}

impl More {
    /// Tells them more, once they have taken what came before. Who takes nothing for too long is given up.
    ///
    /// # Errors
    /// When they are given up now.
    pub(in crate::supervise) async fn tell(&mut self, update: Update) -> Result<(), String> {
        if self.last.is_none() {
            return Ok(());
        }
        let sent = timeout(self.patience, self.parts.send(Ok(MoveUpdate { update: Some(update) }))).await;
        // Who has gone away needs to hear nothing.
        sent.map(drop).map_err(|_| format!("nothing was taken for {:?}", self.patience))
    }

    /// There will be no more, and why.
    pub(in crate::supervise) fn cut(&mut self, why: Status) {
        if let Some(last) = self.last.take() {
            last.send(Err(why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::admin::wire::Lost;

    fn part(number: u8) -> Update {
        Update::Lost(Lost { part: vec![number].into(), file: "lost".to_owned() })
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_waits_for_whoever_asked_than_a_few_parts() {
        let (mut asker, mut questions) = Asker::new();
        let mut more = asker.more(Duration::MAX);
        let telling = tokio::spawn(async move {
            for number in 0..=u8::MAX {
                more.tell(part(number)).await.expect("they take it");
            }
        });
        asker.end(Ok(Done::default()));
        for number in 0..=u8::MAX {
            // Whoever tells has all the time to run ahead.
            tokio::time::sleep(PATIENCE / 2).await;
            assert!(questions.more.len() <= WAITING, "{} wait", questions.more.len());
            let told = questions.more.recv().await.expect("more").expect("no error");
            assert_eq!(told.update, Some(part(number)));
        }
        assert_eq!(questions.more.recv().await.map(|more| more.is_ok()), None, "it ends with the last");
        telling.await.expect("no panic");
        assert!(questions.end.await.expect("an end").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_given_up_and_told_so_behind_what_was_there() {
        let (mut asker, mut questions) = Asker::new();
        let mut more = asker.more(Duration::from_secs(3));
        let mut told = 0;
        let why = loop {
            match more.tell(part(told)).await {
                Ok(()) => told += 1,
                Err(why) => break why,
            }
        };
        assert_eq!((usize::from(told), why.as_str()), (WAITING, "nothing was taken for 3s"));
        more.cut(Status::internal(why));
        more.tell(part(99)).await.expect("it is not even tried");
        drop((more, asker));
        for number in 0..told {
            assert_eq!(questions.more.recv().await.expect("more").expect("no error").update, Some(part(number)));
        }
        let last = questions.more.recv().await.expect("a last word").expect_err("a reason");
        assert_eq!(last.message(), "nothing was taken for 3s");
        assert!(questions.more.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_gone_away_holds_nobody_up() {
        let (mut asker, questions) = Asker::new();
        let mut more = asker.more(Duration::MAX);
        drop(questions);
        for number in 0..=u8::MAX {
            more.tell(part(number)).await.expect("nobody is given up");
        }
    }
}
