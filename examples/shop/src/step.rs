//! What rules cannot say of the step between 1.0.0 and 2.0.0.

use straddle::simulation::Adjacent;
use tonic::{Request, Response, Status};

use crate::shop::{v1_0_0 as v1, v2_0_0 as v2};

/// Serves callers of 2.0.0 on a node that runs 1.0.0, where rules do not.
pub struct Future {
    pub client: v1::shop_client::ShopClient<Adjacent>,
}

#[tonic::async_trait]
impl v2::shop_server::Shop for Future {
    async fn get_total(&self, request: Request<v2::GetTotalRequest>) -> Result<Response<v2::Money>, Status> {
        let mut cents = 0;
        for sku in request.into_inner().skus {
            let product = self.client.clone().get_product(v1::GetProductRequest { sku }).await?.into_inner();
            cents += (product.dollars * 100.0).round() as i64;
        }
        Ok(Response::new(v2::Money::usd(cents)))
    }
}
