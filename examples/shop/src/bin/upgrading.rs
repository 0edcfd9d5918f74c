mod shop {
    straddle::include_protocol!("shop");
}
#[path = "../step.rs"]
mod step;

use prost::Message;
use shop::{v1_0_0 as v1, v2_0_0 as v2};
use straddle::dispatch::Object;
use straddle::node::{Ended, Node, Opening, Program, Upgrade};
use straddle::simulation::Adjacent;
use straddle::state::{Layout, Mode, Records, RecordsError};
use tonic::{Request, Response, Status};

/// The state is one table of messages; under each key, the SKU, lies a product of the version that the node runs.
fn products(message: &str) -> Layout {
    Layout::new().messages("products", message)
}

/// What 1.0.0 does, over its state.
struct ShopOne {
    records: Records,
}

impl ShopOne {
    fn open(opening: &Opening) -> Result<Object, RecordsError> {
        let records = opening.records(&products("shop.v1.Product"))?;
        let anvil = v1::Product { name: "Anvil".to_owned(), dollars: 49.99 };
        records.write(|writing| match writing.get("products", b"anvil")? {
            Some(_) => Ok::<_, RecordsError>(()),
            None => writing.insert("products", b"anvil", &anvil.encode_to_vec()),
        })?;
        Ok(Object::of(v1::shop_server::ShopServer::new(Self { records })))
    }
}

#[tonic::async_trait]
impl v1::shop_server::Shop for ShopOne {
    async fn get_product(&self, request: Request<v1::GetProductRequest>) -> Result<Response<v1::Product>, Status> {
        Ok(Response::new(find(&self.records, &request.into_inner().sku)?))
    }
}

/// What 2.0.0 does, over its own.
struct ShopTwo {
    records: Records,
}

impl ShopTwo {
    fn open(opening: &Opening) -> Result<Object, RecordsError> {
        let records = opening.records(&products("shop.v2.Product"))?;
        Ok(Object::of(v2::shop_server::ShopServer::new(Self { records })))
    }
}

#[tonic::async_trait]
impl v2::shop_server::Shop for ShopTwo {
    async fn get_product(&self, request: Request<v2::GetProductRequest>) -> Result<Response<v2::Product>, Status> {
        let v2::GetProductRequest { sku, currency } = request.into_inner();
        match currency.as_str() {
            "" | "USD" => Ok(Response::new(find(&self.records, &sku)?)),
            _ => Err(Status::not_found(format!("there is no {sku} for {currency}"))),
        }
    }

    async fn get_total(&self, request: Request<v2::GetTotalRequest>) -> Result<Response<v2::Money>, Status> {
        let mut cents = 0;
        for sku in request.into_inner().skus {
            let price = find::<v2::Product>(&self.records, &sku)?.price.unwrap_or_default();
            cents += price.units * 100 + i64::from(price.nanos / 10_000_000);
        }
        Ok(Response::new(v2::Money::usd(cents)))
    }
}

impl v2::Money {
    fn usd(cents: i64) -> Self {
        Self { currency_code: "USD".to_owned(), units: cents / 100, nanos: (cents % 100) as i32 * 10_000_000 }
    }
}

fn find<M: Message + Default>(records: &Records, sku: &str) -> Result<M, Status> {
    let found = records.read().and_then(|reading| reading.get("products", sku.as_bytes()));
    let bytes = found.map_err(|error| Status::internal(error.to_string()))?;
    let bytes = bytes.ok_or_else(|| Status::not_found(format!("there is no {sku}")))?;
    M::decode(bytes).map_err(|error| Status::data_loss(error.to_string()))
}

/// Serves callers of 2.0.0 while the node runs 1.0.0, where rules do not.
fn future(adjacent: Adjacent, _: &Opening) -> Object {
    let client = v1::shop_client::ShopClient::new(adjacent);
    Object::of(v2::shop_server::ShopServer::new(step::Future { client }))
}

#[tokio::main]
async fn main() -> Ended {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());

    let upgrade = Upgrade::to("2.0.0").object(ShopTwo::open).future(future);
    let node = Node::builder(shop::protocol())
        .object("1.0.0", ShopOne::open)
        .records(products("shop.v1.Product"))
        .upgrade(upgrade.records(products("shop.v2.Product"), Mode::Eager));

    Program::from_env()
        .state(argument("shop-state"))
        .listen(&argument("127.0.0.1:7001"))
        .admin(&argument("127.0.0.1:7071"))
        .on_ready(|ready| {
            println!("a node that runs {} listens on {}", ready.node.version(), ready.callers);
            println!("its admin service is on {}", ready.admin);
        })
        .run(node)
        .await
}
