//! Objects: what answers the calls of one version.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::codegen::BoxFuture;
use tonic::server::NamedService;
use tower_service::Service;

use crate::wire::Body;

/// What implements one version on a node: its services, usually tonic servers.
///
/// ```
/// use straddle::dispatch::Object;
/// # use straddle::refusal::Refusal;
/// # #[derive(Clone)] struct Servers;
/// # impl tonic::server::NamedService for Servers { const NAME: &'static str = "shop.v1.Shop"; }
/// # impl tower_service::Service<http::Request<straddle::wire::Body>> for Servers {
/// #     type Response = http::Response<tonic::body::Body>;
/// #     type Error = std::convert::Infallible;
/// #     type Future = tonic::codegen::BoxFuture<Self::Response, Self::Error>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> { Ok(()).into() }
/// #     fn call(&mut self, _: http::Request<straddle::wire::Body>) -> Self::Future { unreachable!() }
/// # }
/// # let shop_server = Servers;
/// let object = Object::of(shop_server); // as tonic generates it: `ShopServer::new(shop)`
/// assert_eq!(object.services().collect::<Vec<_>>(), ["shop.v1.Shop"]);
/// ```
#[derive(Clone, Default)]
pub struct Object {
    services: BTreeMap<String, Arc<dyn Answer>>,
}

impl Object {
    /// An object of one service, with a server as `codegen` or tonic generates it.
    pub fn of<S, B>(server: S) -> Self
    where
        S: Service<
                Request<Body>,
                Response = Response<B>,
                Error = Infallible,
                Future = BoxFuture<Response<B>, Infallible>,
            > + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        B: GeneratedBody,
    {
        Self::default().and(server)
    }

    /// Adds a service, with a server as `codegen` or tonic generates it.
    #[must_use]
    pub fn and<S, B>(mut self, server: S) -> Self
    where
        S: Service<
                Request<Body>,
                Response = Response<B>,
                Error = Infallible,
                Future = BoxFuture<Response<B>, Infallible>,
            > + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        B: GeneratedBody,
    {
        self.services.insert(S::NAME.to_owned(), Arc::new(Generated(server)));
        self
    }

    /// Adds a service by its full name that any tower service answers, such as a server with layers around it.
    #[must_use]
    pub fn and_service<S, B>(mut self, name: impl Into<String>, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.services.insert(name.into(), Arc::new(Any(service)));
        self
    }

    /// The full names of the services, sorted.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }

    pub(crate) fn service(&self, name: &str) -> Option<&Arc<dyn Answer>> {
        self.services.get(name)
    }

    /// The same object, with each service wrapped.
    pub(crate) fn map(self, wrap: impl Fn(Arc<dyn Answer>) -> Arc<dyn Answer>) -> Self {
        Self { services: self.services.into_iter().map(|(name, service)| (name, wrap(service))).collect() }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.services.keys()).finish()
    }
}

/// A service behind a pointer; many calls at a time.
pub(crate) trait Answer: Send + Sync {
    fn answer(&self, request: Request<Body>) -> Answering;
}

/// The body that a generated server answers with: [`Body`] where `codegen` made it,
/// [`tonic::body::Body`] where tonic did.
pub trait GeneratedBody: Sized + Send + 'static {
    #[doc(hidden)]
    fn answering(future: BoxFuture<Response<Self>, Infallible>) -> Answering;
}

impl GeneratedBody for Body {
    fn answering(future: BoxFuture<Response<Self>, Infallible>) -> Answering {
        Answering(Boxed::Ours(future))
    }
}

impl GeneratedBody for tonic::body::Body {
    fn answering(future: BoxFuture<Response<Self>, Infallible>) -> Answering {
        Answering(Boxed::Tonic(future))
    }
}

/// The answer of a call on its way.
///
/// Generated servers box their futures by themselves, so those are taken as they are.
pub struct Answering(Boxed);

enum Boxed {
    Ours(BoxFuture<Response<Body>, Infallible>),
    Tonic(BoxFuture<Response<tonic::body::Body>, Infallible>),
}

impl Answering {
    pub(crate) fn new(future: impl Future<Output = Response<Body>> + Send + 'static) -> Self {
        Self::of(async move { Ok(future.await) })
    }

    /// Takes a future as it is; [`new`](Self::new) has to put another around it.
    pub(crate) fn of(future: impl Future<Output = Result<Response<Body>, Infallible>> + Send + 'static) -> Self {
        Self(Boxed::Ours(Box::pin(future)))
    }
}

impl Future for Answering {
    type Output = Response<Body>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response<Body>> {
        let Ok(response) = match &mut self.0 {
            Boxed::Ours(future) => ready!(future.as_mut().poll(context)),
            Boxed::Tonic(future) => ready!(future.as_mut().poll(context)).map(|response| response.map(Body::from)),
        };
        Poll::Ready(response)
    }
}

/// A generated server: always ready.
struct Generated<S>(S);

impl<S, B> Answer for Generated<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible, Future = BoxFuture<Response<B>, Infallible>>
        + Clone
        + Send
        + Sync,
    B: GeneratedBody,
{
    fn answer(&self, request: Request<Body>) -> Answering {
        B::answering(self.0.clone().call(request))
    }
}

struct Any<S>(S);

impl<S, B> Answer for Any<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn answer(&self, request: Request<Body>) -> Answering {
        let mut service = self.0.clone();
        Answering::new(async move {
            let Ok(()) = std::future::poll_fn(|context| service.poll_ready(context)).await;
            let Ok(response) = service.call(request).await;
            response.map(Body::new)
        })
    }
}
