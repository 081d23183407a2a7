//! `changed`: the room has other settings, another topic or other data.

use super::{Change, Kind, Needs, Situation, about::{Member, Value}};
use crate::{
    log::{
        body::{BodyWriter, Column, Columns, Damaged},
        effects::{Effects, ListKind},
        room::RoomInfo,
        settings::{Settings, SettingsChange},
    },
    model::{access::Refusal, json::Json, rights::Act},
};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What was set, and nothing else: a [`SettingsChange`], or one of a newer version. It is there where nothing was set, too: the
    /// first version of this kind expects it.
    settings: Json,
    /// What it is about now; empty: nothing.
    topic: Option<Box<str>>,
    /// What the product keeps with it now; `Some(None)`: nothing.
    data: Option<Option<Json>>,
}

impl Changed {
    /// These settings.
    pub fn new(settings: &SettingsChange) -> Self {
        Self { settings: Json::trusted(settings.json()), topic: None, data: None }
    }

    /// The same with another topic, or other data.
    #[must_use]
    pub fn with_info(self, topic: Option<&str>, data: Option<Option<Json>>) -> Self {
        Self { topic: topic.map(Into::into), data, ..self }
    }

    /// What was set, as far as this version knows it.
    pub fn change(&self) -> SettingsChange {
        SettingsChange::read(self.settings.as_str()).unwrap_or_default()
    }

    /// What the settings become.
    pub fn applied(&self, to: &Settings) -> Settings {
        to.with(&self.change())
    }

    /// Whether it is about the topic or the data.
    pub const fn is_of_info(&self) -> bool {
        self.topic.is_some() || self.data.is_some()
    }

    /// What topic and data become.
    pub fn applied_to_info(&self, info: &RoomInfo) -> RoomInfo {
        RoomInfo {
            topic: self.topic.clone().unwrap_or_else(|| info.topic.clone()),
            data: self.data.clone().unwrap_or_else(|| info.data.clone()),
        }
    }
}

/// The members that lie in [`Column::Body`](crate::log::body::Column::Body).
#[derive(Deserialize)]
struct Rest {
    settings: Box<RawValue>,
    #[serde(default)]
    topic: Option<Box<str>>,
    #[serde(default, deserialize_with = "given")]
    data: Option<Box<RawValue>>,
}

/// Tells `null` from an absent member.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(from).map(Some)
}

impl Kind for Changed {
    const WORDS: &'static [&'static str] = &["changed"];
    const IS_LINE: bool = true;
    const MEANING: &'static str = "These settings of the room have these values now.";
    const MEMBERS: &'static [Member] = &[Member::needed("settings", Value::Settings, "Those that were set; `null` takes a limit away."), Member::maybe("topic", Value::Text, "What the room is about; empty: nothing."), Member::maybe("data", Value::Json, "What the product keeps with the room; `null`: nothing.")];

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.rest("settings", self.settings.as_str());
        to.string("topic", Column::Body, self.topic.as_deref());
        if let Some(data) = &self.data {
            to.rest("data", data.as_ref().map_or("null", Json::as_str));
        }
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        let Rest { settings, topic, data } = columns.members("changed")?;
        let json = |raw: Box<RawValue>| Json::trusted(raw.get().to_owned());
        let data = data.map(|data| (data.get() != "null").then(|| json(data)));
        Ok(Self { settings: json(settings), topic, data })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.info |= self.is_of_info();
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        situation.may(Act::ChangeSettings)?;
        situation.is_changeable()?;
        let (settings, info) = (&situation.room.settings, situation.facts.info());
        let now = self.applied(settings);
        if now == *settings && (!self.is_of_info() || self.applied_to_info(info) == *info) {
            return Ok(None);
        }
        // What takes it back may change others along with it.
        if settings.archived && now.archived { Err(Refusal::Archived) } else { Ok(Some(Change::Settings)) }
    }

    fn effects(&self) -> Effects {
        Effects::default().lists(ListKind::Rooms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_and_data_lie_beside_settings_and_null_is_not_nothing() {
        let set: SettingsChange = serde_json::from_str(r#"{"frozen":true}"#).unwrap();
        let data = |json: &str| Some(Some(Json::trusted(json.to_owned())));
        for (changed, body) in [
            (Changed::new(&set), r#"{"settings":{"frozen":true}}"#),
            (
                Changed::new(&SettingsChange::default()).with_info(Some("a \"b\""), None),
                r#"{"settings":{},"topic":"a \"b\""}"#,
            ),
            (
                Changed::new(&set).with_info(Some(""), data("[1.50]")),
                r#"{"settings":{"frozen":true},"topic":"","data":[1.50]}"#,
            ),
            (Changed::new(&SettingsChange::default()).with_info(None, Some(None)), r#"{"settings":{},"data":null}"#),
        ] {
            let columns = Columns { body: Some(body.into()), ..Columns::default() };
            assert_eq!(Changed::read("changed", &columns).unwrap(), changed, "{body}");
            let what = crate::log::kinds::What::Changed(changed);
            assert_eq!(Columns::of(&what).body.as_deref(), Some(body));
        }
        let info = RoomInfo { topic: "x".into(), data: Some(Json::trusted("1".into())) };
        let of = |topic: Option<&str>, data| {
            Changed::new(&SettingsChange::default()).with_info(topic, data).applied_to_info(&info)
        };
        assert_eq!(of(None, None), info);
        assert_eq!(of(Some(""), Some(None)), RoomInfo::default());
        assert_eq!(of(Some("y"), None), RoomInfo { topic: "y".into(), ..info.clone() });
    }
}
