//! What the server answers. Zero values are left out, as the protocol has it.

use super::{Format, error::CommandError, protobuf, push};
use crate::{
    limits,
    live::{item::Item, presence::Present},
};
use bytes::Bytes;
use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use uuid::Uuid;

fn is_zero<N: PartialEq + Default>(n: &N) -> bool {
    *n == N::default()
}

fn is_false(b: &bool) -> bool {
    !*b
}

/// How long a token is still good, as the protocol says it: whether it expires, and in how many seconds. That is a second at
/// least, and at most [`limits::TTL_MAX`]: whoever is told that comes with a token again.
pub fn ttl(left: Option<Duration>) -> (bool, u32) {
    let told = left.map(|left| left.clamp(Duration::from_secs(1), limits::TTL_MAX));
    (left.is_some(), told.map_or(0, seconds))
}

/// A time in whole seconds, as the protocol has it.
pub fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

/// A number of things, as the protocol has it.
pub fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The answer to `connect`.
#[derive(Debug, Serialize)]
pub struct Connected {
    /// This connection's id.
    pub client: String,
    /// What runs here.
    pub version: &'static str,
    /// Whether the token expires.
    #[serde(skip_serializing_if = "is_false")]
    pub expires: bool,
    /// Seconds until it does.
    #[serde(skip_serializing_if = "is_zero")]
    pub ttl: u32,
    /// What this server says of itself.
    pub data: ConnectedData,
    /// Seconds between pings.
    pub ping: u32,
    /// Pings are to be answered.
    pub pong: bool,
    /// Where commands apart from the stream find this connection again, with [`Connected::node`]; empty where they come on
    /// the connection itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// The instance's label; beside a session the instance's life.
    pub node: String,
    /// Subscriptions the server made: the user's hints.
    pub subs: BTreeMap<String, Empty>,
}

/// What the answer to `connect` says beside what the protocol has.
#[derive(Debug, Serialize)]
pub struct ConnectedData {
    /// The features that are on.
    pub features: Vec<&'static str>,
    /// The database behind the server, by its public name.
    pub database: String,
    /// The instance's label. `node` has it too, which not all SDKs give to their program.
    pub instance: String,
}

/// The answer to `refresh`.
#[derive(Debug, Serialize)]
pub struct Refreshed {
    /// This connection's id.
    pub client: String,
    /// What runs here.
    pub version: &'static str,
    /// Whether the new token expires.
    #[serde(skip_serializing_if = "is_false")]
    pub expires: bool,
    /// Seconds until it does.
    #[serde(skip_serializing_if = "is_zero")]
    pub ttl: u32,
}

/// The answer to `subscribe`.
#[derive(Debug, Serialize, Default)]
pub struct Subscribed {
    /// Always: there is a log.
    pub recoverable: bool,
    /// Always: offsets are told.
    pub positioned: bool,
    /// What offsets count in.
    pub epoch: String,
    /// Where the cursor starts: the requested offset when recovered, else the head.
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// Recovery was asked for.
    #[serde(skip_serializing_if = "is_false")]
    pub was_recovering: bool,
    /// Everything after the requested offset follows: some here, the rest as pushes.
    #[serde(skip_serializing_if = "is_false")]
    pub recovered: bool,
    /// The first of it.
    #[serde(skip_serializing_if = "Publications::is_empty")]
    pub publications: Publications,
}

/// The answer to `history`.
#[derive(Debug, Serialize)]
pub struct HistoryPage {
    /// The entries.
    #[serde(skip_serializing_if = "Publications::is_empty")]
    pub publications: Publications,
    /// The head.
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// What offsets count in.
    pub epoch: String,
}

/// `{}`.
#[derive(Debug, Serialize, Default)]
pub struct Empty {}

/// Entries within a reply.
#[derive(Debug, Default)]
pub struct Publications(pub Vec<Arc<Item>>);

impl Publications {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Publications {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for item in &self.0 {
            let raw: &RawValue = serde_json::from_slice(push::alone(&item.push)).map_err(serde::ser::Error::custom)?;
            list.serialize_element(raw)?;
        }
        list.end()
    }
}

/// What a command is answered with.
#[derive(Debug)]
pub enum Answer {
    /// To `connect`.
    Connect(Box<Connected>),
    /// To `refresh`.
    Refresh(Refreshed),
    /// To `subscribe`.
    Subscribe(Subscribed),
    /// To `unsubscribe`.
    Unsubscribe,
    /// To `publish`.
    Publish,
    /// To `history`.
    History(HistoryPage),
    /// To `presence`.
    Presence(BTreeMap<Uuid, Arc<Present>>),
    /// To `presence_stats`.
    PresenceStats {
        /// Connections.
        num_clients: u32,
        /// Users.
        num_users: u32,
    },
    /// To `rpc`: the method's own answer, JSON.
    Rpc(String),
}

/// An answer, or an error, with the id of its command.
#[derive(Debug)]
pub struct Reply {
    /// The command's.
    pub id: u32,
    /// What it is answered with.
    pub said: Result<Answer, CommandError>,
}

impl Reply {
    /// An answer.
    pub const fn ok(id: u32, answer: Answer) -> Self {
        Self { id, said: Ok(answer) }
    }

    /// A refusal.
    pub const fn error(id: u32, error: CommandError) -> Self {
        Self { id, said: Err(error) }
    }

    /// The bytes to be written.
    pub fn encode(&self, format: Format) -> Bytes {
        match format {
            Format::Json => self.json().into(),
            Format::Protobuf => protobuf::reply(self),
        }
    }

    fn json(&self) -> String {
        let id = self.id;
        match &self.said {
            Ok(Answer::Connect(answer)) => line(id, "connect", answer),
            Ok(Answer::Refresh(answer)) => line(id, "refresh", answer),
            Ok(Answer::Subscribe(answer)) => line(id, "subscribe", answer),
            Ok(Answer::Unsubscribe) => line(id, "unsubscribe", &Empty {}),
            Ok(Answer::Publish) => line(id, "publish", &Empty {}),
            Ok(Answer::History(answer)) => line(id, "history", answer),
            Ok(Answer::Presence(list)) => {
                let presence = list.iter().map(|(id, present)| (id, ClientInfo::of(present))).collect();
                line(id, "presence", &PresenceResult { presence })
            }
            Ok(Answer::PresenceStats { num_clients, num_users }) => {
                format!(r#"{{"id":{id},"presence_stats":{{"num_clients":{num_clients},"num_users":{num_users}}}}}"#)
            }
            Ok(Answer::Rpc(data)) => format!(r#"{{"id":{id},"rpc":{{"data":{data}}}}}"#),
            Err(error) => line(id, "error", error),
        }
    }
}

#[derive(Serialize)]
struct PresenceResult<'a> {
    presence: BTreeMap<&'a Uuid, ClientInfo<'a>>,
}

/// A connection as others see it.
#[derive(Serialize)]
pub(super) struct ClientInfo<'a> {
    user: &'a str,
    client: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    conn_info: Option<Box<RawValue>>,
}

impl<'a> ClientInfo<'a> {
    pub(super) fn of(present: &'a Present) -> Self {
        let conn_info = present.info.as_ref().map(crate::model::json::Json::to_raw);
        Self { user: present.user.as_str(), client: present.client, conn_info }
    }
}

/// `{"id":…,"<name>":…}`
fn line<T: Serialize>(id: u32, name: &str, result: &T) -> String {
    format!(r#"{{"id":{id},"{name}":{}}}"#, super::to_json(result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_life_of_a_token_is_a_ttl_that_clients_can_hold() {
        let of = |seconds| ttl(Some(Duration::from_secs(seconds)));
        assert_eq!(ttl(None), (false, 0));
        assert_eq!((ttl(Some(Duration::ZERO)), of(900)), ((true, 1), (true, 900)));
        for seconds in [1 << 31, 1 << 32, (1 << 32) + 1, 253_402_300_799, 1_794_114_459_720, u64::MAX] {
            let (expires, told) = of(seconds);
            assert!(expires && u64::from(told) == limits::TTL_MAX.as_secs(), "{seconds}: {told}");
            // Java reads it as a signed number, and browsers' timers count milliseconds in one.
            assert!(i32::try_from(u64::from(told) * 1_000).is_ok(), "{told}");
        }
        assert_eq!((count(7), count(usize::MAX)), (7, u32::MAX));
    }
}
