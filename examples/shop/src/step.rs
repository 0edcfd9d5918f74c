//! The step between 1.0.0 and 2.0.0: each simulation object knows these two versions and nothing else.

use straddle::refusal::Refusal;
use straddle::simulation::Adjacent;
use tonic::{Request, Response, Status};

use crate::shop::{v1_0_0 as v1, v2_0_0 as v2};

/// Serves callers of 1.0.0 on a node that runs 2.0.0.
pub struct Past {
    pub client: v2::shop_client::ShopClient<Adjacent>,
}

#[tonic::async_trait]
impl v1::shop_server::Shop for Past {
    async fn get_price(&self, request: Request<v1::GetPriceRequest>) -> Result<Response<v1::Price>, Status> {
        let v1::GetPriceRequest { sku } = request.into_inner();
        let request = v2::GetPriceRequest { sku, currency: "USD".to_owned() };
        let price = self.client.clone().get_price(request).await?.into_inner();
        Ok(Response::new(v1::Price { dollars: price.cents as f64 / 100.0 }))
    }
}

/// Serves callers of 2.0.0 on a node that runs 1.0.0.
pub struct Future {
    pub client: v1::shop_client::ShopClient<Adjacent>,
}

#[tonic::async_trait]
impl v2::shop_server::Shop for Future {
    async fn get_price(&self, request: Request<v2::GetPriceRequest>) -> Result<Response<v2::Price>, Status> {
        let v2::GetPriceRequest { sku, currency } = request.into_inner();
        if !matches!(currency.as_str(), "" | "USD") {
            let refusal = Refusal::lossy("currency", "1.0.0 knows prices in US dollars only");
            return Err(refusal.advice("ask a node that runs 2.0.0").into());
        }
        let price = self.client.clone().get_price(v1::GetPriceRequest { sku }).await?.into_inner();
        let cents = (price.dollars * 100.0).round() as i64;
        Ok(Response::new(v2::Price { currency: "USD".to_owned(), cents }))
    }
}
