//! A shop in three versions, whose entries lie in files: rules lead from the first to the second, code to the third.

use std::fs::{self, File, OpenOptions};
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use bytes::{BufMut, Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt;
use prost::Message;
use straddle::Protocol;
use straddle::dispatch::{Dispatch, Object};
use straddle::node::{Opening, Transforming, Upgrade};
use straddle::simulation::Adjacent;
use straddle::wire::Body;
use tonic::{Code, Status};
use tower::{ServiceExt, service_fn};

use crate::folder::folder;

const FILES: &[(&str, &str)] = &[
    ("protocol.toml", "name = \"shop\"\n"),
    (
        "1.0.0/shop.proto",
        r#"
        syntax = "proto3";
        package shop.v1;
        message Nothing {}
        message Entry { string text = 1; }
        message Entries { repeated Entry entries = 1; }
        service Shop {
          rpc Add(Entry) returns (Nothing);
          rpc List(Nothing) returns (Entries) { option idempotency_level = NO_SIDE_EFFECTS; }
          rpc Watch(Nothing) returns (stream Entry) { option idempotency_level = NO_SIDE_EFFECTS; }
        }
        "#,
    ),
    (
        "2.0.0/shop.proto",
        r#"
        syntax = "proto3";
        package shop.v2;
        message Nothing {}
        message Entry { string note = 2; reserved 1; }
        message Entries { repeated Entry entries = 1; }
        service Shop {
          rpc Add(Entry) returns (Nothing);
          rpc List(Nothing) returns (Entries) { option idempotency_level = NO_SIDE_EFFECTS; }
          rpc Watch(Nothing) returns (stream Entry) { option idempotency_level = NO_SIDE_EFFECTS; }
        }
        "#,
    ),
    (
        "2.0.0/step.toml",
        r#"from = "1.0.0"
[rename.packages]
"shop.v1" = "shop.v2"
[messages."shop.v1.Entry"]
rules = [{ old = "text", new = "note" }]
"#,
    ),
    (
        "3.0.0/shop.proto",
        r#"
        syntax = "proto3";
        package shop.v3;
        message Nothing {}
        message Entry { string note = 2; bool urgent = 3; reserved 1; }
        message Entries { repeated Entry entries = 1; }
        service Shop {
          rpc Add(Entry) returns (Nothing);
          rpc List(Nothing) returns (Entries) { option idempotency_level = NO_SIDE_EFFECTS; }
        }
        "#,
    ),
    (
        "3.0.0/step.toml",
        r#"from = "2.0.0"
[rename.packages]
"shop.v2" = "shop.v3"
[past]
code = ["shop.v2.Shop.Add", "shop.v2.Shop.List"]
[[past.refuse]]
method = "shop.v2.Shop.Watch"
reason = "3.0.0 watches nothing"
[future]
code = ["shop.v3.Shop.Add", "shop.v3.Shop.List"]
"#,
    ),
];

pub(crate) fn protocol() -> Protocol {
    static LOADED: LazyLock<Protocol> =
        LazyLock::new(|| Protocol::load(folder(FILES).path()).unwrap_or_else(|error| panic!("{error}")));
    LOADED.clone()
}

/// The same with 4.0.0 behind it, whose schema is that of 3.0.0.
#[allow(dead_code, reason = "not all tests that share this use it")]
pub(crate) fn protocol_of_four() -> Protocol {
    let is_third = |(name, _): &&(&str, &str)| *name == "3.0.0/shop.proto";
    let third = FILES.iter().find(is_third).map(|(_, proto)| ("4.0.0/shop.proto", *proto));
    let step = ("4.0.0/step.toml", "from = \"3.0.0\"\n");
    let files: Vec<(&str, &str)> = FILES.iter().copied().chain(third).chain([step]).collect();
    Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"))
}

/// An entry of any version: 1.0.0 has it in `text`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Entry {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
    #[prost(string, tag = "2")]
    pub(crate) note: String,
    #[prost(bool, tag = "3")]
    pub(crate) urgent: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Entries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) entries: Vec<Entry>,
}

impl Entry {
    pub(crate) fn words(&self) -> &str {
        if self.text.is_empty() { &self.note } else { &self.text }
    }
}

/// The object of 1.0.0 and of 2.0.0 alike: words, one a line.
pub(crate) fn plain(service: &'static str, opening: &Opening) -> Object {
    let first = service == "shop.v1.Shop";
    let file = Arc::new(opening.folder().join("entries"));
    let lease = opening.lease();
    answering(service, move |method, entry| {
        let (file, _lease) = (file.clone(), lease.clone());
        async move {
            if method == "Add" {
                append(&file, entry.words());
                return Ok(Entries::default());
            }
            let entry = |line: String| {
                if first { Entry { text: line, ..Entry::default() } } else { Entry { note: line, ..Entry::default() } }
            };
            Ok(Entries { entries: lines(&file).into_iter().map(entry).collect() })
        }
    })
}

/// The object of 3.0.0: urgent entries have a mark.
pub(crate) fn marked(opening: &Opening) -> Object {
    let file = Arc::new(opening.folder().join("entries"));
    let lease = opening.lease();
    answering("shop.v3.Shop", move |method, entry| {
        let (file, _lease) = (file.clone(), lease.clone());
        async move {
            if method == "Add" {
                append(&file, &format!("{}{}", if entry.urgent { "!" } else { "." }, entry.note));
                return Ok(Entries::default());
            }
            let entry =
                |line: String| Entry { note: line[1..].to_owned(), urgent: line.starts_with('!'), ..Entry::default() };
            Ok(Entries { entries: lines(&file).into_iter().map(entry).collect() })
        }
    })
}

/// 3.0.0 on a node of 2.0.0: it keeps urgent entries itself.
pub(crate) fn future(adjacent: Adjacent, opening: &Opening) -> Object {
    let file = Arc::new(opening.folder().join("urgent"));
    let lease = opening.lease();
    answering("shop.v3.Shop", move |method, entry| {
        let (file, adjacent, _lease) = (file.clone(), adjacent.clone(), lease.clone());
        async move {
            if method == "Add" && entry.urgent {
                append(&file, &entry.note);
                return Ok(Entries::default());
            }
            let mut all = beneath(adjacent, "/shop.v2.Shop", &method, entry).await?;
            if method == "List" {
                let urgent = lines(&file).into_iter();
                all.entries.extend(urgent.map(|note| Entry { note, urgent: true, ..Entry::default() }));
            }
            Ok(all)
        }
    })
}

/// 2.0.0 on a node of 3.0.0: it counts the calls that it answers.
pub(crate) fn past(adjacent: Adjacent, opening: &Opening) -> Object {
    let file = Arc::new(opening.folder().join("calls"));
    let lease = opening.lease();
    answering("shop.v2.Shop", move |method, entry| {
        let (file, adjacent, _lease) = (file.clone(), adjacent.clone(), lease.clone());
        async move {
            append(&file, &method);
            let mut all = beneath(adjacent, "/shop.v3.Shop", &method, entry).await?;
            all.entries.iter_mut().for_each(|entry| entry.urgent = false);
            Ok(all)
        }
    })
}

/// The upgrade to 2.0.0: the lines stay as they are.
pub(crate) fn to_2() -> Upgrade {
    let copy = |transforming: &Transforming| {
        copy(&transforming.from().object().join("entries"), &transforming.to().object().join("entries"))
    };
    Upgrade::to("2.0.0").object(|opening: &Opening| plain("shop.v2.Shop", opening)).transform(copy).reverse(copy)
}

/// The upgrade to 3.0.0: urgent entries move between the object and the future simulation object of before.
pub(crate) fn to_3() -> Upgrade {
    Upgrade::to("3.0.0").object(marked).past(past).future(future).transform(fold).reverse(unfold)
}

/// The simulation object of 3.0.0 alone.
pub(crate) fn bring_3() -> Upgrade {
    Upgrade::to("3.0.0").future(future)
}

pub(crate) fn fold(transforming: &Transforming) -> Result<(), std::io::Error> {
    let made = transforming.to().object().join("entries");
    for line in lines(&transforming.from().object().join("entries")) {
        append(&made, &format!(".{line}"));
    }
    for line in lines(&transforming.from().future("3.0.0").join("urgent")) {
        append(&made, &format!("!{line}"));
    }
    fs::write(transforming.to().past("2.0.0").join("calls"), "begun\n")
}

pub(crate) fn unfold(transforming: &Transforming) -> Result<(), std::io::Error> {
    let (object, urgent) =
        (transforming.to().object().join("entries"), transforming.to().future("3.0.0").join("urgent"));
    fs::write(&object, "")?;
    for (number, line) in lines(&transforming.from().object().join("entries")).iter().enumerate() {
        match line.split_at(1) {
            (_, words) if words.starts_with("new") => transforming.lose(straddle::state::RefusedRecord {
                table: "entries".to_owned(),
                key: Bytes::from(number.to_string()),
                value: Bytes::from(words.to_owned()),
                why: "2.0.0 knows nothing new".to_owned(),
                message: Some("shop.v3.Entry".to_owned()),
                ..straddle::state::RefusedRecord::default()
            }),
            ("!", words) => append(&urgent, words),
            (_, words) => append(&object, words),
        }
    }
    Ok(())
}

/// Adds an entry in a version.
pub(crate) async fn add(node: &Dispatch, version: u32, words: &str, urgent: bool) -> Result<(), Status> {
    let mut entry = Entry { urgent, ..Entry::default() };
    words.clone_into(if version == 1 { &mut entry.text } else { &mut entry.note });
    call(node, version, "Add", entry).await.map(drop)
}

/// The words of all entries in a version, sorted.
pub(crate) async fn list(node: &Dispatch, version: u32) -> Result<Vec<String>, Status> {
    let mut words: Vec<String> = call(node, version, "List", Entry::default())
        .await?
        .entries
        .iter()
        .map(|entry| entry.words().to_owned())
        .collect();
    words.sort();
    Ok(words)
}

pub(crate) async fn call(node: &Dispatch, version: u32, method: &str, entry: Entry) -> Result<Entries, Status> {
    let request = Request::post(format!("/shop.v{version}.Shop/{method}"))
        .header("straddle-version", format!("{version}.0.0"))
        .body(Body::full(framed(&entry)))
        .expect("a request");
    let Ok(response) = node.clone().oneshot(request).await;
    answer(response).await
}

async fn answer(response: Response<Body>) -> Result<Entries, Status> {
    if let Some(status) = Status::from_header_map(response.headers()) {
        return Err(status);
    }
    let collected = response.into_body().collect().await?;
    if let Some(status) = collected.trailers().and_then(Status::from_header_map).filter(|it| it.code() != Code::Ok) {
        return Err(status);
    }
    let bytes = collected.to_bytes();
    Entries::decode(&bytes[5..]).map_err(|error| Status::internal(error.to_string()))
}

fn framed(message: &impl Message) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.encoded_len()).expect("a small message"));
    message.encode(&mut bytes).expect("room");
    bytes.freeze()
}

async fn beneath(mut adjacent: Adjacent, service: &str, method: &str, entry: Entry) -> Result<Entries, Status> {
    let request = Request::post(format!("{service}/{method}")).body(tonic::body::Body::new(http_body_util::Full::new(
        framed(&Entry { urgent: service == "/shop.v3.Shop" && entry.urgent, ..entry }),
    )));
    let Ok(response) = tower::Service::call(&mut adjacent, request.expect("a request")).await;
    answer(response).await
}

/// An object of one service, whose messages are entries.
pub(crate) fn answering<F>(
    service: &'static str,
    act: impl Fn(String, Entry) -> F + Clone + Send + Sync + 'static,
) -> Object
where
    F: Future<Output = Result<Entries, Status>> + Send + 'static,
{
    let answer = move |request: Request<Body>| {
        let act = act.clone();
        async move {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            let answered = async {
                let bytes = request.into_body().collect().await?.to_bytes();
                let entry = Entry::decode(&bytes[5..]).map_err(|error| Status::internal(error.to_string()))?;
                act(method, entry).await
            };
            Ok::<_, std::convert::Infallible>(match answered.await {
                Ok(entries) => Response::new(Body::new(WithStatus(Some(framed(&entries)), false))),
                Err(status) => status.into_http(),
            })
        }
    };
    Object::default().and_service(service, service_fn(answer))
}

/// One message, and the status that it went well.
struct WithStatus(Option<Bytes>, bool);

impl http_body::Body for WithStatus {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        if let Some(bytes) = self.0.take() {
            return Some(Ok(http_body::Frame::data(bytes))).into();
        }
        if std::mem::replace(&mut self.1, true) {
            return None.into();
        }
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
        Some(Ok(http_body::Frame::trailers(trailers))).into()
    }
}

/// Writes a line, durably.
pub(crate) fn append(file: &Path, line: &str) {
    let mut open = OpenOptions::new().append(true).create(true).open(file).expect("the file of an open object");
    open.write_all(format!("{line}\n").as_bytes()).expect("room");
    open.sync_all().expect("a disk");
}

pub(crate) fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn copy(from: &PathBuf, to: &Path) -> std::io::Result<()> {
    let all = fs::read(from).unwrap_or_default();
    File::create(to)?.write_all(&all)
}
