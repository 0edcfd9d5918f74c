// @generated: `echo.rs`'s server with `Grpc` and the response's body replaced.
    /// Generated server implementations.
    pub mod echo_server {
        #![allow(unused_variables, dead_code, missing_docs, clippy::wildcard_imports, clippy::let_unit_value)]
        use tonic::codegen::*;
        /// Generated trait containing gRPC methods that should be implemented for use with EchoServer.
        #[async_trait]
        pub trait Echo: std::marker::Send + std::marker::Sync + 'static {
            /// Answers with the request.
            async fn unary(
                &self,
                request: tonic::Request<crate::echo::Message>,
            ) -> std::result::Result<tonic::Response<crate::echo::Message>, tonic::Status>;
            /// Server streaming response type for the Stream method.
            type StreamStream: tonic::codegen::tokio_stream::Stream<Item = std::result::Result<crate::echo::Message, tonic::Status>>
                + std::marker::Send
                + 'static;
            /// Answers with `count` messages of `size` bytes.
            async fn stream(
                &self,
                request: tonic::Request<crate::echo::StreamRequest>,
            ) -> std::result::Result<tonic::Response<Self::StreamStream>, tonic::Status>;
        }
        #[derive(Debug)]
        pub struct EchoServer<T> {
            inner: Arc<T>,
            accept_compression_encodings: EnabledCompressionEncodings,
            send_compression_encodings: EnabledCompressionEncodings,
            max_decoding_message_size: Option<usize>,
            max_encoding_message_size: Option<usize>,
        }
        impl<T> EchoServer<T> {
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
            pub fn with_interceptor<F>(inner: T, interceptor: F) -> InterceptedService<Self, F>
            where
                F: tonic::service::Interceptor,
            {
                InterceptedService::new(Self::new(inner), interceptor)
            }
            /// Enable decompressing requests with the given encoding.
            #[must_use]
            pub fn accept_compressed(mut self, encoding: CompressionEncoding) -> Self {
                self.accept_compression_encodings.enable(encoding);
                self
            }
            /// Compress responses with the given encoding, if the client supports it.
            #[must_use]
            pub fn send_compressed(mut self, encoding: CompressionEncoding) -> Self {
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
        impl<T, B> tonic::codegen::Service<http::Request<B>> for EchoServer<T>
        where
            T: Echo,
            B: Body + std::marker::Send + 'static,
            B::Error: Into<StdError> + std::marker::Send + 'static,
        {
            type Response = http::Response<::straddle::wire::Body>;
            type Error = std::convert::Infallible;
            type Future = BoxFuture<Self::Response, Self::Error>;
            fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<std::result::Result<(), Self::Error>> {
                Poll::Ready(Ok(()))
            }
            fn call(&mut self, req: http::Request<B>) -> Self::Future {
                match req.uri().path() {
                    "/bench.echo.v1.Echo/Unary" => {
                        #[allow(non_camel_case_types)]
                        struct UnarySvc<T: Echo>(pub Arc<T>);
                        impl<T: Echo> tonic::server::UnaryService<crate::echo::Message> for UnarySvc<T> {
                            type Response = crate::echo::Message;
                            type Future = BoxFuture<tonic::Response<Self::Response>, tonic::Status>;
                            fn call(&mut self, request: tonic::Request<crate::echo::Message>) -> Self::Future {
                                let inner = Arc::clone(&self.0);
                                let fut = async move { <T as Echo>::unary(&inner, request).await };
                                Box::pin(fut)
                            }
                        }
                        let accept_compression_encodings = self.accept_compression_encodings;
                        let send_compression_encodings = self.send_compression_encodings;
                        let max_decoding_message_size = self.max_decoding_message_size;
                        let max_encoding_message_size = self.max_encoding_message_size;
                        let inner = self.inner.clone();
                        let fut = async move {
                            let method = UnarySvc(inner);
                            let codec = ::straddle::wire::Codec::default();
                            let mut grpc = crate::servers::experiments::grpc::Grpc::new(codec)
                                .apply_compression_config(accept_compression_encodings, send_compression_encodings)
                                .apply_max_message_size_config(max_decoding_message_size, max_encoding_message_size);
                            let res = grpc.unary(method, req).await;
                            Ok(res)
                        };
                        Box::pin(fut)
                    }
                    "/bench.echo.v1.Echo/Stream" => {
                        #[allow(non_camel_case_types)]
                        struct StreamSvc<T: Echo>(pub Arc<T>);
                        impl<T: Echo> tonic::server::ServerStreamingService<crate::echo::StreamRequest> for StreamSvc<T> {
                            type Response = crate::echo::Message;
                            type ResponseStream = T::StreamStream;
                            type Future = BoxFuture<tonic::Response<Self::ResponseStream>, tonic::Status>;
                            fn call(&mut self, request: tonic::Request<crate::echo::StreamRequest>) -> Self::Future {
                                let inner = Arc::clone(&self.0);
                                let fut = async move { <T as Echo>::stream(&inner, request).await };
                                Box::pin(fut)
                            }
                        }
                        let accept_compression_encodings = self.accept_compression_encodings;
                        let send_compression_encodings = self.send_compression_encodings;
                        let max_decoding_message_size = self.max_decoding_message_size;
                        let max_encoding_message_size = self.max_encoding_message_size;
                        let inner = self.inner.clone();
                        let fut = async move {
                            let method = StreamSvc(inner);
                            let codec = ::straddle::wire::Codec::default();
                            let mut grpc = crate::servers::experiments::grpc::Grpc::new(codec)
                                .apply_compression_config(accept_compression_encodings, send_compression_encodings)
                                .apply_max_message_size_config(max_decoding_message_size, max_encoding_message_size);
                            let res = grpc.server_streaming(method, req).await;
                            Ok(res)
                        };
                        Box::pin(fut)
                    }
                    _ => Box::pin(async move {
                        let mut response = http::Response::new(::straddle::wire::Body::default());
                        let headers = response.headers_mut();
                        headers.insert(tonic::Status::GRPC_STATUS, (tonic::Code::Unimplemented as i32).into());
                        headers.insert(http::header::CONTENT_TYPE, tonic::metadata::GRPC_CONTENT_TYPE);
                        Ok(response)
                    }),
                }
            }
        }
        impl<T> Clone for EchoServer<T> {
            fn clone(&self) -> Self {
                let inner = self.inner.clone();
                Self {
                    inner,
                    accept_compression_encodings: self.accept_compression_encodings,
                    send_compression_encodings: self.send_compression_encodings,
                    max_decoding_message_size: self.max_decoding_message_size,
                    max_encoding_message_size: self.max_encoding_message_size,
                }
            }
        }
        /// Generated gRPC service name
        pub const SERVICE_NAME: &str = "bench.echo.v1.Echo";
        impl<T> tonic::server::NamedService for EchoServer<T> {
            const NAME: &'static str = SERVICE_NAME;
        }
    }
