//! The details of a status.

use std::collections::HashMap;

use prost_types::Any;
use tonic_types::{ErrorDetails, StatusExt, pb};

use super::*;

fn any(name: &str, text: &str) -> Any {
    Any { type_url: format!("example.com/{name}"), value: text.to_owned().encode_to_vec() }
}

/// Details between two versions of the inventory, of which `Item` has a counterpart and `Money` has none.
fn details() -> Details {
    let rewriter: Arc<dyn Rewriter> = Arc::new(Visible::Response);
    let compiled = [("inventory.v2.Item", Some(rewriter)), ("inventory.v2.Money", None)];
    let details = Details::new(protocol(), 2, 0);
    let compiled: HashMap<_, _> = compiled.into_iter().map(|(name, rewrite)| (name.to_owned(), rewrite)).collect();
    details.know(compiled);
    details
}

fn headers(told: &[Any]) -> HeaderMap {
    let told = pb::Status { code: 5, message: "no".to_owned(), details: told.to_vec() };
    let status = Status::with_details(Code::NotFound, "no, 100 %", told.encode_to_vec().into());
    let mut headers = HeaderMap::new();
    status.add_header(&mut headers).unwrap();
    headers
}

fn told(headers: &HeaderMap) -> Vec<Any> {
    let status = Status::from_header_map(headers).unwrap();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no, 100 %"));
    pb::Status::decode(status.details()).unwrap().details
}

#[test]
fn what_the_protocol_declares_is_rewritten_or_left_out_and_all_else_passes() {
    let foreign = any("elsewhere.Thing", "one");
    let common = any("google.rpc.ErrorInfo", "two");
    let mut headers = headers(&[
        foreign.clone(),
        any("inventory.v2.Item", "three"),
        any("inventory.v2.Money", "four"),
        common.clone(),
        any("inventory.v2.Item", "refuse response"),
        Any { type_url: "example.com/inventory.v2.Item".to_owned(), value: vec![10, 200] },
    ]);
    details().rewrite_in(&mut headers);
    assert_eq!(told(&headers), [foreign, any("p.Rewritten", "<three"), common]);
}

#[test]
fn a_status_that_says_nothing_of_the_protocol_stays_byte_by_byte() {
    for told in [vec![], vec![any("elsewhere.Thing", "one")]] {
        let before = headers(&told);
        let mut after = before.clone();
        details().rewrite_in(&mut after);
        assert_eq!(after, before);
    }
    let mut odd = HeaderMap::from_iter([(Status::GRPC_STATUS_DETAILS, http::HeaderValue::from_static("not base64!"))]);
    let before = odd.clone();
    details().rewrite_in(&mut odd);
    assert_eq!(odd, before);
}

#[tokio::test]
async fn details_are_rewritten_wherever_an_answer_tells_them() {
    let told_of = [any("inventory.v2.Item", "three")];
    for trailing in [false, true] {
        for passing in [false, true] {
            let rewrites = Rewrites {
                request: None,
                response: (!passing).then(|| Arc::new(Visible::Response) as Arc<dyn Rewriter>),
                details: Arc::new(details()),
                changes: true,
                limit: LIMIT,
                tally: None,
            };
            let headers = headers(&told_of);
            let response = if trailing {
                let frames = [Ok::<_, Status>(Frame::data(framed("one").into())), Ok(Frame::trailers(headers))];
                Response::new(Body::new(http_body_util::StreamBody::new(tokio_stream::iter(frames))))
            } else {
                let mut response = Response::new(Body::empty());
                *response.headers_mut() = headers;
                response
            };
            let seen = seen(rewrites.respond(response, None)).await;
            let details = pb::Status::decode(seen.status.details()).unwrap().details;
            assert_eq!(details, [any("p.Rewritten", "<three")], "{trailing}, {passing}");
            assert_eq!(seen.is_trailers_only(), !trailing);
        }
    }
}

#[test]
fn a_refusal_s_own_details_are_no_messages_of_the_protocol() {
    let info = ErrorDetails::with_error_info("LOSSY", "straddle", HashMap::new());
    let status = Status::with_error_details(Code::FailedPrecondition, "no", info);
    let mut headers = HeaderMap::new();
    status.add_header(&mut headers).unwrap();
    let before = headers.clone();
    details().rewrite_in(&mut headers);
    assert_eq!(headers, before);
}
