//! Addresses that are listened on: why one cannot be, and how it is reached from this machine.

use super::{
    LISTEN,
    edge::base_path,
    file,
    layers::{given, named},
};
use anyhow::bail;
use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
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

/// How a server is reached from its own machine.
#[derive(Debug)]
pub struct Reach {
    listen: SocketAddr,
    base_path: String,
    tls: bool,
}

impl Reach {
    /// Of the settings that say so, in the order in which `serve` looks for them. No secret is read.
    ///
    /// # Errors
    /// Where the file of `--config` cannot be read or has a fault, or the base path is none.
    pub fn of(
        listen: Option<SocketAddr>,
        path: Option<String>,
        tls_cert: Option<PathBuf>,
        config: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let (file, faults) = config.filter(|path| !path.as_os_str().is_empty()).map(file::read).unwrap_or_default();
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        Ok(Self {
            listen: listen.or(file.listen).unwrap_or(LISTEN),
            base_path: base_path(&given(path).or(given(file.base_path)).unwrap_or_default())?,
            tls: named(tls_cert).or(named(file.tls_cert)).is_some(),
        })
    }

    /// Its URL, without a slash at the end.
    ///
    /// # Errors
    /// Where the system chooses the port.
    pub fn url(&self) -> anyhow::Result<String> {
        let mut at = self.listen;
        if at.port() == 0 {
            bail!(
                "--listen {at}: the system has chosen a port when the server started, and which one is not known here"
            );
        }
        match at.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => at.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => at.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let scheme = if self.tls { "https" } else { "http" };
        Ok(format!("{scheme}://{at}{}", self.base_path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_reached_from_its_own_machine() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("hubbub.toml");
        std::fs::write(&file, "listen = \"10.0.0.7:90\"\nbase-path = \"/chat\"\ntls-cert = \"c.pem\"\n").unwrap();
        let url = |listen: Option<&str>, path: Option<&str>, config: Option<&Path>| {
            let listen = listen.map(|listen| listen.parse().unwrap());
            Reach::of(listen, path.map(Into::into), None, config).and_then(|reach| reach.url())
        };
        assert_eq!(url(None, None, None).unwrap(), "http://127.0.0.1:8000");
        assert_eq!(url(Some("0.0.0.0:80"), Some("/chat/"), None).unwrap(), "http://127.0.0.1:80/chat");
        assert_eq!(url(Some("[::]:80"), Some(""), None).unwrap(), "http://[::1]:80");
        assert_eq!(url(None, None, Some(&file)).unwrap(), "https://10.0.0.7:90/chat");
        assert_eq!(url(Some("127.0.0.2:91"), None, Some(&file)).unwrap(), "https://127.0.0.2:91/chat");
        assert!(url(Some("127.0.0.1:0"), None, None).unwrap_err().to_string().contains("chosen a port"));
        std::fs::write(&file, "lisen = 1").unwrap();
        assert!(url(None, None, Some(&file)).unwrap_err().to_string().contains("lisen"));
    }

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
