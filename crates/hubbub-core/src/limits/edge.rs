//! Limits of connections before anything of the chat is said, and of those who have not said who they are.

use std::time::Duration;

/// How long a client may take for the TLS handshake.
pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request: the first from when it has connected, others from their first
/// byte.
pub const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may be idle between two requests. Above 60 s, for which balancers keep connections to use them again:
/// one that is closed at that moment would cost a request.
pub const IDLE_WITHIN: Duration = Duration::from_secs(75);
/// How long the body of a request may keep the server waiting, in all.
pub const BODY_WITHIN: Duration = Duration::from_secs(30);
/// Longest head of a request.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Connections the kernel holds until they are accepted (as far as `net.core.somaxconn` allows). With the usual 128, a
/// fleet that reconnects waits for the kernel to send its packets again, a second and more.
pub const BACKLOG: u32 = 4_096;
/// Connections of one address (of IPv6: of one /64) that have not said who they are, unless `strangers-per-address` says
/// otherwise: that have neither connected, nor given an API key, nor brought a webhook that was verified.
pub const STRANGERS_PER_ADDRESS: usize = 512;
/// The same of all addresses.
pub const STRANGERS: usize = 4_096;
/// However few connections an instance may have, one address may have a quarter of them, or this many, before it has said who
/// it is.
pub const COMPANY: usize = 16;
/// Bytes of heads and bodies that one address may have sent in requests that have not said whose they are.
pub const STRANGER_BYTES: usize = 8 * 1024 * 1024;
/// The same of all addresses.
pub const STRANGERS_BYTES: usize = 32 * 1024 * 1024;
/// This much of a head is not counted among them: what every client sends.
pub const SMALL_HEAD_BYTES: usize = 8 * 1024;
/// Connections beyond these numbers whose first head is heard yet: so whoever asks for our health or has an API key is
/// answered, and others are told to come again; an eighth of the files where that is less. For each that comes then, the one
/// that has waited longest is closed.
pub const LATECOMERS: usize = 1_024;
/// Files kept open so that there are some to close when there are no more.
pub const SPARE_FILES: usize = 16;
/// What is still taken of a body that nobody reads, so that who sends it hears the answer.
pub const LINGER_BYTES: usize = 512 * 1024;
/// For how long.
pub const LINGER_WITHIN: Duration = Duration::from_secs(2);
/// How much of a request for a stream is read before the stream it names is known to be one.
pub const SESSION_WITHIN_BYTES: usize = 4 * 1024;
/// How often the files of `--tls-cert` and `--tls-key` are looked at.
pub const TLS_LOOK_EVERY: Duration = Duration::from_secs(10);
