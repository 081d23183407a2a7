//! From what a client asks to what the chat does, and back into replies.

use crate::chat::{
    Chat, ChatError,
    methods::{
        MethodError,
        writing::{self, Writing, WrittenView},
    },
};
use hubbub_core::{
    limits,
    log::{entry::Right, features::NotYet, room::PageOf, source::Source},
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
    },
    wire::{
        command::History,
        error::CommandError,
        push,
        reply::{Answer, HistoryPage, Publications, Reply, count},
    },
};

impl From<ChatError> for CommandError {
    fn from(error: ChatError) -> Self {
        match error {
            ChatError::Refused(refusal) => refusal.into(),
            ChatError::Conflict { id, seq } => Self::conflict(id, seq),
            ChatError::Unrecoverable => Self::UNRECOVERABLE,
            ChatError::RoomExists => Self { code: 409, message: "a room of this id exists".into(), temporary: false },
            ChatError::OverQuota(over) => over.into(),
            ChatError::Busy => Self::BUSY,
            ChatError::Unavailable => Self::UNAVAILABLE,
            ChatError::NotYet(NotYet(feature)) => Self::not_yet(feature),
        }
    }
}

impl From<MethodError> for CommandError {
    fn from(error: MethodError) -> Self {
        match error {
            MethodError::Invalid(invalid) => invalid.into(),
            MethodError::Chat(error) => error.into(),
            MethodError::Own { code: 107, why, .. } => Self::bad_request(why),
            MethodError::Own { code, why, .. } => Self { code, message: why, temporary: false },
        }
    }
}

/// The reply to `publish` (then `rpc` is false) or to a call that writes, once it is committed. It has no timer: whoever awaits it polls it
/// again after [`limits::SEND_PATIENCE`]. `Err`: it was not even queued.
pub fn write(
    chat: &Chat,
    source: &Source,
    user: &UserId,
    id: u32,
    writing: Writing,
    vetted: bool,
    rpc: bool,
) -> Result<impl Future<Output = Answered> + Send + use<>, ChatError> {
    let room = writing.room.clone();
    let queued = writing::queue(chat, source, user, Right::Own, writing, vetted)?;
    Ok(async move {
        let sent = queued.committed_when_polled().await;
        let failed = matches!(sent, Err(ChatError::Busy | ChatError::Unavailable));
        let said = match sent {
            Ok(place) if rpc => serde_json::to_string(&WrittenView::new(&room, place))
                .map(Answer::Rpc)
                .map_err(|_| CommandError::INTERNAL),
            Ok(_) => Ok(Answer::Publish),
            Err(error) => Err(error.into()),
        };
        Answered { reply: Reply { id, said }, failed }
    })
}

/// A reply to a send.
#[derive(Debug)]
pub struct Answered {
    /// The reply.
    pub reply: Reply,
    /// It is a refusal that what was written behind it must share: the server was busy, or without its store.
    pub failed: bool,
}

/// The answer to `history`.
pub async fn history(chat: &Chat, user: &UserId, ask: History) -> Result<HistoryPage, CommandError> {
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

/// The answer to `presence` and, with `stats`, to `presence_stats`.
pub async fn presence(chat: &Chat, user: &UserId, room: &RoomId, stats: bool) -> Result<Answer, CommandError> {
    let roll = chat.presence(user, room).await?;
    match roll.list {
        _ if stats => Ok(Answer::PresenceStats { num_clients: count(roll.clients), num_users: count(roll.users) }),
        Some(list) => Ok(Answer::Presence(list)),
        None => {
            let what = "connections that presence names (presence_stats counts them)";
            Err(CommandError::limit(what, limits::PRESENT_MAX))
        }
    }
}
