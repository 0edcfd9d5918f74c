//! Version 3.0.0.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_stream::StreamExt;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use crate::inventory::clock::Clock;
use crate::inventory::expiry::{Expiry, Runs};
use crate::inventory::generated::v3_0_0::{
    AdjustStockRequest, CancelRequest, ConfirmRequest, GetItemRequest, GetReservationRequest, ImportItemsRequest,
    ImportItemsResponse, Item, ListItemsRequest, LookupItemsRequest, LookupItemsResponse, ReleaseRequest,
    ReleaseResponse, Reservation, ReserveRequest, UpsertItemRequest, UpsertItemResponse, WatchEvent, WatchItemsRequest,
    inventory_server::Inventory, lookup_items_response,
};
use crate::inventory::store::{self, Import, Imported, OpenError, Store};
use crate::inventory::stream;
use crate::node::Opening;
use crate::state::Layout;

/// The object of 3.0.0.
///
/// A task in the background ends holds when they expire; it stops when the object is dropped.
#[derive(Debug)]
pub struct Object {
    store: Store<Item>,
    _expiry: Expiry,
}

impl Object {
    /// Opens the inventory in `directory`, which is created when it is not there yet.
    ///
    /// # Errors
    /// Says which path cannot be opened, why, and what to do; or that this is not called within a Tokio runtime.
    pub fn open(directory: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let runtime = Handle::try_current()?;
        Ok(Self::over(Store::open(directory.as_ref(), clock)?, Runs::By(&runtime)))
    }

    /// Opens the inventory of a node, which stops the task before it touches the state.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_node(opening: &Opening, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Ok(Self::over(Store::of_node(opening, clock)?, Runs::With(opening.background())))
    }

    /// How its state is laid out.
    #[must_use]
    pub fn layout() -> Layout {
        Store::<Item>::layout()
    }

    fn over(store: Store<Item>, runs: Runs<'_>) -> Self {
        let end_due = |database| async move { Store::<Item>::over(database).end_due().await };
        let expiry = Expiry::start(runs, store.database(), end_due);
        Self { store, _expiry: expiry }
    }
}

#[tonic::async_trait]
impl Inventory for Object {
    async fn get_item(&self, request: Request<GetItemRequest>) -> Result<Response<Item>, Status> {
        Ok(Response::new(self.store.get(&request.into_inner().sku)?))
    }

    async fn upsert_item(&self, request: Request<UpsertItemRequest>) -> Result<Response<UpsertItemResponse>, Status> {
        let UpsertItemRequest { item, request_id } = request.into_inner();
        let item = self.store.put(request_id, item).await?;
        Ok(Response::new(UpsertItemResponse { item: Some(item) }))
    }

    async fn list_items(&self, request: Request<ListItemsRequest>) -> Result<Response<BoxStream<Item>>, Status> {
        Ok(Response::new(self.store.list(request.into_inner().sku_prefix)?))
    }

    async fn watch_items(
        &self,
        request: Request<WatchItemsRequest>,
    ) -> Result<Response<BoxStream<WatchEvent>>, Status> {
        let items = self.store.watch(request.into_inner().after_revision);
        let events = items.map(|item| item.map(|item| WatchEvent { revision: item.revision, item: Some(item) }));
        Ok(Response::new(Box::pin(events)))
    }

    async fn import_items(
        &self,
        request: Request<Streaming<ImportItemsRequest>>,
    ) -> Result<Response<ImportItemsResponse>, Status> {
        let mut requests = request.into_inner();
        let mut import = Import::new();
        // A caller that goes away is an error here, not the end of its stream.
        while let Some(ImportItemsRequest { request_id, item }) = requests.message().await? {
            import.push(request_id, item)?;
        }
        let Imported { count, revision } = import.finish(&self.store).await?;
        Ok(Response::new(ImportItemsResponse { count, revision }))
    }

    async fn lookup_items(
        &self,
        request: Request<Streaming<LookupItemsRequest>>,
    ) -> Result<Response<BoxStream<LookupItemsResponse>>, Status> {
        let lookup = (self.store.clone(), request.into_inner());
        let answers =
            stream::unfold(lookup, |(store, mut requests): (Store<Item>, Streaming<LookupItemsRequest>)| async move {
                let Some(LookupItemsRequest { sku }) = requests.message().await? else { return Ok(None) };
                let result = match store.find(&sku)? {
                    Some(item) => lookup_items_response::Result::Item(item),
                    None => lookup_items_response::Result::MissingSku(sku),
                };
                Ok(Some((LookupItemsResponse { result: Some(result) }, (store, requests))))
            });
        Ok(Response::new(answers))
    }

    async fn adjust_stock(&self, request: Request<AdjustStockRequest>) -> Result<Response<Item>, Status> {
        let AdjustStockRequest { sku, delta, request_id } = request.into_inner();
        Ok(Response::new(self.store.adjust(request_id, sku, delta).await?))
    }

    async fn reserve(&self, request: Request<ReserveRequest>) -> Result<Response<Reservation>, Status> {
        let ReserveRequest { sku, quantity, request_id, hold_for, if_revision } = request.into_inner();
        let reservation = self.store.hold(request_id, sku, quantity, hold_for, if_revision).await?;
        Ok(Response::new(reservation.into()))
    }

    async fn confirm(&self, request: Request<ConfirmRequest>) -> Result<Response<Reservation>, Status> {
        let ConfirmRequest { reservation_id, request_id } = request.into_inner();
        Ok(Response::new(self.store.confirm(request_id, reservation_id).await?.into()))
    }

    async fn cancel(&self, request: Request<CancelRequest>) -> Result<Response<Reservation>, Status> {
        let CancelRequest { reservation_id, request_id } = request.into_inner();
        Ok(Response::new(self.store.cancel(request_id, reservation_id).await?.into()))
    }

    async fn get_reservation(&self, request: Request<GetReservationRequest>) -> Result<Response<Reservation>, Status> {
        Ok(Response::new(self.store.reservation(&request.into_inner().reservation_id)?.into()))
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseResponse>, Status> {
        let ReleaseRequest { reservation_id, request_id } = request.into_inner();
        self.store.release(request_id, reservation_id).await?;
        Ok(Response::new(ReleaseResponse {}))
    }
}

impl From<store::Reservation> for Reservation {
    fn from(stored: store::Reservation) -> Self {
        Self {
            expire_time: stored.expires().map(Into::into),
            // The stored states have the numbers of `HoldState`.
            state: stored.state,
            reservation_id: stored.id,
            sku: stored.sku,
            quantity: stored.quantity,
        }
    }
}
