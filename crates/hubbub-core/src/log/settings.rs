//! What an admin has set of a room.

use crate::{
    limits,
    model::{
        ids::Invalid,
        json::{Json, to_json},
        rights::MembersMay,
    },
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, num::NonZeroU32};
use utoipa::ToSchema;

/// See the module. Most rooms have none of it set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Seconds in which a member may write one message; moderators are exempt.
    pub slow_mode: Option<NonZeroU32>,
    /// Whether only moderators write.
    pub frozen: bool,
    /// Seconds for which an author may edit and delete a message; `None`: for ever; 0: never.
    pub edit_window: Option<u32>,
    /// What members may do.
    pub members_may: MembersMay,
    /// From where on members read.
    pub history_from: HistoryFrom,
    /// Whether nobody writes, nor changes anything of the room but this.
    pub archived: bool,
    /// What a newer version has set beside these: it has no effect here, and is written back as it stands.
    others: Option<Box<Others>>,
}

/// JSON by name.
type Members = BTreeMap<Box<str>, Json>;

/// Settings that are not known here, or have values that are not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Others {
    room: Members,
    members_may: Members,
}

/// From where on members read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryFrom {
    /// From the beginning of what the room keeps.
    #[default]
    All,
    /// From the entry on with which they last joined.
    Joined,
}

/// Some of the settings, as they are to become: what a request and an entry `changed` say. What is absent stays as it is; `null`
/// takes a limit away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsChange {
    /// A member writes one message in so many seconds: 1 to 21,600; null: as many as they like. Moderators are exempt.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub slow_mode: Option<Option<u32>>,
    /// Whether only moderators write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<bool>,
    /// Seconds for which an author may edit and delete a message: 0 (never) to 31,536,000; null: for ever.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    pub edit_window: Option<Option<u32>>,
    /// What members may do that else needs a higher role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_may: Option<MembersMayChange>,
    /// From where on members read: `all`, or `joined`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_from: Option<HistoryFrom>,
    /// Whether nobody writes, nor changes anything of the room but this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// Some of what members may do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MembersMayChange {
    /// Pin and unpin messages; false: moderators do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<bool>,
    /// Mention everybody; false: moderators do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mention_all: Option<bool>,
    /// Add members and readers; false: admins do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite: Option<bool>,
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// The members of an object, each as it stands.
fn members(json: &str) -> Result<Members, serde_json::Error> {
    let all: BTreeMap<Box<str>, &RawValue> = serde_json::from_str(json)?;
    Ok(all.into_iter().map(|(name, value)| (name, Json::trusted(value.get().to_owned()))).collect())
}

/// Takes a member out, if it is there and its value is known.
fn known<T: DeserializeOwned>(of: &mut Members, name: &str) -> Option<T> {
    let value = serde_json::from_str(of.get(name)?.as_str()).ok()?;
    of.remove(name);
    Some(value)
}

impl Others {
    /// What is left of it where these are set.
    fn without(&self, change: &SettingsChange) -> Self {
        let mut others = self.clone();
        let take = |of: &mut Members, json: &str| {
            members(json).unwrap_or_default().keys().for_each(|name| drop(of.remove(name)));
        };
        take(&mut others.room, &change.json());
        take(&mut others.members_may, &change.members_may.as_ref().map_or_else(String::new, to_json));
        others
    }

    /// Everything: these beside what is known here.
    fn beside(&self, known: &SettingsChange) -> String {
        let mut all = members(&known.json()).unwrap_or_default();
        if !self.members_may.is_empty() {
            let mut may = known.members_may.as_ref().map(|may| members(&to_json(may)).unwrap_or_default());
            let may = may.get_or_insert_default();
            may.extend(self.members_may.clone());
            all.insert("members_may".into(), Json::trusted(object(may)));
        }
        all.extend(self.room.clone());
        object(&all)
    }
}

/// The object of these members.
fn object(of: &Members) -> String {
    to_json(&of.iter().map(|(name, value)| (name, value.to_raw())).collect::<BTreeMap<_, _>>())
}

impl SettingsChange {
    /// Whether the values are within their limits.
    ///
    /// # Errors
    /// Names the field and the limit.
    pub fn check(&self) -> Result<(), Invalid> {
        if let Some(Some(seconds)) = self.slow_mode
            && !(1..=limits::SLOW_MODE_SECONDS).contains(&seconds)
        {
            let problem = format!("{seconds}; it is null, or 1 to {} seconds", limits::SLOW_MODE_SECONDS);
            return Err(Invalid::new("settings.slow_mode", problem));
        }
        if let Some(Some(seconds)) = self.edit_window
            && seconds > limits::EDIT_WINDOW_SECONDS
        {
            let problem = format!("{seconds}; it is null, or 0 to {} seconds", limits::EDIT_WINDOW_SECONDS);
            return Err(Invalid::new("settings.edit_window", problem));
        }
        Ok(())
    }

    /// Reads what this program or a newer one has stored; what is not known here is left out.
    ///
    /// # Errors
    /// When it is not an object.
    pub fn read(json: &str) -> Result<Self, serde_json::Error> {
        Ok(Self::split(json)?.0)
    }

    /// The same, and what is left out.
    fn split(json: &str) -> Result<(Self, Others), serde_json::Error> {
        let mut others = Others { room: members(json)?, members_may: Members::new() };
        let room = &mut others.room;
        let may = room.get("members_may").and_then(|may| members(may.as_str()).ok());
        let members_may = may.map(|mut may| {
            room.remove("members_may");
            let change = MembersMayChange {
                pin: known(&mut may, "pin"),
                mention_all: known(&mut may, "mention_all"),
                invite: known(&mut may, "invite"),
            };
            others.members_may = may;
            change
        });
        let room = &mut others.room;
        let change = Self {
            slow_mode: known(room, "slow_mode"),
            frozen: known(room, "frozen"),
            edit_window: known(room, "edit_window"),
            members_may,
            history_from: known(room, "history_from"),
            archived: known(room, "archived"),
        };
        Ok((change, others))
    }

    /// Its JSON: members in the order of the fields.
    pub fn json(&self) -> String {
        to_json(self)
    }
}

impl Settings {
    /// These settings with a change made.
    #[must_use]
    pub fn with(&self, change: &SettingsChange) -> Self {
        let may = change.members_may.clone().unwrap_or_default();
        let others = self.others.as_ref().map(|others| others.without(change));
        Self {
            others: others.filter(|others| *others != Others::default()).map(Box::new),
            slow_mode: change.slow_mode.map_or(self.slow_mode, |seconds| seconds.and_then(NonZeroU32::new)),
            frozen: change.frozen.unwrap_or(self.frozen),
            edit_window: change.edit_window.unwrap_or(self.edit_window),
            members_may: MembersMay {
                pin: may.pin.unwrap_or(self.members_may.pin),
                mention_all: may.mention_all.unwrap_or(self.members_may.mention_all),
                invite: may.invite.unwrap_or(self.members_may.invite),
            },
            history_from: change.history_from.unwrap_or(self.history_from),
            archived: change.archived.unwrap_or(self.archived),
        }
    }

    /// All of them, as a change that makes them out of whatever is.
    pub fn all(&self) -> SettingsChange {
        SettingsChange {
            slow_mode: Some(self.slow_mode.map(NonZeroU32::get)),
            frozen: Some(self.frozen),
            edit_window: Some(self.edit_window),
            members_may: Some(MembersMayChange {
                pin: Some(self.members_may.pin),
                mention_all: Some(self.members_may.mention_all),
                invite: Some(self.members_may.invite),
            }),
            history_from: Some(self.history_from),
            archived: Some(self.archived),
        }
    }

    /// Stands in what [`stored`](Self::stored) writes where members read from where they joined on, and nowhere else: a store may
    /// look for it without reading the rest.
    pub const READ_FROM_JOINED: &str = r#""history_from":"joined""#;

    /// The same of rooms in which only moderators write.
    pub const FROZEN: &str = r#""frozen":true"#;

    /// The same of rooms in which nobody writes.
    pub const ARCHIVED: &str = r#""archived":true"#;

    /// The same of rooms without slow mode.
    pub const NO_SLOW_MODE: &str = r#""slow_mode":null"#;

    /// How they lie in the store; `None`: nothing is set.
    pub fn stored(&self) -> Option<String> {
        let json = || match &self.others {
            Some(others) => others.beside(&self.all()),
            None => self.all().json(),
        };
        (*self != Self::default()).then(json)
    }

    /// Reads what lies in the store. What a newer version has added is not understood here, has no effect, and is kept.
    ///
    /// # Errors
    /// When it is not an object.
    pub fn read(stored: Option<&str>) -> Result<Self, serde_json::Error> {
        let Some(json) = stored else { return Ok(Self::default()) };
        let (change, others) = SettingsChange::split(json)?;
        let others = (others != Others::default()).then(|| others.into());
        Ok(Self { others, ..Self::default().with(&change) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: &str) -> SettingsChange {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_absent_stays_and_null_takes_a_limit_away() {
        let set = Settings::default().with(&change(r#"{"slow_mode":10,"edit_window":60,"members_may":{"pin":true}}"#));
        assert_eq!((set.slow_mode.map(NonZeroU32::get), set.edit_window), (Some(10), Some(60)));
        assert!(set.members_may.pin && set.members_may.mention_all && !set.frozen);
        let later = set.with(&change(r#"{"slow_mode":null,"frozen":true,"history_from":"joined"}"#));
        assert_eq!((later.slow_mode, later.edit_window, later.frozen), (None, Some(60), true));
        assert_eq!(later.with(&change("{}")), later);
    }

    #[test]
    fn settings_survive_the_store() {
        assert_eq!(Settings::default().stored(), None);
        assert_eq!(Settings::read(None).unwrap(), Settings::default());
        let set = Settings::default().with(&change(r#"{"slow_mode":10,"history_from":"joined"}"#));
        assert_eq!(Settings::read(set.stored().as_deref()).unwrap(), set);
        assert!(set.stored().unwrap().contains(Settings::READ_FROM_JOINED));
        let all = set.with(&change(r#"{"history_from":"all"}"#));
        assert!(!all.stored().unwrap().contains(Settings::READ_FROM_JOINED));
        for (json, is_frozen, is_slow, is_archived) in [
            (r#"{"frozen":true}"#, true, false, false),
            (r#"{"slow_mode":1}"#, false, true, false),
            (r#"{"edit_window":0}"#, false, false, false),
            (r#"{"edit_window":0,"archived":true}"#, false, false, true),
        ] {
            let stored = Settings::default().with(&change(json)).stored().unwrap();
            assert_eq!(stored.contains(Settings::FROZEN), is_frozen, "{stored}");
            assert_eq!(stored.contains(Settings::ARCHIVED), is_archived, "{stored}");
            assert_eq!(!stored.contains(Settings::NO_SLOW_MODE), is_slow, "{stored}");
        }
        assert!(Settings::read(Some("[]")).is_err());
    }

    #[test]
    fn those_of_a_newer_version_have_no_effect_and_are_written_back_as_they_stand() {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        for (newer, slow_mode, changed) in [
            (r#"{"retention":90}"#, None, r#"{"retention":90}"#),
            (
                r#"{"slow_mode":10,"history_from":"joined","words":{"none":["a","b"]},"share":1.50}"#,
                Some(10),
                r#"{"slow_mode":10,"history_from":"joined","words":{"none":["a","b"]},"share":1.50}"#,
            ),
            // Values that are not known here, also deeper, until something else is set.
            (
                r#"{"history_from":"month","members_may":{"pin":true,"call":true,"invite":"twice"},"slow_mode":{"each":5}}"#,
                None,
                r#"{"history_from":"month","members_may":{"pin":true,"call":true,"invite":"twice"},"slow_mode":{"each":5}}"#,
            ),
            (r#"{"members_may":"nothing","slow_mode":10}"#, Some(10), r#"{"members_may":"nothing","slow_mode":10}"#),
        ] {
            let read = Settings::read(Some(newer)).unwrap();
            assert_eq!(read.slow_mode.map(NonZeroU32::get), slow_mode, "{newer}");
            let later = read.with(&change(r#"{"frozen":true}"#));
            for (now, frozen) in [(&read, false), (&later, true)] {
                let stored = now.stored().unwrap();
                assert_eq!(Settings::read(Some(&stored)).unwrap(), *now, "{stored}");
                let (stored, changed) = (json(&stored), json(changed));
                for (name, value) in changed.as_object().unwrap() {
                    match value.as_object().filter(|_| name == "members_may") {
                        Some(may) => {
                            may.iter().for_each(|(one, value)| assert_eq!(stored[name][one], *value, "{stored}"))
                        }
                        None => assert_eq!(stored[name], *value, "{stored}"),
                    }
                }
                assert_eq!(stored["frozen"], frozen, "{stored}");
            }
        }
        let stored = Settings::read(Some(r#"{"share":1.50,"frozen":true}"#)).unwrap().stored().unwrap();
        assert!(stored.contains(r#""share":1.50"#), "{stored}");
        let from = Settings::read(Some(r#"{"history_from":"month","members_may":{"pin":"twice"},"x":1}"#)).unwrap();
        let set = from.with(&change(r#"{"history_from":"joined","members_may":{"pin":false}}"#)).stored().unwrap();
        assert!(set.contains(Settings::READ_FROM_JOINED) && set.contains(r#""pin":false"#), "{set}");
        assert!(set.contains(r#""x":1"#) && !set.contains("twice"), "{set}");
    }

    #[test]
    fn values_beyond_their_limits_are_named() {
        for (json, why) in [
            (r#"{"slow_mode":0}"#, "settings.slow_mode: 0; it is null, or 1 to 21600 seconds"),
            (r#"{"slow_mode":21601}"#, "settings.slow_mode: 21601; it is null, or 1 to 21600 seconds"),
            (r#"{"edit_window":31536001}"#, "settings.edit_window: 31536001; it is null, or 0 to 31536000 seconds"),
        ] {
            assert_eq!(change(json).check().unwrap_err().to_string(), why);
        }
        assert_eq!(change(r#"{"slow_mode":null,"edit_window":0}"#).check(), Ok(()));
        assert!(serde_json::from_str::<SettingsChange>(r#"{"color":1}"#).is_err());
    }
}
