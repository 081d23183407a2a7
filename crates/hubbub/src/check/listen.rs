//! Addresses to listen on.

use super::{Asked, Finding};
use std::{io::ErrorKind, net::SocketAddr};
use tokio::net::TcpListener;

/// `--listen`.
pub(super) async fn address(asked: &Asked) -> Vec<Finding> {
    vec![may_listen("--listen", asked.settings.listen_at()).await]
}

/// Whether it can be listened on: for every option that names an address.
pub(super) async fn may_listen(option: &str, address: SocketAddr) -> Finding {
    let about = format!("{option} {address}");
    match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(about, "free"),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::warning(
            about,
            "somebody listens there already",
            "fine if it is the Hubbub that is to be restarted; else choose another port",
        ),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Finding::wrong(
            about,
            "it may not be listened on",
            "choose a port from 1024 on, or give the process CAP_NET_BIND_SERVICE",
        ),
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
            Finding::wrong(about, "this machine has no such address", "0.0.0.0 or [::] listens on all it has")
        }
        Err(error) => Finding::wrong(about, error, "choose another address"),
    }
}
