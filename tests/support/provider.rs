//! An identity provider's web server: it publishes keys, goes away, and misbehaves.

use super::{authority::Authority, signer::Signer};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    server::TlsStream,
};

/// See the module.
pub struct Provider {
    addr: SocketAddr,
    desk: Arc<Desk>,
    tls: Option<TlsAcceptor>,
    serving: Option<JoinHandle<()>>,
}

struct Desk {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
}

/// What it says when it is asked for its keys.
#[derive(Clone)]
pub enum Answer {
    /// This, with status 200.
    Body(String),
    /// Only a status.
    Status(StatusCode),
    /// To ask there.
    Redirect(String),
    /// Nothing, for as long as one waits.
    Silence,
}

impl Provider {
    /// Begins to publish the keys of these.
    pub async fn start(signers: &[&Signer]) -> Self {
        Self::start_over(signers, None).await
    }

    /// The same over TLS, with a certificate of this authority.
    pub async fn start_over_tls(signers: &[&Signer], authority: &Authority) -> Self {
        Self::start_with(signers, &authority.vouches_for("127.0.0.1")).await
    }

    /// The same with this certificate and its key.
    pub async fn start_with(signers: &[&Signer], (certificate, key): &(String, String)) -> Self {
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let config = ServerConfig::builder_with_provider(hubbub::crypto::provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a configuration");
        Self::start_over(signers, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_over(signers: &[&Signer], tls: Option<TlsAcceptor>) -> Self {
        let desk = Arc::new(Desk { answer: Mutex::new(keys_of(signers)), asked: AtomicUsize::new(0) });
        let addr = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
        let mut provider = Self { addr, desk, tls, serving: None };
        provider.come_back().await;
        provider
    }

    /// Where its keys are.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/keys", self.addr)
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.desk.asked.load(Ordering::SeqCst)
    }

    /// Publishes the keys of these from now on.
    pub fn publishes(&self, signers: &[&Signer]) {
        self.answers(keys_of(signers));
    }

    /// Answers like this from now on.
    pub fn answers(&self, answer: Answer) {
        *self.desk.answer.lock().expect("the desk") = answer;
    }

    /// Is gone, and its port refuses.
    pub async fn goes_away(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Is there again, on its port.
    pub async fn come_back(&mut self) {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("reuse");
        socket.bind(self.addr).expect("its port");
        let listener = socket.listen(64).expect("a listener");
        let router = Router::new().fallback(answer).with_state(self.desk.clone());
        let tls = self.tls.clone();
        self.serving = Some(tokio::spawn(async move {
            let _ = match tls {
                None => axum::serve(listener, router).await,
                Some(acceptor) => axum::serve(OverTls { listener, acceptor }, router).await,
            };
        }));
    }
}

/// Whoever does not get through the handshake is passed over.
struct OverTls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for OverTls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, from)) = self.listener.accept().await else { continue };
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

fn keys_of(signers: &[&Signer]) -> Answer {
    Answer::Body(json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() }).to_string())
}

async fn answer(State(desk): State<Arc<Desk>>) -> Response {
    desk.asked.fetch_add(1, Ordering::SeqCst);
    let answer = desk.answer.lock().expect("the desk").clone();
    match answer {
        Answer::Body(body) => Body::from(body).into_response(),
        Answer::Status(status) => status.into_response(),
        Answer::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Answer::Silence => std::future::pending().await,
    }
}
