//! How our calls to a portal say who we are: what an operator says of it, and the headers that come of it.
//!
//! Nothing here is fetched: a token of OAuth 2 is handed in. What is asked of a token endpoint, and what its answers mean, is in
//! [`oauth`]; signatures that are described and not named are in [`signing`].

use super::verify::check_header;
use crate::{limits, model::ids::Invalid};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Position;
use utoipa::ToSchema;

pub mod oauth;
pub mod signing;
#[cfg(test)]
mod tests;

pub use oauth::{ClientAuth, GrantKind, OAuth2};
pub use signing::{HmacSigning, ToSign};

/// Headers that the HTTP client writes itself, or that would change what a call is.
const NOT_OURS: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// How our calls to a portal say who we are. What is secret of it is kept apart: in the portal's secrets of the direction
/// `access`, for `standard_webhooks` in those of `outgoing`.
// Variants without members have braces so that a member that they do not know is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "scheme", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = Auth)]
pub enum Auth {
    /// Not at all: the URL is the secret, or nobody asks.
    None {},
    /// Signed as Standard Webhooks 1.0.0 says: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    StandardWebhooks {},
    /// `Authorization: Bearer` and the secret.
    Bearer {},
    /// `Authorization: Basic` with this user and the secret.
    Basic {
        /// The user.
        user: String,
    },
    /// A header that holds the secret itself: an API key.
    Header {
        /// Its name.
        name: String,
        /// What stands before the secret in it, like `Token token=`.
        #[serde(default)]
        prefix: String,
    },
    /// The secret is a parameter of the URL: an API key.
    Query {
        /// Its name.
        name: String,
    },
    /// The secret is a part of the URL's path, right behind the portal's `url`.
    Path {
        /// What stands before the secret, like `/bot`; `/` without.
        #[serde(default = "slash")]
        prefix: String,
    },
    /// A signature of one's own, described.
    Hmac(HmacSigning),
    /// A token that we fetch and renew (RFC 6749).
    #[serde(rename = "oauth2")]
    OAuth2(OAuth2),
}

/// The secrets that are good now, opened. They are shown nowhere.
#[derive(Clone, Copy, Default)]
pub struct Held<'a> {
    /// The newest of the direction `access`.
    pub access: Option<&'a str>,
    /// Those of the direction `outgoing`, the newest first.
    pub outgoing: &'a [String],
    /// The token, where the scheme is OAuth 2.
    pub token: Option<&'a str>,
}

impl fmt::Debug for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held(…)")
    }
}

/// What is missing before a portal can be called: a fault of its configuration, in words for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAccess {
    /// There is no secret of the direction `access`.
    #[error("it has no access secret: give it one with POST /v1/portals/{{portal}}/secrets, direction access")]
    NoSecret,
    /// The secret that there is does not fit the scheme that was configured after it.
    #[error("its access secret does not fit its `auth`: {0}")]
    Unfit(Invalid),
    /// The scheme is OAuth 2, and there is no token.
    #[error("it has no access token")]
    NoToken,
}

impl Auth {
    /// Checks what can be checked.
    ///
    /// # Errors
    /// The field, and what is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::None {} | Self::StandardWebhooks {} | Self::Bearer {} => Ok(()),
            Self::Basic { user } => {
                if user.is_empty() || user.contains(|c: char| c == ':' || c.is_control()) {
                    return Err(Invalid::new(
                        "auth.user",
                        "it is not empty, and has no colon and no control characters",
                    ));
                }
                short("auth.user", user)
            }
            Self::Header { name, prefix } => {
                check_name("auth.name", name)?;
                check_visible("auth.prefix", prefix)?;
                short("auth.prefix", prefix)
            }
            Self::Query { name } => {
                if !is_plain(name) {
                    return Err(Invalid::new("auth.name", "a parameter's name: A-Z a-z 0-9 - . _ ~"));
                }
                short("auth.name", name)
            }
            Self::Path { prefix } => {
                if !prefix.starts_with('/') || !prefix.split('/').skip(1).all(|part| part.is_empty() || is_plain(part))
                {
                    return Err(Invalid::new("auth.prefix", "it begins with /, and holds A-Z a-z 0-9 - . _ ~ /"));
                }
                if prefix.split('/').any(|part| matches!(part, "." | "..")) {
                    return Err(Invalid::new("auth.prefix", "no step of a path is . or .."));
                }
                short("auth.prefix", prefix)
            }
            Self::Hmac(signing) => signing.check(),
            Self::OAuth2(oauth) => oauth.check(),
        }
    }

    /// Checks that a secret of the direction `access` has the form that the scheme needs.
    ///
    /// # Errors
    /// What is wrong with it, without saying it.
    pub fn check_secret(&self, secret: &str) -> Result<(), Invalid> {
        let wrong = |problem: &str| Err(Invalid::new("access_secret", problem));
        if secret.is_empty() {
            return wrong("empty");
        }
        if secret.len() > limits::ACCESS_SECRET_BYTES {
            return Err(Invalid::too_long("access_secret", secret.len(), limits::ACCESS_SECRET_BYTES));
        }
        match self {
            Self::Header { .. } | Self::Bearer {} if !is_visible(secret) || secret.trim() != secret => {
                wrong("a header holds visible ASCII only")
            }
            Self::Path { .. }
                if !secret.chars().all(|c| is_plain_char(c) || c == ':') || !secret.contains(|c| c != '.') =>
            {
                wrong("a path holds A-Z a-z 0-9 - . _ ~ : only")
            }
            Self::Basic { .. } | Self::Query { .. } | Self::OAuth2(_) if secret.contains(char::is_control) => {
                wrong("no control characters are allowed")
            }
            Self::Hmac(signing) => signing.key(secret).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Whether there must be a secret of the direction `access`.
    pub const fn needs_secret(&self) -> bool {
        match self {
            Self::None {} | Self::StandardWebhooks {} => false,
            Self::Bearer {}
            | Self::Basic { .. }
            | Self::Header { .. }
            | Self::Query { .. }
            | Self::Path { .. }
            | Self::Hmac(_) => true,
            // A public client has none.
            Self::OAuth2(oauth) => matches!(oauth.grant, GrantKind::ClientCredentials),
        }
    }

    /// What is to be said of OAuth 2, where that is the scheme.
    pub const fn oauth(&self) -> Option<&OAuth2> {
        match self {
            Self::OAuth2(oauth) => Some(oauth),
            _ => None,
        }
    }

    /// The headers that open the portal to a call.
    ///
    /// # Errors
    /// What is missing.
    pub fn headers(&self, held: Held<'_>, call: &ToSign<'_>) -> Result<Vec<(String, String)>, NoAccess> {
        let secret = || {
            let secret = held.access.ok_or(NoAccess::NoSecret)?;
            self.check_secret(secret).map_err(NoAccess::Unfit)?;
            Ok(secret)
        };
        let one = |name: &str, value: String| Ok(vec![(name.to_owned(), value)]);
        match self {
            Self::None {} | Self::Query { .. } | Self::Path { .. } => Ok(vec![]),
            Self::StandardWebhooks {} => Ok(signing::standard_webhooks(held.outgoing, call)),
            Self::Bearer {} => one("authorization", format!("Bearer {}", secret()?)),
            Self::Basic { user } => {
                one("authorization", format!("Basic {}", STANDARD.encode(format!("{user}:{}", secret()?))))
            }
            Self::Header { name, prefix } => one(&name.to_ascii_lowercase(), format!("{prefix}{}", secret()?)),
            Self::Hmac(signing) => {
                let key = signing.key(secret()?).map_err(NoAccess::Unfit)?;
                Ok(signing.headers(&key, call))
            }
            Self::OAuth2(oauth) => {
                one("authorization", format!("{}{}", oauth.prefix, held.token.ok_or(NoAccess::NoToken)?))
            }
        }
    }
}

impl Auth {
    /// The URL of a call with the secret, where it stands there. `base` is the portal's own `url`.
    ///
    /// # Errors
    /// What is missing.
    pub fn url(&self, held: Held<'_>, base: &str, url: &str) -> Result<Option<String>, NoAccess> {
        if !matches!(self, Self::Query { .. } | Self::Path { .. }) {
            return Ok(None);
        }
        let secret = held.access.ok_or(NoAccess::NoSecret)?;
        self.check_secret(secret).map_err(NoAccess::Unfit)?;
        Ok(match self {
            Self::Query { name } => {
                let value: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
                let mark = if url.contains('?') { '&' } else { '?' };
                Some(format!("{url}{mark}{name}={value}"))
            }
            Self::Path { prefix } => {
                // Both as they are called: an operator may have spelled the host otherwise.
                let base = super::address::parse(base).map_err(NoAccess::Unfit)?;
                let url = super::address::parse(url).map_err(NoAccess::Unfit)?;
                let stem = base[..Position::AfterPath].trim_end_matches('/');
                let elsewhere = || NoAccess::Unfit(Invalid::new("auth", "the call does not go to the portal's url"));
                let behind = url.as_str().strip_prefix(stem).ok_or_else(elsewhere)?;
                Some(format!("{stem}{prefix}{secret}{behind}"))
            }
            _ => None,
        })
    }
}

/// Takes secrets out of a text that is shown to an operator: each of them, and the base64, percent-encoding and JSON that they
/// may be written in, becomes `…`.
pub fn mask(text: &str, secrets: &[&str]) -> String {
    let mut forms: Vec<String> = Vec::new();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        forms.push((*secret).to_owned());
        forms.push(STANDARD.encode(secret));
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        forms.extend([form.replace('+', "%20"), form]);
        let json = serde_json::Value::from(*secret).to_string();
        let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
        forms.extend([json.replace('/', "\\/"), json]);
    }
    forms.retain(|form| !form.is_empty());
    // The longest first: a secret may be a part of another.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), "…"))
}

pub(super) fn check_name(field: &'static str, name: &str) -> Result<(), Invalid> {
    check_header(field, name)?;
    if NOT_OURS.iter().any(|other| name.eq_ignore_ascii_case(other)) {
        return Err(Invalid::new(field, format!("{name} is not yours to set")));
    }
    short(field, name)
}

fn short(field: &'static str, text: &str) -> Result<(), Invalid> {
    if text.len() > limits::ACCESS_WORD_BYTES {
        return Err(Invalid::too_long(field, text.len(), limits::ACCESS_WORD_BYTES));
    }
    Ok(())
}

fn slash() -> String {
    "/".into()
}

const fn is_plain_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')
}

/// What means itself anywhere in a URL.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_plain_char)
}

fn is_visible(text: &str) -> bool {
    text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

fn check_visible(field: &'static str, text: &str) -> Result<(), Invalid> {
    if is_visible(text) { Ok(()) } else { Err(Invalid::new(field, "a header holds visible ASCII only")) }
}
