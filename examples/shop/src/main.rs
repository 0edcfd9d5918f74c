mod shop {
    straddle::include_protocol!("shop");
}

mod step;

use shop::{v1_0_0 as v1, v2_0_0 as v2};
use straddle::dispatch::Object;
use straddle::node::Node;
use tonic::{Request, Response, Status};

/// What 1.0.0 does: ordinary tonic code.
struct ShopOne;

#[tonic::async_trait]
impl v1::shop_server::Shop for ShopOne {
    async fn get_price(&self, request: Request<v1::GetPriceRequest>) -> Result<Response<v1::Price>, Status> {
        match request.into_inner().sku.as_str() {
            "anvil" => Ok(Response::new(v1::Price { dollars: 49.99 })),
            sku => Err(Status::not_found(format!("there is no {sku}"))),
        }
    }
}

/// What 2.0.0 does: ordinary tonic code, too.
struct ShopTwo;

#[tonic::async_trait]
impl v2::shop_server::Shop for ShopTwo {
    async fn get_price(&self, request: Request<v2::GetPriceRequest>) -> Result<Response<v2::Price>, Status> {
        let v2::GetPriceRequest { sku, currency } = request.into_inner();
        let cents = match (sku.as_str(), currency.as_str()) {
            ("anvil", "" | "USD") => 4999,
            ("anvil", "EUR") => 4599,
            _ => return Err(Status::not_found(format!("there is no {sku} for {currency}"))),
        };
        let currency = if currency.is_empty() { "USD".to_owned() } else { currency };
        Ok(Response::new(v2::Price { currency, cents }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let version = arguments.next().unwrap_or_else(|| "2.0.0".to_owned());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7001".to_owned());

    let node = match version.as_str() {
        "1.0.0" => Node::builder(shop::protocol())
            .object("1.0.0", Object::of(v1::shop_server::ShopServer::new(ShopOne)))
            .future("2.0.0", |adjacent| {
                let client = v1::shop_client::ShopClient::new(adjacent);
                Object::of(v2::shop_server::ShopServer::new(step::Future { client }))
            }),
        _ => Node::builder(shop::protocol())
            .object("2.0.0", Object::of(v2::shop_server::ShopServer::new(ShopTwo)))
            .past("1.0.0", |adjacent| {
                let client = v2::shop_client::ShopClient::new(adjacent);
                Object::of(v1::shop_server::ShopServer::new(step::Past { client }))
            }),
    };
    let node = node.build()?;

    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("a node that runs {} listens on {}", node.version(), listener.local_addr()?);
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    node.serve(listener, stop)?.await;
    Ok(())
}
