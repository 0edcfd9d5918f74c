//! Streams around another stream, which they write to as it is.

/// Implements `AsyncWrite` for a stream with a field `io`, by writing to that. What is said behind the name becomes of the result
/// of each write, given with how many bytes there were to write.
macro_rules! write_through {
    ($around:ident) => {
        $crate::transport::through::write_through!($around, |written, _| written);
    };
    ($around:ident, $becomes:expr) => {
        impl<T: ::tokio::io::AsyncWrite + Unpin> ::tokio::io::AsyncWrite for $around<T> {
            fn poll_write(
                mut self: ::std::pin::Pin<&mut Self>,
                context: &mut ::std::task::Context<'_>,
                data: &[u8],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                let written = ::std::pin::Pin::new(&mut self.io).poll_write(context, data);
                ($becomes)(written, data.len())
            }

            fn poll_flush(
                mut self: ::std::pin::Pin<&mut Self>,
                context: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<::std::io::Result<()>> {
                ::std::pin::Pin::new(&mut self.io).poll_flush(context)
            }

            fn poll_shutdown(
                mut self: ::std::pin::Pin<&mut Self>,
                context: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<::std::io::Result<()>> {
                ::std::pin::Pin::new(&mut self.io).poll_shutdown(context)
            }

            fn poll_write_vectored(
                mut self: ::std::pin::Pin<&mut Self>,
                context: &mut ::std::task::Context<'_>,
                data: &[::std::io::IoSlice<'_>],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                let written = ::std::pin::Pin::new(&mut self.io).poll_write_vectored(context, data);
                ($becomes)(written, data.iter().map(|part| part.len()).sum::<usize>())
            }

            fn is_write_vectored(&self) -> bool {
                self.io.is_write_vectored()
            }
        }
    };
}

pub(super) use write_through;
