//! Questions by which a portal finds out whether we are there and know its secret. They are answered at once and create nothing.
//!
//! An answer that is made with the secret is given only to who has signed the question: otherwise anybody could have whatever
//! they like signed by it.

use super::{
    mapping::{Body, Item, Unmapped, check_in_event, check_values, finds},
    verify::{Algorithm, Encoding, Signed, Verify, sign},
};
use crate::{limits, model::ids::Invalid};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};
use utoipa::ToSchema;

/// A question, and how it is answered. Where something is: a JSON Pointer into the body (of a POST), `query:NAME` for a parameter of
/// the URL, `header:NAME` for a header.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// How it is asked: post, get (HEAD is then answered like GET), or head.
    #[serde(default, skip_serializing_if = "Asking::is_post")]
    pub method: Asking,
    /// Where one of these values must be; of `query:` and `header:` an empty list stands for any. By POST it must name something.
    #[serde(default)]
    pub when: BTreeMap<String, Vec<Value>>,
    /// Where the token is that must be the portal's `challenge` secret. It is compared in constant time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What is found here is the answer, as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The members of the answer, as a JSON object: each is found somewhere, or is the HMAC of what is found.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reply_json: BTreeMap<String, Replied>,
    /// Whether the question is verified like a webhook before it is answered. Without it: a POST is, a GET or HEAD is not. What is
    /// answered with the secret must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// How a question by GET or HEAD is verified, where that is not how webhooks are: for example with `"signed":"{query}"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Box<Verify>>,
}

/// How a question is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asking {
    /// By POST, where webhooks come.
    #[default]
    Post,
    /// By GET, and by HEAD.
    Get,
    /// By HEAD.
    Head,
}

impl Asking {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    fn is_post(&self) -> bool {
        *self == Self::Post
    }
}

/// A member of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Replied {
    /// What is found here.
    Found(String),
    /// The HMAC of what is found, with the secret that webhooks are verified with.
    Keyed(Keyed),
}

/// An HMAC of something that is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyed {
    /// Where what is hashed is.
    pub hmac: String,
    /// The hash.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How it is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before it, like `sha256=`.
    #[serde(default)]
    pub prefix: String,
}

/// What a question is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: a 200 is enough.
    Nothing,
    /// Plain text.
    Text(String),
    /// JSON.
    Json(String),
}

/// Where something is.
enum Place<'a> {
    Body(&'a str),
    Query(&'a str),
    Header(&'a str),
}

impl<'a> Place<'a> {
    fn of(written: &'a str) -> Self {
        match (written.strip_prefix("query:"), written.strip_prefix("header:")) {
            (Some(name), _) => Self::Query(name),
            (_, Some(name)) => Self::Header(name),
            _ => Self::Body(written),
        }
    }
}

/// A question as it came.
struct Question<'r, 'a> {
    request: &'r Signed<'a>,
    body: Option<Item<'r>>,
}

impl<'r> Question<'r, '_> {
    /// What is there, as a text; what is there twice is nothing.
    fn word(&self, written: &str) -> Result<Option<Cow<'r, str>>, Unmapped> {
        let word = match Place::of(written) {
            Place::Body(pointer) => self.body.map_or(Ok(None), |body| body.word(pointer))?,
            Place::Query(name) => {
                let query = self.request.query.unwrap_or_default().as_bytes();
                let mut found = form_urlencoded::parse(query).filter(|(said, _)| said == name).map(|(_, value)| value);
                found.next().filter(|_| found.next().is_none())
            }
            Place::Header(name) => {
                let value = (self.request.headers)(&name.to_ascii_lowercase());
                value.and_then(|value| std::str::from_utf8(value).ok()).map(Cow::from)
            }
        };
        match &word {
            Some(word) if word.len() > limits::CHALLENGE_BYTES => {
                let at = format!("`{written}`");
                Err(Unmapped::TooLong { at, bytes: word.len(), limit: limits::CHALLENGE_BYTES })
            }
            _ => Ok(word.filter(|word| !word.is_empty())),
        }
    }

    fn needed(&self, written: &str) -> Result<Cow<'r, str>, Unmapped> {
        self.word(written)?.ok_or_else(|| Unmapped::Missing { at: format!("`{written}`") })
    }

    fn has(&self, written: &str, values: &[Value]) -> bool {
        match Place::of(written) {
            Place::Body(pointer) => self.body.is_some_and(|body| finds(&body, pointer, values)),
            _ => matches!(self.word(written), Ok(Some(word))
                if values.is_empty() || values.iter().any(|value| value.as_str() == Some(&word))),
        }
    }
}

impl Challenge {
    /// Checks what can be checked without the portal's other settings.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        let wrong = |why: &str| Err(Invalid::new("challenge", why));
        let is_post = self.method == Asking::Post;
        if is_post && self.when.is_empty() {
            return wrong("`when` names nothing: every body would be one");
        }
        if self.reply.is_some() && !self.reply_json.is_empty() {
            return wrong("there are reply and reply_json; one of the two");
        }
        if self.reply.is_none() && self.reply_json.is_empty() && self.method != Asking::Head {
            return wrong("there is no answer: reply or reply_json");
        }
        for (written, values) in &self.when {
            if let Place::Body(pointer) = Place::of(written) {
                check_values("challenge", &BTreeMap::from([(pointer.to_owned(), values.clone())]))?;
            } else if !values.iter().all(Value::is_string) {
                return wrong(&format!("`{written}` is a text; its values are texts"));
            }
        }
        let replied = self.reply_json.values().map(|replied| match replied {
            Replied::Found(written) => written,
            Replied::Keyed(keyed) => &keyed.hmac,
        });
        for written in self.when.keys().chain(&self.token).chain(&self.reply).chain(replied) {
            match Place::of(written) {
                Place::Body(_) if !is_post => {
                    return wrong(&format!("`{written}`: a GET has no body; it is query:NAME or header:NAME"));
                }
                Place::Body(_) if !self.is_verified() => {
                    return wrong(&format!(
                        "`{written}`: no body is read before it is verified; it is query:NAME or header:NAME"
                    ));
                }
                Place::Body(pointer) => check_in_event("challenge", pointer)?,
                Place::Query("") => return wrong("`query:` names no parameter"),
                Place::Header(name) => super::verify::check_header("challenge", name)?,
                Place::Query(_) => {}
            }
        }
        if let Some(verify) = &self.verify {
            verify.check_signing(&["{body}", "{query}", "{url}"])?;
            if !self.is_verified() {
                return wrong("there is `verify`, and it is not verified");
            }
            if is_post {
                return wrong("`verify` is for questions by GET and HEAD; those by POST are verified like webhooks");
            }
        }
        Ok(())
    }

    /// Checks it beside how webhooks are verified, which its answer may be made with.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_beside(&self, webhooks: &Verify) -> Result<(), Invalid> {
        let wrong = |why: &str| Err(Invalid::new("challenge", why));
        if !self.is_keyed() {
            return Ok(());
        }
        let by = self.verify_by(webhooks);
        if webhooks.is_by_public_key() {
            return wrong("no answer is made with a public key: there is no secret");
        }
        if webhooks.keeps_digest() {
            return wrong("no answer is made with a secret of which only the digest is kept");
        }
        if !self.is_verified() || by.keeps_digest() {
            return wrong(
                "what is answered with the secret must be signed: otherwise anybody could have anything signed",
            );
        }
        if self.method != Asking::Post && !by.signs_query() {
            return wrong(
                "what is answered with the secret must be signed: `verify` with {query} or {url} in `signed`",
            );
        }
        let of_body = |place: &str| matches!(Place::of(place), Place::Body(_));
        let covered = self.reply_json.values().all(|replied| match replied {
            Replied::Found(_) => true,
            Replied::Keyed(keyed) if of_body(&keyed.hmac) => by.signs_body(),
            Replied::Keyed(keyed) => matches!(Place::of(&keyed.hmac), Place::Query(_)) && by.signs_query(),
        });
        if covered { Ok(()) } else { wrong("what is answered with the secret is not in what is signed") }
    }

    /// Whether its answer is made with the secret.
    pub fn is_keyed(&self) -> bool {
        self.reply_json.values().any(|replied| matches!(replied, Replied::Keyed(_)))
    }

    /// Whether it is verified before it is answered.
    pub fn is_verified(&self) -> bool {
        self.verified.unwrap_or(self.method == Asking::Post || self.verify.is_some())
    }

    /// How it is verified.
    pub fn verify_by<'a>(&'a self, webhooks: &'a Verify) -> &'a Verify {
        self.verify.as_deref().unwrap_or(webhooks)
    }

    /// Whether this is how it is asked.
    pub fn is_asked_by(&self, method: &str) -> bool {
        match self.method {
            Asking::Post => method == "POST",
            Asking::Get => matches!(method, "GET" | "HEAD"),
            Asking::Head => method == "HEAD",
        }
    }

    /// Whether a request is this question. Nothing is believed of it yet. `body`: read as JSON, of a POST.
    pub fn is_asked(&self, request: &Signed<'_>, body: Option<&Body>) -> bool {
        let question = Question { request, body: body.map(Body::whole) };
        self.is_asked_by(request.method) && self.when.iter().all(|(place, values)| question.has(place, values))
    }

    /// What is said where the token should be.
    ///
    /// # Errors
    /// What is there instead.
    pub fn token<'r>(&self, request: &'r Signed<'_>, body: Option<&'r Body>) -> Result<Option<Cow<'r, str>>, Unmapped> {
        let question = Question { request, body: body.map(Body::whole) };
        self.token.as_deref().map_or(Ok(None), |place| question.word(place))
    }

    /// The answer. `key`: what the portal's webhooks are signed with; without it an HMAC is only hinted at.
    ///
    /// # Errors
    /// What of the answer is not found.
    pub fn answer(&self, request: &Signed<'_>, body: Option<&Body>, key: Option<&[u8]>) -> Result<Answer, Unmapped> {
        let question = Question { request, body: body.map(Body::whole) };
        if let Some(reply) = &self.reply {
            return Ok(Answer::Text(question.needed(reply)?.into_owned()));
        }
        if self.reply_json.is_empty() {
            return Ok(Answer::Nothing);
        }
        let members = self.reply_json.iter().map(|(name, replied)| {
            let value = match replied {
                Replied::Found(place) => question.needed(place)?.into_owned(),
                Replied::Keyed(keyed) => keyed.of(&question.needed(&keyed.hmac)?, key),
            };
            Ok((name.clone(), value.into()))
        });
        Ok(Answer::Json(Value::Object(members.collect::<Result<_, _>>()?).to_string()))
    }
}

impl Keyed {
    fn of(&self, text: &str, key: Option<&[u8]>) -> String {
        let Some(key) = key else { return format!("{}…", self.prefix) };
        let mac = sign(self.algorithm, key, &[text.as_bytes()]);
        let written = match self.encoding {
            Encoding::Hex => mac.iter().map(|byte| format!("{byte:02x}")).collect(),
            Encoding::Base64 => STANDARD.encode(mac),
        };
        format!("{}{written}", self.prefix)
    }
}

#[cfg(test)]
mod tests;
