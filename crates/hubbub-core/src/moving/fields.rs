//! The members of a line, as they are written.

use crate::model::ids::{Invalid, UserId};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Tells `null` from an absent member.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

macro_rules! fields {
    ($($(#[$attribute:meta])* $name:ident: $type:ty,)*) => {
        /// Whatever a line of any type may have.
        #[derive(Deserialize, Default)]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct Fields<'a> {
            #[serde(rename = "type", borrow)]
            pub word: Option<Cow<'a, str>>,
            $($(#[$attribute])* pub $name: Option<$type>,)*
        }

        impl Fields<'_> {
            /// Refuses what a line of this type does not have.
            pub fn only(&self, allowed: &[&str]) -> Result<(), Invalid> {
                $(if self.$name.is_some() && !allowed.contains(&stringify!($name)) {
                    let word = self.word.as_deref().unwrap_or_default();
                    return Err(Invalid::new(stringify!($name), format!("a line of the type `{word}` has no such member")));
                })*
                Ok(())
            }
        }
    };
}

fields! {
    #[serde(borrow)] room: Cow<'a, str>,
    direct: Vec<String>,
    #[serde(borrow)] id: Cow<'a, str>,
    seq: u64,
    #[serde(borrow)] from: Cow<'a, str>,
    #[serde(borrow)] at: Cow<'a, str>,
    #[serde(borrow)] key: Cow<'a, str>,
    #[serde(borrow)] text: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "given")] data: &'a RawValue,
    reply_to: u64,
    thread: u64,
    in_room: bool,
    #[serde(borrow)] mentions: Vec<Cow<'a, str>>,
    mention_all: bool,
    gone: bool,
    target: u64,
    #[serde(borrow)] user: Cow<'a, str>,
    #[serde(borrow)] role: Cow<'a, str>,
    #[serde(borrow)] name: Cow<'a, str>,
    #[serde(borrow)] until: Cow<'a, str>,
    #[serde(borrow)] reaction: Cow<'a, str>,
    #[serde(borrow)] settings: &'a RawValue,
    #[serde(borrow)] topic: Cow<'a, str>,
    #[serde(borrow)] author: Cow<'a, str>,
    edits: Vec<u64>,
    #[serde(borrow)] kind: Cow<'a, str>,
    #[serde(borrow)] session: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "given")] info: &'a RawValue,
}

/// A member that must be there.
pub(super) fn needed<'a>(field: &'static str, value: Option<&'a Cow<'_, str>>) -> Result<&'a str, Invalid> {
    value.map(|value| &**value).ok_or_else(|| Invalid::missing(field))
}

/// Somebody from outside.
pub(super) fn outsider(field: &'static str, value: Option<&Cow<'_, str>>) -> Result<UserId, Invalid> {
    UserId::parse_outsider(field, needed(field, value)?)
}
