mod shop {
    straddle::include_protocol!("shop");
}

use std::time::Duration;

use shop::v2_0_0::{GetProductRequest, shop_client};
use straddle::refusal::Refusal;
use straddle::transport::Channel;
use tonic::Request;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7001".to_owned());
    let channel = Channel::owner(address).build()?;
    // The function labels what it makes; `ShopClient::new(channel)` would not.
    let mut shop = shop_client(channel);
    for currency in ["USD", "EUR"] {
        let mut request = Request::new(GetProductRequest { sku: "anvil".to_owned(), currency: currency.to_owned() });
        request.set_timeout(Duration::from_secs(5));
        match shop.get_product(request).await {
            Ok(product) => println!("{:?}", product.into_inner()),
            Err(status) => match Refusal::from_status(&status) {
                Some(refusal) => println!("refused: {refusal}"),
                None => return Err(status.into()),
            },
        }
    }
    Ok(())
}
