//! Every limit of Hubbub, here and in `limits/`. Sizes are in bytes, times are `Duration`s, everything else is a count.

use std::time::Duration;

mod access;
mod edge;
mod externals;
mod messages;
mod moving;
mod people;
mod refused;
mod rooms;
mod signals;
mod tokens;

pub use access::*;
pub use edge::*;
pub use externals::*;
pub use messages::*;
pub use moving::*;
pub use people::*;
pub use refused::*;
pub use rooms::*;
pub use signals::*;
pub use tokens::*;

/// Longest room id: `[A-Za-z0-9._-]{1,64}`.
pub const ROOM_ID_BYTES: usize = 64;
/// Longest user id, any UTF-8 without control characters.
pub const USER_ID_BYTES: usize = 128;
/// Longest key a client may give a send, any UTF-8 without control characters.
pub const KEY_BYTES: usize = 128;
/// Longest name of a room.
pub const ROOM_NAME_BYTES: usize = 256;
/// Longest text of a message.
pub const TEXT_BYTES: usize = 8 * 1024;
/// Longest `data` of a message, as JSON without white space.
pub const DATA_BYTES: usize = 16 * 1024;
/// Longest `info` kept of a user, as JSON without white space.
pub const USER_INFO_BYTES: usize = 2 * 1024;
/// Longest frame of a client: a WebSocket message, or the commands in a request. It holds [`SUBSCRIPTIONS`] that recover.
pub const FRAME_BYTES: usize = 256 * 1024;
/// Longest `connect`, or body of a request that opens a stream. A frame that begins with it may be longer by this.
pub const CONNECT_BYTES: usize = 64 * 1024;
/// Longer frames of all clients that are being read, or not executed; beyond, sockets are not read and requests wait.
pub const INTAKE_BYTES: usize = 64 * 1024 * 1024;
/// So much of it one user may hold, or all strangers of one address.
pub const INTAKE_BYTES_OF_ONE: usize = 4 * 1024 * 1024;
/// A frame up to this takes nothing of [`INTAKE_BYTES`].
pub const FRAME_FREE_BYTES: usize = 16 * 1024;
/// How long a request with commands waits for room, shares of the bus and a receipt; then its stream ends.
pub const RECEIPT_WITHIN: Duration = Duration::from_secs(5);
/// Commands without a receipt are passed on again after this.
pub const RECEIPT_AGAIN: Duration = Duration::from_secs(1);
/// Longest body of a REST request.
pub const REST_BODY_BYTES: usize = 1024 * 1024;
/// Deepest nesting of JSON in `data` and `info`.
pub const JSON_DEPTH: usize = 16;
/// Most characters of a number in `data` and `info`. A double needs 24; Python reads integers of up to 4,300.
pub const JSON_NUMBER_BYTES: usize = 100;

/// Entries in a page when the client names no number.
pub const PAGE_DEFAULT: usize = 100;
/// Most entries, rooms or members in one page.
pub const PAGE_MAX: usize = 1_000;
/// A page ends early once its entries weigh this much; the rest is asked for with the next page.
pub const PAGE_BYTES: usize = 128 * 1024;
/// Entries a cursor or a feed reads from the store at a time while it catches up.
pub const CATCH_UP_PAGE: usize = 128;
/// Most members named in one REST request or `create_room`.
pub const MEMBERS_AT_ONCE: usize = 1_000;

/// Most sends per second of one connection that can be allowed by a limit; without one there is none.
pub const SENDS_PER_SECOND_MAX: usize = 10_000;
/// Most connections of one instance, by its limit or without one.
pub const CONNECTIONS_MAX: usize = 1_000_000;
/// Connections of one user on one instance, unless `user-connections` says otherwise.
pub const USER_CONNECTIONS: usize = 100;
/// Commands of one user that are read in a second on one instance, unless `user-commands-per-second` says otherwise; beyond, the sockets
/// of this user are read more slowly.
pub const USER_COMMANDS_PER_SECOND: u32 = 300;
/// How long a connection waits for its refusal where its user has too many: whoever asks again at once does so once in this time.
pub const TOO_MANY_AFTER: Duration = Duration::from_secs(1);
/// Entries of any kind that one user may write in a second on one instance, unless `user-entries-per-second` says otherwise.
pub const USER_ENTRIES_PER_SECOND: u32 = 50;
/// Rooms that one user may make in an hour on one instance, unless `user-rooms-per-hour` says otherwise.
pub const USER_ROOMS_PER_HOUR: u32 = 100;
/// People that one user may put into rooms in an hour on one instance, unless `user-people-per-hour` says otherwise.
pub const USER_PEOPLE_PER_HOUR: u32 = 1_000;
/// Sessions that one user may open in an hour on one instance, unless `user-sessions-per-hour` says otherwise.
pub const USER_SESSIONS_PER_HOUR: u32 = 30;
/// The most that any of these can be set to.
pub const USER_LIMIT_MAX: usize = 10_000_000;
/// Users who are not connected and of whom it is remembered what they used in the last hour; beyond, they are as new.
pub const ACCOUNTS: usize = 100_000;
/// How often users of whom nothing need be remembered are forgotten.
pub const ACCOUNTS_EVERY: Duration = Duration::from_secs(10);
/// Subscriptions of one connection.
pub const SUBSCRIPTIONS: usize = 1_000;
/// Commands of one connection that wait for an answer; at this many its socket is not read.
pub const IN_FLIGHT: usize = 64;
/// Commands answered with a page that one connection may have in flight; at this many its socket is not read.
pub const PAGES_IN_FLIGHT: usize = 1;
/// Subscribes with recovery that one connection may have in flight: each is answered with a first page.
pub const RECOVERIES_IN_FLIGHT: usize = 32;
/// Bytes of the first page of a recovery, in the reply; the rest follows as pushes.
pub const FIRST_PAGE_BYTES: usize = 4 * 1024;
/// Subscriptions of one connection that may read or hold a page of the log; the others wait their turn.
pub const PAGING: usize = 4;
/// Pages an instance reads at a time, for readers and for requests: committers and look-ups always find a connection of
/// the store free.
pub const PAGE_READS: usize = 4;
/// Bytes of pages of the log kept for other readers after they were read.
pub const PAGES_BYTES: usize = 64 * 1024 * 1024;
/// How long they are kept at most.
pub const PAGES_KEPT_FOR: Duration = Duration::from_secs(120);
/// How long those of a room are kept that nobody follows here any more: what is blanked there is not noticed without its wake.
pub const PAGES_UNHEARD_FOR: Duration = Duration::from_secs(2);
/// Connections that have been let in and have not caught up yet; beyond, an upgrade is answered 503.
pub const ARRIVING: usize = 2_048;
/// A connection that subscribes to nothing is not counted among those who arrive after this.
pub const ARRIVING_WITHIN: Duration = Duration::from_secs(2);
/// Connections accepted before all else that is ready has its turn.
pub const ACCEPTS: u32 = 16;
/// Connections that may subscribe and catch up at a time; the others wait for their turn.
pub const ARRIVAL_TURNS: usize = 256;
/// How long a turn may last; then others have theirs.
pub const TURN_WITHIN: Duration = Duration::from_secs(1);
/// While clients wait longer than this for their turn, no new connection is accepted.
pub const TURN_SOON: Duration = Duration::from_millis(1_500);
/// How long after the last wait longer than [`TURN_SOON`] new connections are accepted again.
pub const TURN_BEHIND: Duration = Duration::from_millis(250);
/// A connection whose turn has not come after this is closed with 3013.
pub const TURN_PATIENCE: Duration = Duration::from_secs(4);
/// Replies of one connection waiting to be written; over this many bytes its socket is not read.
pub const REPLIES_BYTES: usize = 64 * 1024;
/// Pushes gathered into one WebSocket message.
pub const WRITE_BYTES: usize = 16 * 1024;
/// `SO_SNDBUF` of a client's socket: bounds what a stalled reader keeps in the kernel
/// (the kernel doubles it; measured 0.16 MB with 16 KiB where the default grows to 4.2 MB).
pub const SOCKET_SEND_BUFFER: usize = 16 * 1024;
/// `TCP_MAXSEG`: a single segment is acknowledged after 40 ms, every second at once; so the send buffer holds several.
pub const SOCKET_SEGMENT: u32 = 8 * 1024;
/// `TCP_NOTSENT_LOWAT` of a client's socket.
pub const SOCKET_NOTSENT_LOWAT: u32 = 16 * 1024;

/// Longest body of a request that brings a stream's commands: a frame whose line feeds and quotes are escaped.
pub const EMULATION_BODY_BYTES: usize = 640 * 1024;
/// Frames of commands of one stream waiting to be read; beyond, the stream ends.
pub const UPLINK_FRAMES: usize = 1_024;
/// Bytes in them.
pub const UPLINK_BYTES: usize = 1024 * 1024;
/// Shares of the bus that the commands of one stream may take in a second, a second's worth at once. Beyond, they wait.
pub const FORWARDS_OF_STREAM: u32 = 64;
/// The same for all streams on other instances together: a quarter of [`BUS_OUTBOX`] and of [`BUS_OUTBOX_BYTES`].
pub const FORWARDS: u32 = 2_048;
/// A request takes one share, and one more for each of these bytes of commands.
pub const FORWARD_BYTES: usize = 4 * 1024;

/// `SO_RCVBUF` of a client's socket: bounds what a client that is not read piles up in the kernel.
pub const SOCKET_RECEIVE_BUFFER: usize = 64 * 1024;

/// The server pings a connection this often.
pub const PING_EVERY: Duration = Duration::from_secs(25);
/// A connection whose pong has not come after this is closed with 3012; it resumes later.
pub const PONG_WITHIN: Duration = Duration::from_secs(10);
/// A write that the socket has not taken after this ends the connection; its reader resumes later.
pub const WRITE_WITHIN: Duration = Duration::from_secs(35);
/// How long a shard writes to one connection after the other before whatever else its core has to do has its turn. 8,000 sockets
/// take some 60 ms.
pub const SHARD_TURN: Duration = Duration::from_millis(1);
/// How long a send that was refused for a while keeps its place before those behind it: from when it was told to come again.
/// They may have been sent before the client knew.
pub const REFUSED_FOR: Duration = Duration::from_secs(1);
/// Refused sends of one connection that keep their places. Those beyond are refused, and may be overtaken.
pub const REFUSED_SENDS: usize = 256;
/// Rooms of one connection that keep what orders its sends after all of these are answered: the next send allocates nothing.
pub const IDLE_LINES: usize = 4;
/// Rooms that a connection wrote into without following them and of which it is remembered that it may: for these nobody looks
/// before the next send whether it may read them.
pub const VETTED_ROOMS: usize = 1_000;
/// How long a connection that is sent elsewhere waits for what became of its sends: a little more than those may take.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How long a close may take before the socket is dropped.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// A connection that has not said `connect` after this is closed with 3502.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How far a token's `nbf` and `iat` may be in the future: clocks of backends differ. Beyond, its client is told to come
/// again. Its `exp` has none.
pub const TOKEN_LEEWAY: Duration = Duration::from_secs(60);
/// A token that is good for longer was hardly meant so: its `exp` may be in milliseconds. It is taken, for this long.
pub const TOKEN_LIFE_MAX: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Longest `ttl` that clients are told: 24 days. Timers of some platforms hold 2^31 milliseconds, and go off at once beyond.
pub const TTL_MAX: Duration = Duration::from_secs(24 * 86_400);
/// How often the clock is compared with that of the database.
pub const CLOCK_EVERY: Duration = Duration::from_secs(10);
/// The same while that has not succeeded yet.
pub const CLOCK_RETRY: Duration = Duration::from_secs(1);
/// How far the clock may be from that of the database before it is said.
pub const CLOCK_OFF: Duration = Duration::from_secs(2);
/// A comparison that took longer than this is too vague to replace one that is younger than [`CLOCK_KEPT`].
pub const CLOCK_TRIP: Duration = Duration::from_secs(1);
/// How long a comparison is better than a vague one.
pub const CLOCK_KEPT: Duration = Duration::from_secs(300);
/// Why something does not work is logged again when it changes, at first after this.
pub const REASON_EVERY: Duration = Duration::from_secs(1);
/// The longest that such a change is held back.
pub const REASON_EVERY_MAX: Duration = Duration::from_secs(60);
/// Batches that take longer as a rule are said to be slow, until they take less than half of it.
pub const STORE_SLOW: Duration = Duration::from_millis(100);
/// Public keys in one file, or in one set that is fetched.
pub const TOKEN_KEYS: usize = 64;
/// Shortest RSA key tokens may be signed with, in bits (RFC 7518, section 3.3).
pub const RSA_BITS_MIN: usize = 2_048;
/// Longest RSA key tokens may be signed with, in bits: checking costs more with each.
pub const RSA_BITS_MAX: usize = 8_192;
/// Smallest public exponent of such a key (FIPS 186-5): with small ones, signatures have been forged.
pub const RSA_EXPONENT_MIN: u64 = 65_537;
/// Its largest public exponent: that of the library which checks signatures.
pub const RSA_EXPONENT_MAX: u64 = (1 << 33) - 1;
/// How long a token may wait for the key it was signed with to be fetched.
pub const VERIFY_WITHIN: Duration = Duration::from_secs(8);
/// Largest set of keys that is fetched.
pub const JWKS_BYTES: usize = 256 * 1024;
/// How long a fetch of keys may take.
pub const JWKS_WITHIN: Duration = Duration::from_secs(3);
/// Least time between two fetches of keys: tokens with made-up key ids cannot make more of them.
pub const JWKS_PAUSE: Duration = Duration::from_secs(4);
/// How often keys are fetched anew where their server does not say how long they are good.
pub const JWKS_EVERY: Duration = Duration::from_secs(600);
/// Shortest time for which keys are taken to be good, whatever their server says.
pub const JWKS_EVERY_MIN: Duration = Duration::from_secs(60);
/// Longest time for which keys are taken to be good, whatever their server says: a key that is withdrawn is out after it.
pub const JWKS_EVERY_MAX: Duration = Duration::from_secs(3_600);
/// Longest pause between two attempts to fetch keys while that fails.
pub const JWKS_RETRY_MAX: Duration = Duration::from_secs(30);
/// How long keys are used that could not be fetched anew.
pub const JWKS_STALE: Duration = Duration::from_secs(86_400);
/// Longest reason that the product's backend may give for a disconnect: what fits into a close frame.
pub const DISCONNECT_REASON_BYTES: usize = 123;
/// How long a token is answered with 109 whose connection was told to come back with another one.
pub const SPENT_FOR: Duration = Duration::from_secs(300);
/// Such tokens that an instance remembers; those beyond are good at once.
pub const SPENT_TOKENS: usize = 65_536;
/// Grace after a token's expiry before the connection is closed with 3005.
pub const REFRESH_GRACE: Duration = Duration::from_secs(25);

/// Lines of the log that strangers can cause are this far apart at least, those of each kind.
pub const LOG_EVERY: Duration = Duration::from_secs(1);

/// Over how long an instance that is told to go sends its clients elsewhere, unless `--drain-window` says otherwise.
pub const DRAIN_WINDOW: Duration = Duration::from_secs(20);
/// Longest `--drain-window`.
pub const DRAIN_WINDOW_MAX: Duration = Duration::from_secs(3_600);
/// How long the listener of an instance that goes stays open when no client is left but HTTP connections are: whoever
/// asks `/health/ready` is to hear that it goes before it is refused.
pub const DRAIN_NOTICE: Duration = Duration::from_secs(5);

/// Most drafts in one group commit.
pub const BATCH: usize = 256;
/// Drafts waiting in one committer; beyond, a send is answered "busy, retry".
pub const COMMIT_QUEUE: usize = 4_096;
/// Committers of an instance on Postgres (SQLite has one writer, so one committer).
pub const COMMITTERS: usize = 4;
/// How long a batch is retried while the store does not answer, all attempts and all parts of it together.
pub const COMMIT_PATIENCE: Duration = Duration::from_millis(3_800);
/// A send is answered after this, also where it has waited behind others: its outcome is unknown then.
pub const SEND_PATIENCE: Duration = Duration::from_millis(3_800);
/// How long a request may wait for the store, whatever it needs of it, before it is answered 503: a little less than the 4 s
/// that are promised.
pub const REQUEST_PATIENCE: Duration = Duration::from_millis(3_800);
/// How long one statement or transaction may take before its connection is given up.
pub const STORE_PATIENCE: Duration = Duration::from_millis(3_800);
/// How long a dial to Postgres may take until the connection is of use. It goes on when nobody waits for it any more.
pub const STORE_DIAL: Duration = Duration::from_secs(10);
/// Postgres connections of one instance, those that are dialled among them.
pub const POSTGRES_CONNECTIONS: usize = 10;
/// Postgres' `lock_timeout`: how long a batch waits for a locked room.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// How often SQLite's log that is written ahead is cut off, at most: after a deletion, so that what was deleted is in no file.
pub const WAL_CUT_EVERY: Duration = Duration::from_secs(1);
/// That it could not be for so long is logged.
pub const WAL_CUT_TOLD_AFTER: Duration = Duration::from_secs(10);
/// Postgres' `idle_in_transaction_session_timeout`.
pub const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);
/// Look-ups answered by one query.
pub const LOOK_UPS: usize = 4_096;
/// After a query of this many look-ups others are coming fast: the next waits for company.
pub const LOOK_UPS_TOGETHER: usize = 64;
/// How long it waits then.
pub const LOOK_UPS_WAIT: Duration = Duration::from_millis(100);
/// Look-ups waiting to be grouped; beyond, a subscribe is answered "busy, retry".
pub const LOOK_UP_QUEUE: usize = 16_384;

/// How long the answer to a `refresh` waits for what it says of the user to be kept.
pub const INFO_WITHIN: Duration = Duration::from_secs(1);
/// Infos of users kept by one query.
pub const INFOS: usize = 1_000;
/// Infos of users waiting to be kept; beyond, they are dropped and come with the next token.
pub const INFO_QUEUE: usize = 4_096;

/// Entries in the ring of one feed.
pub const RING: usize = 256;
/// Bytes in the ring of one feed; it keeps at least its newest entry.
pub const RING_BYTES: usize = 512 * 1024;
/// Bytes in the rings of all feeds of an instance.
pub const RINGS_BYTES: usize = 256 * 1024 * 1024;
/// Wakes a feed holds while it waits for a missing one; beyond, it reads the log.
pub const AHEAD: usize = 256;
/// How long a feed waits for a missing wake before it reads the log.
pub const REORDER: Duration = Duration::from_millis(80);
/// How long a head that the sweep saw may be ahead of its wake on a healthy bus before the log is read.
pub const SWEEP_PATIENCE: Duration = Duration::from_millis(300);

/// Lanes (bus channels) that rooms hash onto. The same on every instance of one database.
pub const LANES: u16 = 64;
/// Events of the bus waiting to be taken in; beyond, they are "lost" and the sweep finds them.
pub const BUS_INTAKE: usize = 8_192;
/// Wakes waiting to be published; beyond, they are dropped and the sweep finds them.
pub const BUS_OUTBOX: usize = 8_192;
/// Bytes of wakes waiting to be published; beyond, they are dropped and the sweep finds them.
pub const BUS_OUTBOX_BYTES: usize = 32 * 1024 * 1024;
/// Most wakes published by one pipeline.
pub const BUS_PIPELINE: usize = 512;
/// A pipeline takes no further wake once it weighs this much.
pub const BUS_PIPELINE_BYTES: usize = 1024 * 1024;
/// A publish or subscribe that has not been answered after this fails.
pub const BUS_PATIENCE: Duration = Duration::from_secs(2);
/// How often an instance sends itself a probe through a real PUBLISH.
pub const PROBE_EVERY: Duration = Duration::from_millis(500);
/// A subscriber that has not heard a probe for this long is given up and dialled anew.
pub const PROBE_WITHIN: Duration = Duration::from_millis(2_500);
/// How often an instance says how far its numbers have come while it has nothing else to say.
pub const BEAT_EVERY: Duration = Duration::from_millis(1_000);
/// How soon it says so after it has announced something: the last of several may have been lost.
pub const BEAT_AFTER: Duration = Duration::from_millis(250);
/// An instance that has a lease and has not been heard on the bus for this long is silent: heads are polled until it is
/// heard again or its lease has expired.
pub const HEARD_WITHIN: Duration = Duration::from_millis(2_500);
/// Connections are told that hints may have been lost at most this often.
pub const MISSED_EVERY: Duration = Duration::from_secs(5);
/// So many of them in a tenth of a second: they ask for their rooms then.
pub const MISSED_AT_ONCE: usize = 500;
/// Most instances whose numbers are kept; beyond, who was silent the longest is forgotten, and counts as new when heard again.
pub const PUBLISHERS: usize = 1_024;
/// Longest wait between two dials of a bus or a store that is down.
pub const REDIAL_MAX: Duration = Duration::from_millis(500);

/// Largest payload that a bus with packets (NATS, Kafka, Postgres) carries; a larger one is dropped, and the sweep finds it.
pub const BUS_PAYLOAD_BYTES: usize = 8 * 1024 * 1024;
/// Largest packet on NATS and Kafka: half of what their servers take by default.
pub const BUS_PACKET_BYTES: usize = 512 * 1024;
/// Publishers whose packet numbers are remembered; beyond, the one heard least recently is forgotten.
pub const BUS_PUBLISHERS: usize = 256;
/// Largest packet in a NOTIFY: as base64 just below the 8,000 bytes that Postgres allows.
pub const NOTIFY_BYTES: usize = 5_900;
/// Transactions with NOTIFY of one instance are this far apart at least: they take a lock that all of a server's share.
pub const NOTIFY_EVERY: Duration = Duration::from_millis(10);
/// Partitions of the topic on Kafka that lanes are dealt onto; as many are made where there is none yet.
pub const KAFKA_PARTITIONS: u16 = 4;
/// `retention.ms` and `segment.ms` of the topic on Kafka, where there is none yet.
pub const KAFKA_RETENTION: Duration = Duration::from_secs(60);
/// How long Kafka may hold back the answer to a fetch while there is nothing new.
pub const KAFKA_WAIT: Duration = Duration::from_millis(500);
/// Most bytes of one answer to a fetch from Kafka.
pub const KAFKA_FETCH_BYTES: usize = 4 * 1024 * 1024;
/// How long a dial to Kafka may take: its first one makes the topic.
pub const KAFKA_DIAL: Duration = Duration::from_secs(10);

/// Every room held here has its head compared with the store's this often on a healthy bus.
pub const SWEEP_EVERY: Duration = Duration::from_millis(1_000);
/// The same while the bus is down, has lost something, or does not exist.
pub const POLL_EVERY: Duration = Duration::from_millis(250);
/// Rooms compared by one query.
pub const SWEEP_CHUNK: usize = 1_000;

/// How long an instance counts as alive after it last renewed its lease in the store.
pub const LEASE: Duration = Duration::from_secs(10);
/// How often an instance renews its lease.
pub const LEASE_EVERY: Duration = Duration::from_secs(3);
/// An instance whose bus alone has failed for this long, while it works for others, is not ready.
pub const CUT_OFF: Duration = Duration::from_secs(30);

/// Most connections of a room that are named; above, they are only counted, and no joins and leaves are told.
pub const PRESENT_MAX: usize = 1_000;
/// Infos of the connections one instance names in a room weigh at most this many bytes together; the others go without.
pub const PRESENT_BYTES: usize = 128 * 1024;
/// How long other instances may take to say who follows a room; then the answer goes without theirs.
pub const PRESENCE_WITHIN: Duration = Duration::from_secs(1);
/// Who follows a room is asked of the other instances at most this often; requests in between share an answer.
pub const PRESENCE_EVERY: Duration = Duration::from_millis(200);
/// Joins and leaves are told this often, beyond [`PRESENCE_ROOMS`] rooms an instance in proportion.
pub const JOINS_EVERY: Duration = Duration::from_secs(1);
/// Rooms one question to the other instances may name.
pub const PRESENCE_ROOMS: usize = 500;
/// An answer to such a question is cut into wakes of about this many bytes.
pub const PRESENCE_WAKE_BYTES: usize = 32 * 1024;
/// Answers of this instance waiting to be published; beyond, whoever asked goes without.
pub const PRESENCE_QUEUE: usize = 1_024;

/// Longest id of a portal: `[A-Za-z0-9._-]{1,32}`.
pub const PORTAL_ID_BYTES: usize = 32;
/// Portals of one database.
pub const PORTALS: usize = 1_000;
/// Longest settings of a portal, as JSON.
pub const PORTAL_SETTINGS_BYTES: usize = 32 * 1024;
/// Longest secret of a portal, given or made: a public key may be one.
pub const PORTAL_SECRET_BYTES: usize = 2 * 1024;
/// Secrets of one direction of a portal that are good at a time: two while one is replaced.
pub const PORTAL_SECRETS: usize = 2;
/// How long the old secret stays good after a rotation that names no time.
pub const ROTATION: Duration = Duration::from_secs(24 * 3_600);
/// Longest URL of a portal.
pub const PORTAL_URL_BYTES: usize = 2_048;
/// Longest id that a portal gives one of its conversations or events.
pub const EXTERNAL_BYTES: usize = 256;
/// Sessions that one customer may open with one portal by the method `open_session`.
pub const SESSIONS_PER_CUSTOMER: usize = 100;

/// Longest body of an incoming webhook.
pub const HOOK_BYTES: usize = 256 * 1024;
/// Deepest nesting of JSON in it.
pub const HOOK_DEPTH: usize = 64;
/// Most messages in one incoming webhook.
pub const HOOK_EVENTS: usize = 100;
/// Most mappings of a portal, and most challenges.
pub const MAPPINGS_MAX: usize = 16;
/// Longest text that a portal's challenge is answered with, and its longest token.
pub const CHALLENGE_BYTES: usize = 1_024;
/// How long repeats of a webhook with several messages are told by its bytes, where no id tells them.
pub const BODY_REPEATS: Duration = Duration::from_secs(86_400);
/// The farthest that settings may allow for the timestamp of a signature.
pub const HOOK_TOLERANCE_MAX: Duration = Duration::from_secs(86_400);
/// The shortest secret that a path may end in.
pub const PATH_SECRET_BYTES: usize = 16;
/// How far the timestamp of a signature may be from now when the settings say nothing else (Standard Webhooks' libraries
/// have five minutes).
pub const HOOK_TOLERANCE: Duration = Duration::from_secs(300);
/// Incoming messages whose sessions are looked for together.
pub const HOOKS_TOGETHER: usize = 256;
/// Webhooks whose sessions wait to be looked for; beyond, a webhook is answered 503, and the portal sends it again.
pub const HOOK_QUEUE: usize = 4_096;

/// POSTs that one instance has on their way to one portal when its settings say nothing else.
pub const PORTAL_CONCURRENCY: usize = 16;
/// The same at most.
pub const PORTAL_CONCURRENCY_MAX: usize = 256;
/// POSTs that one instance has on their way to all portals together.
pub const DELIVERIES: usize = 512;
/// Calls that one event may make to a portal.
pub const CALLS: usize = 8;
/// Longest name of a call, of one of its picks, or of a constant in `vars`.
pub const CALL_NAME_BYTES: usize = 32;
/// Constants of a portal.
pub const VARS: usize = 64;
/// Longest value of one.
pub const VAR_BYTES: usize = 1_024;
/// Longest template.
pub const TEMPLATE_BYTES: usize = 8 * 1024;
/// Headers of a call, and names in its query.
pub const CALL_HEADERS: usize = 32;
/// Longest value of a header of a call, filled in.
pub const CALL_HEADER_BYTES: usize = 4 * 1024;
/// Longest body of a call, filled in.
pub const CALL_BODY_BYTES: usize = 256 * 1024;
/// Bytes of the answer to a call that are read.
pub const CALL_ANSWER_BYTES: usize = 256 * 1024;
/// Picks of a call.
pub const PICKS: usize = 16;
/// The shortest limit of a text in a call, in characters.
pub const TEXT_LIMIT_MIN: usize = 16;
/// Parts that a long text is split into.
pub const TEXT_PARTS: usize = 64;
/// How long the calls of a test message may take together.
pub const TRIAL_WITHIN: Duration = Duration::from_secs(25);
/// The portal's ids of our messages that are kept with a session.
pub const SENT_KEPT: usize = 16;
/// How old what was read for a portal may be when it is sent: what is older is looked at again, in case it was deleted since and
/// nothing was heard of that.
pub const WEBHOOK_READ_FOR: Duration = Duration::from_secs(2);
/// How long a POST to a portal may take, from the look-up of its address to the end of its answer.
pub const DELIVERY_WITHIN: Duration = Duration::from_secs(15);
/// How long connecting may take of that.
pub const DELIVERY_CONNECT: Duration = Duration::from_secs(5);
/// Bytes of a portal's answer that are read; the rest is never fetched.
pub const ANSWER_BYTES: usize = 64 * 1024;
/// How long a worker has a session to itself; renewed with each message that the portal took. Longer than a POST and the
/// store's patience together.
pub const DELIVERY_LEASE: Duration = Duration::from_secs(30);
/// Entries of a session that a worker takes at a time.
pub const DELIVERY_ENTRIES: usize = 32;
/// How often workers look for what is due without being told: for what other instances took and could not send.
pub const DUE_EVERY: Duration = Duration::from_millis(500);
/// How often the settings of portals are read again.
pub const PORTALS_EVERY: Duration = Duration::from_secs(2);
/// The waits between the attempts of a message while its portal takes others, in seconds: six attempts.
pub const RETRY_SECONDS: [f64; 5] = [1.0, 5.0, 15.0, 60.0, 300.0];
/// Most such waits.
pub const RETRIES_MAX: usize = 16;
/// How long a message is tried at most while its portal takes others.
pub const GIVE_UP: Duration = Duration::from_secs(600);
/// Longest `Retry-After` that is heeded.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);
/// Failures in a row, of whatever sessions, after which an instance leaves a portal alone.
pub const BREAKER_FAILURES: u32 = 5;
/// How long it does so at first; then one POST goes through, and if that fails it is twice as long.
pub const BREAKER_FIRST: Duration = Duration::from_secs(1);
/// The longest it does so.
pub const BREAKER_MAX: Duration = Duration::from_secs(10);
/// The same for a message that has not failed yet: it may be somebody's whom the portal serves. It doubles up to
/// [`BREAKER_FRESH_MAX`].
pub const BREAKER_FRESH: Duration = Duration::from_millis(500);
/// See [`BREAKER_FRESH`].
pub const BREAKER_FRESH_MAX: Duration = Duration::from_secs(2);
/// A portal that took something within this is not left alone.
pub const BREAKER_GRACE: Duration = Duration::from_secs(3);
/// Answers in a row that the portal does not know us, after which it is left alone.
pub const BREAKER_CREDENTIALS: u32 = 2;
/// How long a portal answers 410 in several sessions, and takes nothing, before it is disabled.
pub const GONE_FOR: Duration = Duration::from_secs(10);
/// Customers of a portal of whom an instance knows how it last answered what they wrote.
pub const CUSTOMERS_KNOWN: usize = 4_096;
/// A call that takes as long as this, and is not taken, is said to hang; who is answered sooner is served.
pub const ANSWERED_SOON: Duration = Duration::from_secs(5);
/// Calls that a session makes in one turn while others may wait for its place.
pub const TURN_CALLS: usize = 8;
/// Sessions that are looked at for whose turn it is: so many of those due longest, and as many of those due latest.
pub const TURNS_LOOKED_AT: usize = 128;
/// The same of those whose next message has failed before.
pub const TURNS_LOOKED_AT_FAILING: usize = 64;
/// Dead letters that one transaction has sent again: their sessions are locked as long as it lasts.
pub const REPLAYED_TOGETHER: usize = 1_000;
/// Attempts of a message that are kept, the newest.
pub const ATTEMPTS_KEPT: usize = 16;
/// Numbers of failed entries that are shown with a session.
pub const FAILED_SHOWN: usize = 100;

/// Largest `seq`: what a JSON number carries exactly.
pub const SEQ_MAX: u64 = (1 << 53) - 1;
/// Rows with JSON that others cannot read which `hubbub check` names; it counts the others.
pub const JSON_ROWS_NAMED: usize = 10;
/// How long `hubbub check` looks for them.
pub const JSON_LOOK: Duration = Duration::from_secs(5);
/// What happens to many at once is gathered this long for one line of the log.
pub const SUMMARY_AFTER: Duration = Duration::from_secs(1);
/// While it goes on, there is a line this often.
pub const SUMMARY_EVERY: Duration = Duration::from_secs(10);
/// A room that nobody has sent to for this long is not known to be locked any more.
pub const LOCK_FORGOTTEN: Duration = Duration::from_secs(30);
/// Names that one such line tells apart; beyond, it counts too few.
pub const SUMMARY_NAMES: usize = 10_000;
/// A secret shorter than this is warned about.
pub const SECRET_BYTES: usize = 32;
/// A secret shorter than this is refused: it can be guessed.
pub const SECRET_BYTES_MIN: usize = 16;
