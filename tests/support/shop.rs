//! A protocol of three versions, whose items change across a breaking step and grow across another.

pub(crate) const SHOP: &[(&str, &str)] = &[
    ("protocol.toml", "name = \"shop\"\n"),
    (
        "1.0.0/shop.proto",
        r#"
        syntax = "proto3";
        package shop.v1;
        message Item {
          string sku = 1;
          string name = 2;
          int64 price_cents = 3;
          string note = 4;
          map<string, Part> parts = 5;
          repeated Part spares = 6;
        }
        message Part {
          string name = 1;
          int32 count = 2;
          string maker = 3;
        }
        "#,
    ),
    (
        "2.0.0/shop.proto",
        r#"
        syntax = "proto3";
        package shop.v2;
        message StockItem {
          string sku = 1;
          string title = 2;
          Price price = 9;
          string grade = 7;
          map<string, Part> parts = 5;
          repeated Part spares = 6;
          reserved 3, 4;
        }
        message Price {
          int64 units = 1;
        }
        message Part {
          string name = 1;
          int32 count = 2;
          reserved 3;
        }
        message Audit {
          string who = 1;
        }
        "#,
    ),
    (
        "2.0.0/step.toml",
        r#"from = "1.0.0"

[rename.packages]
"shop.v1" = "shop.v2"

[rename.messages]
"shop.v1.Item" = "shop.v2.StockItem"

[messages."shop.v1.Item"]
rules = [
    { old = "name", new = "title" },
    { old = "price_cents", new = "price.units", scale = "1/100" },
    { old = "note", drop = true, when = "old.note == 'none'" },
    { new = "grade", value = "A" },
]

[messages."shop.v1.Part"]
rules = [
    { old = "maker", refuse = "2.0.0 knows no makers", advice = "write the maker into the name" },
]
"#,
    ),
    (
        "2.1.0/shop.proto",
        r#"
        syntax = "proto3";
        package shop.v2;
        message StockItem {
          string sku = 1;
          string title = 2;
          Price price = 9;
          string grade = 7;
          map<string, Part> parts = 5;
          repeated Part spares = 6;
          string shelf = 10;
          reserved 3, 4;
        }
        message Price {
          int64 units = 1;
        }
        message Part {
          string name = 1;
          int32 count = 2;
          reserved 3;
        }
        message Audit {
          string who = 1;
        }
        "#,
    ),
];
