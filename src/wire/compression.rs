//! Compressed messages (gRPC's compression.md): what they are compressed with, and the work itself.

use std::io::{self, Read, Write};

use bytes::{BufMut, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::Status;
use tonic::codec::{CompressionEncoding, EnabledCompressionEncodings};

use super::pool;

/// What the messages of a body are compressed with.
pub(crate) static ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// What the other side takes, the best first.
pub(crate) static ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// gzip's middle way between time and size, as tonic has it.
const LEVEL: u32 = 6;

/// An encoding of messages that Straddle reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    #[cfg(feature = "zstd")]
    Zstd,
}

/// Why a message was not inflated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InflateError {
    #[error("a message holds more than the limit of {limit} bytes once it is decompressed")]
    TooLarge { limit: usize },
    #[error("a message is no {encoding}, as its call says: {error}")]
    Corrupt { encoding: &'static str, error: io::Error },
}

/// All encodings that generated servers take and send where nobody says otherwise.
#[must_use]
pub fn encodings() -> EnabledCompressionEncodings {
    let mut enabled = EnabledCompressionEncodings::default();
    for encoding in Encoding::ALL {
        enabled.enable(encoding.tonics());
    }
    enabled
}

impl Encoding {
    const ALL: &[Self] = &[
        Self::Gzip,
        #[cfg(feature = "zstd")]
        Self::Zstd,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
        }
    }

    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    fn tonics(self) -> CompressionEncoding {
        match self {
            Self::Gzip => CompressionEncoding::Gzip,
            #[cfg(feature = "zstd")]
            Self::Zstd => CompressionEncoding::Zstd,
        }
    }

    pub(crate) fn is_in(self, enabled: EnabledCompressionEncodings) -> bool {
        enabled.is_enabled(self.tonics())
    }

    fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().copied().find(|encoding| encoding.name().as_bytes() == name)
    }

    /// What the compressed messages of a body are compressed with; `None` where its headers name nothing.
    ///
    /// # Errors
    /// An encoding that nobody here reads is `UNIMPLEMENTED`, and the status says what would be taken.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Status> {
        let Some(named) = headers.get(&ENCODING).map(HeaderValue::as_bytes).filter(|named| *named != b"identity")
        else {
            return Ok(None);
        };
        Self::named(named).map(Some).ok_or_else(|| {
            let named = String::from_utf8_lossy(named);
            let mut status =
                Status::unimplemented(format!("Content is compressed with `{named}` which isn't supported"));
            status.metadata_mut().as_mut().insert(&ACCEPT_ENCODING, Self::taken());
            status
        })
    }

    fn taken() -> HeaderValue {
        let names: Vec<&str> = Self::ALL.iter().map(|encoding| encoding.name()).chain(["identity"]).collect();
        HeaderValue::try_from(names.join(",")).unwrap_or_else(|_| HeaderValue::from_static("identity"))
    }

    /// The first encoding that the caller takes and that is enabled.
    pub(crate) fn accepted(headers: &HeaderMap, enabled: EnabledCompressionEncodings) -> Option<Self> {
        let named =
            headers.get_all(&ACCEPT_ENCODING).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        named.filter_map(|name| Self::named(name.trim_ascii())).find(|encoding| encoding.is_in(enabled))
    }

    /// Leaves of what the caller takes only what is read here.
    pub(crate) fn accept_no_others(headers: &mut HeaderMap) {
        let named =
            headers.get_all(&ACCEPT_ENCODING).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let read: Vec<&str> = named.filter_map(|name| Self::named(name.trim_ascii())).map(Self::name).collect();
        match HeaderValue::try_from(read.join(",")) {
            Ok(read) if !read.is_empty() => drop(headers.insert(&ACCEPT_ENCODING, read)),
            _ => drop(headers.remove(&ACCEPT_ENCODING)),
        }
    }

    /// The message that was compressed; not one byte beyond `limit` is ever made.
    pub(crate) fn inflate(self, compressed: &[u8], limit: usize) -> Result<Bytes, InflateError> {
        let corrupt = |error| InflateError::Corrupt { encoding: self.name(), error };
        let inflated = match self {
            // Members follow each other (RFC 1952, 2.2); what is none is an error.
            Self::Gzip => drain(flate2::bufread::MultiGzDecoder::new(compressed), compressed.len(), limit),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstandard::inflate(compressed, limit),
        };
        inflated.map_err(corrupt)?.ok_or(InflateError::TooLarge { limit })
    }

    /// The parts as one compressed message; `None` where that would not be smaller.
    pub(crate) fn deflate(self, parts: &[Bytes]) -> Option<Bytes> {
        let length = parts.iter().map(Bytes::len).sum();
        let deflated = match self {
            Self::Gzip => gzip(parts, length),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstandard::deflate(parts, length),
        };
        // Memory is all that could fail, and a plain message is right as well.
        deflated.ok().filter(|deflated| deflated.len() < length)
    }
}

fn gzip(parts: &[Bytes], length: usize) -> io::Result<Bytes> {
    let room = pool::take(length / 2).writer();
    let mut encoder = flate2::write::GzEncoder::new(room, flate2::Compression::new(LEVEL));
    for part in parts {
        encoder.write_all(part)?;
    }
    Ok(pool::freeze(encoder.finish()?.into_inner()))
}

/// All that can be read; `None` when that is more than the limit.
fn drain(reader: impl Read, compressed: usize, limit: usize) -> io::Result<Option<Bytes>> {
    let mut inflated = pool::take(compressed.saturating_mul(4).min(limit)).writer();
    // One more byte than is allowed, so that too many can be told from just enough.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    io::copy(&mut reader.take(most), &mut inflated)?;
    let inflated = inflated.into_inner();
    Ok((inflated.len() <= limit).then(|| pool::freeze(inflated)))
}

#[cfg(feature = "zstd")]
mod zstandard {
    use super::{BufMut, Bytes, Write, drain, io, pool};

    /// The window that every decoder should have memory for: 8 MiB (RFC 8878, 3.1.1.1.2).
    const LEAST_WINDOW: u32 = 23;
    /// How a frame begins (RFC 8878, 3.1.1). Older formats, which the library reads as well, nobody needs.
    const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

    pub(super) fn inflate(compressed: &[u8], limit: usize) -> io::Result<Option<Bytes>> {
        if !compressed.starts_with(&MAGIC) {
            return Err(io::Error::other("it begins otherwise"));
        }
        let mut rest = compressed;
        let mut decoder = zstd::stream::read::Decoder::with_buffer(&mut rest)?.single_frame();
        // A frame may ask for a window as large as its content, and for no more memory than that.
        decoder.window_log_max(limit.checked_ilog2().unwrap_or(0).saturating_add(1).clamp(LEAST_WINDOW, 30))?;
        let inflated = drain(decoder, compressed.len(), limit)?;
        if inflated.is_some() && !rest.is_empty() {
            return Err(io::Error::other("more follows behind its end"));
        }
        Ok(inflated)
    }

    pub(super) fn deflate(parts: &[Bytes], length: usize) -> io::Result<Bytes> {
        let room = pool::take(length / 2).writer();
        let mut encoder = zstd::stream::write::Encoder::new(room, zstd::DEFAULT_COMPRESSION_LEVEL)?;
        // Its tables are made for that size, and the frame says it.
        encoder.set_pledged_src_size(u64::try_from(length).ok())?;
        for part in parts {
            encoder.write_all(part)?;
        }
        Ok(pool::freeze(encoder.finish()?.into_inner()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Bytes {
        "what is said again and again, ".repeat(100).into()
    }

    #[test]
    fn what_is_deflated_is_inflated_again_whatever_its_parts() {
        let text = text();
        for encoding in Encoding::ALL {
            for cut in [0, 1, 1000, text.len()] {
                let deflated = encoding.deflate(&[text.slice(..cut), text.slice(cut..)]).unwrap();
                assert!(deflated.len() < text.len() / 10, "{encoding:?}");
                assert_eq!(encoding.inflate(&deflated, text.len()).unwrap(), text);
            }
        }
    }

    #[test]
    fn what_would_not_become_smaller_stays_plain() {
        for encoding in Encoding::ALL {
            assert_eq!(encoding.deflate(&[Bytes::from_static(b"short")]), None, "{encoding:?}");
        }
    }

    #[test]
    fn a_message_is_inflated_up_to_its_limit_and_no_further() {
        for encoding in Encoding::ALL {
            let bomb = encoding.deflate(&[vec![0; 1 << 24].into()]).unwrap();
            assert!(bomb.len() < 1 << 15, "{encoding:?}: {}", bomb.len());
            assert_eq!(encoding.inflate(&bomb, 1 << 24).unwrap().len(), 1 << 24);
            let counted = allocation_counter::measure(|| {
                let refused = encoding.inflate(&bomb, 100_000);
                assert!(matches!(refused, Err(InflateError::TooLarge { limit: 100_000 })), "{refused:?}");
            });
            assert!(counted.bytes_max < 1 << 20, "{encoding:?}: {counted:?}");
        }
    }

    #[test]
    fn what_is_no_compressed_message_is_told_so_wherever_it_ends() {
        for encoding in Encoding::ALL {
            let deflated = encoding.deflate(&[text()]).unwrap();
            for end in 0..deflated.len() {
                let inflated = encoding.inflate(&deflated[..end], 1 << 20);
                assert!(
                    matches!(inflated, Err(InflateError::Corrupt { .. })),
                    "{encoding:?} up to {end}: {inflated:?}"
                );
            }
            let more = [&deflated[..], b"more"].concat();
            assert!(matches!(encoding.inflate(&more, 1 << 20), Err(InflateError::Corrupt { .. })), "{encoding:?}");
        }
    }

    #[test]
    fn of_what_a_caller_takes_only_what_is_read_here_is_passed_on() {
        let passed_on = |text: &'static str| {
            let mut headers = HeaderMap::from_iter([(ACCEPT_ENCODING.clone(), HeaderValue::from_static(text))]);
            Encoding::accept_no_others(&mut headers);
            headers.get(&ACCEPT_ENCODING).map(|takes| takes.to_str().unwrap().to_owned())
        };
        assert_eq!(passed_on("identity, deflate, gzip,br").as_deref(), Some("gzip"));
        #[cfg(feature = "zstd")]
        assert_eq!(passed_on("zstd,gzip").as_deref(), Some("zstd,gzip"));
        assert_eq!(passed_on("identity,deflate"), None);
    }

    #[test]
    fn the_first_encoding_that_both_sides_know_is_taken() {
        let accepted = |text: &'static str| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING.clone(), HeaderValue::from_static(text))]);
            Encoding::accepted(&headers, encodings()).map(Encoding::name)
        };
        assert_eq!(accepted("identity, deflate, gzip"), Some("gzip"));
        #[cfg(feature = "zstd")]
        assert_eq!(accepted("br,zstd,gzip"), Some("zstd"));
        assert_eq!(accepted("identity"), None);
        assert_eq!(Encoding::accepted(&HeaderMap::new(), encodings()), None);
    }
}
