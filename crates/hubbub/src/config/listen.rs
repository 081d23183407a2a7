//! Addresses that cannot be listened on, for whichever option says them.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

/// Why nothing can be served at this address, which this option says, and what to do where that is known.
pub fn cannot_listen(option: &str, at: SocketAddr, error: io::Error) -> anyhow::Error {
    let todo = match error.kind() {
        ErrorKind::AddrInUse => format!(", another program does: stop it, or name another port with {option}"),
        ErrorKind::AddrNotAvailable => format!(" ({option}), which is no address of this machine"),
        ErrorKind::PermissionDenied => {
            format!(" ({option}): ports below 1024 want a permission (CAP_NET_BIND_SERVICE), others do not")
        }
        _ => format!(" ({option})"),
    };
    anyhow::Error::new(error).context(format!("cannot listen on {at}{todo}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_listen_is_told_what_to_do() {
        let at = "127.0.0.1:0".parse().unwrap();
        let kept = std::net::TcpListener::bind::<SocketAddr>(at).unwrap();
        let taken = kept.local_addr().unwrap();
        let error = std::net::TcpListener::bind(taken).unwrap_err();
        let said = format!("{:#}", cannot_listen("--admin-listen", taken, error));
        assert!(said.contains(&taken.to_string()) && said.contains("another port with --admin-listen"), "{said}");
    }
}
