//! Limits that an operator may set.

use anyhow::{Context, bail};
use clap::Args;
use hubbub_core::{
    limits::{
        CONNECTIONS_MAX, DATA_BYTES, SENDS_PER_SECOND_MAX, STRANGERS, STRANGERS_PER_ADDRESS, TEXT_BYTES, USER_LIMIT_MAX,
    },
    log::{account::UserQuota, quota::Quota},
};
use serde::Deserialize;
use std::num::{NonZeroU32, NonZeroUsize};

/// The table `[limits]` of the file; as flags the same names. Each may be changed while running.
#[derive(Args, Deserialize, Default, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitSettings {
    /// Sends of one connection per second; a second's worth may come at once, and what is too fast is answered 111 [default: no limit]
    #[arg(long, env = "HUBBUB_SENDS_PER_SECOND", value_name = "N", help_heading = "Limits ([limits] in the file)")]
    pub sends_per_second: Option<u32>,

    /// Connections of this instance; beyond, clients are told to come back later [default: as many as open files leave room for]
    #[arg(long, env = "HUBBUB_MAX_CONNECTIONS", value_name = "N", help_heading = "Limits ([limits] in the file)")]
    pub max_connections: Option<usize>,

    /// Connections of one user on this instance; beyond, connect is answered 106 [default: 100]
    #[arg(long, env = "HUBBUB_USER_CONNECTIONS", value_name = "N", help_heading = "Limits ([limits] in the file)")]
    pub user_connections: Option<usize>,

    /// Commands of one user per second on this instance; ten seconds' worth may come at once, and beyond the sockets of this user are read more slowly [default: 300]
    #[arg(
        long,
        env = "HUBBUB_USER_COMMANDS_PER_SECOND",
        value_name = "N",
        help_heading = "Limits ([limits] in the file)"
    )]
    pub user_commands_per_second: Option<u32>,

    /// Entries of one user per second on this instance, whatever they are: messages, joins, leaves; ten seconds' worth may come at once, and what is too fast is answered 111 [default: 50]
    #[arg(
        long,
        env = "HUBBUB_USER_ENTRIES_PER_SECOND",
        value_name = "N",
        help_heading = "Limits ([limits] in the file)"
    )]
    pub user_entries_per_second: Option<u32>,

    /// Rooms that one user makes per hour on this instance; beyond, create_room is answered 111 [default: 100]
    #[arg(long, env = "HUBBUB_USER_ROOMS_PER_HOUR", value_name = "N", help_heading = "Limits ([limits] in the file)")]
    pub user_rooms_per_hour: Option<u32>,

    /// People that one user puts into rooms per hour on this instance [default: 1000]
    #[arg(long, env = "HUBBUB_USER_PEOPLE_PER_HOUR", value_name = "N", help_heading = "Limits ([limits] in the file)")]
    pub user_people_per_hour: Option<u32>,

    /// Support sessions that one user opens per hour on this instance [default: 30]
    #[arg(
        long,
        env = "HUBBUB_USER_SESSIONS_PER_HOUR",
        value_name = "N",
        help_heading = "Limits ([limits] in the file)"
    )]
    pub user_sessions_per_hour: Option<u32>,

    /// Verified webhooks of one portal per second on this instance; ten seconds' worth may come at once, and beyond they are answered 429 with Retry-After [default: 200]
    #[arg(long, env = "HUBBUB_HOOKS_PER_SECOND", value_name = "N", help_heading = "Limits ([limits] in the file)")]
    pub hooks_per_second: Option<u32>,

    /// Whether clients make rooms, direct ones among them; with false only your backend does, and clients are answered 103 [default: true]
    #[arg(long, env = "HUBBUB_CLIENT_ROOMS", value_name = "BOOL", help_heading = "Limits ([limits] in the file)")]
    pub client_rooms: Option<bool>,

    /// Connections of one address (of IPv6: one /64) that have not yet connected with a token, given an API key or brought a good webhook; beyond, others of it are told to come again [default: 512]
    #[arg(
        long,
        env = "HUBBUB_STRANGERS_PER_ADDRESS",
        value_name = "N",
        help_heading = "Limits ([limits] in the file)"
    )]
    pub strangers_per_address: Option<usize>,

    /// Longest text of a message, in bytes; can only be lowered [default: 8192]
    #[arg(long, env = "HUBBUB_TEXT_BYTES", value_name = "N", help_heading = "Limits ([limits] in the file)")]
    pub text_bytes: Option<usize>,

    /// Longest data of a message, in bytes of JSON without white space; can only be lowered [default: 16384]
    #[arg(long, env = "HUBBUB_DATA_BYTES", value_name = "N", help_heading = "Limits ([limits] in the file)")]
    pub data_bytes: Option<usize>,
}

impl LimitSettings {
    /// These over those of the file.
    pub(super) fn or(self, file: Self) -> Self {
        Self {
            sends_per_second: self.sends_per_second.or(file.sends_per_second),
            max_connections: self.max_connections.or(file.max_connections),
            user_connections: self.user_connections.or(file.user_connections),
            user_commands_per_second: self.user_commands_per_second.or(file.user_commands_per_second),
            user_entries_per_second: self.user_entries_per_second.or(file.user_entries_per_second),
            user_rooms_per_hour: self.user_rooms_per_hour.or(file.user_rooms_per_hour),
            user_people_per_hour: self.user_people_per_hour.or(file.user_people_per_hour),
            user_sessions_per_hour: self.user_sessions_per_hour.or(file.user_sessions_per_hour),
            hooks_per_second: self.hooks_per_second.or(file.hooks_per_second),
            client_rooms: self.client_rooms.or(file.client_rooms),
            strangers_per_address: self.strangers_per_address.or(file.strangers_per_address),
            text_bytes: self.text_bytes.or(file.text_bytes),
            data_bytes: self.data_bytes.or(file.data_bytes),
        }
    }

    /// How many connections of one address need not have said who they are.
    ///
    /// # Errors
    /// When it is out of its bounds, and what they are.
    pub fn strangers_per_address(&self) -> anyhow::Result<usize> {
        match self.strangers_per_address {
            Some(0) => bail!("--strangers-per-address 0: at least 1; leave it out for the default"),
            Some(n) if n > STRANGERS => {
                bail!("--strangers-per-address {n}: at most {STRANGERS}, which all addresses share")
            }
            set => Ok(set.unwrap_or(STRANGERS_PER_ADDRESS)),
        }
    }

    /// The limits that hold.
    ///
    /// # Errors
    /// Which is out of its bounds, and what they are.
    pub fn quota(&self) -> anyhow::Result<Quota> {
        let within = |name: &str, value: Option<usize>, most: usize| match value {
            Some(0) => bail!("--{name} 0: at least 1; leave it out for the default"),
            Some(value) if value > most => bail!("--{name} {value}: at most {most}"),
            value => Ok(value),
        };
        let sends = within("sends-per-second", self.sends_per_second.map(|n| n as usize), SENDS_PER_SECOND_MAX)?;
        let connections = within("max-connections", self.max_connections, CONNECTIONS_MAX)?;
        let hooks = within("hooks-per-second", self.hooks_per_second.map(|n| n as usize), USER_LIMIT_MAX)?;
        let hooks = hooks.and_then(|n| u32::try_from(n).ok());
        Ok(Quota {
            sends_per_second: sends.and_then(|n| NonZeroU32::new(u32::try_from(n).ok()?)),
            max_connections: connections.and_then(NonZeroUsize::new),
            user: self.user(&within)?,
            hooks_per_second: hooks.and_then(NonZeroU32::new).unwrap_or(Quota::default().hooks_per_second),
            client_rooms: self.client_rooms.unwrap_or(true),
            text_bytes: within("text-bytes", self.text_bytes, TEXT_BYTES).context(ONLY_LOWER)?.unwrap_or(TEXT_BYTES),
            data_bytes: within("data-bytes", self.data_bytes, DATA_BYTES).context(ONLY_LOWER)?.unwrap_or(DATA_BYTES),
        })
    }
}

type Within<'a> = dyn Fn(&str, Option<usize>, usize) -> anyhow::Result<Option<usize>> + 'a;

impl LimitSettings {
    fn user(&self, within: &Within<'_>) -> anyhow::Result<UserQuota> {
        let rate = |name: &str, value: Option<u32>, default: NonZeroU32| -> anyhow::Result<NonZeroU32> {
            let set = within(name, value.map(|n| n as usize), USER_LIMIT_MAX)?;
            Ok(set.and_then(|n| NonZeroU32::new(u32::try_from(n).ok()?)).unwrap_or(default))
        };
        let usual = UserQuota::default();
        let connections = within("user-connections", self.user_connections, CONNECTIONS_MAX)?;
        Ok(UserQuota {
            connections: connections.and_then(NonZeroUsize::new).unwrap_or(usual.connections),
            commands_per_second: rate(
                "user-commands-per-second",
                self.user_commands_per_second,
                usual.commands_per_second,
            )?,
            entries_per_second: rate(
                "user-entries-per-second",
                self.user_entries_per_second,
                usual.entries_per_second,
            )?,
            rooms_per_hour: rate("user-rooms-per-hour", self.user_rooms_per_hour, usual.rooms_per_hour)?,
            people_per_hour: rate("user-people-per-hour", self.user_people_per_hour, usual.people_per_hour)?,
            sessions_per_hour: rate("user-sessions-per-hour", self.user_sessions_per_hour, usual.sessions_per_hour)?,
        })
    }
}

const ONLY_LOWER: &str = "the limits of what a message holds can only be lowered";
