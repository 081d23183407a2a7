//! Which HTTP calls go straight to where they are meant to go, whatever `HTTP_PROXY` and its like say.
//!
//! A proxy reads what goes over `http:`, and loopback is another machine to it. What is asked there decides who somebody is,
//! or carries an API key.

use reqwest::{ClientBuilder, Url};
use std::net::IpAddr;

/// Whether this is for this very machine, in whatever spelling.
pub fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |ip: IpAddr| {
        let ip = ip.to_canonical();
        // The unspecified address leads here, too.
        ip.is_loopback() || ip.is_unspecified()
    };
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(is_loopback)
}

/// A client for this address: one that no proxy comes between, unless it is asked over `https:` and elsewhere.
pub fn client(builder: ClientBuilder, url: &Url) -> ClientBuilder {
    if url.scheme() != "https" || is_local(url) { builder.no_proxy() } else { builder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_in_every_spelling() {
        for (host, local) in [
            ("localhost", true),
            ("LOCALHOST", true),
            ("localhost.", true),
            ("db.localhost", true),
            ("127.0.0.1", true),
            ("127.8.9.1", true),
            ("127.1", true),
            ("0x7f.1", true),
            ("2130706433", true),
            ("017700000001", true),
            ("0.0.0.0", true),
            ("[::1]", true),
            ("[0:0:0:0:0:0:0:1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("[::ffff:7f00:2]", true),
            ("[::]", true),
            ("128.0.0.1", false),
            ("10.0.0.1", false),
            ("[::2]", false),
            ("[::ffff:10.0.0.1]", false),
            ("localhost.example.com", false),
            ("notlocalhost", false),
            ("127.0.0.1.example.com", false),
        ] {
            let url = Url::parse(&format!("https://{host}:1/keys")).unwrap();
            assert_eq!(is_local(&url), local, "{host}");
        }
    }
}
