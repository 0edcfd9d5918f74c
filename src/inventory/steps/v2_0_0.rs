//! From 1.1.0 to 2.0.0: prices and locations get parts, items a status, `PutItem` another name.
//!
//! Both simulation objects only convert messages, so they keep no state and every method stays exactly as strong as it
//! is: one call here is one call there, under the caller's own request id. What is converted into what, and what is
//! refused, is in the table of each.

mod convert;
mod future;
mod past;

pub use future::Future;
pub use past::Past;
