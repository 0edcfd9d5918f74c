//! Callers of 2.0.0 on a node that runs 1.1.0.

use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::convert::{Within, item_to_v1, item_to_v2};
use super::streams;
use straddle::inventory::generated::v1_1_0::inventory_client::InventoryClient;
use straddle::inventory::generated::v2_0_0::inventory_server::Inventory;
use straddle::inventory::generated::{v1_1_0 as v1, v2_0_0 as v2};
use straddle::inventory::steps::Channel;

/// Serves 2.0.0 by calling 1.1.0.
///
/// | message | value | refusal |
/// |---|---|---|
/// | request | a price in another currency, or with more digits than a double has; a location whose aisle has a `-`, or that is longer than 64 bytes as `aisle-bin`; the status `DISCONTINUED` | `LOSSY` |
/// | response | a price with more than nine decimals; a location that ends in its first `-` | `LOSSY`, `ran=true` |
///
/// A status or a price that a request leaves open is what it would be on a node that runs 2.0.0: active, as every item
/// of 1.1.0 is, and 0 US dollars.
#[derive(Clone, Debug)]
pub(crate) struct Future<C> {
    client: InventoryClient<C>,
}

impl<C: Channel> Future<C> {
    /// Serves 2.0.0 through `client`.
    pub(crate) fn new(client: InventoryClient<C>) -> Self {
        Self { client }
    }
}

#[tonic::async_trait]
impl<C: Channel> Inventory for Future<C> {
    async fn get_item(&self, request: Request<v2::GetItemRequest>) -> Result<Response<v2::Item>, Status> {
        let v2::GetItemRequest { sku } = request.into_inner();
        let item = self.client.clone().get_item(v1::GetItemRequest { sku }).await?.into_inner();
        Ok(Response::new(item_to_v2(item, Within::Itself)?))
    }

    async fn upsert_item(
        &self,
        request: Request<v2::UpsertItemRequest>,
    ) -> Result<Response<v2::UpsertItemResponse>, Status> {
        let v2::UpsertItemRequest { item, request_id } = request.into_inner();
        let request = v1::PutItemRequest { item: item.map(request_item).transpose()?, request_id };
        let v1::PutItemResponse { item } = self.client.clone().put_item(request).await?.into_inner();
        Ok(Response::new(v2::UpsertItemResponse { item: item.map(response_item).transpose()? }))
    }

    async fn list_items(
        &self,
        request: Request<v2::ListItemsRequest>,
    ) -> Result<Response<BoxStream<v2::Item>>, Status> {
        let v2::ListItemsRequest { sku_prefix } = request.into_inner();
        let items = self.client.clone().list_items(v1::ListItemsRequest { sku_prefix }).await?.into_inner();
        Ok(Response::new(streams::responses(items, |item| item_to_v2(item, Within::Itself))))
    }

    async fn watch_items(
        &self,
        request: Request<v2::WatchItemsRequest>,
    ) -> Result<Response<BoxStream<v2::WatchEvent>>, Status> {
        let v2::WatchItemsRequest { after_revision } = request.into_inner();
        let events = self.client.clone().watch_items(v1::WatchItemsRequest { after_revision }).await?.into_inner();
        Ok(Response::new(streams::responses(events, |v1::WatchEvent { revision, item }| {
            Ok(v2::WatchEvent { revision, item: item.map(response_item).transpose()? })
        })))
    }

    async fn import_items(
        &self,
        request: Request<Streaming<v2::ImportItemsRequest>>,
    ) -> Result<Response<v2::ImportItemsResponse>, Status> {
        let convert = |v2::ImportItemsRequest { request_id, item }| {
            Ok(v1::ImportItemsRequest { request_id, item: item.map(request_item).transpose()? })
        };
        let (requests, mut fault) = streams::requests(request.into_inner(), convert);
        let v1::ImportItemsResponse { count, revision } =
            fault.or(self.client.clone().import_items(requests)).await?.into_inner();
        Ok(Response::new(v2::ImportItemsResponse { count, revision }))
    }

    async fn lookup_items(
        &self,
        request: Request<Streaming<v2::LookupItemsRequest>>,
    ) -> Result<Response<BoxStream<v2::LookupItemsResponse>>, Status> {
        let convert = |v2::LookupItemsRequest { sku }| Ok(v1::LookupItemsRequest { sku });
        let (requests, mut fault) = streams::requests(request.into_inner(), convert);
        let answers = fault.or(self.client.clone().lookup_items(requests)).await?.into_inner();
        Ok(Response::new(fault.responses(answers, lookup_answer)))
    }

    async fn adjust_stock(&self, request: Request<v2::AdjustStockRequest>) -> Result<Response<v2::Item>, Status> {
        let v2::AdjustStockRequest { sku, delta, request_id } = request.into_inner();
        let request = v1::AdjustStockRequest { sku, delta, request_id };
        let item = self.client.clone().adjust_stock(request).await?.into_inner();
        Ok(Response::new(item_to_v2(item, Within::Itself)?))
    }

    async fn reserve(&self, request: Request<v2::ReserveRequest>) -> Result<Response<v2::Reservation>, Status> {
        let v2::ReserveRequest { sku, quantity, request_id } = request.into_inner();
        let request = v1::ReserveRequest { sku, quantity, request_id };
        let v1::Reservation { reservation_id, sku, quantity } =
            self.client.clone().reserve(request).await?.into_inner();
        Ok(Response::new(v2::Reservation { reservation_id, sku, quantity }))
    }

    async fn release(&self, request: Request<v2::ReleaseRequest>) -> Result<Response<v2::ReleaseResponse>, Status> {
        let v2::ReleaseRequest { reservation_id, request_id } = request.into_inner();
        let v1::ReleaseResponse {} =
            self.client.clone().release(v1::ReleaseRequest { reservation_id, request_id }).await?.into_inner();
        Ok(Response::new(v2::ReleaseResponse {}))
    }
}

fn request_item(item: v2::Item) -> Result<v1::Item, Status> {
    item_to_v1(item, Within::Request)
}

fn response_item(item: v1::Item) -> Result<v2::Item, Status> {
    item_to_v2(item, Within::Response)
}

fn lookup_answer(answer: v1::LookupItemsResponse) -> Result<v2::LookupItemsResponse, Status> {
    use {v1::lookup_items_response::Result as From, v2::lookup_items_response::Result as To};

    let result = answer.result.map(|result| match result {
        From::Item(item) => response_item(item).map(To::Item),
        From::MissingSku(sku) => Ok(To::MissingSku(sku)),
    });
    Ok(v2::LookupItemsResponse { result: result.transpose()? })
}
