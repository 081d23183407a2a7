//! From what a client asks to what the chat does, and back into replies.

use crate::chat::{Chat, ChatError, post::Source, rooms::Change};
use hubbub_core::{
    access::{Role, RoomKind, Standing},
    entry::Right,
    feed::Item,
    ids::UserId,
    protocol::{
        command::History,
        error::CommandError,
        reply::{self, Empty, HistoryPage, Publications, RpcResult},
        rpc::{PageOf, Rpc, Send},
        view::{ChangedView, MembersView, PageView, RoomView, RoomsView, SentView},
    },
    seq::Seq,
};
use serde::Serialize;
use serde_json::value::RawValue;

impl From<ChatError> for CommandError {
    fn from(error: ChatError) -> Self {
        match error {
            ChatError::Refused(refusal) => refusal.into(),
            ChatError::Conflict { id, seq } => Self::conflict(id, seq),
            ChatError::Unrecoverable => Self::UNRECOVERABLE,
            ChatError::RoomExists => Self { code: 409, message: "a room of this id exists".into(), temporary: false },
            ChatError::Busy => Self::BUSY,
            ChatError::Unavailable => Self::UNAVAILABLE,
        }
    }
}

fn encode<T: Serialize>(id: u32, name: &str, result: Result<T, CommandError>) -> String {
    match result {
        Ok(result) => reply::ok(id, name, &result),
        Err(error) => reply::error(id, &error),
    }
}

/// The reply to `publish` (then `rpc` is false) or to `rpc send`, once it is committed. `Err`: it was not even queued.
pub fn send(
    chat: &Chat,
    source: Source,
    user: &UserId,
    id: u32,
    send: Send,
    rpc: bool,
) -> Result<impl Future<Output = Answered> + std::marker::Send + use<>, CommandError> {
    let room = send.room.clone();
    let sent = chat.send(source, user, send)?;
    Ok(async move {
        let sent = sent.await;
        if rpc {
            Answered::of(id, "rpc", sent.map(|place| RpcResult { data: SentView::new(&room, place) }))
        } else {
            Answered::of(id, "publish", sent.map(|_| Empty {}))
        }
    })
}

/// A reply, and whether it is a refusal that a send behind it must share.
#[derive(Debug)]
pub struct Answered {
    /// The encoded reply.
    pub reply: String,
    /// Busy or unavailable.
    pub failed: bool,
}

impl Answered {
    fn of<T: Serialize>(id: u32, name: &str, result: Result<T, ChatError>) -> Self {
        let failed = matches!(result, Err(ChatError::Busy | ChatError::Unavailable));
        Self { reply: encode(id, name, result.map_err(CommandError::from)), failed }
    }
}

/// The reply to `history`.
pub async fn history(chat: &Chat, user: &UserId, id: u32, ask: History) -> String {
    encode(id, "history", read_history(chat, user, ask).await)
}

async fn read_history(chat: &Chat, user: &UserId, ask: History) -> Result<HistoryPage, CommandError> {
    let since = ask.since.as_ref();
    let of = match (ask.reverse, since) {
        (false, None) => PageOf::After(Seq::ZERO),
        (false, Some(since)) => PageOf::After(since.seq),
        (true, None) => PageOf::Newest,
        (true, Some(since)) => PageOf::Before(since.seq),
    };
    // A page of one entry costs as much as its head alone.
    let page = chat.page(user, &ask.room, of, ask.limit.max(1)).await?;
    // Below the floor there is a hole, and beyond the head another history: neither is passed over in silence.
    let furthest = if ask.reverse { page.head.next() } else { page.head };
    let ahead = since.is_some_and(|since| !since.is_of(page.epoch) || since.seq > furthest);
    let below = !ask.reverse && since.is_some_and(|since| since.seq.next() < page.floor);
    if ahead || below {
        return Err(CommandError::UNRECOVERABLE);
    }
    let mut items: Vec<_> = page.entries.iter().take(ask.limit).map(Item::new).collect();
    if ask.reverse {
        items.reverse();
    }
    Ok(HistoryPage { publications: Publications(items), offset: page.head.get(), epoch: page.epoch.to_string() })
}

/// The reply to every other `rpc`.
pub async fn rpc(chat: &Chat, source: Source, user: &UserId, id: u32, rpc: Rpc) -> String {
    let data = call(chat, source, user, rpc).await;
    encode(id, "rpc", data.map(|data| RpcResult { data }))
}

async fn call(chat: &Chat, source: Source, user: &UserId, rpc: Rpc) -> Result<Box<RawValue>, CommandError> {
    match rpc {
        Rpc::Send(message) => {
            let room = message.room.clone();
            raw(&SentView::new(&room, chat.send(source, user, message)?.await?))
        }
        Rpc::Messages { room, page, limit } => raw(&PageView::new(&chat.page(user, &room, page, limit).await?)),
        Rpc::Rooms { after, limit } => raw(&RoomsView::new(&chat.rooms_of(user, after.as_ref(), limit).await?)),
        Rpc::CreateRoom(create) => {
            let room = chat.create_room(user, create).await?;
            let role = if room.kind == RoomKind::Direct { Role::Member } else { Role::Admin };
            raw(&RoomView::new(&room, Standing::Member(role)))
        }
        Rpc::Join(room) => {
            let become_member = Change::Become(Role::Member);
            let place = chat.change(source, &room, user, Right::Own, user, become_member).await?;
            raw(&ChangedView::new(&room, place))
        }
        Rpc::Leave(room) => {
            let place = chat.change(source, &room, user, Right::Own, user, Change::Remove).await?;
            raw(&ChangedView::new(&room, place))
        }
        Rpc::Members { room, after, limit } => {
            raw(&MembersView::new(&chat.members(user, &room, after.as_ref(), limit).await?))
        }
    }
}

fn raw<T: Serialize>(value: &T) -> Result<Box<RawValue>, CommandError> {
    serde_json::value::to_raw_value(value).map_err(|_| CommandError::INTERNAL)
}
