//! `wire::Grpc` against `tonic::server::Grpc`: the same bytes to both, and the same answers from both.

#[path = "grpc/answers.rs"]
mod answers;
#[path = "grpc/compression.rs"]
mod compression;
#[path = "grpc/service.rs"]
mod service;
#[path = "grpc/streams.rs"]
mod streams;
