//! TLS to a server that has to prove its name.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

use super::binding::server_end_point;
use crate::store::address::Address;
use crate::store::shared_error::Error;

/// The largest file with certificates that is read, in bytes.
const LIMIT: u64 = 4 * 1024 * 1024;

/// The means to open TLS to one host.
pub(super) struct Verified {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Verified {
    /// Returns what connects to the host `name` as `address` says.
    pub(super) fn to(name: &str, address: &Address) -> Result<Self, Error> {
        let unusable = |why: String| Error::NotVerified { place: name.to_owned(), why };
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| unusable("it has no name that a certificate could be for".to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.to_string()))?;
        let builder = match &address.authorities {
            Some(path) => builder.with_root_certificates(authorities(path)?),
            None => {
                builder.with_platform_verifier().map_err(|error| unusable(error.to_string()))?
            }
        };
        let config = match &address.client_certificate {
            Some((certificate, key)) => {
                let own = certificates(certificate)?;
                let key_bytes = read(key)?;
                let parsed = PrivateKeyDer::from_pem_slice(&key_bytes)
                    .map_err(|_| malformed(key, "it holds no private key in PEM"))?;
                builder
                    .with_client_auth_cert(own, parsed)
                    .map_err(|_| malformed(key, "it is not the key of the certificate"))?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name: server })
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|error| malformed(path, &error.to_string()))?;
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    let found = found.map_err(|_| malformed(path, "it is not in PEM"))?;
    if found.is_empty() {
        return Err(malformed(path, "it holds no certificate in PEM"));
    }
    Ok(found)
}

fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
    let content = crate::private_file::read(path, LIMIT);
    content.map(zeroize::Zeroizing::new).map_err(|error| malformed(path, &error.to_string()))
}

fn malformed(path: &Path, why: &str) -> Error {
    Error::Certificates { path: path.display().to_string(), why: why.to_owned() }
}

impl<S> TlsConnect<S> for Verified
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Channel<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Channel<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let stream = self.connector.connect(self.name, stream).await?;
            Ok(Channel(Box::new(stream)))
        })
    }
}

/// An open TLS channel.
pub(super) struct Channel<S>(Box<tokio_rustls::client::TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Channel<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let (_, session) = self.0.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        match certificate.and_then(|certificate| server_end_point(certificate)) {
            Some(hash) => ChannelBinding::tls_server_end_point(hash),
            None => ChannelBinding::none(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Channel<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Channel<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
