//! Version 1.1.0.

use std::path::Path;
use std::sync::Arc;

use tokio_stream::StreamExt;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use crate::inventory::clock::Clock;
use crate::inventory::generated::v1_1_0::{
    AdjustStockRequest, GetItemRequest, ImportItemsRequest, ImportItemsResponse, Item, ListItemsRequest,
    LookupItemsRequest, LookupItemsResponse, PutItemRequest, PutItemResponse, ReleaseRequest, ReleaseResponse,
    Reservation, ReserveRequest, WatchEvent, WatchItemsRequest, inventory_server::Inventory, lookup_items_response,
};
use crate::inventory::store::{Import, Imported, OpenError, Store};
use crate::inventory::stream;
use crate::node::Opening;
use crate::state::Layout;

/// The object of 1.1.0.
#[derive(Debug)]
pub struct Object {
    store: Store<Item>,
}

impl Object {
    /// Opens the inventory in `directory`, which is created when it is not there yet.
    ///
    /// # Errors
    /// Says which path cannot be opened, why, and what to do.
    pub fn open(directory: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Ok(Self { store: Store::open(directory.as_ref(), clock)? })
    }

    /// Opens the inventory of a node.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_node(opening: &Opening, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Ok(Self { store: Store::of_node(opening, clock)? })
    }

    /// How its state is laid out.
    #[must_use]
    pub fn layout() -> Layout {
        Store::<Item>::layout()
    }
}

#[tonic::async_trait]
impl Inventory for Object {
    async fn get_item(&self, request: Request<GetItemRequest>) -> Result<Response<Item>, Status> {
        Ok(Response::new(self.store.get(&request.into_inner().sku)?))
    }

    async fn put_item(&self, request: Request<PutItemRequest>) -> Result<Response<PutItemResponse>, Status> {
        let PutItemRequest { item, request_id } = request.into_inner();
        let item = self.store.put(request_id, item).await?;
        Ok(Response::new(PutItemResponse { item: Some(item) }))
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
        let ReserveRequest { sku, quantity, request_id } = request.into_inner();
        let reservation = self.store.reserve(request_id, sku, quantity).await?;
        Ok(Response::new(Reservation {
            reservation_id: reservation.id,
            sku: reservation.sku,
            quantity: reservation.quantity,
        }))
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseResponse>, Status> {
        let ReleaseRequest { reservation_id, request_id } = request.into_inner();
        self.store.release(request_id, reservation_id).await?;
        Ok(Response::new(ReleaseResponse {}))
    }
}
