//! From what a client asks to what the chat does, and back into replies.

use crate::{
    chat::{Chat, ChatError, log::committer::Source, rooms::Change},
    features::portals::{sessions::SessionError, support::SupportChat},
};
use hubbub_core::{
    limits,
    live::presence::Roll,
    log::{entry::Right, kinds::SessionState, room::PageOf},
    model::{
        access::{Role, RoomKind, Standing},
        ids::{RoomId, UserId},
        seq::Seq,
    },
    wire::{
        command::History,
        error::CommandError,
        push,
        reply::{Answer, HistoryPage, Publications, Reply},
        rpc::{Rpc, Send},
        session::SessionView,
        view::{ChangedView, MembersView, PageView, RoomView, RoomsView, SentView},
    },
};
use serde::Serialize;

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

impl From<SessionError> for CommandError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Chat(error) => error.into(),
            SessionError::TooMany(most) => Self::limit("sessions with this portal", most),
            error @ SessionError::ExternalTaken(_) => {
                Self { code: 409, message: error.to_string().into(), temporary: false }
            }
            error @ (SessionError::UnknownPortal | SessionError::NotByCustomers) => Self::bad_request(error),
        }
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
        let failed = matches!(sent, Err(ChatError::Busy | ChatError::Unavailable));
        let said = match sent {
            Ok(place) if rpc => json(&SentView::new(&room, place)).map(Answer::Rpc),
            Ok(_) => Ok(Answer::Publish),
            Err(error) => Err(error.into()),
        };
        Answered { reply: Reply { id, said }, failed }
    })
}

/// A reply, and whether it is a refusal that a send behind it must share.
#[derive(Debug)]
pub struct Answered {
    /// The reply.
    pub reply: Reply,
    /// Busy or unavailable.
    pub failed: bool,
}

/// The reply to `history`.
pub async fn history(chat: &Chat, user: &UserId, id: u32, ask: History) -> Reply {
    Reply { id, said: read_history(chat, user, ask).await.map(Answer::History) }
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
    let mut items: Vec<_> = page.entries.iter().take(ask.limit).map(push::item_of).collect();
    if ask.reverse {
        items.reverse();
    }
    Ok(HistoryPage { publications: Publications(items), offset: page.head.get(), epoch: page.epoch.to_string() })
}

/// The reply to `presence` and, with `stats`, to `presence_stats`.
pub async fn presence(chat: &Chat, user: &UserId, id: u32, room: &RoomId, stats: bool) -> Reply {
    let said = chat.presence(user, room).await.map_err(CommandError::from);
    let answer = |roll: Roll| match roll.list {
        _ if stats => Ok(Answer::PresenceStats { num_clients: roll.clients as u64, num_users: roll.users as u64 }),
        Some(list) => Ok(Answer::Presence(list)),
        None => {
            let what = "connections that presence names (presence_stats counts them)";
            Err(CommandError::limit(what, limits::PRESENT_MAX))
        }
    };
    Reply { id, said: said.and_then(answer) }
}

/// The reply to every other `rpc`.
pub async fn rpc(support: &SupportChat, source: Source, user: &UserId, id: u32, rpc: Rpc) -> Reply {
    Reply { id, said: call(support, source, user, rpc).await.map(Answer::Rpc) }
}

async fn call(support: &SupportChat, source: Source, user: &UserId, rpc: Rpc) -> Result<String, CommandError> {
    let chat = &support.chat;
    match rpc {
        Rpc::Send(message) => {
            let room = message.room.clone();
            json(&SentView::new(&room, chat.send(source, user, message)?.await?))
        }
        Rpc::Messages { room, page, limit } => json(&PageView::new(&chat.page(user, &room, page, limit).await?)),
        Rpc::Rooms { after, limit } => json(&RoomsView::new(&chat.rooms_of(user, after.as_ref(), limit).await?)),
        Rpc::CreateRoom(create) => {
            let room = chat.create_room(user, create).await?;
            let role = if room.kind == RoomKind::Direct { Role::Member } else { Role::Admin };
            json(&RoomView::new(&room, Standing::Member(role)))
        }
        Rpc::Join(room) => {
            let become_member = Change::Become(Role::Member);
            let place = chat.change(source, &room, user, Right::Own, user, become_member).await?;
            json(&ChangedView::new(&room, place))
        }
        Rpc::Leave(room) => {
            let place = chat.change(source, &room, user, Right::Own, user, Change::Remove).await?;
            json(&ChangedView::new(&room, place))
        }
        Rpc::OpenSession(ask) => json(&SessionView::new(&support.open_own_session(user, ask).await?)),
        Rpc::Session(id) => json(&SessionView::new(&support.session_for(user, &id).await?)),
        Rpc::CloseSession(id) => {
            support.set_state(source, &id, user, Right::Own, SessionState::Closed).await?;
            json(&SessionView::new(&support.session_for(user, &id).await?))
        }
        Rpc::Members { room, after, limit } => {
            json(&MembersView::new(&chat.members(user, &room, after.as_ref(), limit).await?))
        }
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, CommandError> {
    serde_json::to_string(value).map_err(|_| CommandError::INTERNAL)
}
