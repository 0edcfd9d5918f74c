//! What the tests share: nodes in this process, a clock that stands still, and a wire that can be cut.

use std::convert::Infallible;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use straddle::dispatch::Dispatch;
use straddle::inventory::clock::{Clock, ManualClock};
use straddle::inventory::generated::{v1_1_0, v2_0_0, v3_0_0};
use straddle::inventory::{objects, open_node};
use straddle::node::Node;
use straddle::refusal::{Reason, Refusal};
use straddle::wire;
use tempfile::TempDir;
use tonic::body::Body;
use tonic::{Code, Status};
use tower_service::Service;

pub(crate) type Client1<S> = v1_1_0::inventory_client::InventoryClient<S>;
pub(crate) type Client2<S> = v2_0_0::inventory_client::InventoryClient<S>;
pub(crate) type Client3<S> = v3_0_0::inventory_client::InventoryClient<S>;
pub(crate) type Server1<O> = v1_1_0::inventory_server::InventoryServer<O>;
pub(crate) type Server2<O> = v2_0_0::inventory_server::InventoryServer<O>;
pub(crate) type Server3<O> = v3_0_0::inventory_server::InventoryServer<O>;

pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))
}

pub(crate) fn node1(directory: &Path, clock: &ManualClock) -> Server1<objects::v1_1_0::Object> {
    Server1::new(objects::v1_1_0::Object::open(directory, Arc::new(clock.clone())).unwrap())
}

pub(crate) fn node2(directory: &Path, clock: &ManualClock) -> Server2<objects::v2_0_0::Object> {
    Server2::new(objects::v2_0_0::Object::open(directory, Arc::new(clock.clone())).unwrap())
}

pub(crate) fn node3(directory: &Path, clock: &ManualClock) -> Server3<objects::v3_0_0::Object> {
    Server3::new(objects::v3_0_0::Object::open(directory, Arc::new(clock.clone())).unwrap())
}

/// A node that serves all versions.
pub(crate) fn node(version: &str, directory: &Path, clock: &ManualClock) -> Node {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    open_node(version, directory, &clock).unwrap()
}

/// A channel to a node in this process, whose calls are labelled.
pub(crate) type Labelled = straddle::transport::Labelled<Within>;

/// What generated clients call through, without a connection.
#[derive(Clone)]
pub(crate) struct Within(Dispatch);

pub(crate) fn within(node: &Node) -> Within {
    Within(node.service())
}

impl Service<http::Request<Body>> for Within {
    type Response = http::Response<wire::Body>;
    type Error = Infallible;
    type Future = <Dispatch as Service<http::Request<wire::Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.call(request.map(wire::Body::new))
    }
}

pub(crate) fn item1(sku: &str, stock: i64) -> v1_1_0::Item {
    v1_1_0::Item { sku: sku.into(), name: format!("The {sku}"), price: 19.99, stock, ..Default::default() }
}

pub(crate) fn item2(sku: &str, stock: i64) -> v2_0_0::Item {
    v2_0_0::Item {
        sku: sku.into(),
        name: format!("The {sku}"),
        price: Some(usd(19, 990_000_000)),
        stock,
        ..Default::default()
    }
}

pub(crate) fn usd(units: i64, nanos: i32) -> v2_0_0::Money {
    v2_0_0::Money { currency_code: "USD".into(), units, nanos }
}

pub(crate) fn item3(sku: &str, stock: i64) -> v3_0_0::Item {
    v3_0_0::Item { sku: sku.into(), name: format!("The {sku}"), stock, ..Default::default() }
}

/// What `wait` waits for, which must not take long.
pub(crate) async fn soon<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("what was waited for did not come")
}

/// That the call failed so, and said so.
#[track_caller]
pub(crate) fn assert_error<T: std::fmt::Debug>(outcome: Result<T, Status>, code: Code, says: &str) {
    let status = outcome.expect_err("the call must fail");
    assert_eq!((status.code(), Refusal::from_status(&status)), (code, None), "{status:?}");
    assert!(status.message().contains(says), "{:?} does not say {says:?}", status.message());
}

/// That the call was refused so.
#[track_caller]
pub(crate) fn assert_refusal<T: std::fmt::Debug>(
    outcome: Result<T, Status>,
    reason: Reason,
    path: Option<&str>,
    ran: bool,
) {
    let status = outcome.expect_err("the call must be refused");
    let refusal = Refusal::from_status(&status).unwrap_or_else(|| panic!("not a refusal: {status:?}"));
    assert_eq!((refusal.reason(), refusal.path(), refusal.ran()), (reason, path, ran), "{refusal}");
    assert_eq!(status.code(), if ran { Code::Internal } else { Code::FailedPrecondition });
}

/// A service in front of another that can lose calls.
#[derive(Clone)]
pub(crate) struct Wire<S> {
    inner: S,
    cuts: Arc<Mutex<Vec<Cut>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

struct Cut {
    method: &'static str,
    lose: Lose,
}

/// What gets lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lose {
    Request,
    Answer,
}

impl<S> Wire<S> {
    pub(crate) fn to(inner: S) -> Self {
        Self { inner, cuts: Arc::default(), seen: Arc::default() }
    }

    /// Loses the next call of `method`; calls add up.
    pub(crate) fn cut(&self, method: &'static str, lose: Lose) {
        self.cuts.lock().unwrap().push(Cut { method, lose });
    }

    /// The methods that were called, lost ones included.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl<S> Service<http::Request<Body>> for Wire<S>
where
    S: Service<http::Request<Body>, Response = http::Response<wire::Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = http::Response<wire::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let cut = {
            let mut cuts = self.cuts.lock().unwrap();
            let at = cuts.iter().position(|cut| cut.method == method);
            at.map(|at| cuts.remove(at).lose)
        };
        self.seen.lock().unwrap().push(method);
        let mut inner = self.inner.clone();
        Box::pin(async move {
            if cut != Some(Lose::Request) {
                let answer = inner.call(request).await;
                if cut.is_none() {
                    return answer;
                }
            }
            Ok(Status::unavailable("the wire was cut").into_http())
        })
    }
}
