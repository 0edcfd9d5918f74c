//! Each method, called on a node that does not know its caller's version and on one of the same age that does: nobody can
//! tell the answers apart, but by the header that says so.

use std::fmt::Debug;

use straddle::dispatch::Object;
use straddle::inventory::generated::{v1_1_0, v2_0_0, v3_0_0};
use straddle::inventory::open_node;
use straddle::refusal::Refusal;
use straddle::transport::Channel;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::nodes::{MIDDLE, OLD, channel, clock, node, object, serve_seen};
use crate::serving::{serve, soon};

/// What a caller was told, call by call.
#[derive(Default)]
struct Transcript {
    told: Vec<String>,
    /// The answers that say that they were simulated.
    simulated: usize,
    answers: usize,
}

impl Transcript {
    fn answer<T>(&mut self, what: &str, answer: Result<Response<T>, Status>) -> Option<T> {
        self.answers += 1;
        let metadata = match &answer {
            Ok(answer) => answer.metadata(),
            Err(status) => status.metadata(),
        };
        self.simulated += usize::from(metadata.contains_key("straddle-simulated"));
        let said = |metadata: &MetadataMap| {
            ["straddle-version", "straddle-schema", "straddle-node"]
                .map(|name| metadata.get(name).map(|value| value.to_str().expect("text").to_owned()))
        };
        let metadata = said(metadata);
        match answer {
            Ok(answer) => {
                self.told.push(format!("{what}: {metadata:?}"));
                Some(answer.into_inner())
            }
            Err(status) => {
                self.told.push(format!("{what}: {metadata:?} {}", status_text(&status)));
                None
            }
        }
    }

    fn one<T: Debug>(&mut self, what: &str, answer: Result<Response<T>, Status>) {
        if let Some(message) = self.answer(what, answer) {
            self.told.push(format!("{message:?}"));
        }
    }

    /// A stream, up to so many messages.
    async fn many<T: Debug>(&mut self, what: &str, answer: Result<Response<Streaming<T>>, Status>, most: usize) {
        let Some(messages) = self.answer(what, answer) else { return };
        let mut messages = messages.take(most);
        while let Some(message) = soon(messages.next()).await {
            self.told.push(message.map_or_else(|status| status_text(&status), |message| format!("{message:?}")));
        }
    }
}

fn status_text(status: &Status) -> String {
    let refusal = Refusal::from_status(status).map(|refusal| {
        let about = [refusal.protocol(), refusal.caller_version(), refusal.node_version(), refusal.method()];
        let why = [refusal.path(), refusal.advised()];
        format!("{} {about:?} {why:?} ran {}", refusal.reason(), refusal.ran())
    });
    format!("{:?} {:?} {refusal:?}", status.code(), status.message())
}

/// All that callers of 2.0.0 and 3.0.0 do alike.
macro_rules! common {
    ($module:ident, $client:expr, $told:expr) => {{
        use $module as version;
        let (client, told): (_, &mut Transcript) = (&mut $client, $told);
        let money =
            |currency: &str, units| version::Money { currency_code: currency.into(), units, nanos: 500_000_000 };
        let location = |aisle: String, bin: &str| Some(version::Location { aisle, bin: bin.into() });
        let item = |sku: &str| version::Item {
            sku: sku.into(),
            name: format!("The {sku}"),
            price: Some(money("USD", 7)),
            stock: 10,
            location: location("7".into(), "b"),
            tags: vec!["heavy".into(), "black".into()],
            suppliers: vec![version::Supplier {
                name: "Acme".into(),
                offers: vec![version::Offer { minimum_quantity: 3, price: Some(money("USD", 6)) }],
            }],
            ..Default::default()
        };
        let upsert = |item, id: &str| version::UpsertItemRequest { item: Some(item), request_id: id.into() };
        let get = |sku: &str| version::GetItemRequest { sku: sku.into() };
        for id in ["first", "first", "second"] {
            told.one(id, client.upsert_item(upsert(item("anvil"), id)).await);
        }
        told.one("another", client.upsert_item(upsert(item("bucket"), "third")).await);
        told.one("get", client.get_item(get("anvil")).await);
        told.one("nothing to get", client.get_item(get("nothing")).await);
        told.one("a bad name", client.get_item(get("")).await);
        let lossy = [
            version::Item { price: Some(money("JPY", 7)), ..item("yen") },
            version::Item { status: version::ItemStatus::Discontinued as i32, ..item("old") },
            version::Item { location: location("x".repeat(64), "b"), ..item("far") },
        ];
        for item in lossy.clone() {
            told.one("lossy", client.upsert_item(upsert(item, "lossy")).await);
        }
        told.one(
            "adjust",
            client
                .adjust_stock(version::AdjustStockRequest { sku: "anvil".into(), delta: -3, request_id: "a".into() })
                .await,
        );
        told.one(
            "too far",
            client
                .adjust_stock(version::AdjustStockRequest { sku: "anvil".into(), delta: -30, request_id: "b".into() })
                .await,
        );
        let import = |number: usize, item| version::ImportItemsRequest {
            request_id: if number == 0 { "import".into() } else { String::new() },
            item: Some(item),
        };
        let good: Vec<_> = ["cart", "drum", "easel"].iter().enumerate().map(|(n, sku)| import(n, item(sku))).collect();
        let bad: Vec<_> =
            [item("fork"), lossy[0].clone()].into_iter().enumerate().map(|(n, item)| import(n, item)).collect();
        told.one("import", client.import_items(tokio_stream::iter(good)).await);
        told.one("import what is lossy", client.import_items(tokio_stream::iter(bad)).await);
        told.many("list", client.list_items(version::ListItemsRequest::default()).await, 100).await;
        told.many("watch", client.watch_items(version::WatchItemsRequest { after_revision: 2 }).await, 4).await;
        let (ask, asked) = mpsc::channel(1);
        let question = |sku: &str| version::LookupItemsRequest { sku: sku.into() };
        ask.send(question("anvil")).await.expect("a reader");
        let answers = client.lookup_items(ReceiverStream::new(asked)).await;
        let mut answers = told.answer("look up", answers).expect("a stream");
        for sku in ["nothing", "bucket", "cart"] {
            told.told.push(format!("{:?}", soon(answers.message()).await.expect("an answer")));
            ask.send(question(sku)).await.expect("a reader");
        }
        drop(ask);
        while let Some(answer) = soon(answers.message()).await.expect("answers") {
            told.told.push(format!("{answer:?}"));
        }
    }};
}

async fn of_2_0_0(channel: Channel) -> Transcript {
    let mut told = Transcript::default();
    let mut client = v2_0_0::inventory_client(channel);
    common!(v2_0_0, client, &mut told);
    let reserve = |id: &str, quantity| v2_0_0::ReserveRequest { sku: "anvil".into(), quantity, request_id: id.into() };
    // Each node gives it an id of its own.
    let reserved = client.reserve(reserve("r", 2)).await.map(|reserved| reserved.map(|of| (of.sku, of.quantity)));
    told.one("reserve", reserved);
    told.one("reserve too many", client.reserve(reserve("s", 200)).await);
    let reserved = client.reserve(reserve("r", 2)).await.expect("a reservation").into_inner();
    for id in ["f", "f", "g"] {
        let release = v2_0_0::ReleaseRequest { reservation_id: reserved.reservation_id.clone(), request_id: id.into() };
        told.one("release", client.release(release).await);
    }
    told
}

async fn of_3_0_0(channel: Channel) -> Transcript {
    let mut told = Transcript::default();
    let mut client = v3_0_0::inventory_client(channel);
    common!(v3_0_0, client, &mut told);
    told
}

/// One caller was told the same as the other, call by call, and only the second knows that it was on its own side.
fn alike(on_node: &Transcript, here: &Transcript) {
    for (one, other) in on_node.told.iter().zip(&here.told) {
        assert_eq!(one, other);
    }
    assert_eq!(on_node.told.len(), here.told.len());
    assert_eq!((on_node.simulated, here.simulated), (0, here.answers));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_a_node_that_knows_the_version() {
    for newer in [false, true] {
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let knows = open_node("1.1.0", folders[0].path(), &clock()).expect("a node");
        let knows = serve(knows.service()).await;
        let (lacks, seen) = serve_seen(&node(OLD, object(folders[1].path()))).await;
        let (on_node, here) = if newer {
            (of_3_0_0(channel(&knows)).await, of_3_0_0(channel(&lacks)).await)
        } else {
            (of_2_0_0(channel(&knows)).await, of_2_0_0(channel(&lacks)).await)
        };
        alike(&on_node, &here);
        // All the ways in which a call can end were there.
        let told = here.told.join("\n");
        for part in ["LOSSY", "ran false", "NotFound", "InvalidArgument", "FailedPrecondition"] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        let labels = seen.labels();
        let own = if newer { "3.0.0" } else { "2.0.0" };
        assert_eq!(labels[0], own);
        assert!(labels[1..].iter().all(|label| label == "1.1.0"), "only the first call was sent twice: {labels:?}");
    }
}

/// An object of 1.1.0 whose prices are sometimes none that 2.0.0 could say.
struct Odd;

impl Odd {
    fn items() -> Vec<v1_1_0::Item> {
        let item = |sku: &str, price| v1_1_0::Item { sku: sku.into(), price, ..Default::default() };
        vec![item("good", 2.5), item("odd", f64::NAN), item("behind", 2.5)]
    }
}

#[tonic::async_trait]
impl v1_1_0::inventory_server::Inventory for Odd {
    async fn get_item(&self, _: Request<v1_1_0::GetItemRequest>) -> Result<Response<v1_1_0::Item>, Status> {
        Ok(Response::new(Self::items().remove(1)))
    }

    async fn adjust_stock(&self, _: Request<v1_1_0::AdjustStockRequest>) -> Result<Response<v1_1_0::Item>, Status> {
        Ok(Response::new(Self::items().remove(1)))
    }

    async fn list_items(
        &self,
        _: Request<v1_1_0::ListItemsRequest>,
    ) -> Result<Response<BoxStream<v1_1_0::Item>>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::iter(Self::items().into_iter().map(Ok)))))
    }

    async fn watch_items(
        &self,
        request: Request<v1_1_0::WatchItemsRequest>,
    ) -> Result<Response<BoxStream<v1_1_0::WatchEvent>>, Status> {
        let after = request.into_inner().after_revision;
        let events = (1..).zip(Self::items()).filter(move |(revision, _)| *revision > after);
        let events = events.map(|(revision, item)| Ok(v1_1_0::WatchEvent { revision, item: Some(item) }));
        Ok(Response::new(Box::pin(tokio_stream::iter(events))))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_said_is_told_as_the_node_would_tell_it() {
    let mut transcripts = Vec::new();
    for versions in [MIDDLE, OLD] {
        let object = Object::of(v1_1_0::inventory_server::InventoryServer::new(Odd));
        let (served, seen) = serve_seen(&node(versions, object)).await;
        let mut client = v2_0_0::inventory_client(channel(&served));
        let mut told = Transcript::default();
        told.one("get", client.get_item(v2_0_0::GetItemRequest::default()).await);
        told.one("adjust", client.adjust_stock(v2_0_0::AdjustStockRequest::default()).await);
        told.many("list", client.list_items(v2_0_0::ListItemsRequest::default()).await, 9).await;
        told.many("watch", client.watch_items(v2_0_0::WatchItemsRequest::default()).await, 9).await;
        assert_eq!(seen.labels().len(), if versions == OLD { 5 } else { 4 }, "nothing runs twice");
        transcripts.push(told);
    }
    alike(&transcripts[0], &transcripts[1]);
    let told = transcripts[1].told.join("\n");
    for part in ["LOSSY", "ran false", "ran true", "Internal", "price", "good"] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    assert!(!told.contains("behind"), "{told}");
}
