//! Callers: each speaks one version, through the client that is generated for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_stream::iter;
use tonic::{Response, Status};

use super::item::{self, Item};
use super::standing::{Met, Span, Standing};
use crate::inventory::generated::{v1_0_0, v1_1_0, v2_0_0, v3_0_0};
use crate::inventory::steps::Channel;

/// Who calls, from the oldest to the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// A client of 1.0.0 that says nothing of versions.
    Unlabelled,
    First,
    Second,
    Third,
    Fourth,
}

impl Version {
    pub(super) const ALL: [Self; 5] = [Self::Unlabelled, Self::First, Self::Second, Self::Third, Self::Fourth];

    /// The version that its messages are in.
    pub(super) fn number(self) -> &'static str {
        match self {
            Self::Unlabelled | Self::First => "1.0.0",
            Self::Second => "1.1.0",
            Self::Third => "2.0.0",
            Self::Fourth => "3.0.0",
        }
    }

    /// The methods of its version.
    pub(super) fn methods(self) -> Vec<&'static str> {
        let mut methods =
            vec!["GetItem", "ListItems", "WatchItems", "ImportItems", "LookupItems", "Reserve", "Release"];
        methods.push(if self < Self::Third { "PutItem" } else { "UpsertItem" });
        if self >= Self::Second {
            methods.push("AdjustStock");
        }
        if self == Self::Fourth {
            methods.extend(["Confirm", "Cancel", "GetReservation"]);
        }
        methods
    }

    /// What this caller can see of an item.
    pub(super) fn sees(self, item: &Item) -> Item {
        let mut item = item.clone();
        if self < Self::Second {
            (item.description, item.tags) = (String::new(), Vec::new());
        }
        if self < Self::Third {
            item.discontinued = false;
        }
        item
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(if *self == Self::Unlabelled { "unlabelled" } else { self.number() })
    }
}

/// A reservation as an answer tells of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reservation {
    pub(super) id: String,
    pub(super) sku: String,
    pub(super) quantity: i64,
    /// Since 3.0.0.
    pub(super) state: Option<Hold>,
}

pub(super) use v3_0_0::HoldState as Hold;

/// One item that was looked up, or the SKU that is missing.
pub(super) type Found = Result<Item, String>;

/// The calls of the inventory, in whatever version they are made.
#[tonic::async_trait]
pub(super) trait Caller: Send {
    async fn get(&mut self, sku: &str) -> Result<Item, Status>;
    async fn put(&mut self, item: &Item, request: &str) -> Result<Item, Status>;
    async fn list(&mut self, prefix: &str) -> Result<Vec<Item>, Status>;
    /// Watches from a revision on until `wanted` has been seen; gives all that was.
    async fn watch(&mut self, after: u64, wanted: u64) -> Result<Vec<Item>, Status>;
    /// Watches until the end that `watched` is told of.
    async fn follow(&mut self, watched: &mut Watched) -> Result<(), Status>;
    async fn import(&mut self, items: &[Item], request: &str) -> Result<(u64, u64), Status>;
    async fn look_up(&mut self, skus: &[String]) -> Result<Vec<Found>, Status>;
    async fn reserve(&mut self, sku: &str, quantity: i64, request: &str, terms: Terms) -> Result<Reservation, Status>;
    async fn release(&mut self, reservation: &str, request: &str) -> Result<(), Status>;

    /// Since 1.1.0.
    async fn adjust(&mut self, _sku: &str, _delta: i64, _request: &str) -> Result<Item, Status> {
        Err(Status::unimplemented("this version cannot adjust"))
    }

    /// Since 3.0.0.
    async fn confirm(&mut self, _reservation: &str, _request: &str) -> Result<Reservation, Status> {
        Err(Status::unimplemented("this version cannot confirm"))
    }

    /// Since 3.0.0.
    async fn cancel(&mut self, _reservation: &str, _request: &str) -> Result<Reservation, Status> {
        Err(Status::unimplemented("this version cannot cancel"))
    }

    /// Since 3.0.0.
    async fn reservation(&mut self, _reservation: &str) -> Result<Reservation, Status> {
        Err(Status::unimplemented("this version cannot look at reservations"))
    }

    /// Since 2.0.0: puts an item that is priced in euros; gives its revision.
    async fn put_in_euros(&mut self, _sku: &str, _request: &str) -> Result<u64, Status> {
        Err(Status::unimplemented("this version has no currencies"))
    }
}

/// What 3.0.0 adds to a reservation; older versions cannot say it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Terms {
    pub(super) hold_for: Option<Duration>,
    pub(super) if_revision: Option<u64>,
}

/// What a long watch has seen.
pub(super) struct Watched {
    /// The latest of each item.
    pub(super) seen: HashMap<String, Item>,
    /// What should not have come, the first of it.
    pub(super) fault: Option<String>,
    /// How long the node may be away.
    pub(super) patience: Duration,
    /// The last revision that was seen ...
    at: u64,
    /// ... and that which there is, once it is known.
    last: watch::Receiver<Option<u64>>,
}

impl Watched {
    pub(super) fn new(last: watch::Receiver<Option<u64>>, patience: Duration) -> Self {
        Self { seen: HashMap::new(), fault: None, patience, at: 0, last }
    }

    fn saw(&mut self, item: Item) {
        if item.revision <= self.at && self.fault.is_none() {
            self.fault = Some(format!("revision {} of {} came after {}", item.revision, item.sku, self.at));
        }
        self.at = item.revision;
        self.seen.insert(item.sku.clone(), item);
    }

    fn is_over(&self) -> bool {
        self.last.borrow().is_some_and(|last| self.at >= last)
    }
}

/// A generated client, and what its answers have to say of themselves.
pub(super) struct Speaker<C> {
    pub(super) client: C,
    pub(super) version: &'static str,
    pub(super) node: Arc<Standing>,
    /// What the node may have been when the call began.
    pub(super) begun: Mutex<Span>,
    /// What it was, as the answer says.
    met: Met,
}

/// The most that any one call may take.
const PATIENCE: Duration = Duration::from_secs(15);

impl<C> Speaker<C> {
    pub(super) fn new(client: C, version: &'static str, node: Arc<Standing>, met: Met) -> Self {
        let begun = Mutex::new(node.now());
        Self { client, version, node, begun, met }
    }

    /// The message of an answer, if it says rightly what it is in and what the node runs.
    fn checked<M>(&self, response: Response<M>) -> Result<M, Status> {
        self.met.note(response.metadata().get("straddle-node").and_then(|said| said.to_str().ok()).unwrap_or_default());
        let span = self.node.span(&self.begun.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, expected) in [("straddle-version", &[self.version][..]), ("straddle-node", span.versions())] {
            let said = response.metadata().get(name).map(|value| value.to_str().unwrap_or_default());
            if !said.is_some_and(|said| expected.contains(&said)) {
                return Err(Status::data_loss(format!("{name} is {said:?} and has to be one of {expected:?}")));
            }
        }
        Ok(response.into_inner())
    }

    fn request<M>(&self, message: M) -> tonic::Request<M> {
        let mut request = self.endless(message);
        request.set_timeout(PATIENCE);
        request
    }

    /// A request that nobody stops waiting for.
    fn endless<M>(&self, message: M) -> tonic::Request<M> {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = self.node.now();
        tonic::Request::new(message)
    }
}

fn there<M>(message: Option<M>) -> Result<M, Status> {
    message.ok_or_else(|| Status::data_loss("the answer lacks its item"))
}

/// A caller of one version: the calls that all have, with the name that this one gives to putting an item, then what it
/// shares with some, then what it has alone. (The `()` only says that a part is there.)
macro_rules! caller {
    (
        $version:ident, $words:ident, $put:ident, $put_request:ident;
        $(final_reservations $final:tt)? $(adjusting $adjusting:tt)? $(euros $euros:tt)?
        { $($own:tt)* }
    ) => {
        #[tonic::async_trait]
        impl<C: Channel> Caller for Speaker<$version::inventory_client::InventoryClient<C>> {
        async fn get(&mut self, sku: &str) -> Result<Item, Status> {
            let answer = self.client.get_item(self.request($version::GetItemRequest { sku: sku.to_owned() })).await?;
            self.checked(answer).map(item::$words::hear)
        }

        async fn put(&mut self, item: &Item, request_id: &str) -> Result<Item, Status> {
            let item = Some(item::$words::say(item));
            let answer =
                self.client.$put(self.request($version::$put_request { item, request_id: request_id.to_owned() })).await?;
            there(self.checked(answer)?.item).map(item::$words::hear)
        }

        async fn list(&mut self, prefix: &str) -> Result<Vec<Item>, Status> {
            let answer =
                self.client.list_items(self.request($version::ListItemsRequest { sku_prefix: prefix.to_owned() })).await?;
            let mut items = self.checked(answer)?;
            let mut heard = Vec::new();
            while let Some(item) = items.message().await? {
                heard.push(item::$words::hear(item));
            }
            Ok(heard)
        }

        async fn watch(&mut self, after: u64, wanted: u64) -> Result<Vec<Item>, Status> {
            let answer =
                self.client.watch_items(self.request($version::WatchItemsRequest { after_revision: after })).await?;
            let mut events = self.checked(answer)?;
            let mut heard = Vec::new();
            while let Some(event) = events.message().await? {
                let item = item::$words::hear(there(event.item)?);
                if item.revision != event.revision {
                    return Err(Status::data_loss("an event and its item differ in their revision"));
                }
                heard.push(item);
                if event.revision >= wanted {
                    return Ok(heard);
                }
            }
            Err(Status::data_loss("a watch ended by itself"))
        }

        async fn follow(&mut self, watched: &mut Watched) -> Result<(), Status> {
            let request = self.endless($version::WatchItemsRequest { after_revision: watched.at });
            let answer = self.client.watch_items(request).await?;
            let mut events = self.checked(answer)?;
            let mut last = watched.last.clone();
            while !watched.is_over() {
                tokio::select! {
                    event = events.message() => {
                        let Some(event) = event? else { return Err(Status::data_loss("a watch ended by itself")) };
                        watched.saw(item::$words::hear(there(event.item)?));
                    }
                    // Whoever knows the end keeps it until all have seen it.
                    Ok(()) = last.changed() => {}
                }
            }
            Ok(())
        }

        async fn import(&mut self, items: &[Item], request_id: &str) -> Result<(u64, u64), Status> {
            let first = $version::ImportItemsRequest { request_id: request_id.to_owned(), item: None };
            let rest: Vec<_> = items
                .iter()
                .map(|item| $version::ImportItemsRequest {
                    request_id: String::new(),
                    item: Some(item::$words::say(item)),
                })
                .collect();
            let answer = self.client.import_items(self.request(iter(std::iter::once(first).chain(rest)))).await?;
            self.checked(answer).map(|imported| (imported.count, imported.revision))
        }

        async fn look_up(&mut self, skus: &[String]) -> Result<Vec<Found>, Status> {
            let asked: Vec<_> = skus.iter().map(|sku| $version::LookupItemsRequest { sku: sku.clone() }).collect();
            let answer = self.client.lookup_items(self.request(iter(asked))).await?;
            let mut results = self.checked(answer)?;
            let mut found = Vec::new();
            while let Some(answer) = results.message().await? {
                found.push(match there(answer.result)? {
                    $version::lookup_items_response::Result::Item(item) => Ok(item::$words::hear(item)),
                    $version::lookup_items_response::Result::MissingSku(sku) => Err(sku),
                });
            }
            Ok(found)
        }

        async fn release(&mut self, reservation: &str, request_id: &str) -> Result<(), Status> {
            let message =
                $version::ReleaseRequest { reservation_id: reservation.to_owned(), request_id: request_id.to_owned() };
            let answer = self.client.release(self.request(message)).await?;
            self.checked(answer).map(|_| ())
        }

            $(
        async fn reserve(&mut self, sku: &str, quantity: i64, id: &str, _: Terms) -> Result<Reservation, Status> {
            let $final = ();
            let message = $version::ReserveRequest { sku: sku.to_owned(), quantity, request_id: id.to_owned() };
            let answer = self.client.reserve(self.request(message)).await?;
            let $version::Reservation { reservation_id, sku, quantity } = self.checked(answer)?;
            Ok(Reservation { id: reservation_id, sku, quantity, state: None })
        }
            )?

            $(
        async fn adjust(&mut self, sku: &str, delta: i64, request_id: &str) -> Result<Item, Status> {
            let $adjusting = ();
            let message =
                $version::AdjustStockRequest { sku: sku.to_owned(), delta, request_id: request_id.to_owned() };
            let answer = self.client.adjust_stock(self.request(message)).await?;
            self.checked(answer).map(item::$words::hear)
        }
            )?

            $(
        async fn put_in_euros(&mut self, sku: &str, request_id: &str) -> Result<u64, Status> {
            let $euros = ();
            let price = Some($version::Money { currency_code: "EUR".to_owned(), units: 7, nanos: 0 });
            let item = $version::Item { sku: sku.to_owned(), name: sku.to_owned(), price, ..Default::default() };
            let message = $version::UpsertItemRequest { item: Some(item), request_id: request_id.to_owned() };
            let answer = self.client.upsert_item(self.request(message)).await?;
            Ok(self.checked(answer)?.item.unwrap_or_default().revision)
        }
            )?

            $($own)*
        }
    };
}

caller!(v1_0_0, first, put_item, PutItemRequest; final_reservations () {});
caller!(v1_1_0, second, put_item, PutItemRequest; final_reservations () adjusting () {});
caller!(v2_0_0, third, upsert_item, UpsertItemRequest; final_reservations () adjusting () euros () {});
caller!(v3_0_0, fourth, upsert_item, UpsertItemRequest; adjusting () euros () {
    async fn reserve(&mut self, sku: &str, quantity: i64, id: &str, terms: Terms) -> Result<Reservation, Status> {
        let message = v3_0_0::ReserveRequest {
            sku: sku.to_owned(),
            quantity,
            request_id: id.to_owned(),
            // The demo's terms are far below the range of a protobuf duration.
            hold_for: terms.hold_for.and_then(|hold_for| hold_for.try_into().ok()),
            if_revision: terms.if_revision,
        };
        let answer = self.client.reserve(self.request(message)).await?;
        self.checked(answer).map(heard)
    }

    async fn confirm(&mut self, reservation: &str, id: &str) -> Result<Reservation, Status> {
        let message = v3_0_0::ConfirmRequest { reservation_id: reservation.to_owned(), request_id: id.to_owned() };
        let answer = self.client.confirm(self.request(message)).await?;
        self.checked(answer).map(heard)
    }

    async fn cancel(&mut self, reservation: &str, id: &str) -> Result<Reservation, Status> {
        let message = v3_0_0::CancelRequest { reservation_id: reservation.to_owned(), request_id: id.to_owned() };
        let answer = self.client.cancel(self.request(message)).await?;
        self.checked(answer).map(heard)
    }

    async fn reservation(&mut self, reservation: &str) -> Result<Reservation, Status> {
        let message = v3_0_0::GetReservationRequest { reservation_id: reservation.to_owned() };
        let answer = self.client.get_reservation(self.request(message)).await?;
        self.checked(answer).map(heard)
    }
});

fn heard(reservation: v3_0_0::Reservation) -> Reservation {
    Reservation {
        state: Some(reservation.state()),
        id: reservation.reservation_id,
        sku: reservation.sku,
        quantity: reservation.quantity,
    }
}
