//! The protocol in Protobuf: messages of `proto/client.proto`, each after its length as a varint.

mod messages;

use super::{
    command::{Command, Said, plain_subscription},
    disconnect::Disconnect,
    emulation::Emulated,
    error::CommandError,
    reply::{Answer, HistoryPage, Publications, Reply, Subscribed},
    rpc::{Call, RawData, RpcMethods},
    wants::Wants,
};
use crate::{
    live::presence::{Changes, Present},
    model::ids::Invalid,
};
use bytes::Bytes;
use prost::{Message, encoding::decode_varint};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Takes the next command off a frame, or says why the connection must end.
pub(super) fn next_command(frame: &mut Bytes, methods: &dyn RpcMethods) -> Option<Result<Command, Disconnect>> {
    if frame.is_empty() {
        return None;
    }
    let command = delimited(frame).and_then(|message| {
        let wire = messages::Command::decode(message).map_err(|_| Disconnect::bad_request("not a Protobuf command"))?;
        decode(wire, methods)
    });
    if command.is_err() {
        frame.clear();
    }
    Some(command)
}

/// The message that begins here. What it claims to be long is compared with what is there before anything is done with it.
fn delimited(frame: &mut Bytes) -> Result<Bytes, Disconnect> {
    let length = decode_varint(frame).map_err(|_| Disconnect::bad_request("no length before a command"))?;
    match usize::try_from(length) {
        Ok(length) if length <= frame.len() => Ok(frame.split_to(length)),
        _ => Err(Disconnect::bad_request(format_args!(
            "a command of {length} bytes, of which {} are there",
            frame.len()
        ))),
    }
}

fn decode(wire: messages::Command, methods: &dyn RpcMethods) -> Result<Command, Disconnect> {
    let id = wire.id;
    let mut said = Vec::with_capacity(1);
    said.extend(wire.connect.map(|connect| {
        let wants = Wants::read(str::from_utf8(&connect.data).unwrap_or_default());
        Ok(Said::Connect { token: connect.token, wants })
    }));
    said.extend(wire.refresh.map(|refresh| Ok(Said::Refresh { token: refresh.token })));
    said.extend(wire.subscribe.map(|wire| {
        plain_subscription(&wire.token, wire.r#type.into(), wire.tf.is_some())?;
        Said::subscribe(&wire.channel, wire.recover.then_some((wire.epoch, wire.offset)), wire.flag, wire.join_leave)
    }));
    said.extend(wire.unsubscribe.map(|wire| Said::unsubscribe(&wire.channel)));
    said.extend(wire.publish.map(|wire| Said::publish(&wire.channel, json(&wire.data)?)));
    said.extend(wire.history.map(|wire| {
        let since = wire.since.map(|since| (since.epoch, since.offset));
        Said::history(&wire.channel, wire.limit.into(), since, wire.reverse)
    }));
    said.extend(wire.rpc.map(|wire| Call::new(methods, &wire.method, json(&wire.data)?).map(Said::Rpc)));
    said.extend(wire.presence.map(|wire| Said::presence(&wire.channel, false)));
    said.extend(wire.presence_stats.map(|wire| Said::presence(&wire.channel, true)));
    said.extend(wire.ping.or(wire.sub_refresh).map(|_| Err(CommandError::NOT_AVAILABLE)));
    let sent = wire.send.is_some();
    said.extend(wire.send.map(|_| Ok(Said::Send)));
    let more = said.len() > 1;
    match said.pop() {
        None if id == 0 => Ok(Command { id, said: Ok(Said::Pong) }),
        None => Ok(Command { id, said: Err(CommandError::bad_request("no command beside the id")) }),
        Some(_) if more => {
            Ok(Command { id, said: Err(CommandError::bad_request("more than one command under one id")) })
        }
        Some(_) if id == 0 && !sent => Err(Disconnect::bad_request("id: missing")),
        Some(said) => Ok(Command { id, said }),
    }
}

/// The commands of a stream that come in a request of their own, without a length before them.
pub(super) fn emulated(body: Bytes) -> Option<Emulated> {
    let wire = messages::EmulationRequest::decode(body).ok()?;
    Some(Emulated { session: wire.session, node: wire.node, frame: wire.data })
}

/// The JSON in a field of bytes; none where it is empty.
fn json(bytes: &Bytes) -> Result<RawData, CommandError> {
    if bytes.is_empty() {
        return Ok(RawData::default());
    }
    let raw: &RawValue = serde_json::from_slice(bytes).map_err(|e| Invalid::new("data", format!("not JSON: {e}")))?;
    Ok(RawData::within(bytes, Some(raw)))
}

fn encode(reply: &messages::Reply) -> Bytes {
    reply.encode_length_delimited_to_vec().into()
}

/// A reply after its length.
pub(super) fn reply(reply: &Reply) -> Bytes {
    let mut wire = messages::Reply { id: reply.id, ..Default::default() };
    match &reply.said {
        Ok(Answer::Connect(answer)) => {
            wire.connect = Some(messages::ConnectResult {
                client: answer.client.clone(),
                version: answer.version.into(),
                expires: answer.expires,
                ttl: answer.ttl,
                data: super::to_json(&answer.data).into(),
                subs: answer.subs.keys().map(|channel| server_subscription(channel)).collect(),
                ping: answer.ping,
                pong: answer.pong,
                session: answer.session.clone(),
                node: answer.node.clone(),
            });
        }
        Ok(Answer::Refresh(answer)) => {
            wire.refresh = Some(messages::RefreshResult {
                client: answer.client.clone(),
                version: answer.version.into(),
                expires: answer.expires,
                ttl: answer.ttl,
            });
        }
        Ok(Answer::Subscribe(answer)) => wire.subscribe = Some(subscribed(answer)),
        Ok(Answer::Unsubscribe) => wire.unsubscribe = Some(messages::Empty {}),
        Ok(Answer::Publish) => wire.publish = Some(messages::Empty {}),
        Ok(Answer::History(page)) => wire.history = Some(history(page)),
        Ok(Answer::Presence(list)) => {
            let entry = |present: &Arc<Present>| messages::PresenceEntry {
                key: present.client.to_string(),
                value: Some(client_info(present)),
            };
            wire.presence = Some(messages::PresenceResult { presence: list.values().map(entry).collect() });
        }
        Ok(Answer::PresenceStats { num_clients, num_users }) => {
            wire.presence_stats =
                Some(messages::PresenceStatsResult { num_clients: *num_clients, num_users: *num_users });
        }
        Ok(Answer::Rpc(data)) => {
            wire.rpc = Some(messages::RpcResult { data: Bytes::copy_from_slice(data.as_bytes()) });
        }
        Err(error) => {
            wire.error = Some(messages::Error {
                code: error.code,
                message: error.message.clone().into_owned(),
                temporary: error.temporary,
            });
        }
    }
    encode(&wire)
}

fn server_subscription(channel: &str) -> messages::ServerSubscription {
    messages::ServerSubscription { key: channel.to_owned(), value: Some(messages::SubscribeResult::default()) }
}

fn subscribed(answer: &Subscribed) -> messages::SubscribeResult {
    messages::SubscribeResult {
        recoverable: answer.recoverable,
        epoch: answer.epoch.clone(),
        publications: publications(&answer.publications),
        recovered: answer.recovered,
        offset: answer.offset,
        positioned: answer.positioned,
        was_recovering: answer.was_recovering,
    }
}

fn history(page: &HistoryPage) -> messages::HistoryResult {
    messages::HistoryResult {
        publications: publications(&page.publications),
        epoch: page.epoch.clone(),
        offset: page.offset,
    }
}

fn publications(items: &Publications) -> Vec<messages::Publication> {
    items.0.iter().map(|item| messages::Publication { data: item.push.data(), offset: item.seq.get() }).collect()
}

fn pushed(push: messages::Push) -> Bytes {
    encode(&messages::Reply { push: Some(push), ..Default::default() })
}

/// A push of a publication after its length.
pub(super) fn publication(channel: String, data: Bytes, offset: u64) -> Bytes {
    let publication = Some(messages::Publication { data, offset });
    pushed(messages::Push { channel, publication, ..Default::default() })
}

/// Pushes of joins and leaves, each after its length.
pub(super) fn joins(channel: &str, changes: &Changes) -> Bytes {
    let info = |present| Some(messages::Joined { info: Some(client_info(present)) });
    let push = || messages::Push { channel: channel.to_owned(), ..Default::default() };
    let joined = changes.joined.iter().map(|present| pushed(messages::Push { join: info(present), ..push() }));
    let left = changes.left.iter().map(|present| pushed(messages::Push { leave: info(present), ..push() }));
    left.chain(joined).collect::<Vec<_>>().concat().into()
}

fn client_info(present: &Arc<Present>) -> messages::ClientInfo {
    let info = present.info.as_ref().map_or("", |info| info.as_str());
    messages::ClientInfo {
        user: present.user.as_str().to_owned(),
        client: present.client.to_string(),
        conn_info: Bytes::copy_from_slice(info.as_bytes()),
    }
}

/// A push of the end of a subscription after its length.
pub(super) fn unsubscribe(channel: String, code: u32, reason: &str) -> Bytes {
    let unsubscribe = messages::Unsubscribe { code, reason: reason.into() };
    pushed(messages::Push { channel, unsubscribe: Some(unsubscribe), ..Default::default() })
}

/// A push of the end of a connection after its length.
pub(super) fn disconnect(why: &Disconnect) -> Bytes {
    let disconnect = messages::Disconnect { code: why.code.into(), reason: why.reason.clone().into_owned() };
    pushed(messages::Push { disconnect: Some(disconnect), ..Default::default() })
}

#[cfg(test)]
mod tests;
