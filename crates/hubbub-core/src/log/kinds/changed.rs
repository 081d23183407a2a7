//! `changed`: the room has other settings.

use super::{Change, Kind, Situation};
use crate::{
    log::{
        body::{BodyWriter, Columns, Damaged},
        effects::{Effects, ListKind},
        settings::{Settings, SettingsChange},
    },
    model::{access::Refusal, json::Json, rights::Act},
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What was set, and nothing else: a [`SettingsChange`], or one of a newer version.
    settings: Json,
}

impl Changed {
    /// These settings.
    pub fn new(settings: &SettingsChange) -> Self {
        Self { settings: Json::trusted(settings.json()) }
    }

    /// What was set, as far as this version knows it.
    pub fn change(&self) -> SettingsChange {
        SettingsChange::read(self.settings.as_str()).unwrap_or_default()
    }

    /// What the settings become.
    pub fn applied(&self, to: &Settings) -> Settings {
        to.with(&self.change())
    }
}

/// The member that lies in [`Column::Body`](crate::log::body::Column::Body).
#[derive(Deserialize)]
struct Rest {
    settings: Box<RawValue>,
}

impl Kind for Changed {
    const WORDS: &'static [&'static str] = &["changed"];
    const IS_LINE: bool = true;

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.rest("settings", self.settings.as_str());
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        let Rest { settings } = columns.members("changed")?;
        Ok(Self { settings: Json::trusted(settings.get().to_owned()) })
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        situation.may(Act::ChangeSettings)?;
        situation.is_changeable()?;
        let settings = &situation.room.settings;
        Ok((self.applied(settings) != *settings).then_some(Change::Settings))
    }

    fn effects(&self) -> Effects {
        Effects::default().lists(ListKind::Rooms)
    }
}
