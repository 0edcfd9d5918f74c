// @generated from schemas/inventory. Do not edit.
/// Version 1.0.0.
pub mod v1_0_0 {
    pub mod inventory {
        pub mod v1 {
            /// Something that the warehouse keeps.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct Item {
                /// What names the item: 1 to 64 bytes, no control characters.
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// What people call it: 1 to 256 bytes.
                #[prost(string, tag = "2")]
                pub name: ::prost::alloc::string::String,
                /// The price of one piece, in US dollars: 0 to 10^12.
                #[prost(double, tag = "3")]
                pub price: f64,
                /// How many pieces can be reserved: 0 to 10^12.
                #[prost(int64, tag = "4")]
                pub stock: i64,
                /// Where it lies, as `aisle-bin`: at most 64 bytes.
                #[prost(string, tag = "5")]
                pub location: ::prost::alloc::string::String,
                /// When it was last written, in seconds since the Unix epoch. Set by the node; ignored in requests.
                #[prost(int64, tag = "6")]
                pub updated: i64,
                /// The write that this state came from. The node counts: each item written takes the next number. Set by the node;
                /// ignored in requests.
                #[prost(uint64, tag = "7")]
                pub revision: u64,
                /// Whatever else is known: at most 64 entries, keys of 1 to 64 bytes, values of at most 1,024 bytes.
                #[prost(map = "string, string", tag = "8")]
                pub attributes: ::std::collections::HashMap<
                    ::prost::alloc::string::String,
                    ::prost::alloc::string::String,
                >,
                /// Who sells it to us: at most 16.
                #[prost(message, repeated, tag = "11")]
                pub suppliers: ::prost::alloc::vec::Vec<Supplier>,
                /// What it is packed in.
                #[prost(oneof = "item::Packaging", tags = "9, 10")]
                pub packaging: ::core::option::Option<item::Packaging>,
            }
            /// Nested message and enum types in `Item`.
            pub mod item {
                /// What it is packed in.
                #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Oneof)]
                pub enum Packaging {
                    /// It comes by the box.
                    #[prost(message, tag = "9")]
                    Box(super::Box),
                    /// It comes by the pallet.
                    #[prost(message, tag = "10")]
                    Pallet(super::Pallet),
                }
            }
            /// A box, measured outside.
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Box {
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "1")]
                pub length_mm: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "2")]
                pub width_mm: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "3")]
                pub height_mm: i32,
            }
            /// A pallet with layers of boxes.
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Pallet {
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "1")]
                pub layers: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "2")]
                pub boxes_per_layer: i32,
            }
            /// Who sells an item to us.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct Supplier {
                /// 1 to 256 bytes.
                #[prost(string, tag = "1")]
                pub name: ::prost::alloc::string::String,
                /// What they ask for it: at most 16.
                #[prost(message, repeated, tag = "2")]
                pub offers: ::prost::alloc::vec::Vec<Offer>,
            }
            /// What a supplier asks.
            #[derive(Clone, Copy, PartialEq, ::prost::Message)]
            pub struct Offer {
                /// The least number of pieces that this price is for: 1 or more.
                #[prost(int32, tag = "1")]
                pub minimum_quantity: i32,
                /// The price of one piece, in US dollars: 0 to 10^12.
                #[prost(double, tag = "2")]
                pub price: f64,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct GetItemRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct PutItemRequest {
                #[prost(message, optional, tag = "1")]
                pub item: ::core::option::Option<Item>,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct PutItemResponse {
                /// The item as it is now.
                #[prost(message, optional, tag = "1")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ListItemsRequest {
                /// Only items whose SKU begins with this; all when empty. At most 64 bytes.
                #[prost(string, tag = "1")]
                pub sku_prefix: ::prost::alloc::string::String,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct WatchItemsRequest {
                /// Begin after this revision; 0 begins with every item that there is.
                #[prost(uint64, tag = "1")]
                pub after_revision: u64,
            }
            /// An item was written.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct WatchEvent {
                /// Where to go on: the item's revision.
                #[prost(uint64, tag = "1")]
                pub revision: u64,
                /// The item as that write left it.
                #[prost(message, optional, tag = "2")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct ImportItemsRequest {
                /// In the first message; later ones leave it out.
                #[prost(string, tag = "1")]
                pub request_id: ::prost::alloc::string::String,
                /// The first message may leave it out.
                #[prost(message, optional, tag = "2")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ImportItemsResponse {
                /// How many items were put.
                #[prost(uint64, tag = "1")]
                pub count: u64,
                /// The node's revision after them.
                #[prost(uint64, tag = "2")]
                pub revision: u64,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct LookupItemsRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct LookupItemsResponse {
                #[prost(oneof = "lookup_items_response::Result", tags = "1, 2")]
                pub result: ::core::option::Option<lookup_items_response::Result>,
            }
            /// Nested message and enum types in `LookupItemsResponse`.
            pub mod lookup_items_response {
                #[derive(Clone, PartialEq, ::prost::Oneof)]
                pub enum Result {
                    /// The item of that SKU.
                    #[prost(message, tag = "1")]
                    Item(super::Item),
                    /// The SKU, when there is no such item.
                    #[prost(string, tag = "2")]
                    MissingSku(::prost::alloc::string::String),
                }
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReserveRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// 1 to 10^12.
                #[prost(int64, tag = "2")]
                pub quantity: i64,
                #[prost(string, tag = "3")]
                pub request_id: ::prost::alloc::string::String,
            }
            /// Stock that was taken out of an item.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Reservation {
                /// What names the reservation; chosen by the node.
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub sku: ::prost::alloc::string::String,
                #[prost(int64, tag = "3")]
                pub quantity: i64,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReleaseRequest {
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReleaseResponse {}
            /// Generated client implementations.
            pub mod inventory_client {
                #![allow(
                    unused_variables,
                    dead_code,
                    missing_docs,
                    clippy::wildcard_imports,
                    clippy::let_unit_value,
                )]
                use tonic::codegen::*;
                use tonic::codegen::http::Uri;
                /// The inventory of one warehouse.
                ///
                /// Writes carry a `request_id`, chosen by the caller: 1 to 128 bytes, unique to the request. A write that has succeeded
                /// is remembered under its id for 24 hours; a retry with the same id and the same request changes nothing and is
                /// answered as the first time. The same id with another request is INVALID_ARGUMENT. A write that failed is not
                /// remembered, for it changed nothing. Who acts for a caller derives ids of its own by adding a `/` and a word, so
                /// callers should keep to 100 bytes and leave `/` out.
                ///
                /// Errors that every method can give: INVALID_ARGUMENT names the field that breaks a limit stated here; NOT_FOUND says
                /// that there is no item, or no reservation, of that name; INTERNAL that the node cannot read or write its state.
                #[derive(Debug, Clone)]
                pub struct InventoryClient<T> {
                    inner: tonic::client::Grpc<T>,
                }
                impl<T> InventoryClient<T>
                where
                    T: tonic::client::GrpcService<tonic::body::Body>,
                    T::Error: Into<StdError>,
                    T::ResponseBody: Body<Data = Bytes> + std::marker::Send + 'static,
                    <T::ResponseBody as Body>::Error: Into<StdError> + std::marker::Send,
                {
                    pub fn new(inner: T) -> Self {
                        let inner = tonic::client::Grpc::new(inner);
                        Self { inner }
                    }
                    pub fn with_origin(inner: T, origin: Uri) -> Self {
                        let inner = tonic::client::Grpc::with_origin(inner, origin);
                        Self { inner }
                    }
                    pub fn with_interceptor<F>(
                        inner: T,
                        interceptor: F,
                    ) -> InventoryClient<InterceptedService<T, F>>
                    where
                        F: tonic::service::Interceptor,
                        T::ResponseBody: Default,
                        T: tonic::codegen::Service<
                            http::Request<tonic::body::Body>,
                            Response = http::Response<
                                <T as tonic::client::GrpcService<
                                    tonic::body::Body,
                                >>::ResponseBody,
                            >,
                        >,
                        <T as tonic::codegen::Service<
                            http::Request<tonic::body::Body>,
                        >>::Error: Into<StdError> + std::marker::Send
                            + std::marker::Sync,
                    {
                        InventoryClient::new(InterceptedService::new(inner, interceptor))
                    }
                    /// Compress requests with the given encoding.
                    ///
                    /// This requires the server to support it otherwise it might respond with an
                    /// error.
                    #[must_use]
                    pub fn send_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.inner = self.inner.send_compressed(encoding);
                        self
                    }
                    /// Enable decompressing responses.
                    #[must_use]
                    pub fn accept_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.inner = self.inner.accept_compressed(encoding);
                        self
                    }
                    /// Limits the maximum size of a decoded message.
                    ///
                    /// Default: `4MB`
                    #[must_use]
                    pub fn max_decoding_message_size(mut self, limit: usize) -> Self {
                        self.inner = self.inner.max_decoding_message_size(limit);
                        self
                    }
                    /// Limits the maximum size of an encoded message.
                    ///
                    /// Default: `usize::MAX`
                    #[must_use]
                    pub fn max_encoding_message_size(mut self, limit: usize) -> Self {
                        self.inner = self.inner.max_encoding_message_size(limit);
                        self
                    }
                    /// Returns one item.
                    pub async fn get_item(
                        &mut self,
                        request: impl tonic::IntoRequest<super::GetItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/GetItem",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "GetItem"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Creates the item, or replaces all of it: what the request leaves out is then empty, and the stock is what the
                    /// request says, whatever it was. Reservations are not touched.
                    pub async fn put_item(
                        &mut self,
                        request: impl tonic::IntoRequest<super::PutItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::PutItemResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/PutItem",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "PutItem"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Streams items in the order of their SKUs, each as it is when it is sent.
                    pub async fn list_items(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ListItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<tonic::codec::Streaming<super::Item>>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/ListItems",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "ListItems"),
                            );
                        self.inner.server_streaming(req, path, codec).await
                    }
                    /// Streams each item that was written after a revision, in the order of revisions, and goes on with what is written
                    /// from now on. It never ends by itself; it is UNAVAILABLE when the node closes. An item that is written faster than
                    /// the caller reads comes once, as it is then; no item's latest state is left out. Call again after the last revision
                    /// seen to go on without a gap.
                    pub async fn watch_items(
                        &mut self,
                        request: impl tonic::IntoRequest<super::WatchItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<tonic::codec::Streaming<super::WatchEvent>>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/WatchItems",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "WatchItems"),
                            );
                        self.inner.server_streaming(req, path, codec).await
                    }
                    /// Puts many items: all of them when the caller ends the stream, or none. At most 10,000 items and 16 MiB, else
                    /// RESOURCE_EXHAUSTED; no SKU twice.
                    pub async fn import_items(
                        &mut self,
                        request: impl tonic::IntoStreamingRequest<
                            Message = super::ImportItemsRequest,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<super::ImportItemsResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/ImportItems",
                        );
                        let mut req = request.into_streaming_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "ImportItems"),
                            );
                        self.inner.client_streaming(req, path, codec).await
                    }
                    /// Answers each SKU, in the order asked, as soon as it is asked.
                    pub async fn lookup_items(
                        &mut self,
                        request: impl tonic::IntoStreamingRequest<
                            Message = super::LookupItemsRequest,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<
                            tonic::codec::Streaming<super::LookupItemsResponse>,
                        >,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/LookupItems",
                        );
                        let mut req = request.into_streaming_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "LookupItems"),
                            );
                        self.inner.streaming(req, path, codec).await
                    }
                    /// Takes stock out of an item for good. FAILED_PRECONDITION when there is too little of it.
                    pub async fn reserve(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ReserveRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/Reserve",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "Reserve"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Gives the stock of a reservation back. Releasing it again is no error for 24 hours; then it is forgotten.
                    pub async fn release(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ReleaseRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::ReleaseResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/Release",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "Release"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                }
            }
            /// Generated server implementations.
            pub mod inventory_server {
                #![allow(
                    unused_variables,
                    dead_code,
                    missing_docs,
                    clippy::wildcard_imports,
                    clippy::let_unit_value,
                )]
                use tonic::codegen::*;
                /// Generated trait containing gRPC methods that should be implemented for use with InventoryServer.
                #[async_trait]
                pub trait Inventory: std::marker::Send + std::marker::Sync + 'static {
                    /// Returns one item.
                    async fn get_item(
                        &self,
                        request: tonic::Request<super::GetItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Creates the item, or replaces all of it: what the request leaves out is then empty, and the stock is what the
                    /// request says, whatever it was. Reservations are not touched.
                    async fn put_item(
                        &self,
                        request: tonic::Request<super::PutItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::PutItemResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Streams items in the order of their SKUs, each as it is when it is sent.
                    async fn list_items(
                        &self,
                        request: tonic::Request<super::ListItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::Item>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Streams each item that was written after a revision, in the order of revisions, and goes on with what is written
                    /// from now on. It never ends by itself; it is UNAVAILABLE when the node closes. An item that is written faster than
                    /// the caller reads comes once, as it is then; no item's latest state is left out. Call again after the last revision
                    /// seen to go on without a gap.
                    async fn watch_items(
                        &self,
                        request: tonic::Request<super::WatchItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::WatchEvent>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Puts many items: all of them when the caller ends the stream, or none. At most 10,000 items and 16 MiB, else
                    /// RESOURCE_EXHAUSTED; no SKU twice.
                    async fn import_items(
                        &self,
                        request: tonic::Request<
                            tonic::Streaming<super::ImportItemsRequest>,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<super::ImportItemsResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Answers each SKU, in the order asked, as soon as it is asked.
                    async fn lookup_items(
                        &self,
                        request: tonic::Request<
                            tonic::Streaming<super::LookupItemsRequest>,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::LookupItemsResponse>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Takes stock out of an item for good. FAILED_PRECONDITION when there is too little of it.
                    async fn reserve(
                        &self,
                        request: tonic::Request<super::ReserveRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Gives the stock of a reservation back. Releasing it again is no error for 24 hours; then it is forgotten.
                    async fn release(
                        &self,
                        request: tonic::Request<super::ReleaseRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::ReleaseResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                }
                /// The inventory of one warehouse.
                ///
                /// Writes carry a `request_id`, chosen by the caller: 1 to 128 bytes, unique to the request. A write that has succeeded
                /// is remembered under its id for 24 hours; a retry with the same id and the same request changes nothing and is
                /// answered as the first time. The same id with another request is INVALID_ARGUMENT. A write that failed is not
                /// remembered, for it changed nothing. Who acts for a caller derives ids of its own by adding a `/` and a word, so
                /// callers should keep to 100 bytes and leave `/` out.
                ///
                /// Errors that every method can give: INVALID_ARGUMENT names the field that breaks a limit stated here; NOT_FOUND says
                /// that there is no item, or no reservation, of that name; INTERNAL that the node cannot read or write its state.
                #[derive(Debug)]
                pub struct InventoryServer<T> {
                    inner: Arc<T>,
                    accept_compression_encodings: EnabledCompressionEncodings,
                    send_compression_encodings: EnabledCompressionEncodings,
                    max_decoding_message_size: Option<usize>,
                    max_encoding_message_size: Option<usize>,
                }
                impl<T> InventoryServer<T> {
                    pub fn new(inner: T) -> Self {
                        Self::from_arc(Arc::new(inner))
                    }
                    pub fn from_arc(inner: Arc<T>) -> Self {
                        Self {
                            inner,
                            accept_compression_encodings: Default::default(),
                            send_compression_encodings: Default::default(),
                            max_decoding_message_size: None,
                            max_encoding_message_size: None,
                        }
                    }
                    pub fn with_interceptor<F>(
                        inner: T,
                        interceptor: F,
                    ) -> InterceptedService<Self, F>
                    where
                        F: tonic::service::Interceptor,
                    {
                        InterceptedService::new(Self::new(inner), interceptor)
                    }
                    /// Enable decompressing requests with the given encoding.
                    #[must_use]
                    pub fn accept_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.accept_compression_encodings.enable(encoding);
                        self
                    }
                    /// Compress responses with the given encoding, if the client supports it.
                    #[must_use]
                    pub fn send_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.send_compression_encodings.enable(encoding);
                        self
                    }
                    /// Limits the maximum size of a decoded message.
                    ///
                    /// Default: `4MB`
                    #[must_use]
                    pub fn max_decoding_message_size(mut self, limit: usize) -> Self {
                        self.max_decoding_message_size = Some(limit);
                        self
                    }
                    /// Limits the maximum size of an encoded message.
                    ///
                    /// Default: `usize::MAX`
                    #[must_use]
                    pub fn max_encoding_message_size(mut self, limit: usize) -> Self {
                        self.max_encoding_message_size = Some(limit);
                        self
                    }
                }
                impl<T, B> tonic::codegen::Service<http::Request<B>>
                for InventoryServer<T>
                where
                    T: Inventory,
                    B: Body + std::marker::Send + 'static,
                    B::Error: Into<StdError> + std::marker::Send + 'static,
                {
                    type Response = http::Response<tonic::body::Body>;
                    type Error = std::convert::Infallible;
                    type Future = BoxFuture<Self::Response, Self::Error>;
                    fn poll_ready(
                        &mut self,
                        _cx: &mut Context<'_>,
                    ) -> Poll<std::result::Result<(), Self::Error>> {
                        Poll::Ready(Ok(()))
                    }
                    fn call(&mut self, req: http::Request<B>) -> Self::Future {
                        match req.uri().path() {
                            "/inventory.v1.Inventory/GetItem" => {
                                #[allow(non_camel_case_types)]
                                struct GetItemSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::GetItemRequest>
                                for GetItemSvc<T> {
                                    type Response = super::Item;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::GetItemRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::get_item(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = GetItemSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/PutItem" => {
                                #[allow(non_camel_case_types)]
                                struct PutItemSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::PutItemRequest>
                                for PutItemSvc<T> {
                                    type Response = super::PutItemResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::PutItemRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::put_item(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = PutItemSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/ListItems" => {
                                #[allow(non_camel_case_types)]
                                struct ListItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ServerStreamingService<
                                    super::ListItemsRequest,
                                > for ListItemsSvc<T> {
                                    type Response = super::Item;
                                    type ResponseStream = BoxStream<super::Item>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ListItemsRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::list_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ListItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.server_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/WatchItems" => {
                                #[allow(non_camel_case_types)]
                                struct WatchItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ServerStreamingService<
                                    super::WatchItemsRequest,
                                > for WatchItemsSvc<T> {
                                    type Response = super::WatchEvent;
                                    type ResponseStream = BoxStream<super::WatchEvent>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::WatchItemsRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::watch_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = WatchItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.server_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/ImportItems" => {
                                #[allow(non_camel_case_types)]
                                struct ImportItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ClientStreamingService<
                                    super::ImportItemsRequest,
                                > for ImportItemsSvc<T> {
                                    type Response = super::ImportItemsResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<
                                            tonic::Streaming<super::ImportItemsRequest>,
                                        >,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::import_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ImportItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.client_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/LookupItems" => {
                                #[allow(non_camel_case_types)]
                                struct LookupItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::StreamingService<super::LookupItemsRequest>
                                for LookupItemsSvc<T> {
                                    type Response = super::LookupItemsResponse;
                                    type ResponseStream = BoxStream<super::LookupItemsResponse>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<
                                            tonic::Streaming<super::LookupItemsRequest>,
                                        >,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::lookup_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = LookupItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/Reserve" => {
                                #[allow(non_camel_case_types)]
                                struct ReserveSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::ReserveRequest>
                                for ReserveSvc<T> {
                                    type Response = super::Reservation;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ReserveRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::reserve(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ReserveSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/Release" => {
                                #[allow(non_camel_case_types)]
                                struct ReleaseSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::ReleaseRequest>
                                for ReleaseSvc<T> {
                                    type Response = super::ReleaseResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ReleaseRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::release(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ReleaseSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            _ => {
                                Box::pin(async move {
                                    let mut response = http::Response::new(
                                        tonic::body::Body::default(),
                                    );
                                    let headers = response.headers_mut();
                                    headers
                                        .insert(
                                            tonic::Status::GRPC_STATUS,
                                            (tonic::Code::Unimplemented as i32).into(),
                                        );
                                    headers
                                        .insert(
                                            http::header::CONTENT_TYPE,
                                            tonic::metadata::GRPC_CONTENT_TYPE,
                                        );
                                    Ok(response)
                                })
                            }
                        }
                    }
                }
                impl<T> Clone for InventoryServer<T> {
                    fn clone(&self) -> Self {
                        let inner = self.inner.clone();
                        Self {
                            inner,
                            accept_compression_encodings: self
                                .accept_compression_encodings,
                            send_compression_encodings: self.send_compression_encodings,
                            max_decoding_message_size: self.max_decoding_message_size,
                            max_encoding_message_size: self.max_encoding_message_size,
                        }
                    }
                }
                /// Generated gRPC service name
                pub const SERVICE_NAME: &str = "inventory.v1.Inventory";
                impl<T> tonic::server::NamedService for InventoryServer<T> {
                    const NAME: &'static str = SERVICE_NAME;
                }
            }
        }
    }
    pub use inventory::v1::*;
}
/// Version 1.1.0.
pub mod v1_1_0 {
    pub mod inventory {
        pub mod v1 {
            /// Something that the warehouse keeps.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct Item {
                /// What names the item: 1 to 64 bytes, no control characters.
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// What people call it: 1 to 256 bytes.
                #[prost(string, tag = "2")]
                pub name: ::prost::alloc::string::String,
                /// The price of one piece, in US dollars: 0 to 10^12.
                #[prost(double, tag = "3")]
                pub price: f64,
                /// How many pieces can be reserved: 0 to 10^12.
                #[prost(int64, tag = "4")]
                pub stock: i64,
                /// Where it lies, as `aisle-bin`: at most 64 bytes.
                #[prost(string, tag = "5")]
                pub location: ::prost::alloc::string::String,
                /// When it was last written, in seconds since the Unix epoch. Set by the node; ignored in requests.
                #[prost(int64, tag = "6")]
                pub updated: i64,
                /// The write that this state came from. The node counts: each item written takes the next number. Set by the node;
                /// ignored in requests.
                #[prost(uint64, tag = "7")]
                pub revision: u64,
                /// Whatever else is known: at most 64 entries, keys of 1 to 64 bytes, values of at most 1,024 bytes.
                #[prost(map = "string, string", tag = "8")]
                pub attributes: ::std::collections::HashMap<
                    ::prost::alloc::string::String,
                    ::prost::alloc::string::String,
                >,
                /// Who sells it to us: at most 16.
                #[prost(message, repeated, tag = "11")]
                pub suppliers: ::prost::alloc::vec::Vec<Supplier>,
                /// What a shop shows of it: at most 4,096 bytes.
                #[prost(string, tag = "12")]
                pub description: ::prost::alloc::string::String,
                /// Words to find it by: at most 32, of 1 to 64 bytes, none of them twice.
                #[prost(string, repeated, tag = "13")]
                pub tags: ::prost::alloc::vec::Vec<::prost::alloc::string::String>,
                /// What it is packed in.
                #[prost(oneof = "item::Packaging", tags = "9, 10")]
                pub packaging: ::core::option::Option<item::Packaging>,
            }
            /// Nested message and enum types in `Item`.
            pub mod item {
                /// What it is packed in.
                #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Oneof)]
                pub enum Packaging {
                    /// It comes by the box.
                    #[prost(message, tag = "9")]
                    Box(super::Box),
                    /// It comes by the pallet.
                    #[prost(message, tag = "10")]
                    Pallet(super::Pallet),
                }
            }
            /// A box, measured outside.
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Box {
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "1")]
                pub length_mm: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "2")]
                pub width_mm: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "3")]
                pub height_mm: i32,
            }
            /// A pallet with layers of boxes.
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Pallet {
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "1")]
                pub layers: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "2")]
                pub boxes_per_layer: i32,
            }
            /// Who sells an item to us.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct Supplier {
                /// 1 to 256 bytes.
                #[prost(string, tag = "1")]
                pub name: ::prost::alloc::string::String,
                /// What they ask for it: at most 16.
                #[prost(message, repeated, tag = "2")]
                pub offers: ::prost::alloc::vec::Vec<Offer>,
            }
            /// What a supplier asks.
            #[derive(Clone, Copy, PartialEq, ::prost::Message)]
            pub struct Offer {
                /// The least number of pieces that this price is for: 1 or more.
                #[prost(int32, tag = "1")]
                pub minimum_quantity: i32,
                /// The price of one piece, in US dollars: 0 to 10^12.
                #[prost(double, tag = "2")]
                pub price: f64,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct GetItemRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct PutItemRequest {
                #[prost(message, optional, tag = "1")]
                pub item: ::core::option::Option<Item>,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct PutItemResponse {
                /// The item as it is now.
                #[prost(message, optional, tag = "1")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ListItemsRequest {
                /// Only items whose SKU begins with this; all when empty. At most 64 bytes.
                #[prost(string, tag = "1")]
                pub sku_prefix: ::prost::alloc::string::String,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct WatchItemsRequest {
                /// Begin after this revision; 0 begins with every item that there is.
                #[prost(uint64, tag = "1")]
                pub after_revision: u64,
            }
            /// An item was written.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct WatchEvent {
                /// Where to go on: the item's revision.
                #[prost(uint64, tag = "1")]
                pub revision: u64,
                /// The item as that write left it.
                #[prost(message, optional, tag = "2")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct ImportItemsRequest {
                /// In the first message; later ones leave it out.
                #[prost(string, tag = "1")]
                pub request_id: ::prost::alloc::string::String,
                /// The first message may leave it out.
                #[prost(message, optional, tag = "2")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ImportItemsResponse {
                /// How many items were put.
                #[prost(uint64, tag = "1")]
                pub count: u64,
                /// The node's revision after them.
                #[prost(uint64, tag = "2")]
                pub revision: u64,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct LookupItemsRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct LookupItemsResponse {
                #[prost(oneof = "lookup_items_response::Result", tags = "1, 2")]
                pub result: ::core::option::Option<lookup_items_response::Result>,
            }
            /// Nested message and enum types in `LookupItemsResponse`.
            pub mod lookup_items_response {
                #[derive(Clone, PartialEq, ::prost::Oneof)]
                pub enum Result {
                    /// The item of that SKU.
                    #[prost(message, tag = "1")]
                    Item(super::Item),
                    /// The SKU, when there is no such item.
                    #[prost(string, tag = "2")]
                    MissingSku(::prost::alloc::string::String),
                }
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct AdjustStockRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// How many pieces to add; less than 0 takes away. Not 0, and no more than 10^12 either way.
                #[prost(int64, tag = "2")]
                pub delta: i64,
                #[prost(string, tag = "3")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReserveRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// 1 to 10^12.
                #[prost(int64, tag = "2")]
                pub quantity: i64,
                #[prost(string, tag = "3")]
                pub request_id: ::prost::alloc::string::String,
            }
            /// Stock that was taken out of an item.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Reservation {
                /// What names the reservation; chosen by the node.
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub sku: ::prost::alloc::string::String,
                #[prost(int64, tag = "3")]
                pub quantity: i64,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReleaseRequest {
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReleaseResponse {}
            /// Generated client implementations.
            pub mod inventory_client {
                #![allow(
                    unused_variables,
                    dead_code,
                    missing_docs,
                    clippy::wildcard_imports,
                    clippy::let_unit_value,
                )]
                use tonic::codegen::*;
                use tonic::codegen::http::Uri;
                /// The inventory of one warehouse.
                ///
                /// Writes carry a `request_id`, chosen by the caller: 1 to 128 bytes, unique to the request. A write that has succeeded
                /// is remembered under its id for 24 hours; a retry with the same id and the same request changes nothing and is
                /// answered as the first time. The same id with another request is INVALID_ARGUMENT. A write that failed is not
                /// remembered, for it changed nothing. Who acts for a caller derives ids of its own by adding a `/` and a word, so
                /// callers should keep to 100 bytes and leave `/` out.
                ///
                /// Errors that every method can give: INVALID_ARGUMENT names the field that breaks a limit stated here; NOT_FOUND says
                /// that there is no item, or no reservation, of that name; INTERNAL that the node cannot read or write its state.
                #[derive(Debug, Clone)]
                pub struct InventoryClient<T> {
                    inner: tonic::client::Grpc<T>,
                }
                impl<T> InventoryClient<T>
                where
                    T: tonic::client::GrpcService<tonic::body::Body>,
                    T::Error: Into<StdError>,
                    T::ResponseBody: Body<Data = Bytes> + std::marker::Send + 'static,
                    <T::ResponseBody as Body>::Error: Into<StdError> + std::marker::Send,
                {
                    pub fn new(inner: T) -> Self {
                        let inner = tonic::client::Grpc::new(inner);
                        Self { inner }
                    }
                    pub fn with_origin(inner: T, origin: Uri) -> Self {
                        let inner = tonic::client::Grpc::with_origin(inner, origin);
                        Self { inner }
                    }
                    pub fn with_interceptor<F>(
                        inner: T,
                        interceptor: F,
                    ) -> InventoryClient<InterceptedService<T, F>>
                    where
                        F: tonic::service::Interceptor,
                        T::ResponseBody: Default,
                        T: tonic::codegen::Service<
                            http::Request<tonic::body::Body>,
                            Response = http::Response<
                                <T as tonic::client::GrpcService<
                                    tonic::body::Body,
                                >>::ResponseBody,
                            >,
                        >,
                        <T as tonic::codegen::Service<
                            http::Request<tonic::body::Body>,
                        >>::Error: Into<StdError> + std::marker::Send
                            + std::marker::Sync,
                    {
                        InventoryClient::new(InterceptedService::new(inner, interceptor))
                    }
                    /// Compress requests with the given encoding.
                    ///
                    /// This requires the server to support it otherwise it might respond with an
                    /// error.
                    #[must_use]
                    pub fn send_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.inner = self.inner.send_compressed(encoding);
                        self
                    }
                    /// Enable decompressing responses.
                    #[must_use]
                    pub fn accept_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.inner = self.inner.accept_compressed(encoding);
                        self
                    }
                    /// Limits the maximum size of a decoded message.
                    ///
                    /// Default: `4MB`
                    #[must_use]
                    pub fn max_decoding_message_size(mut self, limit: usize) -> Self {
                        self.inner = self.inner.max_decoding_message_size(limit);
                        self
                    }
                    /// Limits the maximum size of an encoded message.
                    ///
                    /// Default: `usize::MAX`
                    #[must_use]
                    pub fn max_encoding_message_size(mut self, limit: usize) -> Self {
                        self.inner = self.inner.max_encoding_message_size(limit);
                        self
                    }
                    /// Returns one item.
                    pub async fn get_item(
                        &mut self,
                        request: impl tonic::IntoRequest<super::GetItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/GetItem",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "GetItem"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Creates the item, or replaces all of it: what the request leaves out is then empty, and the stock is what the
                    /// request says, whatever it was. Reservations are not touched.
                    pub async fn put_item(
                        &mut self,
                        request: impl tonic::IntoRequest<super::PutItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::PutItemResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/PutItem",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "PutItem"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Streams items in the order of their SKUs, each as it is when it is sent.
                    pub async fn list_items(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ListItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<tonic::codec::Streaming<super::Item>>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/ListItems",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "ListItems"),
                            );
                        self.inner.server_streaming(req, path, codec).await
                    }
                    /// Streams each item that was written after a revision, in the order of revisions, and goes on with what is written
                    /// from now on. It never ends by itself; it is UNAVAILABLE when the node closes. An item that is written faster than
                    /// the caller reads comes once, as it is then; no item's latest state is left out. Call again after the last revision
                    /// seen to go on without a gap.
                    pub async fn watch_items(
                        &mut self,
                        request: impl tonic::IntoRequest<super::WatchItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<tonic::codec::Streaming<super::WatchEvent>>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/WatchItems",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "WatchItems"),
                            );
                        self.inner.server_streaming(req, path, codec).await
                    }
                    /// Puts many items: all of them when the caller ends the stream, or none. At most 10,000 items and 16 MiB, else
                    /// RESOURCE_EXHAUSTED; no SKU twice.
                    pub async fn import_items(
                        &mut self,
                        request: impl tonic::IntoStreamingRequest<
                            Message = super::ImportItemsRequest,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<super::ImportItemsResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/ImportItems",
                        );
                        let mut req = request.into_streaming_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "ImportItems"),
                            );
                        self.inner.client_streaming(req, path, codec).await
                    }
                    /// Answers each SKU, in the order asked, as soon as it is asked.
                    pub async fn lookup_items(
                        &mut self,
                        request: impl tonic::IntoStreamingRequest<
                            Message = super::LookupItemsRequest,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<
                            tonic::codec::Streaming<super::LookupItemsResponse>,
                        >,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/LookupItems",
                        );
                        let mut req = request.into_streaming_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "LookupItems"),
                            );
                        self.inner.streaming(req, path, codec).await
                    }
                    /// Adds pieces to an item's stock, or takes them away, whatever the stock is. FAILED_PRECONDITION when it would fall
                    /// below zero or rise above 10^12.
                    pub async fn adjust_stock(
                        &mut self,
                        request: impl tonic::IntoRequest<super::AdjustStockRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/AdjustStock",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "AdjustStock"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Takes stock out of an item for good. FAILED_PRECONDITION when there is too little of it.
                    pub async fn reserve(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ReserveRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/Reserve",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "Reserve"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Gives the stock of a reservation back. Releasing it again is no error for 24 hours; then it is forgotten.
                    pub async fn release(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ReleaseRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::ReleaseResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v1.Inventory/Release",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v1.Inventory", "Release"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                }
            }
            /// Generated server implementations.
            pub mod inventory_server {
                #![allow(
                    unused_variables,
                    dead_code,
                    missing_docs,
                    clippy::wildcard_imports,
                    clippy::let_unit_value,
                )]
                use tonic::codegen::*;
                /// Generated trait containing gRPC methods that should be implemented for use with InventoryServer.
                #[async_trait]
                pub trait Inventory: std::marker::Send + std::marker::Sync + 'static {
                    /// Returns one item.
                    async fn get_item(
                        &self,
                        request: tonic::Request<super::GetItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Creates the item, or replaces all of it: what the request leaves out is then empty, and the stock is what the
                    /// request says, whatever it was. Reservations are not touched.
                    async fn put_item(
                        &self,
                        request: tonic::Request<super::PutItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::PutItemResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Streams items in the order of their SKUs, each as it is when it is sent.
                    async fn list_items(
                        &self,
                        request: tonic::Request<super::ListItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::Item>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Streams each item that was written after a revision, in the order of revisions, and goes on with what is written
                    /// from now on. It never ends by itself; it is UNAVAILABLE when the node closes. An item that is written faster than
                    /// the caller reads comes once, as it is then; no item's latest state is left out. Call again after the last revision
                    /// seen to go on without a gap.
                    async fn watch_items(
                        &self,
                        request: tonic::Request<super::WatchItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::WatchEvent>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Puts many items: all of them when the caller ends the stream, or none. At most 10,000 items and 16 MiB, else
                    /// RESOURCE_EXHAUSTED; no SKU twice.
                    async fn import_items(
                        &self,
                        request: tonic::Request<
                            tonic::Streaming<super::ImportItemsRequest>,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<super::ImportItemsResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Answers each SKU, in the order asked, as soon as it is asked.
                    async fn lookup_items(
                        &self,
                        request: tonic::Request<
                            tonic::Streaming<super::LookupItemsRequest>,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::LookupItemsResponse>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Adds pieces to an item's stock, or takes them away, whatever the stock is. FAILED_PRECONDITION when it would fall
                    /// below zero or rise above 10^12.
                    async fn adjust_stock(
                        &self,
                        request: tonic::Request<super::AdjustStockRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Takes stock out of an item for good. FAILED_PRECONDITION when there is too little of it.
                    async fn reserve(
                        &self,
                        request: tonic::Request<super::ReserveRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Gives the stock of a reservation back. Releasing it again is no error for 24 hours; then it is forgotten.
                    async fn release(
                        &self,
                        request: tonic::Request<super::ReleaseRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::ReleaseResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                }
                /// The inventory of one warehouse.
                ///
                /// Writes carry a `request_id`, chosen by the caller: 1 to 128 bytes, unique to the request. A write that has succeeded
                /// is remembered under its id for 24 hours; a retry with the same id and the same request changes nothing and is
                /// answered as the first time. The same id with another request is INVALID_ARGUMENT. A write that failed is not
                /// remembered, for it changed nothing. Who acts for a caller derives ids of its own by adding a `/` and a word, so
                /// callers should keep to 100 bytes and leave `/` out.
                ///
                /// Errors that every method can give: INVALID_ARGUMENT names the field that breaks a limit stated here; NOT_FOUND says
                /// that there is no item, or no reservation, of that name; INTERNAL that the node cannot read or write its state.
                #[derive(Debug)]
                pub struct InventoryServer<T> {
                    inner: Arc<T>,
                    accept_compression_encodings: EnabledCompressionEncodings,
                    send_compression_encodings: EnabledCompressionEncodings,
                    max_decoding_message_size: Option<usize>,
                    max_encoding_message_size: Option<usize>,
                }
                impl<T> InventoryServer<T> {
                    pub fn new(inner: T) -> Self {
                        Self::from_arc(Arc::new(inner))
                    }
                    pub fn from_arc(inner: Arc<T>) -> Self {
                        Self {
                            inner,
                            accept_compression_encodings: Default::default(),
                            send_compression_encodings: Default::default(),
                            max_decoding_message_size: None,
                            max_encoding_message_size: None,
                        }
                    }
                    pub fn with_interceptor<F>(
                        inner: T,
                        interceptor: F,
                    ) -> InterceptedService<Self, F>
                    where
                        F: tonic::service::Interceptor,
                    {
                        InterceptedService::new(Self::new(inner), interceptor)
                    }
                    /// Enable decompressing requests with the given encoding.
                    #[must_use]
                    pub fn accept_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.accept_compression_encodings.enable(encoding);
                        self
                    }
                    /// Compress responses with the given encoding, if the client supports it.
                    #[must_use]
                    pub fn send_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.send_compression_encodings.enable(encoding);
                        self
                    }
                    /// Limits the maximum size of a decoded message.
                    ///
                    /// Default: `4MB`
                    #[must_use]
                    pub fn max_decoding_message_size(mut self, limit: usize) -> Self {
                        self.max_decoding_message_size = Some(limit);
                        self
                    }
                    /// Limits the maximum size of an encoded message.
                    ///
                    /// Default: `usize::MAX`
                    #[must_use]
                    pub fn max_encoding_message_size(mut self, limit: usize) -> Self {
                        self.max_encoding_message_size = Some(limit);
                        self
                    }
                }
                impl<T, B> tonic::codegen::Service<http::Request<B>>
                for InventoryServer<T>
                where
                    T: Inventory,
                    B: Body + std::marker::Send + 'static,
                    B::Error: Into<StdError> + std::marker::Send + 'static,
                {
                    type Response = http::Response<tonic::body::Body>;
                    type Error = std::convert::Infallible;
                    type Future = BoxFuture<Self::Response, Self::Error>;
                    fn poll_ready(
                        &mut self,
                        _cx: &mut Context<'_>,
                    ) -> Poll<std::result::Result<(), Self::Error>> {
                        Poll::Ready(Ok(()))
                    }
                    fn call(&mut self, req: http::Request<B>) -> Self::Future {
                        match req.uri().path() {
                            "/inventory.v1.Inventory/GetItem" => {
                                #[allow(non_camel_case_types)]
                                struct GetItemSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::GetItemRequest>
                                for GetItemSvc<T> {
                                    type Response = super::Item;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::GetItemRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::get_item(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = GetItemSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/PutItem" => {
                                #[allow(non_camel_case_types)]
                                struct PutItemSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::PutItemRequest>
                                for PutItemSvc<T> {
                                    type Response = super::PutItemResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::PutItemRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::put_item(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = PutItemSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/ListItems" => {
                                #[allow(non_camel_case_types)]
                                struct ListItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ServerStreamingService<
                                    super::ListItemsRequest,
                                > for ListItemsSvc<T> {
                                    type Response = super::Item;
                                    type ResponseStream = BoxStream<super::Item>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ListItemsRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::list_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ListItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.server_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/WatchItems" => {
                                #[allow(non_camel_case_types)]
                                struct WatchItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ServerStreamingService<
                                    super::WatchItemsRequest,
                                > for WatchItemsSvc<T> {
                                    type Response = super::WatchEvent;
                                    type ResponseStream = BoxStream<super::WatchEvent>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::WatchItemsRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::watch_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = WatchItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.server_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/ImportItems" => {
                                #[allow(non_camel_case_types)]
                                struct ImportItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ClientStreamingService<
                                    super::ImportItemsRequest,
                                > for ImportItemsSvc<T> {
                                    type Response = super::ImportItemsResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<
                                            tonic::Streaming<super::ImportItemsRequest>,
                                        >,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::import_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ImportItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.client_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/LookupItems" => {
                                #[allow(non_camel_case_types)]
                                struct LookupItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::StreamingService<super::LookupItemsRequest>
                                for LookupItemsSvc<T> {
                                    type Response = super::LookupItemsResponse;
                                    type ResponseStream = BoxStream<super::LookupItemsResponse>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<
                                            tonic::Streaming<super::LookupItemsRequest>,
                                        >,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::lookup_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = LookupItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/AdjustStock" => {
                                #[allow(non_camel_case_types)]
                                struct AdjustStockSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::AdjustStockRequest>
                                for AdjustStockSvc<T> {
                                    type Response = super::Item;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::AdjustStockRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::adjust_stock(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = AdjustStockSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/Reserve" => {
                                #[allow(non_camel_case_types)]
                                struct ReserveSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::ReserveRequest>
                                for ReserveSvc<T> {
                                    type Response = super::Reservation;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ReserveRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::reserve(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ReserveSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v1.Inventory/Release" => {
                                #[allow(non_camel_case_types)]
                                struct ReleaseSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::ReleaseRequest>
                                for ReleaseSvc<T> {
                                    type Response = super::ReleaseResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ReleaseRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::release(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ReleaseSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            _ => {
                                Box::pin(async move {
                                    let mut response = http::Response::new(
                                        tonic::body::Body::default(),
                                    );
                                    let headers = response.headers_mut();
                                    headers
                                        .insert(
                                            tonic::Status::GRPC_STATUS,
                                            (tonic::Code::Unimplemented as i32).into(),
                                        );
                                    headers
                                        .insert(
                                            http::header::CONTENT_TYPE,
                                            tonic::metadata::GRPC_CONTENT_TYPE,
                                        );
                                    Ok(response)
                                })
                            }
                        }
                    }
                }
                impl<T> Clone for InventoryServer<T> {
                    fn clone(&self) -> Self {
                        let inner = self.inner.clone();
                        Self {
                            inner,
                            accept_compression_encodings: self
                                .accept_compression_encodings,
                            send_compression_encodings: self.send_compression_encodings,
                            max_decoding_message_size: self.max_decoding_message_size,
                            max_encoding_message_size: self.max_encoding_message_size,
                        }
                    }
                }
                /// Generated gRPC service name
                pub const SERVICE_NAME: &str = "inventory.v1.Inventory";
                impl<T> tonic::server::NamedService for InventoryServer<T> {
                    const NAME: &'static str = SERVICE_NAME;
                }
            }
        }
    }
    pub use inventory::v1::*;
}
/// Version 2.0.0.
pub mod v2_0_0 {
    pub mod inventory {
        pub mod v2 {
            /// Something that the warehouse keeps.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct Item {
                /// What names the item: 1 to 64 bytes, no control characters.
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// What people call it: 1 to 256 bytes.
                #[prost(string, tag = "2")]
                pub name: ::prost::alloc::string::String,
                /// What a shop shows of it: at most 4,096 bytes.
                #[prost(string, tag = "3")]
                pub description: ::prost::alloc::string::String,
                /// Words to find it by: at most 32, of 1 to 64 bytes, none of them twice.
                #[prost(string, repeated, tag = "4")]
                pub tags: ::prost::alloc::vec::Vec<::prost::alloc::string::String>,
                /// Whether it can be reserved.
                #[prost(enumeration = "ItemStatus", tag = "5")]
                pub status: i32,
                /// The price of one piece: 0 to 10^12 of its currency. Unset means 0 US dollars.
                #[prost(message, optional, tag = "6")]
                pub price: ::core::option::Option<Money>,
                /// How many pieces can be reserved: 0 to 10^12.
                #[prost(int64, tag = "7")]
                pub stock: i64,
                /// Where it lies. Unset and empty mean the same: nobody knows.
                #[prost(message, optional, tag = "8")]
                pub location: ::core::option::Option<Location>,
                /// Who sells it to us: at most 16.
                #[prost(message, repeated, tag = "11")]
                pub suppliers: ::prost::alloc::vec::Vec<Supplier>,
                /// Whatever else is known: at most 64 entries, keys of 1 to 64 bytes, values of at most 1,024 bytes.
                #[prost(map = "string, string", tag = "12")]
                pub attributes: ::std::collections::HashMap<
                    ::prost::alloc::string::String,
                    ::prost::alloc::string::String,
                >,
                /// When it was last written. Set by the node; ignored in requests.
                #[prost(message, optional, tag = "13")]
                pub updated: ::core::option::Option<::prost_types::Timestamp>,
                /// The write that this state came from. The node counts: each item written takes the next number. Set by the node;
                /// ignored in requests.
                #[prost(uint64, tag = "14")]
                pub revision: u64,
                /// What it is packed in.
                #[prost(oneof = "item::Packaging", tags = "9, 10")]
                pub packaging: ::core::option::Option<item::Packaging>,
            }
            /// Nested message and enum types in `Item`.
            pub mod item {
                /// What it is packed in.
                #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Oneof)]
                pub enum Packaging {
                    /// It comes by the box.
                    #[prost(message, tag = "9")]
                    Box(super::Box),
                    /// It comes by the pallet.
                    #[prost(message, tag = "10")]
                    Pallet(super::Pallet),
                }
            }
            /// An amount of money; it means what google.type.Money means.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Money {
                /// Three capital letters, as ISO 4217 has them.
                #[prost(string, tag = "1")]
                pub currency_code: ::prost::alloc::string::String,
                /// Whole units of the currency.
                #[prost(int64, tag = "2")]
                pub units: i64,
                /// Billionths of a unit to add: 0 to 999,999,999.
                #[prost(int32, tag = "3")]
                pub nanos: i32,
            }
            /// A place in the warehouse. Its aisle and its bin have at most 64 bytes together.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Location {
                #[prost(string, tag = "1")]
                pub aisle: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub bin: ::prost::alloc::string::String,
            }
            /// A box, measured outside.
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Box {
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "1")]
                pub length_mm: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "2")]
                pub width_mm: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "3")]
                pub height_mm: i32,
            }
            /// A pallet with layers of boxes.
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Pallet {
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "1")]
                pub layers: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "2")]
                pub boxes_per_layer: i32,
            }
            /// Who sells an item to us.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct Supplier {
                /// 1 to 256 bytes.
                #[prost(string, tag = "1")]
                pub name: ::prost::alloc::string::String,
                /// What they ask for it: at most 16.
                #[prost(message, repeated, tag = "2")]
                pub offers: ::prost::alloc::vec::Vec<Offer>,
            }
            /// What a supplier asks.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Offer {
                /// The least number of pieces that this price is for: 1 or more.
                #[prost(int32, tag = "1")]
                pub minimum_quantity: i32,
                /// The price of one piece: 0 to 10^12 of its currency. Unset means 0 US dollars.
                #[prost(message, optional, tag = "2")]
                pub price: ::core::option::Option<Money>,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct GetItemRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct UpsertItemRequest {
                #[prost(message, optional, tag = "1")]
                pub item: ::core::option::Option<Item>,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct UpsertItemResponse {
                /// The item as it is now.
                #[prost(message, optional, tag = "1")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ListItemsRequest {
                /// Only items whose SKU begins with this; all when empty. At most 64 bytes.
                #[prost(string, tag = "1")]
                pub sku_prefix: ::prost::alloc::string::String,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct WatchItemsRequest {
                /// Begin after this revision; 0 begins with every item that there is.
                #[prost(uint64, tag = "1")]
                pub after_revision: u64,
            }
            /// An item was written.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct WatchEvent {
                /// Where to go on: the item's revision.
                #[prost(uint64, tag = "1")]
                pub revision: u64,
                /// The item as that write left it.
                #[prost(message, optional, tag = "2")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct ImportItemsRequest {
                /// In the first message; later ones leave it out.
                #[prost(string, tag = "1")]
                pub request_id: ::prost::alloc::string::String,
                /// The first message may leave it out.
                #[prost(message, optional, tag = "2")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ImportItemsResponse {
                /// How many items were upserted.
                #[prost(uint64, tag = "1")]
                pub count: u64,
                /// The node's revision after them.
                #[prost(uint64, tag = "2")]
                pub revision: u64,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct LookupItemsRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct LookupItemsResponse {
                #[prost(oneof = "lookup_items_response::Result", tags = "1, 2")]
                pub result: ::core::option::Option<lookup_items_response::Result>,
            }
            /// Nested message and enum types in `LookupItemsResponse`.
            pub mod lookup_items_response {
                #[derive(Clone, PartialEq, ::prost::Oneof)]
                pub enum Result {
                    /// The item of that SKU.
                    #[prost(message, tag = "1")]
                    Item(super::Item),
                    /// The SKU, when there is no such item.
                    #[prost(string, tag = "2")]
                    MissingSku(::prost::alloc::string::String),
                }
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct AdjustStockRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// How many pieces to add; less than 0 takes away. Not 0, and no more than 10^12 either way.
                #[prost(int64, tag = "2")]
                pub delta: i64,
                #[prost(string, tag = "3")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReserveRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// 1 to 10^12.
                #[prost(int64, tag = "2")]
                pub quantity: i64,
                #[prost(string, tag = "3")]
                pub request_id: ::prost::alloc::string::String,
            }
            /// Stock that was taken out of an item.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Reservation {
                /// What names the reservation; chosen by the node.
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub sku: ::prost::alloc::string::String,
                #[prost(int64, tag = "3")]
                pub quantity: i64,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReleaseRequest {
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReleaseResponse {}
            /// Whether an item can be reserved.
            #[derive(
                Clone,
                Copy,
                Debug,
                PartialEq,
                Eq,
                Hash,
                PartialOrd,
                Ord,
                ::prost::Enumeration
            )]
            #[repr(i32)]
            pub enum ItemStatus {
                /// In a request: as it was, and active when the item is new. The node never answers this.
                Unspecified = 0,
                /// It can be reserved.
                Active = 1,
                /// It cannot be reserved any more. What is reserved stays reserved and can be given back.
                Discontinued = 2,
            }
            impl ItemStatus {
                /// String value of the enum field names used in the ProtoBuf definition.
                ///
                /// The values are not transformed in any way and thus are considered stable
                /// (if the ProtoBuf definition does not change) and safe for programmatic use.
                pub fn as_str_name(&self) -> &'static str {
                    match self {
                        Self::Unspecified => "ITEM_STATUS_UNSPECIFIED",
                        Self::Active => "ITEM_STATUS_ACTIVE",
                        Self::Discontinued => "ITEM_STATUS_DISCONTINUED",
                    }
                }
                /// Creates an enum from field names used in the ProtoBuf definition.
                pub fn from_str_name(value: &str) -> ::core::option::Option<Self> {
                    match value {
                        "ITEM_STATUS_UNSPECIFIED" => Some(Self::Unspecified),
                        "ITEM_STATUS_ACTIVE" => Some(Self::Active),
                        "ITEM_STATUS_DISCONTINUED" => Some(Self::Discontinued),
                        _ => None,
                    }
                }
            }
            /// Generated client implementations.
            pub mod inventory_client {
                #![allow(
                    unused_variables,
                    dead_code,
                    missing_docs,
                    clippy::wildcard_imports,
                    clippy::let_unit_value,
                )]
                use tonic::codegen::*;
                use tonic::codegen::http::Uri;
                /// The inventory of one warehouse.
                ///
                /// Writes carry a `request_id`, chosen by the caller: 1 to 128 bytes, unique to the request. A write that has succeeded
                /// is remembered under its id for 24 hours; a retry with the same id and the same request changes nothing and is
                /// answered as the first time. The same id with another request is INVALID_ARGUMENT. A write that failed is not
                /// remembered, for it changed nothing. Who acts for a caller derives ids of its own by adding a `/` and a word, so
                /// callers should keep to 100 bytes and leave `/` out.
                ///
                /// Errors that every method can give: INVALID_ARGUMENT names the field that breaks a limit stated here; NOT_FOUND says
                /// that there is no item, or no reservation, of that name; INTERNAL that the node cannot read or write its state.
                #[derive(Debug, Clone)]
                pub struct InventoryClient<T> {
                    inner: tonic::client::Grpc<T>,
                }
                impl<T> InventoryClient<T>
                where
                    T: tonic::client::GrpcService<tonic::body::Body>,
                    T::Error: Into<StdError>,
                    T::ResponseBody: Body<Data = Bytes> + std::marker::Send + 'static,
                    <T::ResponseBody as Body>::Error: Into<StdError> + std::marker::Send,
                {
                    pub fn new(inner: T) -> Self {
                        let inner = tonic::client::Grpc::new(inner);
                        Self { inner }
                    }
                    pub fn with_origin(inner: T, origin: Uri) -> Self {
                        let inner = tonic::client::Grpc::with_origin(inner, origin);
                        Self { inner }
                    }
                    pub fn with_interceptor<F>(
                        inner: T,
                        interceptor: F,
                    ) -> InventoryClient<InterceptedService<T, F>>
                    where
                        F: tonic::service::Interceptor,
                        T::ResponseBody: Default,
                        T: tonic::codegen::Service<
                            http::Request<tonic::body::Body>,
                            Response = http::Response<
                                <T as tonic::client::GrpcService<
                                    tonic::body::Body,
                                >>::ResponseBody,
                            >,
                        >,
                        <T as tonic::codegen::Service<
                            http::Request<tonic::body::Body>,
                        >>::Error: Into<StdError> + std::marker::Send
                            + std::marker::Sync,
                    {
                        InventoryClient::new(InterceptedService::new(inner, interceptor))
                    }
                    /// Compress requests with the given encoding.
                    ///
                    /// This requires the server to support it otherwise it might respond with an
                    /// error.
                    #[must_use]
                    pub fn send_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.inner = self.inner.send_compressed(encoding);
                        self
                    }
                    /// Enable decompressing responses.
                    #[must_use]
                    pub fn accept_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.inner = self.inner.accept_compressed(encoding);
                        self
                    }
                    /// Limits the maximum size of a decoded message.
                    ///
                    /// Default: `4MB`
                    #[must_use]
                    pub fn max_decoding_message_size(mut self, limit: usize) -> Self {
                        self.inner = self.inner.max_decoding_message_size(limit);
                        self
                    }
                    /// Limits the maximum size of an encoded message.
                    ///
                    /// Default: `usize::MAX`
                    #[must_use]
                    pub fn max_encoding_message_size(mut self, limit: usize) -> Self {
                        self.inner = self.inner.max_encoding_message_size(limit);
                        self
                    }
                    /// Returns one item.
                    pub async fn get_item(
                        &mut self,
                        request: impl tonic::IntoRequest<super::GetItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/GetItem",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "GetItem"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Creates the item, or replaces all of it: what the request leaves out is then empty, and the stock is what the
                    /// request says, whatever it was. Only a status that the request leaves open stays as it was. Reservations are not
                    /// touched.
                    pub async fn upsert_item(
                        &mut self,
                        request: impl tonic::IntoRequest<super::UpsertItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::UpsertItemResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/UpsertItem",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "UpsertItem"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Streams items in the order of their SKUs, each as it is when it is sent.
                    pub async fn list_items(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ListItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<tonic::codec::Streaming<super::Item>>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/ListItems",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "ListItems"),
                            );
                        self.inner.server_streaming(req, path, codec).await
                    }
                    /// Streams each item that was written after a revision, in the order of revisions, and goes on with what is written
                    /// from now on. It never ends by itself; it is UNAVAILABLE when the node closes. An item that is written faster than
                    /// the caller reads comes once, as it is then; no item's latest state is left out. Call again after the last revision
                    /// seen to go on without a gap.
                    pub async fn watch_items(
                        &mut self,
                        request: impl tonic::IntoRequest<super::WatchItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<tonic::codec::Streaming<super::WatchEvent>>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/WatchItems",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "WatchItems"),
                            );
                        self.inner.server_streaming(req, path, codec).await
                    }
                    /// Upserts many items: all of them when the caller ends the stream, or none. At most 10,000 items and 16 MiB, else
                    /// RESOURCE_EXHAUSTED; no SKU twice.
                    pub async fn import_items(
                        &mut self,
                        request: impl tonic::IntoStreamingRequest<
                            Message = super::ImportItemsRequest,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<super::ImportItemsResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/ImportItems",
                        );
                        let mut req = request.into_streaming_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "ImportItems"),
                            );
                        self.inner.client_streaming(req, path, codec).await
                    }
                    /// Answers each SKU, in the order asked, as soon as it is asked.
                    pub async fn lookup_items(
                        &mut self,
                        request: impl tonic::IntoStreamingRequest<
                            Message = super::LookupItemsRequest,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<
                            tonic::codec::Streaming<super::LookupItemsResponse>,
                        >,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/LookupItems",
                        );
                        let mut req = request.into_streaming_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "LookupItems"),
                            );
                        self.inner.streaming(req, path, codec).await
                    }
                    /// Adds pieces to an item's stock, or takes them away, whatever the stock is. FAILED_PRECONDITION when it would fall
                    /// below zero or rise above 10^12.
                    pub async fn adjust_stock(
                        &mut self,
                        request: impl tonic::IntoRequest<super::AdjustStockRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/AdjustStock",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "AdjustStock"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Takes stock out of an item for good. FAILED_PRECONDITION when there is too little of it, or when the item is
                    /// discontinued.
                    pub async fn reserve(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ReserveRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/Reserve",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "Reserve"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Gives the stock of a reservation back. Releasing it again is no error for 24 hours; then it is forgotten.
                    pub async fn release(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ReleaseRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::ReleaseResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/Release",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "Release"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                }
            }
            /// Generated server implementations.
            pub mod inventory_server {
                #![allow(
                    unused_variables,
                    dead_code,
                    missing_docs,
                    clippy::wildcard_imports,
                    clippy::let_unit_value,
                )]
                use tonic::codegen::*;
                /// Generated trait containing gRPC methods that should be implemented for use with InventoryServer.
                #[async_trait]
                pub trait Inventory: std::marker::Send + std::marker::Sync + 'static {
                    /// Returns one item.
                    async fn get_item(
                        &self,
                        request: tonic::Request<super::GetItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Creates the item, or replaces all of it: what the request leaves out is then empty, and the stock is what the
                    /// request says, whatever it was. Only a status that the request leaves open stays as it was. Reservations are not
                    /// touched.
                    async fn upsert_item(
                        &self,
                        request: tonic::Request<super::UpsertItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::UpsertItemResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Streams items in the order of their SKUs, each as it is when it is sent.
                    async fn list_items(
                        &self,
                        request: tonic::Request<super::ListItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::Item>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Streams each item that was written after a revision, in the order of revisions, and goes on with what is written
                    /// from now on. It never ends by itself; it is UNAVAILABLE when the node closes. An item that is written faster than
                    /// the caller reads comes once, as it is then; no item's latest state is left out. Call again after the last revision
                    /// seen to go on without a gap.
                    async fn watch_items(
                        &self,
                        request: tonic::Request<super::WatchItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::WatchEvent>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Upserts many items: all of them when the caller ends the stream, or none. At most 10,000 items and 16 MiB, else
                    /// RESOURCE_EXHAUSTED; no SKU twice.
                    async fn import_items(
                        &self,
                        request: tonic::Request<
                            tonic::Streaming<super::ImportItemsRequest>,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<super::ImportItemsResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Answers each SKU, in the order asked, as soon as it is asked.
                    async fn lookup_items(
                        &self,
                        request: tonic::Request<
                            tonic::Streaming<super::LookupItemsRequest>,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::LookupItemsResponse>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Adds pieces to an item's stock, or takes them away, whatever the stock is. FAILED_PRECONDITION when it would fall
                    /// below zero or rise above 10^12.
                    async fn adjust_stock(
                        &self,
                        request: tonic::Request<super::AdjustStockRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Takes stock out of an item for good. FAILED_PRECONDITION when there is too little of it, or when the item is
                    /// discontinued.
                    async fn reserve(
                        &self,
                        request: tonic::Request<super::ReserveRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Gives the stock of a reservation back. Releasing it again is no error for 24 hours; then it is forgotten.
                    async fn release(
                        &self,
                        request: tonic::Request<super::ReleaseRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::ReleaseResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                }
                /// The inventory of one warehouse.
                ///
                /// Writes carry a `request_id`, chosen by the caller: 1 to 128 bytes, unique to the request. A write that has succeeded
                /// is remembered under its id for 24 hours; a retry with the same id and the same request changes nothing and is
                /// answered as the first time. The same id with another request is INVALID_ARGUMENT. A write that failed is not
                /// remembered, for it changed nothing. Who acts for a caller derives ids of its own by adding a `/` and a word, so
                /// callers should keep to 100 bytes and leave `/` out.
                ///
                /// Errors that every method can give: INVALID_ARGUMENT names the field that breaks a limit stated here; NOT_FOUND says
                /// that there is no item, or no reservation, of that name; INTERNAL that the node cannot read or write its state.
                #[derive(Debug)]
                pub struct InventoryServer<T> {
                    inner: Arc<T>,
                    accept_compression_encodings: EnabledCompressionEncodings,
                    send_compression_encodings: EnabledCompressionEncodings,
                    max_decoding_message_size: Option<usize>,
                    max_encoding_message_size: Option<usize>,
                }
                impl<T> InventoryServer<T> {
                    pub fn new(inner: T) -> Self {
                        Self::from_arc(Arc::new(inner))
                    }
                    pub fn from_arc(inner: Arc<T>) -> Self {
                        Self {
                            inner,
                            accept_compression_encodings: Default::default(),
                            send_compression_encodings: Default::default(),
                            max_decoding_message_size: None,
                            max_encoding_message_size: None,
                        }
                    }
                    pub fn with_interceptor<F>(
                        inner: T,
                        interceptor: F,
                    ) -> InterceptedService<Self, F>
                    where
                        F: tonic::service::Interceptor,
                    {
                        InterceptedService::new(Self::new(inner), interceptor)
                    }
                    /// Enable decompressing requests with the given encoding.
                    #[must_use]
                    pub fn accept_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.accept_compression_encodings.enable(encoding);
                        self
                    }
                    /// Compress responses with the given encoding, if the client supports it.
                    #[must_use]
                    pub fn send_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.send_compression_encodings.enable(encoding);
                        self
                    }
                    /// Limits the maximum size of a decoded message.
                    ///
                    /// Default: `4MB`
                    #[must_use]
                    pub fn max_decoding_message_size(mut self, limit: usize) -> Self {
                        self.max_decoding_message_size = Some(limit);
                        self
                    }
                    /// Limits the maximum size of an encoded message.
                    ///
                    /// Default: `usize::MAX`
                    #[must_use]
                    pub fn max_encoding_message_size(mut self, limit: usize) -> Self {
                        self.max_encoding_message_size = Some(limit);
                        self
                    }
                }
                impl<T, B> tonic::codegen::Service<http::Request<B>>
                for InventoryServer<T>
                where
                    T: Inventory,
                    B: Body + std::marker::Send + 'static,
                    B::Error: Into<StdError> + std::marker::Send + 'static,
                {
                    type Response = http::Response<tonic::body::Body>;
                    type Error = std::convert::Infallible;
                    type Future = BoxFuture<Self::Response, Self::Error>;
                    fn poll_ready(
                        &mut self,
                        _cx: &mut Context<'_>,
                    ) -> Poll<std::result::Result<(), Self::Error>> {
                        Poll::Ready(Ok(()))
                    }
                    fn call(&mut self, req: http::Request<B>) -> Self::Future {
                        match req.uri().path() {
                            "/inventory.v2.Inventory/GetItem" => {
                                #[allow(non_camel_case_types)]
                                struct GetItemSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::GetItemRequest>
                                for GetItemSvc<T> {
                                    type Response = super::Item;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::GetItemRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::get_item(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = GetItemSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/UpsertItem" => {
                                #[allow(non_camel_case_types)]
                                struct UpsertItemSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::UpsertItemRequest>
                                for UpsertItemSvc<T> {
                                    type Response = super::UpsertItemResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::UpsertItemRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::upsert_item(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = UpsertItemSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/ListItems" => {
                                #[allow(non_camel_case_types)]
                                struct ListItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ServerStreamingService<
                                    super::ListItemsRequest,
                                > for ListItemsSvc<T> {
                                    type Response = super::Item;
                                    type ResponseStream = BoxStream<super::Item>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ListItemsRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::list_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ListItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.server_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/WatchItems" => {
                                #[allow(non_camel_case_types)]
                                struct WatchItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ServerStreamingService<
                                    super::WatchItemsRequest,
                                > for WatchItemsSvc<T> {
                                    type Response = super::WatchEvent;
                                    type ResponseStream = BoxStream<super::WatchEvent>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::WatchItemsRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::watch_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = WatchItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.server_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/ImportItems" => {
                                #[allow(non_camel_case_types)]
                                struct ImportItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ClientStreamingService<
                                    super::ImportItemsRequest,
                                > for ImportItemsSvc<T> {
                                    type Response = super::ImportItemsResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<
                                            tonic::Streaming<super::ImportItemsRequest>,
                                        >,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::import_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ImportItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.client_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/LookupItems" => {
                                #[allow(non_camel_case_types)]
                                struct LookupItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::StreamingService<super::LookupItemsRequest>
                                for LookupItemsSvc<T> {
                                    type Response = super::LookupItemsResponse;
                                    type ResponseStream = BoxStream<super::LookupItemsResponse>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<
                                            tonic::Streaming<super::LookupItemsRequest>,
                                        >,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::lookup_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = LookupItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/AdjustStock" => {
                                #[allow(non_camel_case_types)]
                                struct AdjustStockSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::AdjustStockRequest>
                                for AdjustStockSvc<T> {
                                    type Response = super::Item;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::AdjustStockRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::adjust_stock(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = AdjustStockSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/Reserve" => {
                                #[allow(non_camel_case_types)]
                                struct ReserveSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::ReserveRequest>
                                for ReserveSvc<T> {
                                    type Response = super::Reservation;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ReserveRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::reserve(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ReserveSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/Release" => {
                                #[allow(non_camel_case_types)]
                                struct ReleaseSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::ReleaseRequest>
                                for ReleaseSvc<T> {
                                    type Response = super::ReleaseResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ReleaseRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::release(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ReleaseSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            _ => {
                                Box::pin(async move {
                                    let mut response = http::Response::new(
                                        tonic::body::Body::default(),
                                    );
                                    let headers = response.headers_mut();
                                    headers
                                        .insert(
                                            tonic::Status::GRPC_STATUS,
                                            (tonic::Code::Unimplemented as i32).into(),
                                        );
                                    headers
                                        .insert(
                                            http::header::CONTENT_TYPE,
                                            tonic::metadata::GRPC_CONTENT_TYPE,
                                        );
                                    Ok(response)
                                })
                            }
                        }
                    }
                }
                impl<T> Clone for InventoryServer<T> {
                    fn clone(&self) -> Self {
                        let inner = self.inner.clone();
                        Self {
                            inner,
                            accept_compression_encodings: self
                                .accept_compression_encodings,
                            send_compression_encodings: self.send_compression_encodings,
                            max_decoding_message_size: self.max_decoding_message_size,
                            max_encoding_message_size: self.max_encoding_message_size,
                        }
                    }
                }
                /// Generated gRPC service name
                pub const SERVICE_NAME: &str = "inventory.v2.Inventory";
                impl<T> tonic::server::NamedService for InventoryServer<T> {
                    const NAME: &'static str = SERVICE_NAME;
                }
            }
        }
    }
    pub use inventory::v2::*;
}
/// Version 3.0.0.
pub mod v3_0_0 {
    pub mod inventory {
        pub mod v2 {
            /// Something that the warehouse keeps.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct Item {
                /// What names the item: 1 to 64 bytes, no control characters.
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// What people call it: 1 to 256 bytes.
                #[prost(string, tag = "2")]
                pub name: ::prost::alloc::string::String,
                /// What a shop shows of it: at most 4,096 bytes.
                #[prost(string, tag = "3")]
                pub description: ::prost::alloc::string::String,
                /// Words to find it by: at most 32, of 1 to 64 bytes, none of them twice.
                #[prost(string, repeated, tag = "4")]
                pub tags: ::prost::alloc::vec::Vec<::prost::alloc::string::String>,
                /// Whether it can be reserved.
                #[prost(enumeration = "ItemStatus", tag = "5")]
                pub status: i32,
                /// The price of one piece: 0 to 10^12 of its currency. Unset means 0 US dollars.
                #[prost(message, optional, tag = "6")]
                pub price: ::core::option::Option<Money>,
                /// How many pieces can be reserved: 0 to 10^12.
                #[prost(int64, tag = "7")]
                pub stock: i64,
                /// Where it lies. Unset and empty mean the same: nobody knows.
                #[prost(message, optional, tag = "8")]
                pub location: ::core::option::Option<Location>,
                /// Who sells it to us: at most 16.
                #[prost(message, repeated, tag = "11")]
                pub suppliers: ::prost::alloc::vec::Vec<Supplier>,
                /// Whatever else is known: at most 64 entries, keys of 1 to 64 bytes, values of at most 1,024 bytes.
                #[prost(map = "string, string", tag = "12")]
                pub attributes: ::std::collections::HashMap<
                    ::prost::alloc::string::String,
                    ::prost::alloc::string::String,
                >,
                /// When it was last written. Set by the node; ignored in requests.
                #[prost(message, optional, tag = "13")]
                pub updated: ::core::option::Option<::prost_types::Timestamp>,
                /// The write that this state came from. The node counts: each item written takes the next number. Set by the node;
                /// ignored in requests.
                #[prost(uint64, tag = "14")]
                pub revision: u64,
                /// What it is packed in.
                #[prost(oneof = "item::Packaging", tags = "9, 10")]
                pub packaging: ::core::option::Option<item::Packaging>,
            }
            /// Nested message and enum types in `Item`.
            pub mod item {
                /// What it is packed in.
                #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Oneof)]
                pub enum Packaging {
                    /// It comes by the box.
                    #[prost(message, tag = "9")]
                    Box(super::Box),
                    /// It comes by the pallet.
                    #[prost(message, tag = "10")]
                    Pallet(super::Pallet),
                }
            }
            /// An amount of money; it means what google.type.Money means.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Money {
                /// Three capital letters, as ISO 4217 has them.
                #[prost(string, tag = "1")]
                pub currency_code: ::prost::alloc::string::String,
                /// Whole units of the currency.
                #[prost(int64, tag = "2")]
                pub units: i64,
                /// Billionths of a unit to add: 0 to 999,999,999.
                #[prost(int32, tag = "3")]
                pub nanos: i32,
            }
            /// A place in the warehouse. Its aisle and its bin have at most 64 bytes together.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Location {
                #[prost(string, tag = "1")]
                pub aisle: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub bin: ::prost::alloc::string::String,
            }
            /// A box, measured outside.
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Box {
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "1")]
                pub length_mm: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "2")]
                pub width_mm: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "3")]
                pub height_mm: i32,
            }
            /// A pallet with layers of boxes.
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Pallet {
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "1")]
                pub layers: i32,
                /// 0, when it is not known, or more.
                #[prost(int32, tag = "2")]
                pub boxes_per_layer: i32,
            }
            /// Who sells an item to us.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct Supplier {
                /// 1 to 256 bytes.
                #[prost(string, tag = "1")]
                pub name: ::prost::alloc::string::String,
                /// What they ask for it: at most 16.
                #[prost(message, repeated, tag = "2")]
                pub offers: ::prost::alloc::vec::Vec<Offer>,
            }
            /// What a supplier asks.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Offer {
                /// The least number of pieces that this price is for: 1 or more.
                #[prost(int32, tag = "1")]
                pub minimum_quantity: i32,
                /// The price of one piece: 0 to 10^12 of its currency. Unset means 0 US dollars.
                #[prost(message, optional, tag = "2")]
                pub price: ::core::option::Option<Money>,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct GetItemRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct UpsertItemRequest {
                #[prost(message, optional, tag = "1")]
                pub item: ::core::option::Option<Item>,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct UpsertItemResponse {
                /// The item as it is now.
                #[prost(message, optional, tag = "1")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ListItemsRequest {
                /// Only items whose SKU begins with this; all when empty. At most 64 bytes.
                #[prost(string, tag = "1")]
                pub sku_prefix: ::prost::alloc::string::String,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct WatchItemsRequest {
                /// Begin after this revision; 0 begins with every item that there is.
                #[prost(uint64, tag = "1")]
                pub after_revision: u64,
            }
            /// An item was written.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct WatchEvent {
                /// Where to go on: the item's revision.
                #[prost(uint64, tag = "1")]
                pub revision: u64,
                /// The item as that write left it.
                #[prost(message, optional, tag = "2")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct ImportItemsRequest {
                /// In the first message; later ones leave it out.
                #[prost(string, tag = "1")]
                pub request_id: ::prost::alloc::string::String,
                /// The first message may leave it out.
                #[prost(message, optional, tag = "2")]
                pub item: ::core::option::Option<Item>,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ImportItemsResponse {
                /// How many items were upserted.
                #[prost(uint64, tag = "1")]
                pub count: u64,
                /// The node's revision after them.
                #[prost(uint64, tag = "2")]
                pub revision: u64,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct LookupItemsRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct LookupItemsResponse {
                #[prost(oneof = "lookup_items_response::Result", tags = "1, 2")]
                pub result: ::core::option::Option<lookup_items_response::Result>,
            }
            /// Nested message and enum types in `LookupItemsResponse`.
            pub mod lookup_items_response {
                #[derive(Clone, PartialEq, ::prost::Oneof)]
                pub enum Result {
                    /// The item of that SKU.
                    #[prost(message, tag = "1")]
                    Item(super::Item),
                    /// The SKU, when there is no such item.
                    #[prost(string, tag = "2")]
                    MissingSku(::prost::alloc::string::String),
                }
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct AdjustStockRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// How many pieces to add; less than 0 takes away. Not 0, and no more than 10^12 either way.
                #[prost(int64, tag = "2")]
                pub delta: i64,
                #[prost(string, tag = "3")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReserveRequest {
                #[prost(string, tag = "1")]
                pub sku: ::prost::alloc::string::String,
                /// 1 to 10^12.
                #[prost(int64, tag = "2")]
                pub quantity: i64,
                #[prost(string, tag = "3")]
                pub request_id: ::prost::alloc::string::String,
                /// How long to hold the stock: more than 0, at most 1 hour. Unset means 5 minutes.
                #[prost(message, optional, tag = "4")]
                pub hold_for: ::core::option::Option<::prost_types::Duration>,
                /// Reserve only while the item still has this revision.
                #[prost(uint64, optional, tag = "5")]
                pub if_revision: ::core::option::Option<u64>,
            }
            /// Stock that was taken out of an item.
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct Reservation {
                /// What names the reservation; chosen by the node.
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub sku: ::prost::alloc::string::String,
                #[prost(int64, tag = "3")]
                pub quantity: i64,
                /// When the hold expires, or would have, had it not ended before.
                #[prost(message, optional, tag = "4")]
                pub expire_time: ::core::option::Option<::prost_types::Timestamp>,
                #[prost(enumeration = "HoldState", tag = "5")]
                pub state: i32,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ConfirmRequest {
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct CancelRequest {
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct GetReservationRequest {
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReleaseRequest {
                #[prost(string, tag = "1")]
                pub reservation_id: ::prost::alloc::string::String,
                #[prost(string, tag = "2")]
                pub request_id: ::prost::alloc::string::String,
            }
            #[derive(Clone, Copy, PartialEq, Eq, Hash, ::prost::Message)]
            pub struct ReleaseResponse {}
            /// Whether an item can be reserved.
            #[derive(
                Clone,
                Copy,
                Debug,
                PartialEq,
                Eq,
                Hash,
                PartialOrd,
                Ord,
                ::prost::Enumeration
            )]
            #[repr(i32)]
            pub enum ItemStatus {
                /// In a request: as it was, and active when the item is new. The node never answers this.
                Unspecified = 0,
                /// It can be reserved.
                Active = 1,
                /// It cannot be reserved any more. What is reserved stays reserved and can be given back.
                Discontinued = 2,
            }
            impl ItemStatus {
                /// String value of the enum field names used in the ProtoBuf definition.
                ///
                /// The values are not transformed in any way and thus are considered stable
                /// (if the ProtoBuf definition does not change) and safe for programmatic use.
                pub fn as_str_name(&self) -> &'static str {
                    match self {
                        Self::Unspecified => "ITEM_STATUS_UNSPECIFIED",
                        Self::Active => "ITEM_STATUS_ACTIVE",
                        Self::Discontinued => "ITEM_STATUS_DISCONTINUED",
                    }
                }
                /// Creates an enum from field names used in the ProtoBuf definition.
                pub fn from_str_name(value: &str) -> ::core::option::Option<Self> {
                    match value {
                        "ITEM_STATUS_UNSPECIFIED" => Some(Self::Unspecified),
                        "ITEM_STATUS_ACTIVE" => Some(Self::Active),
                        "ITEM_STATUS_DISCONTINUED" => Some(Self::Discontinued),
                        _ => None,
                    }
                }
            }
            /// What became of the stock that was taken. One that ended (cancelled, expired, released) is forgotten after 24 hours.
            #[derive(
                Clone,
                Copy,
                Debug,
                PartialEq,
                Eq,
                Hash,
                PartialOrd,
                Ord,
                ::prost::Enumeration
            )]
            #[repr(i32)]
            pub enum HoldState {
                /// Never answered.
                Unspecified = 0,
                /// Taken until it expires.
                Held = 1,
                /// Taken for good.
                Confirmed = 2,
                /// Given back by Cancel.
                Cancelled = 3,
                /// Given back, for nobody confirmed it in time.
                Expired = 4,
                /// Given back by Release, after it was confirmed.
                Released = 5,
            }
            impl HoldState {
                /// String value of the enum field names used in the ProtoBuf definition.
                ///
                /// The values are not transformed in any way and thus are considered stable
                /// (if the ProtoBuf definition does not change) and safe for programmatic use.
                pub fn as_str_name(&self) -> &'static str {
                    match self {
                        Self::Unspecified => "HOLD_STATE_UNSPECIFIED",
                        Self::Held => "HOLD_STATE_HELD",
                        Self::Confirmed => "HOLD_STATE_CONFIRMED",
                        Self::Cancelled => "HOLD_STATE_CANCELLED",
                        Self::Expired => "HOLD_STATE_EXPIRED",
                        Self::Released => "HOLD_STATE_RELEASED",
                    }
                }
                /// Creates an enum from field names used in the ProtoBuf definition.
                pub fn from_str_name(value: &str) -> ::core::option::Option<Self> {
                    match value {
                        "HOLD_STATE_UNSPECIFIED" => Some(Self::Unspecified),
                        "HOLD_STATE_HELD" => Some(Self::Held),
                        "HOLD_STATE_CONFIRMED" => Some(Self::Confirmed),
                        "HOLD_STATE_CANCELLED" => Some(Self::Cancelled),
                        "HOLD_STATE_EXPIRED" => Some(Self::Expired),
                        "HOLD_STATE_RELEASED" => Some(Self::Released),
                        _ => None,
                    }
                }
            }
            /// Generated client implementations.
            pub mod inventory_client {
                #![allow(
                    unused_variables,
                    dead_code,
                    missing_docs,
                    clippy::wildcard_imports,
                    clippy::let_unit_value,
                )]
                use tonic::codegen::*;
                use tonic::codegen::http::Uri;
                /// The inventory of one warehouse.
                ///
                /// Writes carry a `request_id`, chosen by the caller: 1 to 128 bytes, unique to the request. A write that has succeeded
                /// is remembered under its id for 24 hours; a retry with the same id and the same request changes nothing and is
                /// answered as the first time. The same id with another request is INVALID_ARGUMENT. A write that failed is not
                /// remembered, for it changed nothing. Who acts for a caller derives ids of its own by adding a `/` and a word, so
                /// callers should keep to 100 bytes and leave `/` out.
                ///
                /// Errors that every method can give: INVALID_ARGUMENT names the field that breaks a limit stated here; NOT_FOUND says
                /// that there is no item, or no reservation, of that name; INTERNAL that the node cannot read or write its state.
                #[derive(Debug, Clone)]
                pub struct InventoryClient<T> {
                    inner: tonic::client::Grpc<T>,
                }
                impl<T> InventoryClient<T>
                where
                    T: tonic::client::GrpcService<tonic::body::Body>,
                    T::Error: Into<StdError>,
                    T::ResponseBody: Body<Data = Bytes> + std::marker::Send + 'static,
                    <T::ResponseBody as Body>::Error: Into<StdError> + std::marker::Send,
                {
                    pub fn new(inner: T) -> Self {
                        let inner = tonic::client::Grpc::new(inner);
                        Self { inner }
                    }
                    pub fn with_origin(inner: T, origin: Uri) -> Self {
                        let inner = tonic::client::Grpc::with_origin(inner, origin);
                        Self { inner }
                    }
                    pub fn with_interceptor<F>(
                        inner: T,
                        interceptor: F,
                    ) -> InventoryClient<InterceptedService<T, F>>
                    where
                        F: tonic::service::Interceptor,
                        T::ResponseBody: Default,
                        T: tonic::codegen::Service<
                            http::Request<tonic::body::Body>,
                            Response = http::Response<
                                <T as tonic::client::GrpcService<
                                    tonic::body::Body,
                                >>::ResponseBody,
                            >,
                        >,
                        <T as tonic::codegen::Service<
                            http::Request<tonic::body::Body>,
                        >>::Error: Into<StdError> + std::marker::Send
                            + std::marker::Sync,
                    {
                        InventoryClient::new(InterceptedService::new(inner, interceptor))
                    }
                    /// Compress requests with the given encoding.
                    ///
                    /// This requires the server to support it otherwise it might respond with an
                    /// error.
                    #[must_use]
                    pub fn send_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.inner = self.inner.send_compressed(encoding);
                        self
                    }
                    /// Enable decompressing responses.
                    #[must_use]
                    pub fn accept_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.inner = self.inner.accept_compressed(encoding);
                        self
                    }
                    /// Limits the maximum size of a decoded message.
                    ///
                    /// Default: `4MB`
                    #[must_use]
                    pub fn max_decoding_message_size(mut self, limit: usize) -> Self {
                        self.inner = self.inner.max_decoding_message_size(limit);
                        self
                    }
                    /// Limits the maximum size of an encoded message.
                    ///
                    /// Default: `usize::MAX`
                    #[must_use]
                    pub fn max_encoding_message_size(mut self, limit: usize) -> Self {
                        self.inner = self.inner.max_encoding_message_size(limit);
                        self
                    }
                    /// Returns one item.
                    pub async fn get_item(
                        &mut self,
                        request: impl tonic::IntoRequest<super::GetItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/GetItem",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "GetItem"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Creates the item, or replaces all of it: what the request leaves out is then empty, and the stock is what the
                    /// request says, whatever it was. Only a status that the request leaves open stays as it was. Reservations are not
                    /// touched.
                    pub async fn upsert_item(
                        &mut self,
                        request: impl tonic::IntoRequest<super::UpsertItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::UpsertItemResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/UpsertItem",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "UpsertItem"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Streams items in the order of their SKUs, each as it is when it is sent.
                    pub async fn list_items(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ListItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<tonic::codec::Streaming<super::Item>>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/ListItems",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "ListItems"),
                            );
                        self.inner.server_streaming(req, path, codec).await
                    }
                    /// Streams each item that was written after a revision, in the order of revisions, and goes on with what is written
                    /// from now on. It never ends by itself; it is UNAVAILABLE when the node closes. An item that is written faster than
                    /// the caller reads comes once, as it is then; no item's latest state is left out. Call again after the last revision
                    /// seen to go on without a gap.
                    pub async fn watch_items(
                        &mut self,
                        request: impl tonic::IntoRequest<super::WatchItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<tonic::codec::Streaming<super::WatchEvent>>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/WatchItems",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "WatchItems"),
                            );
                        self.inner.server_streaming(req, path, codec).await
                    }
                    /// Upserts many items: all of them when the caller ends the stream, or none. At most 10,000 items and 16 MiB, else
                    /// RESOURCE_EXHAUSTED; no SKU twice.
                    pub async fn import_items(
                        &mut self,
                        request: impl tonic::IntoStreamingRequest<
                            Message = super::ImportItemsRequest,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<super::ImportItemsResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/ImportItems",
                        );
                        let mut req = request.into_streaming_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "ImportItems"),
                            );
                        self.inner.client_streaming(req, path, codec).await
                    }
                    /// Answers each SKU, in the order asked, as soon as it is asked.
                    pub async fn lookup_items(
                        &mut self,
                        request: impl tonic::IntoStreamingRequest<
                            Message = super::LookupItemsRequest,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<
                            tonic::codec::Streaming<super::LookupItemsResponse>,
                        >,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/LookupItems",
                        );
                        let mut req = request.into_streaming_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "LookupItems"),
                            );
                        self.inner.streaming(req, path, codec).await
                    }
                    /// Adds pieces to an item's stock, or takes them away, whatever the stock is. FAILED_PRECONDITION when it would fall
                    /// below zero or rise above 10^12.
                    pub async fn adjust_stock(
                        &mut self,
                        request: impl tonic::IntoRequest<super::AdjustStockRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/AdjustStock",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "AdjustStock"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Takes stock out of an item and holds it: until it expires it is confirmed, or cancelled, or else given back.
                    /// FAILED_PRECONDITION when there is too little stock, or when the item is discontinued; ABORTED when the item is not
                    /// at `if_revision` any more; UNAVAILABLE while the node is behind with holds that have expired. Items show stock that
                    /// comes back when the node has written it down, right after the hold expired.
                    pub async fn reserve(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ReserveRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/Reserve",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "Reserve"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Keeps the stock of a hold for good. A hold that has not expired can always be confirmed; one that has, never:
                    /// FAILED_PRECONDITION, as for one that was cancelled or released. Confirming it again is no error.
                    pub async fn confirm(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ConfirmRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/Confirm",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "Confirm"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Gives the stock of a hold back before it expires. FAILED_PRECONDITION when it has expired, or was confirmed.
                    /// Cancelling it again is no error.
                    pub async fn cancel(
                        &mut self,
                        request: impl tonic::IntoRequest<super::CancelRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/Cancel",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(GrpcMethod::new("inventory.v2.Inventory", "Cancel"));
                        self.inner.unary(req, path, codec).await
                    }
                    /// Returns a reservation as it is now.
                    pub async fn get_reservation(
                        &mut self,
                        request: impl tonic::IntoRequest<super::GetReservationRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/GetReservation",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "GetReservation"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                    /// Gives the stock of a confirmed reservation back. FAILED_PRECONDITION when it was not confirmed. Releasing it again
                    /// is no error for 24 hours; then it is forgotten.
                    pub async fn release(
                        &mut self,
                        request: impl tonic::IntoRequest<super::ReleaseRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::ReleaseResponse>,
                        tonic::Status,
                    > {
                        self.inner
                            .ready()
                            .await
                            .map_err(|e| {
                                tonic::Status::unknown(
                                    format!("Service was not ready: {}", e.into()),
                                )
                            })?;
                        let codec = ::straddle::wire::Codec::default();
                        let path = http::uri::PathAndQuery::from_static(
                            "/inventory.v2.Inventory/Release",
                        );
                        let mut req = request.into_request();
                        req.extensions_mut()
                            .insert(
                                GrpcMethod::new("inventory.v2.Inventory", "Release"),
                            );
                        self.inner.unary(req, path, codec).await
                    }
                }
            }
            /// Generated server implementations.
            pub mod inventory_server {
                #![allow(
                    unused_variables,
                    dead_code,
                    missing_docs,
                    clippy::wildcard_imports,
                    clippy::let_unit_value,
                )]
                use tonic::codegen::*;
                /// Generated trait containing gRPC methods that should be implemented for use with InventoryServer.
                #[async_trait]
                pub trait Inventory: std::marker::Send + std::marker::Sync + 'static {
                    /// Returns one item.
                    async fn get_item(
                        &self,
                        request: tonic::Request<super::GetItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Creates the item, or replaces all of it: what the request leaves out is then empty, and the stock is what the
                    /// request says, whatever it was. Only a status that the request leaves open stays as it was. Reservations are not
                    /// touched.
                    async fn upsert_item(
                        &self,
                        request: tonic::Request<super::UpsertItemRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::UpsertItemResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Streams items in the order of their SKUs, each as it is when it is sent.
                    async fn list_items(
                        &self,
                        request: tonic::Request<super::ListItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::Item>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Streams each item that was written after a revision, in the order of revisions, and goes on with what is written
                    /// from now on. It never ends by itself; it is UNAVAILABLE when the node closes. An item that is written faster than
                    /// the caller reads comes once, as it is then; no item's latest state is left out. Call again after the last revision
                    /// seen to go on without a gap.
                    async fn watch_items(
                        &self,
                        request: tonic::Request<super::WatchItemsRequest>,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::WatchEvent>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Upserts many items: all of them when the caller ends the stream, or none. At most 10,000 items and 16 MiB, else
                    /// RESOURCE_EXHAUSTED; no SKU twice.
                    async fn import_items(
                        &self,
                        request: tonic::Request<
                            tonic::Streaming<super::ImportItemsRequest>,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<super::ImportItemsResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Answers each SKU, in the order asked, as soon as it is asked.
                    async fn lookup_items(
                        &self,
                        request: tonic::Request<
                            tonic::Streaming<super::LookupItemsRequest>,
                        >,
                    ) -> std::result::Result<
                        tonic::Response<BoxStream<super::LookupItemsResponse>>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Adds pieces to an item's stock, or takes them away, whatever the stock is. FAILED_PRECONDITION when it would fall
                    /// below zero or rise above 10^12.
                    async fn adjust_stock(
                        &self,
                        request: tonic::Request<super::AdjustStockRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Item>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Takes stock out of an item and holds it: until it expires it is confirmed, or cancelled, or else given back.
                    /// FAILED_PRECONDITION when there is too little stock, or when the item is discontinued; ABORTED when the item is not
                    /// at `if_revision` any more; UNAVAILABLE while the node is behind with holds that have expired. Items show stock that
                    /// comes back when the node has written it down, right after the hold expired.
                    async fn reserve(
                        &self,
                        request: tonic::Request<super::ReserveRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Keeps the stock of a hold for good. A hold that has not expired can always be confirmed; one that has, never:
                    /// FAILED_PRECONDITION, as for one that was cancelled or released. Confirming it again is no error.
                    async fn confirm(
                        &self,
                        request: tonic::Request<super::ConfirmRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Gives the stock of a hold back before it expires. FAILED_PRECONDITION when it has expired, or was confirmed.
                    /// Cancelling it again is no error.
                    async fn cancel(
                        &self,
                        request: tonic::Request<super::CancelRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Returns a reservation as it is now.
                    async fn get_reservation(
                        &self,
                        request: tonic::Request<super::GetReservationRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::Reservation>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                    /// Gives the stock of a confirmed reservation back. FAILED_PRECONDITION when it was not confirmed. Releasing it again
                    /// is no error for 24 hours; then it is forgotten.
                    async fn release(
                        &self,
                        request: tonic::Request<super::ReleaseRequest>,
                    ) -> std::result::Result<
                        tonic::Response<super::ReleaseResponse>,
                        tonic::Status,
                    > {
                        Err(tonic::Status::unimplemented("Not yet implemented"))
                    }
                }
                /// The inventory of one warehouse.
                ///
                /// Writes carry a `request_id`, chosen by the caller: 1 to 128 bytes, unique to the request. A write that has succeeded
                /// is remembered under its id for 24 hours; a retry with the same id and the same request changes nothing and is
                /// answered as the first time. The same id with another request is INVALID_ARGUMENT. A write that failed is not
                /// remembered, for it changed nothing. Who acts for a caller derives ids of its own by adding a `/` and a word, so
                /// callers should keep to 100 bytes and leave `/` out.
                ///
                /// Errors that every method can give: INVALID_ARGUMENT names the field that breaks a limit stated here; NOT_FOUND says
                /// that there is no item, or no reservation, of that name; INTERNAL that the node cannot read or write its state.
                #[derive(Debug)]
                pub struct InventoryServer<T> {
                    inner: Arc<T>,
                    accept_compression_encodings: EnabledCompressionEncodings,
                    send_compression_encodings: EnabledCompressionEncodings,
                    max_decoding_message_size: Option<usize>,
                    max_encoding_message_size: Option<usize>,
                }
                impl<T> InventoryServer<T> {
                    pub fn new(inner: T) -> Self {
                        Self::from_arc(Arc::new(inner))
                    }
                    pub fn from_arc(inner: Arc<T>) -> Self {
                        Self {
                            inner,
                            accept_compression_encodings: Default::default(),
                            send_compression_encodings: Default::default(),
                            max_decoding_message_size: None,
                            max_encoding_message_size: None,
                        }
                    }
                    pub fn with_interceptor<F>(
                        inner: T,
                        interceptor: F,
                    ) -> InterceptedService<Self, F>
                    where
                        F: tonic::service::Interceptor,
                    {
                        InterceptedService::new(Self::new(inner), interceptor)
                    }
                    /// Enable decompressing requests with the given encoding.
                    #[must_use]
                    pub fn accept_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.accept_compression_encodings.enable(encoding);
                        self
                    }
                    /// Compress responses with the given encoding, if the client supports it.
                    #[must_use]
                    pub fn send_compressed(
                        mut self,
                        encoding: CompressionEncoding,
                    ) -> Self {
                        self.send_compression_encodings.enable(encoding);
                        self
                    }
                    /// Limits the maximum size of a decoded message.
                    ///
                    /// Default: `4MB`
                    #[must_use]
                    pub fn max_decoding_message_size(mut self, limit: usize) -> Self {
                        self.max_decoding_message_size = Some(limit);
                        self
                    }
                    /// Limits the maximum size of an encoded message.
                    ///
                    /// Default: `usize::MAX`
                    #[must_use]
                    pub fn max_encoding_message_size(mut self, limit: usize) -> Self {
                        self.max_encoding_message_size = Some(limit);
                        self
                    }
                }
                impl<T, B> tonic::codegen::Service<http::Request<B>>
                for InventoryServer<T>
                where
                    T: Inventory,
                    B: Body + std::marker::Send + 'static,
                    B::Error: Into<StdError> + std::marker::Send + 'static,
                {
                    type Response = http::Response<tonic::body::Body>;
                    type Error = std::convert::Infallible;
                    type Future = BoxFuture<Self::Response, Self::Error>;
                    fn poll_ready(
                        &mut self,
                        _cx: &mut Context<'_>,
                    ) -> Poll<std::result::Result<(), Self::Error>> {
                        Poll::Ready(Ok(()))
                    }
                    fn call(&mut self, req: http::Request<B>) -> Self::Future {
                        match req.uri().path() {
                            "/inventory.v2.Inventory/GetItem" => {
                                #[allow(non_camel_case_types)]
                                struct GetItemSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::GetItemRequest>
                                for GetItemSvc<T> {
                                    type Response = super::Item;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::GetItemRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::get_item(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = GetItemSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/UpsertItem" => {
                                #[allow(non_camel_case_types)]
                                struct UpsertItemSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::UpsertItemRequest>
                                for UpsertItemSvc<T> {
                                    type Response = super::UpsertItemResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::UpsertItemRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::upsert_item(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = UpsertItemSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/ListItems" => {
                                #[allow(non_camel_case_types)]
                                struct ListItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ServerStreamingService<
                                    super::ListItemsRequest,
                                > for ListItemsSvc<T> {
                                    type Response = super::Item;
                                    type ResponseStream = BoxStream<super::Item>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ListItemsRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::list_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ListItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.server_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/WatchItems" => {
                                #[allow(non_camel_case_types)]
                                struct WatchItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ServerStreamingService<
                                    super::WatchItemsRequest,
                                > for WatchItemsSvc<T> {
                                    type Response = super::WatchEvent;
                                    type ResponseStream = BoxStream<super::WatchEvent>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::WatchItemsRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::watch_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = WatchItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.server_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/ImportItems" => {
                                #[allow(non_camel_case_types)]
                                struct ImportItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::ClientStreamingService<
                                    super::ImportItemsRequest,
                                > for ImportItemsSvc<T> {
                                    type Response = super::ImportItemsResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<
                                            tonic::Streaming<super::ImportItemsRequest>,
                                        >,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::import_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ImportItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.client_streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/LookupItems" => {
                                #[allow(non_camel_case_types)]
                                struct LookupItemsSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::StreamingService<super::LookupItemsRequest>
                                for LookupItemsSvc<T> {
                                    type Response = super::LookupItemsResponse;
                                    type ResponseStream = BoxStream<super::LookupItemsResponse>;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::ResponseStream>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<
                                            tonic::Streaming<super::LookupItemsRequest>,
                                        >,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::lookup_items(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = LookupItemsSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.streaming(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/AdjustStock" => {
                                #[allow(non_camel_case_types)]
                                struct AdjustStockSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::AdjustStockRequest>
                                for AdjustStockSvc<T> {
                                    type Response = super::Item;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::AdjustStockRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::adjust_stock(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = AdjustStockSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/Reserve" => {
                                #[allow(non_camel_case_types)]
                                struct ReserveSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::ReserveRequest>
                                for ReserveSvc<T> {
                                    type Response = super::Reservation;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ReserveRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::reserve(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ReserveSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/Confirm" => {
                                #[allow(non_camel_case_types)]
                                struct ConfirmSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::ConfirmRequest>
                                for ConfirmSvc<T> {
                                    type Response = super::Reservation;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ConfirmRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::confirm(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ConfirmSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/Cancel" => {
                                #[allow(non_camel_case_types)]
                                struct CancelSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::CancelRequest>
                                for CancelSvc<T> {
                                    type Response = super::Reservation;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::CancelRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::cancel(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = CancelSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/GetReservation" => {
                                #[allow(non_camel_case_types)]
                                struct GetReservationSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::GetReservationRequest>
                                for GetReservationSvc<T> {
                                    type Response = super::Reservation;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::GetReservationRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::get_reservation(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = GetReservationSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            "/inventory.v2.Inventory/Release" => {
                                #[allow(non_camel_case_types)]
                                struct ReleaseSvc<T: Inventory>(pub Arc<T>);
                                impl<
                                    T: Inventory,
                                > tonic::server::UnaryService<super::ReleaseRequest>
                                for ReleaseSvc<T> {
                                    type Response = super::ReleaseResponse;
                                    type Future = BoxFuture<
                                        tonic::Response<Self::Response>,
                                        tonic::Status,
                                    >;
                                    fn call(
                                        &mut self,
                                        request: tonic::Request<super::ReleaseRequest>,
                                    ) -> Self::Future {
                                        let inner = Arc::clone(&self.0);
                                        let fut = async move {
                                            <T as Inventory>::release(&inner, request).await
                                        };
                                        Box::pin(fut)
                                    }
                                }
                                let accept_compression_encodings = self
                                    .accept_compression_encodings;
                                let send_compression_encodings = self
                                    .send_compression_encodings;
                                let max_decoding_message_size = self
                                    .max_decoding_message_size;
                                let max_encoding_message_size = self
                                    .max_encoding_message_size;
                                let inner = self.inner.clone();
                                let fut = async move {
                                    let method = ReleaseSvc(inner);
                                    let codec = ::straddle::wire::Codec::default();
                                    let mut grpc = tonic::server::Grpc::new(codec)
                                        .apply_compression_config(
                                            accept_compression_encodings,
                                            send_compression_encodings,
                                        )
                                        .apply_max_message_size_config(
                                            max_decoding_message_size,
                                            max_encoding_message_size,
                                        );
                                    let res = grpc.unary(method, req).await;
                                    Ok(res)
                                };
                                Box::pin(fut)
                            }
                            _ => {
                                Box::pin(async move {
                                    let mut response = http::Response::new(
                                        tonic::body::Body::default(),
                                    );
                                    let headers = response.headers_mut();
                                    headers
                                        .insert(
                                            tonic::Status::GRPC_STATUS,
                                            (tonic::Code::Unimplemented as i32).into(),
                                        );
                                    headers
                                        .insert(
                                            http::header::CONTENT_TYPE,
                                            tonic::metadata::GRPC_CONTENT_TYPE,
                                        );
                                    Ok(response)
                                })
                            }
                        }
                    }
                }
                impl<T> Clone for InventoryServer<T> {
                    fn clone(&self) -> Self {
                        let inner = self.inner.clone();
                        Self {
                            inner,
                            accept_compression_encodings: self
                                .accept_compression_encodings,
                            send_compression_encodings: self.send_compression_encodings,
                            max_decoding_message_size: self.max_decoding_message_size,
                            max_encoding_message_size: self.max_encoding_message_size,
                        }
                    }
                }
                /// Generated gRPC service name
                pub const SERVICE_NAME: &str = "inventory.v2.Inventory";
                impl<T> tonic::server::NamedService for InventoryServer<T> {
                    const NAME: &'static str = SERVICE_NAME;
                }
            }
        }
    }
    pub use inventory::v2::*;
}
