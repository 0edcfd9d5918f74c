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
    async fn get_product(&self, request: Request<v1::GetProductRequest>) -> Result<Response<v1::Product>, Status> {
        match request.into_inner().sku.as_str() {
            "anvil" => Ok(Response::new(v1::Product { name: "Anvil".to_owned(), dollars: 49.99 })),
            sku => Err(Status::not_found(format!("there is no {sku}"))),
        }
    }
}

/// What 2.0.0 does: ordinary tonic code, too.
struct ShopTwo;

#[tonic::async_trait]
impl v2::shop_server::Shop for ShopTwo {
    async fn get_product(&self, request: Request<v2::GetProductRequest>) -> Result<Response<v2::Product>, Status> {
        let v2::GetProductRequest { sku, currency } = request.into_inner();
        let price = match (sku.as_str(), currency.as_str()) {
            ("anvil", "" | "USD") => v2::Money::usd(4999),
            ("anvil", "EUR") => v2::Money { currency_code: currency, units: 45, nanos: 990_000_000 },
            _ => return Err(Status::not_found(format!("there is no {sku} for {currency}"))),
        };
        Ok(Response::new(v2::Product { title: "Anvil".to_owned(), price: Some(price) }))
    }

    async fn get_total(&self, request: Request<v2::GetTotalRequest>) -> Result<Response<v2::Money>, Status> {
        let skus = request.into_inner().skus;
        match skus.iter().find(|sku| *sku != "anvil") {
            Some(sku) => Err(Status::not_found(format!("there is no {sku}"))),
            None => Ok(Response::new(v2::Money::usd(4999 * skus.len() as i64))),
        }
    }
}

impl v2::Money {
    fn usd(cents: i64) -> Self {
        Self { currency_code: "USD".to_owned(), units: cents / 100, nanos: (cents % 100) as i32 * 10_000_000 }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let version = arguments.next().unwrap_or_else(|| "2.0.0".to_owned());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7001".to_owned());

    let node = Node::builder(shop::protocol());
    let node = match version.as_str() {
        "1.0.0" => node.object("1.0.0", Object::of(v1::shop_server::ShopServer::new(ShopOne))),
        _ => node.object("2.0.0", Object::of(v2::shop_server::ShopServer::new(ShopTwo))),
    };
    let node = match version.as_str() {
        "1.0.0" => node.future("2.0.0", |adjacent| {
            let client = v1::shop_client::ShopClient::new(adjacent);
            Object::of(v2::shop_server::ShopServer::new(step::Future { client }))
        }),
        _ => node,
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
