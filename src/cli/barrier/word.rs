//! The word, to all at once; and then to those again that it did not reach.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Barrier, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tonic::{Response, Status, Streaming};

use super::decide::{Next, next};
use super::nodes::Member;
use super::record::Record;
use super::told::Told;
use crate::cli::node::{Client, Failure};
use crate::node::admin::wire::move_update::Update;
use crate::node::admin::wire::{MoveUpdate, Moved, NodeStatus, SwitchRequest, UpgradeRequest};
use crate::version::Version;

/// How often a straggler is tried.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a node may take to say how it is doing.
const ANSWER: Duration = Duration::from_secs(2);
/// Statuses that wait to be shown.
const WAITING: usize = 64;

type Sender = mpsc::Sender<(usize, Box<NodeStatus>)>;

/// What has become of the nodes, by their places.
pub(super) struct Given(pub(super) Vec<Fate>);

/// What has become of a node.
pub(super) enum Fate {
    Switched {
        /// As it said; nothing of one that had switched before it was asked.
        moved: Option<Moved>,
        /// From the word to when it said so, for those that the word reached.
        after: Option<Duration>,
    },
    Straggler(String),
}

impl Given {
    pub(super) fn switched(&self) -> impl Iterator<Item = usize> {
        let switched = self.0.iter().enumerate().filter(|(_, fate)| matches!(fate, Fate::Switched { .. }));
        switched.map(|(place, _)| place)
    }

    pub(super) fn has_stragglers(&self) -> bool {
        self.0.iter().any(|fate| matches!(fate, Fate::Straggler(_)))
    }

    /// From the first node's switch to the last's, of those that the word reached.
    pub(super) fn window(&self) -> Option<Duration> {
        let after = || {
            self.0.iter().filter_map(|fate| match fate {
                Fate::Switched { after, .. } => *after,
                Fate::Straggler(_) => None,
            })
        };
        Some(after().max()?.saturating_sub(after().min()?))
    }

    /// The longest time that new calls waited at a node.
    pub(super) fn longest_pause(&self) -> Option<Duration> {
        let pauses = self.0.iter().filter_map(|fate| match fate {
            Fate::Switched { moved, .. } => Some(Duration::from_micros(moved.as_ref()?.pause_microseconds)),
            Fate::Straggler(_) => None,
        });
        pauses.max()
    }
}

/// Tells all nodes to switch, and follows them.
pub(super) async fn give(members: &[Member], record: &Record, told: &mut Told) -> Given {
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let start = Arc::new(Barrier::new(members.len() + 1));
    let mut telling = JoinSet::new();
    for (place, (member, name)) in members.iter().cloned().zip(record.names()).enumerate() {
        let (sender, start, to) = (sender.clone(), start.clone(), record.to.clone());
        telling.spawn(async move {
            let request = SwitchRequest { name: name.unwrap_or_default() };
            start.wait().await;
            let call = |mut client: Client| async move { client.switch(request).await };
            let switched = follow(&member, place, &to, &sender, call).await;
            (place, switched, Instant::now())
        });
    }
    drop(sender);
    start.wait().await;
    let at = Instant::now();
    let untold = || Fate::Straggler("the task that was to tell it is gone".to_owned());
    let mut given = Given(members.iter().map(|_| untold()).collect());
    loop {
        tokio::select! {
            Some((place, status)) = receiver.recv() => {
                // The word is given: that nobody reads of it changes nothing.
                let _ = told.status(place, &members[place].address, &status);
            }
            Some(done) = telling.join_next() => {
                let Ok((place, switched, when)) = done else { continue };
                given.0[place] = match switched {
                    Ok(moved) => Fate::Switched { moved, after: Some(when.saturating_duration_since(at)) },
                    Err(why) => Fate::Straggler(why),
                };
                let _ = told.fate(&members[place].address, &given.0[place]);
            }
            else => return given,
        }
    }
}

/// Brings the others over, as long as there is time; one that has begun is followed to its end.
pub(super) async fn try_again(
    members: &[Member],
    given: &mut Given,
    record: &Record,
    retry: Duration,
    told: &mut Told,
) {
    let until = Instant::now() + retry;
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let record = Arc::new(record.clone());
    let mut trying = JoinSet::new();
    for (place, fate) in given.0.iter().enumerate() {
        if matches!(fate, Fate::Straggler(_)) {
            let (member, record, sender) = (members[place].clone(), record.clone(), sender.clone());
            trying.spawn(async move { (place, bring(&member, place, &record, until, &sender).await) });
        }
    }
    drop(sender);
    loop {
        tokio::select! {
            Some((place, status)) = receiver.recv() => {
                let _ = told.status(place, &members[place].address, &status);
            }
            Some(done) = trying.join_next() => {
                let Ok((place, fate)) = done else { continue };
                let _ = told.fate(&members[place].address, &fate);
                given.0[place] = fate;
            }
            else => return,
        }
    }
}

/// Does what a straggler needs, again and again.
async fn bring(member: &Member, place: usize, record: &Record, until: Instant, told: &Sender) -> Fate {
    let to = &record.to;
    let name = record.nodes[place].name.as_deref().unwrap_or_default();
    loop {
        let (act, last) = match member.status(ANSWER).await {
            Ok(status) => (next(&status, &record.protocol, to, name), status.last),
            Err(failure) => (Next::Wait(failure.short()), None),
        };
        let switched = match act {
            Next::Nothing => Ok(last.filter(|moved| moved.to == to.to_string())),
            Next::GiveWord => {
                let request = SwitchRequest { name: name.to_owned() };
                let call = |mut client: Client| async move { client.switch(request).await };
                follow(member, place, to, told, call).await
            }
            Next::Upgrade => {
                let request = UpgradeRequest { to: to.to_string(), ..UpgradeRequest::default() };
                let call = |mut client: Client| async move { client.upgrade(request).await };
                follow(member, place, to, told, call).await
            }
            Next::Wait(why) => Err(why),
            Next::GiveUp(why) => return Fate::Straggler(why),
        };
        match switched {
            Ok(moved) => return Fate::Switched { moved, after: None },
            Err(why) if Instant::now() + PAUSE >= until => return Fate::Straggler(why),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Follows a node's move to its end: what it says of it.
async fn follow<F>(
    member: &Member,
    place: usize,
    to: &Version,
    told: &Sender,
    call: impl FnOnce(Client) -> F,
) -> Result<Option<Moved>, String>
where
    F: Future<Output = Result<Response<Streaming<MoveUpdate>>, Status>>,
{
    let followed = async {
        let mut updates = call(member.client.clone()).await?.into_inner();
        while let Some(update) = updates.message().await? {
            match update.update {
                Some(Update::Status(status)) => {
                    // Whoever shows it may have been interrupted.
                    let _ = told.send((place, Box::new(status))).await;
                }
                Some(Update::Done(done)) if done.version == to.to_string() => return Ok(done.moved),
                Some(Update::Done(done)) => {
                    return Err(Status::internal(format!("it says that it runs {}", done.version)));
                }
                _ => {}
            }
        }
        Err(Status::unavailable("the node stopped telling"))
    };
    followed.await.map_err(|status: Status| Failure::of(&member.address, &status, true).short())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_from_the_first_switch_to_the_last_of_those_that_the_word_reached() {
        let switched = |after: Option<u64>, pause: u64| Fate::Switched {
            moved: Some(Moved { pause_microseconds: pause, ..Moved::default() }),
            after: after.map(Duration::from_millis),
        };
        let straggler = Fate::Straggler("late".to_owned());
        let given = Given(vec![switched(Some(30), 5), straggler, switched(None, 70), switched(Some(12), 6)]);
        assert_eq!(given.window(), Some(Duration::from_millis(18)));
        assert_eq!(given.longest_pause(), Some(Duration::from_micros(70)));
        assert_eq!((given.switched().collect::<Vec<_>>(), given.has_stragglers()), (vec![0, 2, 3], true));
        assert_eq!(Given(vec![switched(None, 1)]).window(), None);
    }
}
