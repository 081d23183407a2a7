//! Any HMAC, described by settings: what is signed, with which key, and how the signature is written.

use super::{Algorithm, Encoding, check_header, check_tolerance, tolerance};
use crate::model::ids::Invalid;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a template may name.
const PLACEHOLDERS: [&str; 6] = ["{id}", "{timestamp}", "{method}", "{url}", "{query}", "{body}"];

/// An HMAC, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacTemplate {
    /// The hash.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// How the key is written in the secret.
    #[serde(default, skip_serializing_if = "KeyIn::is_text")]
    pub key: KeyIn,
    /// The header with the signature.
    pub header: String,
    /// What stands before the signature in it, like `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// Where the header is a list like `t=…,v1=…,v1=…`: the name of the signatures in it, like `v1`. Any of several will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_part: Option<String>,
    /// What is signed: text with `{id}`, `{timestamp}`, `{method}`, `{url}`, `{query}` and `{body}`; `{body}` must be there. `{url}`
    /// begins with `public_url`; `{query}` is what follows `?` in it, as it was written.
    #[serde(default = "body")]
    pub signed: String,
    /// The header with the id.
    #[serde(default)]
    pub id_header: Option<String>,
    /// The header with the timestamp: seconds or milliseconds since 1970, or RFC 3339.
    #[serde(default)]
    pub timestamp_header: Option<String>,
    /// The name of the timestamp in a header that is a list, like `t`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_part: Option<String>,
    /// How far the timestamp may be from now.
    #[serde(default = "tolerance")]
    pub tolerance_seconds: u64,
}

/// How a key is written in a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyIn {
    /// The text of the secret is the key.
    #[default]
    Text,
    /// The secret is the key in base64; `whsec_` before it is passed over.
    Base64,
    /// The secret is the key in hexadecimal.
    Hex,
}

impl KeyIn {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    const fn is_text(&self) -> bool {
        matches!(self, Self::Text)
    }
}

pub(super) fn body() -> String {
    "{body}".into()
}

/// What a template is made of: its placeholders, and the text between them.
pub(in crate::portal) fn parts(template: &str) -> impl Iterator<Item = &str> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let placeholder = |at: &str| PLACEHOLDERS.into_iter().find(|name| at.starts_with(*name)).map(str::len);
        let end = placeholder(rest).unwrap_or_else(|| {
            let next = rest.match_indices('{').map(|(at, _)| at).find(|at| placeholder(&rest[*at..]).is_some());
            next.unwrap_or(rest.len())
        });
        let (part, after) = rest.split_at(end);
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

impl HmacTemplate {
    /// A template of this header, with everything else as it mostly is.
    pub(super) fn of(header: &str, signed: &str) -> Self {
        Self {
            algorithm: Algorithm::default(),
            encoding: Encoding::default(),
            key: KeyIn::default(),
            header: header.into(),
            prefix: String::new(),
            signature_part: None,
            signed: signed.into(),
            id_header: None,
            timestamp_header: None,
            timestamp_part: None,
            tolerance_seconds: tolerance(),
        }
    }

    /// Whether this placeholder is signed.
    pub(super) fn signs(&self, placeholder: &str) -> bool {
        parts(&self.signed).any(|part| part == placeholder)
    }

    /// Checks what can be checked. One of these placeholders must be signed.
    pub(super) fn check(&self, one_of: &[&str]) -> Result<(), Invalid> {
        check_tolerance(self.tolerance_seconds)?;
        check_header("header", &self.header)?;
        for (field, part) in [("signature_part", &self.signature_part), ("timestamp_part", &self.timestamp_part)] {
            let unfit = |c: char| c.is_whitespace() || c.is_control() || ",;=\"".contains(c);
            if part.as_deref().is_some_and(|part| part.is_empty() || part.contains(unfit)) {
                return Err(Invalid::new(field, "no name in a list like t=…,v1=…"));
            }
        }
        if self.timestamp_part.is_some() && self.signature_part.is_none() {
            return Err(Invalid::new("signature_part", "missing; `timestamp_part` says that the header is a list"));
        }
        if self.timestamp_part.is_some() && self.timestamp_header.is_some() {
            return Err(Invalid::new("timestamp_part", "there is a timestamp_header, too; one of the two"));
        }
        if let Some(name) = &self.id_header {
            check_header("id_header", name)?;
        } else if self.signs("{id}") {
            return Err(Invalid::new("id_header", "missing; `signed` names {id}"));
        }
        let is_dated = self.timestamp_header.is_some() || self.timestamp_part.is_some();
        if let Some(name) = &self.timestamp_header {
            check_header("timestamp_header", name)?;
        } else if self.signs("{timestamp}") && !is_dated {
            return Err(Invalid::new("timestamp_header", "missing; `signed` names {timestamp}"));
        }
        if !one_of.iter().any(|placeholder| self.signs(placeholder)) {
            return Err(Invalid::new("signed", format!("{} is not in it", one_of.join(" or "))));
        }
        if is_dated && !self.signs("{timestamp}") {
            return Err(Invalid::new("signed", "{timestamp} is not in it: anybody could change the timestamp"));
        }
        Ok(())
    }
}
