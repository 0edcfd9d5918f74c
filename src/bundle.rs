//! Bundles: a step, or a whole protocol, as one file.
//!
//! A program that was built before a version existed reads the version's bundle at run time, and from then on has its
//! schema and its rules. What rules cannot say, methods that a simulation object answers, still needs the program that
//! brings that code.
//!
//! ```
//! # #[cfg(feature = "cli")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use straddle::bundle::{Bundle, SecretKey};
//!
//! // The author bundles and signs the step to 3.0.0 ...
//! # let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory");
//! let newest = straddle::Protocol::load(schemas)?;
//! let key = SecretKey::generate()?;
//! let step = Bundle::of_step(&newest, &"2.0.0".parse()?, &"3.0.0".parse()?)?.signed(&key);
//! let file = step.to_bytes();
//!
//! // ... and a program that knows the versions up to 2.0.0, and the author's public key, learns it.
//! # let older = Bundle::of_step(&newest, &"1.1.0".parse()?, &"2.0.0".parse()?)?.protocol()?;
//! let trusted = [key.public()];
//! let protocol = older.with_bundle(&Bundle::read_trusted(file, &trusted)?)?;
//! assert!(protocol.schema(&"3.0.0".parse()?).is_some());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "cli"))]
//! # fn main() {}
//! ```
//!
//! # The file
//!
//! Numbers are unsigned and big-endian. Nothing follows the last part.
//!
//! | bytes | part |
//! |---|---|
//! | 16 | the text `straddle bundle` and a newline |
//! | 4 | the format: 1 |
//! | 4 | the length of the body |
//! | the body's | the body: `straddle.v1.Bundle`, as `proto/straddle/v1/bundle.proto` tells it |
//! | 32 | the digest: SHA-256 of all that comes before it |
//! | 1 | how it is signed: 0 not at all, 1 with Ed25519 |
//! | 32 | if signed: the signer's public key |
//! | 64 | if signed: the signature, of the text `straddle bundle signature 1`, a newline, and the digest (RFC 8032) |
//!
//! The digest names the bundle: it is the same whether and by whomever the bundle is signed. The same protocol gives the
//! same bytes, whenever and wherever it is bundled, and the same key the same signature. Therefore nothing is compressed:
//! a digest over compressed bytes would change with the compressor, and one over what they become would have them
//! decompressed before anything is known of them. Whatever carries bundles may compress them on the way.
//!
//! A reader checks in this order, and looks at nothing further once it refuses: magic, size, format, digest, signature,
//! trust, number of records, body. A format or a kind of signature that it does not know it refuses, and so a word under
//! `requires`; fields of the body that it does not know it passes over.
//!
//! # Trust
//!
//! The digest guards against accidents, not against people. Against those there are signatures: [`Bundle::read_trusted`]
//! takes only what the owner of a trusted key has signed, and looks at no more of the rest than its digest.
//!
//! The signer's public key lies in the bundle, so a signature can always be held against it: a bundle whose signature is
//! not right is *damaged* for every reader. That a signature is right says nothing of who signed; only that the key is
//! one of those that the reader was told to trust does. An unsigned bundle is refused where a signature is demanded, so
//! nothing is won by cutting one off.
//!
//! A bundle is rules, run on messages. Whoever can have a node load one can change what callers are told: nodes should
//! demand a signature.
//!
//! # Limits
//!
//! | of a bundle | most |
//! |---|---|
//! | bytes | 32 MiB |
//! | versions | 1,000 |
//! | records of protobuf in it, at any depth | 2,000,000 |
//! | messages, enums and methods of one version, and of all | 20,000, and 100,000 |
//! | messages, fields, enums and values that the methods of one version reach, each counted for each method; and of all | 500,000, and 2,000,000 |
//! | bytes of one `step.toml` | 1 MiB |
//! | bytes of a full name in its protos | 512 |
//! | methods whose streams go on where they ended | 1,000 |
//! | fields of one message, values of one enum | 10,000 |
//! | ranges that one message or enum reserves | 1,000 |

mod content;
mod error;
mod frame;
/// The body, generated from `proto/straddle`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    rustdoc::all,
    reason = "written by prost's generator, which does not know our lints"
)]
#[rustfmt::skip]
#[path = "bundle/generated/straddle.v1.rs"]
mod generated;
mod key;
mod limits;
mod open;

use std::fmt::Write;

use bytes::Bytes;

pub use self::content::BundledVersion;
use self::content::Content;
pub use self::error::BundleError;
use self::frame::Frame;
pub use self::key::{PublicKey, SecretKey};
use crate::protocol::Protocol;
use crate::protocol::resume::Resume;
use crate::version::Version;

/// A step, or a whole protocol, as one file. Cheap to clone, but for its list of versions.
///
/// One that was [read](Self::read) has the form of a bundle and the bytes that were written; whether the descriptors and
/// rules in it fit together is checked when it becomes a [protocol](Self::protocol).
#[derive(Clone, Debug)]
pub struct Bundle {
    frame: Frame,
    content: Content,
}

/// What a bundle is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Two adjacent versions, and how they relate.
    Step,
    /// All versions of a protocol.
    Protocol,
}

/// The largest file that can be a bundle, in bytes: for those who read one from where its size is not known.
pub const LARGEST: usize = limits::BYTES;

impl Bundle {
    /// Bundles all versions of a protocol.
    ///
    /// # Errors
    /// When the protocol is beyond the [limits](self#limits).
    pub fn of_protocol(protocol: &Protocol) -> Result<Self, BundleError> {
        Self::of_versions_up_to(protocol, protocol.versions().len() - 1)
    }

    /// Bundles the versions of a protocol up to the one of this index, as if there were no others yet.
    pub(crate) fn of_versions_up_to(protocol: &Protocol, newest: usize) -> Result<Self, BundleError> {
        let unlabelled = protocol.unlabelled().filter(|version| protocol.index_of(version) <= Some(newest));
        Self::of(Content {
            kind: Kind::Protocol,
            protocol: protocol.name().to_owned(),
            unlabelled: unlabelled.cloned(),
            versions: content::versions(protocol, 0, newest),
            resume: content::resume(protocol, 0, newest),
        })
    }

    /// Bundles the step between two adjacent versions.
    ///
    /// # Errors
    /// When the protocol has no such step, or the step is beyond the [limits](self#limits).
    pub fn of_step(protocol: &Protocol, from: &Version, to: &Version) -> Result<Self, BundleError> {
        let step = |step: &&crate::protocol::Step| step.from().same_schema(from) && step.to().same_schema(to);
        let Some(index) = protocol.steps().iter().position(|one| step(&one)) else {
            let steps: Vec<String> =
                protocol.steps().iter().map(|step| format!("{}..{}", step.from(), step.to())).collect();
            let advice = match steps.as_slice() {
                [] => "it has one version only: bundle it as a whole".to_owned(),
                _ => format!("its steps are {}", steps.join(", ")),
            };
            let what = format!("{} has no step from {from} to {to}", protocol.name());
            return Err(BundleError::contradiction(what, advice));
        };
        Self::of(Content {
            kind: Kind::Step,
            protocol: protocol.name().to_owned(),
            unlabelled: None,
            versions: content::versions(protocol, index, index + 1),
            resume: content::resume(protocol, index, index + 1),
        })
    }

    /// What is written can be read: it goes by the same limits.
    fn of(content: Content) -> Result<Self, BundleError> {
        Self::of_frame(Frame::around(&content.encode())?)
    }

    fn of_frame(frame: Frame) -> Result<Self, BundleError> {
        let content = Content::decode(&frame.body())?;
        Ok(Self { frame, content })
    }

    /// The bundle with this signature, in the place of any other.
    #[must_use]
    pub fn signed(mut self, key: &SecretKey) -> Self {
        self.frame.sign(key);
        self
    }

    /// Reads a bundle, whoever wrote it. Descriptors and rules are not looked at.
    ///
    /// # Errors
    /// When the bytes are no bundle, are not those that were written, were signed with another key than they say, or are
    /// beyond what this program knows or takes.
    pub fn read(file: impl Into<Bytes>) -> Result<Self, BundleError> {
        Self::of_frame(Frame::read(&file.into())?)
    }

    /// Reads a bundle that the owner of one of these keys has signed. Of any other, no more than digest and signature are
    /// looked at.
    ///
    /// # Errors
    /// As [`read`](Self::read), and when it is not signed, or with a key that is not among these.
    pub fn read_trusted(file: impl Into<Bytes>, trusted: &[PublicKey]) -> Result<Self, BundleError> {
        let frame = Frame::read(&file.into())?;
        frame.verify(trusted)?;
        Self::of_frame(frame)
    }

    /// Checks that the owner of one of these keys has signed the bundle, and says which.
    ///
    /// # Errors
    /// When it is not signed, or with a key that is not among these.
    pub fn verify(&self, trusted: &[PublicKey]) -> Result<&PublicKey, BundleError> {
        self.frame.verify(trusted)
    }

    /// The bytes of the file, as [`read`](Self::read) takes them. What this program does not know of a bundle that it has
    /// read is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.frame.write()
    }

    /// What the bundle is of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.content.kind
    }

    /// The protocol's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.content.protocol
    }

    /// The version of callers without a label; none in the bundle of a step.
    #[must_use]
    pub fn unlabelled(&self) -> Option<&Version> {
        self.content.unlabelled.as_ref()
    }

    /// The versions, the oldest first: at least one, and two of a step.
    #[must_use]
    pub fn versions(&self) -> &[BundledVersion] {
        &self.content.versions
    }

    /// The methods whose streams go on where they ended; of a step, those of its two versions.
    #[must_use]
    pub fn resume(&self) -> &[Resume] {
        &self.content.resume
    }

    /// What names the bundle: 64 hexadecimal digits, the same for the same content, signed or not.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(self.frame.digest())
    }

    /// The key that the bundle is signed with. The signature is right; whether the key is to be trusted,
    /// [`verify`](Self::verify) tells.
    #[must_use]
    pub fn signer(&self) -> Option<&PublicKey> {
        self.frame.signer()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
