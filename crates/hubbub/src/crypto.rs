//! The cryptography that is compiled in: ring, for TLS and for the signatures of tokens. Some libraries take it from the
//! process and not as an argument; whoever uses one of them calls [`install`] first.

use rustls::crypto::{CryptoProvider, ring};
use std::sync::{Arc, Once};

pub mod certificate;
mod der;
pub mod login;
pub mod seal;
mod tokens;

/// The algorithms of TLS.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Makes ring the cryptography of this process, for TLS of the clients of HTTP, Redis and NATS, and for tokens. Only the
/// first call does something.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error: a program that embeds this one has chosen before. Its choice stays.
        let _ = ring::default_provider().install_default();
        let _ = tokens::PROVIDER.install_default();
    });
}
