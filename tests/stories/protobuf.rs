//! The protocol in Protobuf, as far as a chat app needs it: what is said is written here as JSON and travels in Protobuf.

use prost::Message;
use serde_json::{Value, json};

#[derive(Clone, PartialEq, Message)]
struct Command {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(message, optional, tag = "4")]
    connect: Option<Connect>,
    #[prost(message, optional, tag = "5")]
    subscribe: Option<Subscribe>,
    #[prost(message, optional, tag = "6")]
    unsubscribe: Option<Named>,
    #[prost(message, optional, tag = "7")]
    publish: Option<Named>,
    #[prost(message, optional, tag = "8")]
    presence: Option<Named>,
    #[prost(message, optional, tag = "9")]
    presence_stats: Option<Named>,
    #[prost(message, optional, tag = "10")]
    history: Option<Named>,
    #[prost(message, optional, tag = "13")]
    rpc: Option<Rpc>,
    #[prost(message, optional, tag = "14")]
    refresh: Option<Connect>,
}

/// A request that names its channel; what else there may be stands where it does in the protocol.
#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    channel: String,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
    #[prost(int32, tag = "7")]
    limit: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Connect {
    #[prost(string, tag = "1")]
    token: String,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Subscribe {
    #[prost(string, tag = "1")]
    channel: String,
    #[prost(bool, tag = "3")]
    recover: bool,
    #[prost(string, tag = "6")]
    epoch: String,
    #[prost(uint64, tag = "7")]
    offset: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Rpc {
    #[prost(bytes = "vec", tag = "1")]
    data: Vec<u8>,
    #[prost(string, tag = "2")]
    method: String,
}

#[derive(Clone, PartialEq, Message)]
struct Reply {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(message, optional, tag = "2")]
    error: Option<Error>,
    #[prost(message, optional, tag = "4")]
    push: Option<Push>,
    #[prost(message, optional, tag = "5")]
    connect: Option<Connected>,
    #[prost(message, optional, tag = "6")]
    subscribe: Option<Subscribed>,
    #[prost(message, optional, tag = "13")]
    rpc: Option<RpcResult>,
    #[prost(message, optional, tag = "14")]
    refresh: Option<Connected>,
}

#[derive(Clone, PartialEq, Message)]
struct Error {
    #[prost(uint32, tag = "1")]
    code: u32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(bool, tag = "3")]
    temporary: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Push {
    #[prost(string, tag = "2")]
    channel: String,
    #[prost(message, optional, tag = "4")]
    publication: Option<Publication>,
    #[prost(message, optional, tag = "7")]
    unsubscribe: Option<Unsubscribe>,
}

#[derive(Clone, PartialEq, Message)]
struct Publication {
    #[prost(bytes = "vec", tag = "4")]
    data: Vec<u8>,
    #[prost(uint64, tag = "6")]
    offset: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Unsubscribe {
    #[prost(uint32, tag = "2")]
    code: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Connected {
    #[prost(string, tag = "1")]
    client: String,
    #[prost(bool, tag = "3")]
    expires: bool,
    #[prost(uint32, tag = "4")]
    ttl: u32,
    #[prost(string, tag = "10")]
    node: String,
}

#[derive(Clone, PartialEq, Message)]
struct Subscribed {
    #[prost(string, tag = "6")]
    epoch: String,
    #[prost(message, repeated, tag = "7")]
    publications: Vec<Publication>,
    #[prost(bool, tag = "8")]
    recovered: bool,
    #[prost(uint64, tag = "9")]
    offset: u64,
}

#[derive(Clone, PartialEq, Message)]
struct RpcResult {
    #[prost(bytes = "vec", tag = "1")]
    data: Vec<u8>,
}

/// One command of these, as a frame.
pub fn encode(command: &str) -> Vec<u8> {
    if command == "{}" {
        return vec![0];
    }
    let command: Value = serde_json::from_str(command).expect("a command in JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rpc = &command["rpc"];
    let subscribe = &command["subscribe"];
    let named = |name: &str| {
        let request = &command[name];
        request.is_object().then(|| Named {
            channel: text(&request["channel"]),
            data: if request["data"].is_null() { Vec::new() } else { request["data"].to_string().into() },
            limit: request["limit"].as_i64().unwrap_or_default() as i32,
        })
    };
    let message = Command {
        unsubscribe: named("unsubscribe"),
        publish: named("publish"),
        presence: named("presence"),
        presence_stats: named("presence_stats"),
        history: named("history"),
        id: command["id"].as_u64().unwrap_or_default() as u32,
        connect: command["connect"].is_object().then(|| Connect {
            token: text(&command["connect"]["token"]),
            data: if command["connect"]["data"].is_null() {
                Vec::new()
            } else {
                command["connect"]["data"].to_string().into()
            },
        }),
        subscribe: subscribe.is_object().then(|| Subscribe {
            channel: text(&subscribe["channel"]),
            recover: subscribe["recover"] == true,
            epoch: text(&subscribe["epoch"]),
            offset: subscribe["offset"].as_u64().unwrap_or_default(),
        }),
        rpc: rpc.is_object().then(|| Rpc { data: rpc["data"].to_string().into(), method: text(&rpc["method"]) }),
        refresh: command["refresh"]
            .is_object()
            .then(|| Connect { token: text(&command["refresh"]["token"]), ..Connect::default() }),
    };
    message.encode_length_delimited_to_vec()
}

/// The replies and pushes in a frame, each as JSON; `{}` for a ping.
pub fn decode(mut frame: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while !frame.is_empty() {
        let reply = Reply::decode_length_delimited(&mut frame).expect("a reply in Protobuf");
        lines.push(if reply == Reply::default() { "{}".into() } else { line(reply).to_string() });
    }
    lines
}

fn line(reply: Reply) -> Value {
    let mut line = json!({});
    if reply.id > 0 {
        line["id"] = reply.id.into();
    }
    if let Some(error) = reply.error {
        line["error"] = json!({ "code": error.code, "message": error.message, "temporary": error.temporary });
    }
    if let Some(connected) = reply.connect {
        let (expires, ttl) = (connected.expires, connected.ttl);
        line["connect"] = json!({ "client": connected.client, "node": connected.node, "expires": expires, "ttl": ttl });
    }
    if let Some(refreshed) = reply.refresh {
        line["refresh"] = json!({ "expires": refreshed.expires, "ttl": refreshed.ttl });
    }
    if let Some(subscribed) = reply.subscribe {
        let publications: Vec<Value> = subscribed.publications.iter().map(publication).collect();
        line["subscribe"] = json!({
            "epoch": subscribed.epoch,
            "offset": subscribed.offset,
            "recovered": subscribed.recovered,
            "publications": publications,
        });
    }
    if let Some(result) = reply.rpc {
        line["rpc"] = json!({ "data": data(&result.data) });
    }
    if let Some(push) = reply.push {
        line["push"] = json!({ "channel": push.channel });
        if let Some(published) = &push.publication {
            line["push"]["pub"] = publication(published);
        }
        if let Some(ended) = push.unsubscribe {
            line["push"]["unsubscribe"] = json!({ "code": ended.code });
        }
    }
    line
}

fn publication(publication: &Publication) -> Value {
    json!({ "data": data(&publication.data), "offset": publication.offset })
}

fn data(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}
