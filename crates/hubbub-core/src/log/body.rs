//! The body of an entry, member by member: one description per kind, from which its JSON, its columns and its hash are made.

use super::kinds::What;
use crate::model::{
    access::Role,
    ids::UserId,
    json::{Json, to_json},
    seq::Seq,
};
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// Where a member of a body lies in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// A text.
    Text,
    /// JSON that a client attached.
    Data,
    /// The number of another entry of the room.
    Target,
    /// The user the entry is about; in `renamed`, the new name.
    Subject,
    /// A role. One that the first version did not know lies in a column of its own, beside the nearest that it knew.
    Role,
    /// The number of the message that is the root of a thread.
    Thread,
    /// Whether what is in a thread is shown in the room, too.
    InRoom,
    /// No column of its own: it is a member of the JSON object in the column `body`.
    Body,
}

/// Takes the members of a body, in their order. `name` is the member's in JSON; an absent member is not in the JSON.
///
/// Members with a column of their own come before those in [`Column::Body`], in the order of [`Column`], and have the names
/// `text`, `data`, `target`, `user` and `role`: only so does a program that does not know the kind write the same JSON as one
/// that does. The kinds of the first version may differ; every program knows them.
pub trait BodyWriter<'a> {
    /// A text.
    fn string(&mut self, name: &'static str, column: Column, value: Option<&'a str>);
    /// JSON.
    fn json(&mut self, name: &'static str, column: Column, value: Option<&'a Json>);
    /// A number of an entry.
    fn seq(&mut self, name: &'static str, column: Column, value: Option<Seq>);
    /// Something that is so, or is not; the latter is absent.
    fn flag(&mut self, name: &'static str, column: Column, value: bool);
    /// A member in [`Column::Body`], as JSON.
    fn rest(&mut self, name: &'static str, json: &str);
}

/// The columns in which a body lies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns<'a> {
    /// [`Column::Text`].
    pub text: Option<Cow<'a, str>>,
    /// [`Column::Data`].
    pub data: Option<Cow<'a, str>>,
    /// [`Column::Target`].
    pub target: Option<Seq>,
    /// [`Column::Subject`].
    pub subject: Option<Cow<'a, str>>,
    /// [`Column::Role`].
    pub role: Option<Cow<'a, str>>,
    /// [`Column::Role`], where the first version did not know it.
    pub rank: Option<Cow<'a, str>>,
    /// [`Column::Thread`].
    pub thread: Option<Seq>,
    /// [`Column::InRoom`].
    pub in_room: bool,
    /// [`Column::Body`]: the members without a column, as a JSON object; `None`: there are none.
    pub body: Option<Cow<'a, str>>,
}

impl<'a> Columns<'a> {
    /// The columns of a body, borrowed from it.
    pub fn of(what: &'a What) -> Self {
        match what {
            What::Other(other) => Self::borrow(&other.columns),
            _ => {
                let mut columns = ToColumns(Self::default());
                what.write(&mut columns);
                columns.0.body = columns.0.body.map(|members| format!("{{{members}}}").into());
                columns.0
            }
        }
    }

    /// What it weighs in a page: the bytes of its long members.
    pub fn weight(&self) -> usize {
        [&self.text, &self.data, &self.body].into_iter().flatten().map(|text| text.len()).sum()
    }

    /// The members in [`Column::Body`].
    ///
    /// # Errors
    /// [`Damaged`] when the column is not an object of such members.
    pub fn members<T: DeserializeOwned>(&self, kind: &'static str) -> Result<T, Damaged> {
        serde_json::from_str(self.body.as_deref().unwrap_or("{}")).map_err(|_| Damaged { kind, member: "body" })
    }

    /// The user the entry is about.
    ///
    /// # Errors
    /// [`Damaged`] when there is none.
    pub fn user(&self, kind: &'static str) -> Result<UserId, Damaged> {
        let user = self.subject.as_deref().and_then(|user| UserId::parse(user).ok());
        user.ok_or(Damaged { kind, member: "user" })
    }

    /// The message it is about.
    ///
    /// # Errors
    /// [`Damaged`] when there is none.
    pub fn target(&self, kind: &'static str) -> Result<Seq, Damaged> {
        self.target.ok_or(Damaged { kind, member: "target" })
    }

    fn borrow<'b>(other: &'b Columns<'_>) -> Columns<'b> {
        let text = |text: &'b Option<Cow<'_, str>>| text.as_deref().map(Cow::Borrowed);
        Columns {
            text: text(&other.text),
            data: text(&other.data),
            target: other.target,
            subject: text(&other.subject),
            role: text(&other.role),
            rank: text(&other.rank),
            thread: other.thread,
            in_room: other.in_room,
            body: text(&other.body),
        }
    }

    /// The same columns, owned.
    pub fn into_owned(self) -> Columns<'static> {
        let text = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Columns {
            text: text(self.text),
            data: text(self.data),
            target: self.target,
            subject: text(self.subject),
            role: text(self.role),
            rank: text(self.rank),
            thread: self.thread,
            in_room: self.in_room,
            body: text(self.body),
        }
    }
}

/// Sorts the members of a body into columns; `body` collects members without the braces around them.
struct ToColumns<'a>(Columns<'a>);

impl<'a> ToColumns<'a> {
    fn place(&mut self, name: &'static str, column: Column, value: Option<&'a str>, is_json: bool) {
        let place = match column {
            Column::Text => &mut self.0.text,
            Column::Data => &mut self.0.data,
            Column::Subject => &mut self.0.subject,
            Column::Role => {
                let known = value.map(|word| Role::parse(word).map_or((word, None), |role| role.stored()));
                self.0.role = known.map(|(role, _)| Cow::Borrowed(role));
                self.0.rank = known.and_then(|(_, rank)| rank).map(Cow::Borrowed);
                return;
            }
            Column::Target | Column::Thread | Column::InRoom | Column::Body => {
                if let Some(value) = value {
                    let mut members = ToJson(self.0.body.take().map(Cow::into_owned).unwrap_or_default());
                    members.member(name);
                    if is_json {
                        members.0.push_str(value)
                    } else {
                        push_string(&mut members.0, value)
                    }
                    self.0.body = Some(members.0.into());
                }
                return;
            }
        };
        *place = value.map(Cow::Borrowed);
    }
}

impl<'a> BodyWriter<'a> for ToColumns<'a> {
    fn string(&mut self, name: &'static str, column: Column, value: Option<&'a str>) {
        self.place(name, column, value, false);
    }

    fn json(&mut self, name: &'static str, column: Column, value: Option<&'a Json>) {
        self.place(name, column, value.map(Json::as_str), true);
    }

    fn seq(&mut self, _: &'static str, column: Column, value: Option<Seq>) {
        *(if column == Column::Thread { &mut self.0.thread } else { &mut self.0.target }) = value;
    }

    fn flag(&mut self, _: &'static str, _: Column, value: bool) {
        self.0.in_room = value;
    }

    fn rest(&mut self, name: &'static str, json: &str) {
        let mut members = ToJson(self.0.body.take().map(Cow::into_owned).unwrap_or_default());
        members.raw(name, json);
        self.0.body = Some(members.0.into());
    }
}

/// Writes members as JSON, each behind a comma except the first of an empty text.
pub(super) struct ToJson(pub String);

impl ToJson {
    /// Adds a member whose value is JSON already.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        self.member(name);
        self.0.push_str(value);
    }

    fn member(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}

impl<'a> BodyWriter<'a> for ToJson {
    fn string(&mut self, name: &'static str, _: Column, value: Option<&'a str>) {
        if let Some(value) = value {
            self.member(name);
            push_string(&mut self.0, value);
        }
    }

    fn json(&mut self, name: &'static str, _: Column, value: Option<&'a Json>) {
        if let Some(value) = value {
            self.raw(name, value.as_str());
        }
    }

    fn seq(&mut self, name: &'static str, _: Column, value: Option<Seq>) {
        if let Some(value) = value {
            self.member(name);
            self.0.push_str(&value.get().to_string());
        }
    }

    fn flag(&mut self, name: &'static str, _: Column, value: bool) {
        if value {
            self.raw(name, "true");
        }
    }

    fn rest(&mut self, name: &'static str, json: &str) {
        self.raw(name, json);
    }
}

/// Adds a JSON string.
pub(super) fn push_string(json: &mut String, text: &str) {
    json.push_str(&to_json(&text));
}

/// An entry in the store that its own kind cannot read: a damaged row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an entry `{kind}` without a proper `{member}`")]
pub struct Damaged {
    /// The kind's word.
    pub kind: &'static str,
    /// What is missing or wrong.
    pub member: &'static str,
}
