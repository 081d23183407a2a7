//! What can be asked of a chat: one file per method, and the list of them.

mod error;
mod method;
pub mod rest;
pub mod views;

pub mod create_room;
pub mod disconnect;
pub mod join;
pub mod leave;
pub mod members;
pub mod messages;
pub mod notify;
pub mod put_member;
pub mod put_members;
pub mod put_user;
pub mod remove_member;
pub mod rename_room;
pub mod rooms;
pub mod send;
pub mod show_room;
pub mod show_user;

pub use error::{MethodError, Problem};
pub use method::{Actor, Cost, Doc, Edge, Method, Nothing, Provides, RestMethod, RpcMethod};
pub use rest::{JsonBody, NoBody, NoQuery, RestBody, RestRequest, Route, Verb};

use super::Chat;

/// Tells an edge of all methods of the chat, in the order in which documents show them.
pub fn list(edge: &mut impl Edge<Chat>) {
    send::SendMessage::register(edge);
    messages::ListMessages::register(edge);
    rooms::ListRooms::register(edge);
    create_room::CreateRoom::register(edge);
    join::Join::register(edge);
    leave::Leave::register(edge);
    members::ListMembers::register(edge);
    show_room::ShowRoom::register(edge);
    rename_room::RenameRoom::register(edge);
    put_members::PutMembers::register(edge);
    put_member::PutMember::register(edge);
    remove_member::RemoveMember::register(edge);
    put_user::PutUser::register(edge);
    show_user::ShowUser::register(edge);
    notify::Notify::register(edge);
    disconnect::DisconnectUser::register(edge);
}
