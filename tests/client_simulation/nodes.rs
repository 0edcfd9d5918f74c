//! Nodes of several ages, and what they see of their callers.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, Request};
use straddle::dispatch::Object;
use straddle::inventory::clock::{Clock, ManualClock};
use straddle::inventory::generated::{v1_1_0, v2_0_0};
use straddle::inventory::objects;
use straddle::node::Node;
use straddle::transport::Channel;
use straddle::wire::Body;
use tower::ServiceExt;

use crate::older::inventory_of;
use crate::serving::{Served, quick, serve};

/// What a program knows that was built before 2.0.0.
pub(crate) const OLD: &[&str] = &["1.0.0", "1.1.0"];
/// What one knows that was built before 3.0.0.
pub(crate) const MIDDLE: &[&str] = &["1.0.0", "1.1.0", "2.0.0"];

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)))
}

/// The object of 1.1.0, with its state in a folder.
pub(crate) fn object(folder: &Path) -> Object {
    let object = objects::v1_1_0::Object::open(folder, clock()).expect("an object");
    Object::of(v1_1_0::inventory_server::InventoryServer::new(object))
}

/// A node that runs 1.1.0, of a program that knows these versions.
pub(crate) fn node(versions: &[&str], object: Object) -> Node {
    Node::builder(inventory_of(versions)).object("1.1.0", object).build().unwrap_or_else(|error| panic!("{error}"))
}

/// The calls that came to a node: path and headers.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<(String, HeaderMap)>>>);

impl Seen {
    pub(crate) fn take(&self) -> Vec<(String, HeaderMap)> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }

    /// The labels of the calls since the last time.
    pub(crate) fn labels(&self) -> Vec<String> {
        let label = |headers: &HeaderMap| headers["straddle-version"].to_str().expect("text").to_owned();
        self.take().iter().map(|(_, headers)| label(headers)).collect()
    }

    pub(crate) fn note(&self, request: &Request<Body>) {
        let call = (request.uri().path().to_owned(), request.headers().clone());
        self.0.lock().expect("no panic").push(call);
    }
}

/// Serves a node, and notes what comes.
pub(crate) async fn serve_seen(node: &Node) -> (Served, Seen) {
    let seen = Seen::default();
    let noting = seen.clone();
    let served = serve(node.service().map_request(move |request: Request<Body>| {
        noting.note(&request);
        request
    }));
    (served.await, seen)
}

pub(crate) fn channel(served: &Served) -> Channel {
    quick(Channel::owner(&served.address))
}

pub(crate) fn item(sku: &str) -> v2_0_0::Item {
    v2_0_0::Item { sku: sku.into(), name: format!("The {sku}"), price: Some(money("USD", 5)), ..Default::default() }
}

pub(crate) fn money(currency: &str, units: i64) -> v2_0_0::Money {
    v2_0_0::Money { currency_code: currency.into(), units, nanos: 0 }
}

pub(crate) fn upsert(item: v2_0_0::Item, request_id: &str) -> v2_0_0::UpsertItemRequest {
    v2_0_0::UpsertItemRequest { item: Some(item), request_id: request_id.into() }
}

pub(crate) fn get(sku: &str) -> v2_0_0::GetItemRequest {
    v2_0_0::GetItemRequest { sku: sku.into() }
}
