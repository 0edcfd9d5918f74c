//! The details of a status (`google.rpc.Status`), which may be messages of the protocol.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use prost::Message as _;
use prost_types::Any;
use tonic::Status;
use tonic::metadata::{Binary, MetadataMap, MetadataValue};
use tonic_types::pb;

use super::{Rewriter, apply};
use crate::protocol::Protocol;
use crate::protocol::plan::Use;
use crate::rewrite::Rewrite;

/// The types of details that are the same in every protocol.
const COMMON: &str = "google.rpc.";

/// Details of the object's version on their way to callers of another.
pub(super) struct Details {
    protocol: Protocol,
    /// Index of the object's version.
    from: usize,
    /// Index of the caller's.
    to: usize,
    /// What was compiled so far, by the full names of messages that the object's version declares; `None` for those that
    /// the caller's has no counterpart of.
    compiled: Mutex<HashMap<String, Option<Arc<dyn Rewriter>>>>,
}

impl Details {
    pub(super) fn new(protocol: Protocol, from: usize, to: usize) -> Self {
        Self { protocol, from, to, compiled: Mutex::default() }
    }

    #[cfg(test)]
    pub(super) fn know(&self, compiled: HashMap<String, Option<Arc<dyn Rewriter>>>) {
        *self.compiled.lock().unwrap() = compiled;
    }

    /// Rewrites the details of the status that these headers tell of. What the caller's version cannot express is left
    /// out; what the protocol does not declare passes.
    pub(super) fn rewrite_in(&self, headers: &mut HeaderMap) {
        let Some(written) = headers.get(Status::GRPC_STATUS_DETAILS) else { return };
        // What cannot be read says nothing of this protocol.
        let Some(Ok(mut told)) = bytes_of(written).map(pb::Status::decode) else { return };
        if !told.details.iter().any(|detail| self.declares(detail)) {
            return;
        }
        told.details = told.details.into_iter().filter_map(|detail| self.rewritten(detail)).collect();
        let encoded = MetadataValue::<Binary>::from_bytes(&told.encode_to_vec());
        if let Ok(value) = HeaderValue::from_bytes(encoded.as_encoded_bytes()) {
            headers.insert(Status::GRPC_STATUS_DETAILS, value);
        }
    }

    fn declares(&self, detail: &Any) -> bool {
        let name = name(detail);
        !name.starts_with(COMMON)
            && self
                .protocol
                .versions()
                .get(self.from)
                .is_some_and(|schema| schema.pool().get_message_by_name(name).is_some())
    }

    fn rewritten(&self, detail: Any) -> Option<Any> {
        if !self.declares(&detail) {
            return Some(detail);
        }
        let rewrite = self.compiled(name(&detail))?;
        let prefix = detail.type_url.len() - name(&detail).len();
        let type_url = format!("{}{}", &detail.type_url[..prefix], rewrite.target());
        let rewritten = apply(&*rewrite, &detail.value.into()).ok()?.ok()?;
        Some(Any { type_url, value: rewritten.into_bytes().into() })
    }

    /// The rewrite of a message that the object's version declares, which is compiled when it is first met.
    fn compiled(&self, name: &str) -> Option<Arc<dyn Rewriter>> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(name) {
            return known.clone();
        }
        let rewrite = Rewrite::new(&self.protocol, self.from, self.to, name, Use::Response).ok();
        let rewrite = rewrite.map(|rewrite| Arc::new(rewrite) as Arc<dyn Rewriter>);
        compiled.insert(name.to_owned(), rewrite.clone());
        rewrite
    }
}

/// What a binary header says.
fn bytes_of(written: &HeaderValue) -> Option<Bytes> {
    // tonic reads no header that stands alone.
    let alone = HeaderMap::from_iter([(Status::GRPC_STATUS_DETAILS, written.clone())]);
    MetadataMap::from_headers(alone).get_bin(Status::GRPC_STATUS_DETAILS.as_str())?.to_bytes().ok()
}

/// The full name of the message in it: what follows the last slash of the URL.
fn name(detail: &Any) -> &str {
    detail.type_url.rsplit('/').next().unwrap_or_default()
}
