//! What lies around the body of a bundle: the head, the digest and the signature.

use bytes::{BufMut, Bytes, BytesMut};
use sha2::{Digest, Sha256};

use super::error::BundleError;
use super::key::{KEY, PublicKey, SIGNATURE, SecretKey};
use super::limits;

const MAGIC: &[u8; 16] = b"straddle bundle\n";
/// Of the whole file. Another number is another file: nothing behind it is read.
const FORMAT: u32 = 1;
/// The magic, the format, and the length of the body.
const HEAD: usize = MAGIC.len() + 4 + 4;
const DIGEST: usize = 32;
const UNSIGNED: u8 = 0;
const ED25519: u8 = 1;

/// A bundle whose bytes are known to be those that were written; what the body says is not looked at.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The head and the body: what the digest is of.
    content: Bytes,
    digest: [u8; DIGEST],
    signature: Option<(PublicKey, [u8; SIGNATURE])>,
}

impl Frame {
    /// Puts a body into a frame.
    pub(super) fn around(body: &[u8]) -> Result<Self, BundleError> {
        let length = u32::try_from(body.len()).ok().filter(|_| HEAD + body.len() <= limits::BYTES);
        let length = length.ok_or_else(|| too_large(body.len()))?;
        let mut content = BytesMut::with_capacity(HEAD + body.len());
        content.put_slice(MAGIC);
        content.put_u32(FORMAT);
        content.put_u32(length);
        content.put_slice(body);
        let content = content.freeze();
        let digest = Sha256::digest(&content).into();
        Ok(Self { content, digest, signature: None })
    }

    /// Takes a file apart, and checks that it is as it was written.
    pub(super) fn read(file: &Bytes) -> Result<Self, BundleError> {
        let missing = |wanted: usize| {
            let missing = wanted.saturating_sub(file.len());
            BundleError::damaged(format!("it ends after {} bytes, at least {missing} too early", file.len()))
        };
        if file.len() < MAGIC.len() && MAGIC.starts_with(file) && !file.is_empty() {
            return Err(missing(HEAD + DIGEST + 1));
        }
        if !file.starts_with(MAGIC) {
            return Err(BundleError::no_bundle());
        }
        if file.len() > limits::BYTES {
            return Err(too_large(file.len()));
        }
        let format = number_at(file, MAGIC.len()).ok_or_else(|| missing(HEAD + DIGEST + 1))?;
        if format != FORMAT {
            let what = format!("the bundle has the format {format}, and this program knows {FORMAT}");
            return Err(BundleError::newer(what));
        }
        let length = number_at(file, MAGIC.len() + 4).ok_or_else(|| missing(HEAD + DIGEST + 1))?;
        // What 32 bits say fits: pointers have no fewer.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let end = HEAD.saturating_add(length);
        let least = end.saturating_add(DIGEST + 1);
        if file.len() < least {
            return Err(missing(least));
        }
        let content = file.slice(..end);
        let digest: [u8; DIGEST] = Sha256::digest(&content).into();
        if file[end..end + DIGEST] != digest {
            return Err(BundleError::damaged("its digest is not that of its bytes"));
        }
        let signature = signature(&digest, &file[end + DIGEST..])?;
        Ok(Self { content, digest, signature })
    }

    /// The file, as [`read`](Self::read) takes it apart.
    pub(super) fn write(&self) -> Bytes {
        let mut file = BytesMut::with_capacity(self.content.len() + DIGEST + 1 + KEY + SIGNATURE);
        file.put_slice(&self.content);
        file.put_slice(&self.digest);
        match &self.signature {
            None => file.put_u8(UNSIGNED),
            Some((key, signature)) => {
                file.put_u8(ED25519);
                file.put_slice(key.as_bytes());
                file.put_slice(signature);
            }
        }
        file.freeze()
    }

    pub(super) fn sign(&mut self, key: &SecretKey) {
        self.signature = Some((key.public(), key.sign(&self.digest)));
    }

    /// Checks that the owner of one of these keys has signed it.
    pub(super) fn verify(&self, trusted: &[PublicKey]) -> Result<&PublicKey, BundleError> {
        let Some(signer) = self.signer() else {
            let advice = "sign it with `straddle bundle --sign`, or fetch the signed one";
            return Err(BundleError::untrusted("the bundle is not signed, and a signature is demanded", advice));
        };
        // That it is the signer's signature was seen when the bundle was read.
        if trusted.contains(signer) {
            return Ok(signer);
        }
        let what = format!("the bundle is signed by {}, whom nobody here trusts", signer.fingerprint());
        Err(BundleError::untrusted(what, "trust that key if you know whose it is, or fetch the bundle from its author"))
    }

    pub(super) fn body(&self) -> Bytes {
        self.content.slice(HEAD..)
    }

    pub(super) fn digest(&self) -> &[u8; DIGEST] {
        &self.digest
    }

    pub(super) fn signer(&self) -> Option<&PublicKey> {
        self.signature.as_ref().map(|(key, _)| key)
    }
}

/// What stands behind the digest: nothing else may.
fn signature(digest: &[u8; DIGEST], rest: &[u8]) -> Result<Option<(PublicKey, [u8; SIGNATURE])>, BundleError> {
    let behind = |more: usize| BundleError::damaged(format!("{more} bytes follow its end"));
    match rest {
        [UNSIGNED] => Ok(None),
        [UNSIGNED, more @ ..] => Err(behind(more.len())),
        [ED25519, signature @ ..] => {
            let Some((key, rest)) = signature.split_first_chunk::<KEY>() else {
                return Err(BundleError::damaged("it ends within its signature"));
            };
            let Some((signature, rest)) = rest.split_first_chunk::<SIGNATURE>() else {
                return Err(BundleError::damaged("it ends within its signature"));
            };
            if !rest.is_empty() {
                return Err(behind(rest.len()));
            }
            let wrong = || BundleError::damaged("its signature is not that of the key that it names");
            let key = PublicKey::from_bytes(key).ok_or_else(wrong)?;
            if key.has_signed(digest, signature) { Ok(Some((key, *signature))) } else { Err(wrong()) }
        }
        [kind, ..] => {
            Err(BundleError::newer(format!("the bundle is signed in the way {kind}, which is not known here")))
        }
        // The caller saw that there is one byte at least.
        [] => Err(BundleError::damaged("it ends before its signature")),
    }
}

fn number_at(file: &[u8], at: usize) -> Option<u32> {
    file.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn too_large(bytes: usize) -> BundleError {
    let most = limits::BYTES >> 20;
    BundleError::beyond(format!("the bundle has {bytes} bytes, and may have {most} MiB"))
}
