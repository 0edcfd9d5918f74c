//! Simulation objects, by the step that they belong to: `v3_0_0` relates 2.0.0 and 3.0.0. The other steps have none.
//!
//! Each knows just two versions: it implements the generated trait of one and calls the other by its generated client,
//! over whatever [`Channel`] it is given. A method that is not *code* in `step.toml` keeps its default stub; no call of
//! it comes here.

pub mod v3_0_0;

use bytes::Bytes;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::StdError;

/// Whatever a generated client can call through: a connection, or another object of this process.
pub trait Channel:
    GrpcService<
        Body,
        Error: Into<StdError>,
        Future: Send,
        ResponseBody: http_body::Body<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<C> Channel for C where
    C: GrpcService<
            Body,
            Error: Into<StdError>,
            Future: Send,
            ResponseBody: http_body::Body<Data = Bytes, Error: Into<StdError> + Send> + Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}
