//! What can be asked of a chat: one file per method, and the list of them.

mod error;
mod method;
pub mod pages;
pub mod rest;
pub mod views;
pub mod writing;

pub mod bulk;
pub mod change_room;
pub mod create_room;
pub mod delete;
pub mod delete_room;
pub mod disconnect;
pub mod edit;
pub mod history;
pub mod join;
pub mod last_seen;
pub mod leave;
pub mod list_rooms;
pub mod members;
pub mod message;
pub mod messages;
pub mod mute;
pub mod notify;
pub mod online;
pub mod pin;
pub mod pins;
pub mod put_member;
pub mod put_members;
pub mod put_user;
pub mod react;
pub mod reactions;
pub mod read;
pub mod reads;
pub mod remove_member;
pub mod rooms;
pub mod send;
pub mod set_role;
pub mod show_room;
pub mod show_user;
pub mod thread;
pub mod typing;
pub mod unmute;
pub mod unpin;
pub mod unreact;
pub mod unread;

pub use error::{MethodError, Problem};
pub use method::{Actor, Cost, Doc, Edge, Method, Nothing, Provides, RestMethod, RpcMethod};
pub use rest::{JsonBody, NoBody, NoQuery, OptionalJson, QueryNames, RestBody, RestRequest, Route, Verb};

use super::Chat;

/// Tells an edge of all methods of the chat, in the order in which documents show them.
pub fn list(edge: &mut impl Edge<Chat>) {
    send::SendMessage::register(edge);
    edit::EditMessage::register(edge);
    delete::DeleteMessage::register(edge);
    react::React::register(edge);
    unreact::Unreact::register(edge);
    pin::PinMessage::register(edge);
    unpin::UnpinMessage::register(edge);
    messages::ListMessages::register(edge);
    message::ShowMessage::register(edge);
    thread::ListThread::register(edge);
    reactions::ListReactions::register(edge);
    pins::ListPins::register(edge);
    typing::Types::register(edge);
    history::ListHistory::register(edge);
    rooms::ListRooms::register(edge);
    read::Read::register(edge);
    unread::ListUnread::register(edge);
    reads::ListReads::register(edge);
    create_room::CreateRoom::register(edge);
    join::Join::register(edge);
    leave::Leave::register(edge);
    members::ListMembers::register(edge);
    list_rooms::FindRooms::register(edge);
    show_room::ShowRoom::register(edge);
    change_room::ChangeRoom::register(edge);
    delete_room::DeleteRoom::register(edge);
    put_members::PutMembers::register(edge);
    put_member::PutMember::register(edge);
    set_role::SetRole::register(edge);
    remove_member::RemoveMember::register(edge);
    mute::Mute::register(edge);
    unmute::Unmute::register(edge);
    online::WhoIsOnline::register(edge);
    last_seen::ShowLastSeen::register(edge);
    bulk::create_rooms::CreateRooms::register(edge);
    bulk::put_memberships::PutMemberships::register(edge);
    bulk::send_messages::SendMessages::register(edge);
    put_user::PutUser::register(edge);
    show_user::ShowUser::register(edge);
    notify::Notify::register(edge);
    disconnect::DisconnectUser::register(edge);
}
