//! Publishing: versions come in bundles, are kept for good, and never change.

use bytes::Bytes;

use super::fleet::Fleet;
use super::outbox::Outbox;
use super::{Answer, Denied, Now, Publication, Reason};
use crate::bundle::{Bundle, BundleError};
use crate::control::v1_0_0 as wire;
use crate::coordinator::database::LARGEST_VALUE;
use crate::coordinator::record::keys;
use crate::protocol::{Protocol, Schema};

/// The bytes of a bundle's part: with its envelope it is a value that any store takes.
pub const PART: usize = LARGEST_VALUE - 4096;

impl Publication {
    /// Puts a bundle together with what was published before, as [`Core::protocol`](super::Core::protocol) gives it. It takes
    /// long: not for a thread that others wait for.
    ///
    /// # Errors
    /// `IMMUTABLE` when a version was published with another schema or step; `BUNDLE_CONFLICT` when the bundle does not adjoin;
    /// `BUNDLE_UNREADABLE` when it does not fit together.
    pub fn new(bundle: Bundle, known: Option<(Protocol, usize)>) -> Result<Self, Denied> {
        let (protocol, after) = match known {
            Some((protocol, after)) => {
                if let Some(denied) = changes(&protocol, &bundle) {
                    return Err(denied);
                }
                (protocol.with_bundle(&bundle).map_err(|error| unfit(&error))?, after)
            }
            None => (bundle.protocol().map_err(|error| unfit(&error))?, 0),
        };
        Ok(Self { bundle, protocol, after })
    }
}

/// A version of the bundle that was published with another schema.
fn changes(protocol: &Protocol, bundle: &Bundle) -> Option<Denied> {
    let other = |version: &crate::bundle::BundledVersion| {
        protocol
            .schema(version.version())
            .filter(|schema| schema.digest() != version.schema_digest())
            .map(Schema::version)
    };
    let version = bundle.versions().iter().find_map(other)?;
    Some(Denied {
        reason: Reason::Immutable,
        what: format!(
            "{version} of {} was published with another schema: a published version does not change",
            protocol.name()
        ),
        advice: "give what has changed a version of its own".to_owned(),
    })
}

fn unfit(error: &BundleError) -> Denied {
    let text = error.to_string();
    let (what, advice) = text.split_once("\n  help: ").unwrap_or((&text, ""));
    let what = what.to_owned();
    // What is there already, and differs, is what with_bundle calls the schema or step of a version.
    let reason = match () {
        () if !error.is_contradiction() => Reason::BundleUnreadable,
        () if what.contains("is another one here") || what.contains("has the schema") => Reason::Immutable,
        () => Reason::BundleConflict,
    };
    Denied { reason, what, advice: advice.to_owned() }
}

impl Fleet {
    pub(super) fn publish(&mut self, publication: Publication, by: &str, now: Now, outbox: &mut Outbox) -> Answer {
        let Publication { bundle, protocol, after } = publication;
        let digest = bundle.digest();
        let mut response =
            wire::PublishResponse { digest: digest.clone(), protocol: self.name.clone(), added: Vec::new() };
        if self.bundles.iter().any(|(known, _)| known.digest == digest) {
            return Answer::Published(response);
        }
        if after != self.bundles.len() {
            return Answer::Stale;
        }
        let new: Vec<&Schema> =
            protocol.versions().iter().filter(|schema| !self.published.contains_key(schema.version())).collect();
        if new.is_empty() {
            return Answer::Published(response);
        }
        let file = bundle.to_bytes();
        let parts = parts(&file);
        for (number, part) in (0u32..).zip(&parts) {
            outbox.put(keys::part(&digest, number), &wire::StoredBundlePart { part: part.clone() });
        }
        let versions: Vec<_> = bundle.versions().iter().map(|version| version.version().clone()).collect();
        let stored = wire::StoredBundle {
            digest: digest.clone(),
            bytes: u64::try_from(file.len()).unwrap_or(u64::MAX),
            parts: u32::try_from(parts.len()).unwrap_or(u32::MAX),
            signer: bundle.signer().map(crate::bundle::PublicKey::fingerprint).unwrap_or_default(),
            versions: versions.iter().map(ToString::to_string).collect(),
        };
        let order = u64::try_from(self.bundles.len()).unwrap_or(u64::MAX);
        outbox.put(keys::bundle(&self.name, order, &digest), &stored);
        for (index, schema) in protocol.versions().iter().enumerate() {
            let version = schema.version();
            if self.published.contains_key(version) {
                continue;
            }
            let before = index.checked_sub(1).map(|before| protocol.versions()[before].version().to_string());
            let published = wire::PublishedVersion {
                protocol: self.name.clone(),
                version: version.to_string(),
                schema: schema.digest().to_owned(),
                bundle: digest.clone(),
                by: by.to_owned(),
                at: now.wall,
                after: before.unwrap_or_default(),
            };
            outbox.put(keys::version(&self.name, &published.version), &published);
            response.added.push(published.version.clone());
            self.published.insert(version.clone(), published);
        }
        self.bundles.push((stored, versions));
        self.has(protocol);
        let what = format!("{} of {} published", response.added.join(", "), self.name);
        let why = format!("bundle {}", &digest[..digest.len().min(12)]);
        self.event(
            outbox,
            now,
            wire::Event { who: by.to_owned(), kind: "published".to_owned(), what, why, ..wire::Event::default() },
        );
        self.tell_goals(outbox);
        self.touch(None);
        Answer::Published(response)
    }

    /// The protocol is this one from now on.
    pub(super) fn has(&mut self, protocol: Protocol) {
        self.protocol = Some(protocol);
        self.routes.clear();
        let mut nodes = std::mem::take(&mut self.nodes);
        for node in nodes.values_mut() {
            node.restore(self);
        }
        self.nodes = nodes;
    }
}

/// A file in parts; at least one.
fn parts(file: &Bytes) -> Vec<Bytes> {
    let count = file.len().div_ceil(PART).max(1);
    (0..count).map(|part| file.slice(part * PART..file.len().min((part + 1) * PART))).collect()
}
