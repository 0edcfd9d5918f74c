//! Keys that bundles are signed and verified with.

use std::fmt;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::error::BundleError;
use super::hex;

/// Bytes of a public key as they lie in a bundle.
pub(super) const KEY: usize = ed25519_dalek::PUBLIC_KEY_LENGTH;
/// Bytes of a signature.
pub(super) const SIGNATURE: usize = ed25519_dalek::SIGNATURE_LENGTH;

/// What stands before the digest in the bytes that are signed, so that a signature of something else is none of a bundle.
const CONTEXT: &[u8] = b"straddle bundle signature 1\n";

/// A key that tells who signed a bundle. Cheap to copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A key that signs bundles. Its bytes are overwritten when it is dropped.
pub struct SecretKey(SigningKey);

impl PublicKey {
    /// Reads a key from the text of its file: `BEGIN PUBLIC KEY`, as RFC 8410 has it for Ed25519.
    ///
    /// # Errors
    /// When it is no such text, or a key under which anybody could sign.
    pub fn from_pem(text: &str) -> Result<Self, BundleError> {
        let wrong = || {
            let what = "this is no public key of Ed25519 in PEM";
            let advice = if text.contains("PRIVATE KEY") {
                "it is a secret key: name the file beside it that ends with .pub"
            } else {
                "name the .pub file that `straddle keygen` wrote, or what `openssl pkey -pubout` printed"
            };
            BundleError::key(what, advice)
        };
        let key = VerifyingKey::from_public_key_pem(text).map_err(|_| wrong())?;
        Self::strong(key).ok_or_else(|| {
            BundleError::key("anybody can sign under this public key", "make a new pair of keys with `straddle keygen`")
        })
    }

    pub(super) fn from_bytes(bytes: &[u8; KEY]) -> Option<Self> {
        Self::strong(VerifyingKey::from_bytes(bytes).ok()?)
    }

    fn strong(key: VerifyingKey) -> Option<Self> {
        (!key.is_weak()).then_some(Self(key))
    }

    pub(super) fn as_bytes(&self) -> &[u8; KEY] {
        self.0.as_bytes()
    }

    /// The text of its file.
    ///
    /// # Errors
    /// None that is known: the text of a key has no parts that could fail.
    pub fn to_pem(&self) -> Result<String, BundleError> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|error| unwritable(&error))
    }

    /// What names the key to people: SHA-256, in hexadecimal, over its `SubjectPublicKeyInfo` in DER, as
    /// `openssl pkey -pubin -in KEY -outform DER | sha256sum` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        // RFC 8410, section 4: what stands before the 32 bytes of every key of Ed25519.
        const BEFORE: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        hex(&Sha256::new().chain_update(BEFORE).chain_update(self.as_bytes()).finalize())
    }

    /// Whether this key's owner signed the digest. Strict: one digest has one signature under a key (RFC 8032, and no
    /// points of small order).
    pub(super) fn has_signed(&self, digest: &[u8; 32], signature: &[u8; SIGNATURE]) -> bool {
        self.0.verify_strict(&[CONTEXT, digest].concat(), &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.fingerprint())
    }
}

impl SecretKey {
    /// Makes a new key from the system's random numbers.
    ///
    /// # Errors
    /// When the system has none.
    #[cfg(feature = "cli")]
    pub fn generate() -> Result<Self, BundleError> {
        let mut seed = ed25519_dalek::SecretKey::default();
        getrandom::fill(&mut seed).map_err(|error| {
            BundleError::key(format!("the system has no random numbers: {error}"), "make the key on another machine")
        })?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads a key from the text of its file: `BEGIN PRIVATE KEY`, PKCS#8 as RFC 8410 has it for Ed25519.
    ///
    /// # Errors
    /// When it is no such text. Keys behind a passphrase are not read.
    pub fn from_pem(text: &str) -> Result<Self, BundleError> {
        let key = SigningKey::from_pkcs8_pem(text).map_err(|_| {
            let what = "this is no secret key of Ed25519 in PEM";
            let advice = if text.contains("ENCRYPTED") {
                "it is behind a passphrase: take that off with `openssl pkey`, and keep what comes out to yourself"
            } else if text.contains("PUBLIC KEY") {
                "it is a public key: name the file beside it, without .pub"
            } else {
                "name a file that `straddle keygen` wrote, or `openssl genpkey -algorithm ed25519`"
            };
            BundleError::key(what, advice)
        })?;
        Ok(Self(key))
    }

    /// The text of its file. Whoever has it can sign.
    ///
    /// # Errors
    /// None that is known: the text of a key has no parts that could fail.
    pub fn to_pem(&self) -> Result<String, BundleError> {
        // Without the public key, as RFC 5958 has its first version: older OpenSSL reads no other.
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let text = pair.to_pkcs8_pem(LineEnding::LF).map_err(|error| unwritable(&error))?;
        Ok(text.as_str().to_owned())
    }

    /// The key that others verify with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(super) fn sign(&self, digest: &[u8; 32]) -> [u8; SIGNATURE] {
        self.0.sign(&[CONTEXT, digest].concat()).to_bytes()
    }
}

/// Says whose key it is, and nothing that is secret.
impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretKey(of {})", self.public().fingerprint())
    }
}

fn unwritable(error: &dyn fmt::Display) -> BundleError {
    BundleError::key(format!("the key cannot be written: {error}"), "report this to the makers of Straddle")
}
