//! Limits that an operator may set.

use anyhow::{Context, bail};
use clap::Args;
use hubbub_core::{
    limits::{CONNECTIONS_MAX, DATA_BYTES, SENDS_PER_SECOND_MAX, TEXT_BYTES},
    log::quota::Quota,
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
            text_bytes: self.text_bytes.or(file.text_bytes),
            data_bytes: self.data_bytes.or(file.data_bytes),
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
        Ok(Quota {
            sends_per_second: sends.and_then(|n| NonZeroU32::new(u32::try_from(n).ok()?)),
            max_connections: connections.and_then(NonZeroUsize::new),
            text_bytes: within("text-bytes", self.text_bytes, TEXT_BYTES).context(ONLY_LOWER)?.unwrap_or(TEXT_BYTES),
            data_bytes: within("data-bytes", self.data_bytes, DATA_BYTES).context(ONLY_LOWER)?.unwrap_or(DATA_BYTES),
        })
    }
}

const ONLY_LOWER: &str = "the limits of what a message holds can only be lowered";
