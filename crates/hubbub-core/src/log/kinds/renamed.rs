//! `renamed`: the room has another name.

use super::{Change, Kind, Situation, about::{Member, Value}};
use crate::{
    log::{
        body::{BodyWriter, Column, Columns, Damaged},
        effects::{Effects, ListKind},
    },
    model::{access::Refusal, rights::Act},
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The new name.
    pub name: String,
}

impl Kind for Renamed {
    const WORDS: &'static [&'static str] = &["renamed"];
    const IS_LINE: bool = true;
    const MEANING: &'static str = "The room has another name.";
    const MEMBERS: &'static [Member] = &[Member::needed("name", Value::Text, "The name.")];

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.string("name", Column::Subject, Some(&self.name));
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        let name = columns.subject.as_deref().ok_or(Damaged { kind: "renamed", member: "name" })?;
        Ok(Self { name: name.to_owned() })
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        situation.may(Act::Rename)?;
        situation.is_changeable()?;
        Ok(Some(Change::Named(self.name.clone())))
    }

    fn effects(&self) -> Effects {
        Effects::default().lists(ListKind::Rooms)
    }
}
