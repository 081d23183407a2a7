//! Reads a `--bus` URL for Redis.

use crate::bus::BusUrlError;
use crate::crypto::{
    certificate::{self, Fault},
    login::{Password, Place},
};
use ::redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    ProtocolVersion, RedisConnectionInfo, RedisError, TlsCertificates, aio::MultiplexedConnection,
};
use hubbub_core::{limits, model::percent};

/// Where a Redis is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// At its address.
    Single,
    /// Sentinels know the address of the master of this name.
    Sentinel(String),
    /// The nodes of a cluster know each other.
    Cluster,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct HostPort {
    pub host: String,
    pub port: u16,
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[derive(Clone, Default)]
struct Login {
    user: Option<String>,
    password: Option<String>,
    /// Comes first, and is read anew at every dial.
    besides: Option<Password>,
}

impl Login {
    fn password(&self) -> Result<Option<String>, String> {
        self.besides.as_ref().map(Password::read).transpose().map(|read| read.or_else(|| self.password.clone()))
    }

    fn agrees(&self) -> Result<(), BusUrlError> {
        let own = self.password.as_ref().map(String::as_bytes);
        self.besides.as_ref().map_or(Ok(()), |besides| besides.agrees(own).map_err(BusUrlError))
    }
}

/// The files that TLS is spoken with. They are read anew at every dial.
#[derive(Clone, Default)]
struct Files {
    ca: Option<String>,
    /// The certificate that we show, and its key.
    client: Option<(String, String)>,
}

impl Files {
    fn read(&self) -> Result<TlsCertificates, String> {
        let file = |name: &str, path: &String| std::fs::read(path).map_err(|error| format!("{name}={path}: {error}"));
        let root_cert = self.ca.as_ref().map(|path| file("ca", path)).transpose()?;
        let client_tls = match &self.client {
            Some((cert, key)) => {
                Some(ClientTlsConfig { client_cert: file("cert", cert)?, client_key: file("key", key)? })
            }
            None => None,
        };
        Ok(TlsCertificates { client_tls, root_cert })
    }
}

/// What a URL says. It holds secrets and must not be printed.
#[derive(Clone)]
pub(super) struct Target {
    pub kind: Kind,
    /// A Redis, Sentinels, or some nodes of a cluster.
    pub hosts: Vec<HostPort>,
    login: Login,
    sentinel_login: Login,
    tls: Option<Files>,
}

impl Target {
    /// Reads `redis://`, `rediss://` (TLS), `redis+sentinel://`, `redis+cluster://` and these two with `rediss`:
    /// `scheme://[user[:password]@]host[:port][,host…][/number or the master's name][?ca=FILE&cert=FILE&key=FILE]`.
    pub(super) fn parse(at: impl Into<Place>) -> Result<Self, BusUrlError> {
        let Place { url, password: besides } = at.into();
        let wrong = |why: &str| BusUrlError::from(why);
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("redis://host:6379 is expected"))?;
        let (scheme, topology) = scheme.split_once('+').unwrap_or((scheme, ""));
        let with_tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(wrong("redis:// or rediss:// is expected")),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        if login.contains('@') {
            return Err(wrong("percent-encode @ : / ? # & and % in its password"));
        }
        let (kind, port) = match topology {
            "" => (Kind::Single, 6379),
            "sentinel" if path.is_empty() => {
                return Err(wrong("the master's name is missing: redis+sentinel://host,host/NAME"));
            }
            "sentinel" => (Kind::Sentinel(decode(path)?), 26379),
            "cluster" => (Kind::Cluster, 6379),
            _ => {
                return Err(wrong(
                    "redis://, redis+sentinel:// or redis+cluster:// is expected (and the same with rediss)",
                ));
            }
        };
        // A number is harmless: Pub/Sub knows no databases.
        if !matches!(kind, Kind::Sentinel(_)) && !path.is_empty() && path.parse::<u16>().is_err() {
            return Err(wrong("behind the host only the number of a database is expected"));
        }
        let hosts: Vec<HostPort> =
            hosts.split(',').map(|host| HostPort::parse(host, port)).collect::<Result<_, _>>()?;
        if kind == Kind::Single && hosts.len() > 1 {
            return Err(wrong("several hosts need redis+sentinel:// or redis+cluster://"));
        }
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let login = Login { user: given(user)?, password: given(password)?, besides };
        let (mut sentinel_login, mut ca, mut cert, mut key) = (Login::default(), None, None, None);
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name {
                "sentinel-user" => sentinel_login.user = given(value)?,
                "sentinel-password" => sentinel_login.password = given(value)?,
                "ca" | "cert" | "key" if !with_tls => return Err(wrong("ca, cert and key need rediss://")),
                "sentinel-password-file" => {
                    let path = decode(value)?;
                    sentinel_login.besides = Password::given("sentinel-password", None, Some(path.as_ref()));
                }
                "ca" => ca = Some(decode(value)?),
                "cert" => cert = Some(decode(value)?),
                "key" => key = Some(decode(value)?),
                _ => {
                    return Err(wrong(
                        "its options are ca, cert, key, sentinel-user, sentinel-password and sentinel-password-file",
                    ));
                }
            }
        }
        let client = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => return Err(wrong("cert and key belong together")),
        };
        let tls = with_tls.then_some(Files { ca, client });
        let target = Self { kind, hosts, login, sentinel_login, tls };
        // Files that cannot be read are found here, and not only when it dials.
        target.login.agrees()?;
        target.sentinel_login.agrees()?;
        target.client(&target.hosts[0]).map_err(BusUrlError)?;
        Ok(target)
    }

    /// For people, without anything secret.
    pub(super) fn shown(&self) -> String {
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        match &self.kind {
            Kind::Single => format!("{scheme}://{}", hosts.join(",")),
            Kind::Sentinel(master) => format!("{scheme}+sentinel://{}/{master}", hosts.join(",")),
            Kind::Cluster => format!("{scheme}+cluster://{}", hosts.join(",")),
        }
    }

    /// A client of a node that carries wakes. It speaks RESP3, because only then a closure is given what is pushed; the library's
    /// Pub/Sub connection for RESP2 has a queue without a bound. To be made for every dial: passwords and certificates are read
    /// here, and may have been replaced.
    pub(super) fn client(&self, at: &HostPort) -> Result<Client, String> {
        self.open(at, &self.login, ProtocolVersion::RESP3)
    }

    /// A connection to a Sentinel or to any node of a cluster, to ask it where the nodes are.
    pub(super) async fn ask(&self, at: &HostPort) -> Result<MultiplexedConnection, String> {
        let login = if matches!(self.kind, Kind::Sentinel(_)) { &self.sentinel_login } else { &self.login };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limits::BUS_PATIENCE))
            .set_response_timeout(Some(limits::BUS_PATIENCE));
        let client = self.open(at, login, ProtocolVersion::RESP2)?;
        client.get_multiplexed_async_connection_with_config(&config).await.map_err(|error| explain(&error))
    }

    fn open(
        &self,
        HostPort { host, port }: &HostPort,
        login: &Login,
        protocol: ProtocolVersion,
    ) -> Result<Client, String> {
        let said = |error: RedisError| error.to_string();
        let mut redis = RedisConnectionInfo::default().set_protocol(protocol).set_skip_set_lib_name();
        if let Some(user) = &login.user {
            redis = redis.set_username(user);
        }
        if let Some(password) = login.password()? {
            redis = redis.set_password(password);
        }
        let (host, port) = (host.clone(), *port);
        let addr = match &self.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
        };
        let info: ConnectionInfo = addr.into_connection_info().map_err(said)?;
        // Without this a wake waits until the peer's kernel has acknowledged the one before it.
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let info = info.set_redis_settings(redis).set_tcp_settings(tcp);
        match &self.tls {
            None => Client::open(info).map_err(said),
            Some(files) => {
                crate::crypto::install();
                Client::build_with_tls(info, files.read()?).map_err(said)
            }
        }
    }
}

impl HostPort {
    fn parse(text: &str, default: u16) -> Result<Self, BusUrlError> {
        let wrong = || BusUrlError::from("host or host:port is expected");
        // An IPv6 address stands in brackets.
        let (host, rest) = match text.strip_prefix('[') {
            Some(text) => text.split_once(']').ok_or_else(wrong)?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match rest.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| wrong())?,
            None if rest.is_empty() => default,
            None => return Err(wrong()),
        };
        if host.is_empty() { Err(wrong()) } else { Ok(Self { host: host.to_owned(), port }) }
    }
}

fn given(text: &str) -> Result<Option<String>, BusUrlError> {
    if text.is_empty() { Ok(None) } else { decode(text).map(Some) }
}

fn decode(text: &str) -> Result<String, BusUrlError> {
    percent::decode(text).ok_or_else(|| "a % that is not followed by two hexadecimal digits".into())
}

/// What an error of the client library means, and what to do about it.
pub(super) fn explain(error: &RedisError) -> String {
    if let Some((fault, says)) = certificate::refused(error) {
        return match fault {
            Fault::Authority => format!("{says}; name the one that signed it: --bus rediss://…?ca=FILE"),
            Fault::Host => format!("{says}; the host in --bus has to be among its subject alternative names"),
            Fault::Time => format!("{says}; give the server another one"),
            Fault::Other => says,
        };
    }
    let says = error.to_string();
    let hint = match error.code() {
        Some("WRONGPASS" | "NOAUTH") => "it refuses the user or the password of --bus",
        Some("NOPERM") => "its user lacks a right: see docs/operating.md, Redis",
        _ if error.kind() == ::redis::ErrorKind::AuthenticationFailed => "it refuses the user or the password of --bus",
        _ if error.kind() == ::redis::ErrorKind::RESP3NotSupported => "Redis 6 or newer is needed",
        _ if says.contains("InvalidContentType") => "it does not speak TLS on this port: redis:// without TLS?",
        _ => return says,
    };
    format!("{hint} ({says})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Target {
        Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn every_form_is_read() {
        for (url, shown) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("redis://localhost:1/0", "redis://localhost:1"),
            ("redis://ana:hu%40sh@[::1]:1/15", "redis://[::1]:1"),
            ("rediss://:hush@redis.example", "rediss://redis.example:6379"),
            (
                "redis+sentinel://:hush@a,b:2,[::1]/chat?sentinel-password=hush",
                "redis+sentinel://a:26379,b:2,[::1]:26379/chat",
            ),
            ("redis+cluster://a,b", "redis+cluster://a:6379,b:6379"),
            ("rediss+cluster://a", "rediss+cluster://a:6379"),
        ] {
            assert_eq!(parse(url).shown(), shown);
        }
        let login = parse("redis://ana:hu%40sh%3a@h").login;
        assert_eq!((login.user.as_deref(), login.password.as_deref()), (Some("ana"), Some("hu@sh:")));
        let target = parse("redis+sentinel://ana:one@h/m?sentinel-user=ben&sentinel-password=two");
        assert_eq!(target.sentinel_login.user.as_deref(), Some("ben"));
        assert_eq!(
            (target.login.password.as_deref(), target.sentinel_login.password.as_deref()),
            (Some("one"), Some("two"))
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_quoting_a_secret() {
        for (url, says) in [
            ("", "redis://"),
            ("redis:hush", "redis://"),
            ("postgres://ana:hush@localhost", "redis://"),
            ("redis+raft://:hush@h", "redis+cluster"),
            ("redis://:hu@sh@h", "percent-encode"),
            ("redis://:hu%4sh@h", "hexadecimal"),
            ("redis://:hush@h/x", "number of a database"),
            ("redis://:hush@", "host"),
            ("redis://:hush@h:x", "host:port"),
            ("redis://:hush@a,b", "redis+sentinel"),
            ("redis+sentinel://:hush@a,b", "master's name"),
            ("redis://:hush@h?ca=/x", "rediss://"),
            ("rediss://:hush@h?ca=/nowhere/at.all", "/nowhere/at.all"),
            ("rediss://:hush@h?cert=/dev/null", "belong together"),
            ("redis://:hush@h?password=hush", "options"),
            ("redis+sentinel://:hush@h/m?sentinel-password-file=/nowhere/x", "sentinel-password-file=/nowhere/x"),
        ] {
            let error = Target::parse(url).err().unwrap_or_else(|| panic!("{url}")).to_string();
            assert!(error.contains(says) && !error.contains("hush") && !error.contains("sh@"), "{url}: {error}");
        }
    }
}
