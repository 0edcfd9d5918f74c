//! A bundle on its way into the database: it is read, held against the keys that are trusted, and put together with what was
//! published before, all apart from the driver.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::{Trust, failure};
use crate::bundle::{Bundle, BundleError, LARGEST};
use crate::control::v1_0_0::{PublishRequest, PublishResponse};
use crate::coordinator::core::{Answer, Ask, Denied, Publication, Reason};
use crate::coordinator::handle::Handle;

/// How long a bundle may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bundles that are received at once: each takes as much memory as it is large, and more while it is read.
const AT_ONCE: usize = 2;
/// How often a bundle is put together anew because another one came first.
const TRIES: usize = 5;

pub(super) struct Publishing {
    trust: Trust,
    places: Semaphore,
}

impl Publishing {
    pub(super) fn new(trust: Trust) -> Self {
        Self { trust, places: Semaphore::new(AT_ONCE) }
    }

    pub(super) async fn publish(
        &self,
        handle: &Handle,
        who: String,
        parts: Streaming<PublishRequest>,
    ) -> Result<PublishResponse, Status> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(failure::too_many(&format!("{AT_ONCE} bundles are on their way already")));
        };
        let file = match timeout(PATIENCE, receive(parts)).await {
            Ok(file) => file?,
            Err(_) => return Err(unreadable(&format!("the bundle did not arrive within {} s", PATIENCE.as_secs()))),
        };
        let trust = self.trust.clone();
        let bundle = apart(move || trust.read(file)).await?;
        for _ in 0..TRIES {
            let name = bundle.name().to_owned();
            let known = handle.read(move |core, _| core.protocol(&name)).await?;
            let bundle = bundle.clone();
            let publication = apart(move || Publication::new(bundle, known)).await?;
            match handle.ask(who.clone(), Ask::Publish(publication)).await? {
                Answer::Published(published) => return Ok(published),
                Answer::Stale => {}
                Answer::Upgrade(_) | Answer::Retired(_) | Answer::Retiring(_) | Answer::Done => break,
            }
        }
        Err(failure::too_many("others publish bundles of this protocol all the time"))
    }
}

/// Does what takes long on a thread that nobody else waits for.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, Denied> + Send + 'static) -> Result<T, Status> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|denied| failure::denied(&denied)),
        Err(error) => Err(Status::internal(error.to_string())),
    }
}

impl Trust {
    /// The bundle in a file, if whoever signed it is trusted.
    fn read(&self, file: Vec<u8>) -> Result<Bundle, Denied> {
        let bundle = if self.unsigned && self.keys.is_empty() {
            Bundle::read(file)
        } else if self.unsigned {
            // Unsigned ones are taken as they are; a signature has to be one of those that are trusted.
            Bundle::read(file).and_then(|bundle| match bundle.signer() {
                Some(_) => bundle.verify(&self.keys).map(drop).map(|()| bundle),
                None => Ok(bundle),
            })
        } else {
            Bundle::read_trusted(file, &self.keys)
        };
        bundle.map_err(|error| self.denied(&error))
    }

    fn denied(&self, error: &BundleError) -> Denied {
        let what = error.to_string();
        if error.is_untrusted() {
            let advice = if self.keys.is_empty() {
                "the coordinator trusts no key: start it with --trust KEY, or with --allow-unsigned where everybody who \
                 reaches it may publish"
            } else {
                "sign it with a key that the coordinator trusts: `straddle publish --key KEY`"
            };
            return Denied { reason: Reason::BundleUntrusted, what, advice: advice.to_owned() };
        }
        Denied {
            reason: Reason::BundleUnreadable,
            what,
            advice: "write the bundle anew with `straddle bundle`".to_owned(),
        }
    }
}

/// The file in all parts, which is never longer than a bundle can be.
async fn receive(mut parts: Streaming<PublishRequest>) -> Result<Vec<u8>, Status> {
    let mut file = Vec::new();
    while let Some(PublishRequest { part }) = parts.message().await? {
        if file.len() + part.len() > LARGEST {
            return Err(unreadable(&format!("more than {LARGEST} bytes came, and no bundle has so many")));
        }
        file.extend_from_slice(&part);
    }
    Ok(file)
}

fn unreadable(what: &str) -> Status {
    let advice = "send a bundle as `straddle bundle` writes it".to_owned();
    failure::denied(&Denied { reason: Reason::BundleUnreadable, what: what.to_owned(), advice })
}
