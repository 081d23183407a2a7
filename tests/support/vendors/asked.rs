//! What a vendor is asked, and what it answers.

use axum::http::request::Parts;
use serde_json::Value;
use std::collections::BTreeMap;

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// The path, still encoded.
    pub path: String,
    /// Its parts, decoded.
    pub parts: Vec<String>,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// The bodies of webhooks that come of it.
    pub hooks: Vec<String>,
    /// What agents answer: in the order of a conversation, again until it is taken.
    pub by_agents: Vec<(String, String)>,
}

impl Asked {
    pub(super) fn new(head: &Parts, body: &[u8]) -> Self {
        let path = head.uri.path().to_owned();
        let header = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        Self {
            method: head.method.to_string(),
            parts: path.split('/').skip(1).map(|part| decoded(part, false)).collect(),
            path,
            query: fields(head.uri.query().unwrap_or_default()),
            headers: head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), header(value))).collect(),
            body: String::from_utf8(body.to_vec()).expect("UTF-8"),
        }
    }

    /// The parts of the path.
    pub fn parts(&self) -> Vec<&str> {
        self.parts.iter().map(String::as_str).collect()
    }

    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body, if it says that it is JSON and is.
    pub fn json(&self) -> Option<Value> {
        let said = self.header("content-type").split(';').next() == Some("application/json");
        said.then(|| serde_json::from_str(&self.body).ok()).flatten()
    }

    /// The body, if it says that it is a form.
    pub fn form(&self) -> Option<BTreeMap<String, String>> {
        let said = self.header("content-type").split(';').next() == Some("application/x-www-form-urlencoded");
        said.then(|| fields(&self.body))
    }

    /// The token of a bearer.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization").strip_prefix("Bearer ")
    }

    /// User and password.
    pub fn basic(&self) -> Option<(String, String)> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let pair = STANDARD.decode(self.header("authorization").strip_prefix("Basic ")?).ok()?;
        let (user, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { headers: vec![("content-type", "application/json".into())], ..Self::text(status, &body.to_string()) }
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self { status, headers: vec![], body: body.to_owned(), hooks: vec![], by_agents: vec![] }
    }

    pub fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.push((header, value.to_owned()));
        self
    }

    /// A webhook comes of it.
    pub fn hooks(mut self, body: String) -> Self {
        self.hooks.push(body);
        self
    }
}

/// The fields of a form.
pub(super) fn fields(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name, true), decoded(value, true))).collect()
}

fn decoded(text: &str, plus: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).expect("two digits");
                bytes.push((digit() * 16 + digit()) as u8);
            }
            b'+' if plus => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// A form of these fields.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}
