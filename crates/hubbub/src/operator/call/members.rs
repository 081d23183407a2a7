//! From what stands on the command line to a request: every member to where the route wants it. Nothing is sent here.

use super::{
    super::{Wrong, portals::url_part},
    methods::{Body, Callable, Member, Methods, Place},
};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What is said in a call: values as they were written.
#[derive(Debug, Default)]
pub struct Members(BTreeMap<String, Box<RawValue>>);

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// The body, where its members are it.
    pub body: Option<String>,
}

/// What is given as NAME=VALUE, as JSON: a text needs no quotes.
fn value_of(methods: &Methods, member: &Member, text: &str) -> Result<Box<RawValue>, Wrong> {
    let schema = methods.schema(&member.schema);
    if schema.is_text() {
        let quoted = serde_json::to_string(text).and_then(RawValue::from_string);
        return quoted.map_err(|error| Wrong::new(format!("{}: {error}", member.name)));
    }
    serde_json::from_str(text)
        .map_err(|_| Wrong::new(format!("{}: {} is expected, as JSON", member.name, schema.words())))
}

impl Members {
    /// Those that `parts` say: each NAME=VALUE, an object, or `-` for an object from standard input. What is said last counts.
    ///
    /// # Errors
    /// Names the member.
    pub fn read(
        methods: &Methods,
        method: &Callable,
        parts: &[String],
        mut input: impl FnMut() -> Result<String, Wrong>,
    ) -> Result<Self, Wrong> {
        let mut members = Self::default();
        for part in parts {
            let object = match part.trim_start() {
                "-" => Some(input()?),
                object if object.starts_with('{') => Some(object.to_owned()),
                _ => None,
            };
            if let Some(object) = object {
                let read: BTreeMap<String, Box<RawValue>> =
                    serde_json::from_str(&object).map_err(|error| Wrong::new(format!("a JSON object: {error}")))?;
                members.0.extend(read);
            } else {
                let Some((name, value)) = part.split_once('=') else {
                    return Err(Wrong::new(format!("{part:?}: NAME=VALUE, a JSON object or - is expected")));
                };
                let member = known(method, name)?;
                members.0.insert(name.to_owned(), value_of(methods, member, value)?);
            }
        }
        members.check(methods, method)?;
        Ok(members)
    }

    fn check(&self, methods: &Methods, method: &Callable) -> Result<(), Wrong> {
        for (name, value) in &self.0 {
            let member = known(method, name)?;
            let Ok(value) = serde_json::from_str(value.get()) else { continue };
            if let Some(stranger) = methods.schema(&member.schema).stranger(&value, name) {
                let help = format!("see `hubbub call {} --help`", method.name);
                return Err(Wrong::new(format!("{stranger}: {} has no such member; {help}", method.name)));
            }
        }
        match method.needed().find(|member| !self.0.contains_key(&member.name)) {
            None => Ok(()),
            Some(missing) => {
                let needed = names(method.needed());
                Err(Wrong::new(format!("{}: missing; {} needs {needed}", missing.name, method.name)))
            }
        }
    }

    /// Says something else.
    pub fn put(&mut self, name: &str, value: Box<RawValue>) {
        self.0.insert(name.to_owned(), value);
    }

    /// Whether something is said.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The request.
    ///
    /// # Errors
    /// Where a member cannot stand where it has to.
    pub fn request(&self, method: &Callable) -> Result<Asked, Wrong> {
        let mut path = method.route.path.to_owned();
        let (mut query, mut object) = (Vec::new(), BTreeMap::new());
        for member in &method.members {
            let Some(value) = self.0.get(&member.name) else { continue };
            match member.place {
                Place::Body => drop(object.insert(&*member.name, value)),
                Place::Query => {
                    if let Some(value) = plain(member, value)? {
                        query.push(format!("{}={}", member.name, url_part(&value)));
                    }
                }
                Place::Path => {
                    let value = plain(member, value)?.filter(|value| !value.is_empty());
                    let value = value.ok_or_else(|| Wrong::new(format!("{}: missing", member.name)))?;
                    path = path.replace(&format!("{{{}}}", member.name), &url_part(&value));
                }
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let is_sent = match method.body {
            Body::Members { is_needed } => is_needed || !object.is_empty(),
            Body::None | Body::Bytes(_) => false,
        };
        let body = is_sent.then(|| serde_json::to_string(&object)).transpose();
        Ok(Asked { path, body: body.map_err(|error| Wrong::new(format!("body: {error}")))? })
    }
}

/// A value as it stands in a URL; `None` for null.
fn plain(member: &Member, value: &RawValue) -> Result<Option<String>, Wrong> {
    match value.get().as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'{' | b'[') => Err(Wrong::new(format!("{}: a text or a number is expected", member.name))),
        Some(b'"') => {
            let text = serde_json::from_str(value.get());
            text.map(Some).map_err(|error| Wrong::new(format!("{}: {error}", member.name)))
        }
        _ => Ok(Some(value.get().to_owned())),
    }
}

fn known<'a>(method: &'a Callable, name: &str) -> Result<&'a Member, Wrong> {
    method.member(name).ok_or_else(|| {
        let has = if method.members.is_empty() { "none".into() } else { names(method.members.iter()) };
        let key = if method.route.idempotency_key { "; --key is a flag" } else { "" };
        Wrong::new(format!("{name}: {} has no such member; it has {has}{key}", method.name))
    })
}

fn names<'a>(members: impl Iterator<Item = &'a Member>) -> String {
    members.map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, parts: &[&str]) -> Result<Asked, String> {
        let methods = Methods::read();
        let method = methods.named(method).expect("a method");
        let parts: Vec<_> = parts.iter().map(|&part| part.to_owned()).collect();
        let input = || Ok(r#"{"text":"from a pipe"}"#.to_owned());
        let members = Members::read(&methods, method, &parts, input).map_err(|wrong| wrong.to_string())?;
        members.request(method).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn members_go_where_the_route_wants_them_as_they_were_written() {
        for (method, parts, path, body) in [
            (
                "send",
                &["room=kitchen", "from=ana", "text={hi}", "mentions=[\"ben\"]", "thread=7"][..],
                "/v1/rooms/kitchen/messages?from=ana",
                Some(r#"{"mentions":["ben"],"text":"{hi}","thread":7}"#),
            ),
            (
                "send",
                &[r#"{"room":"r","from":"a","data":{"n":12345678901234567890123,"x":1.50}}"#, "-", "from=b"],
                "/v1/rooms/r/messages?from=b",
                Some(r#"{"data":{"n":12345678901234567890123,"x":1.50},"text":"from a pipe"}"#),
            ),
            (
                "react",
                &["room=r", "seq=3", "reaction=👍", "from=ana"],
                "/v1/rooms/r/messages/3/reactions/%F0%9F%91%8D?from=ana",
                None,
            ),
            ("edit", &["room=r", "seq=3"], "/v1/rooms/r/messages/3", Some("{}")),
            ("messages", &["room=a/b?", "limit=5", "by=a&b"], "/v1/rooms/a%2Fb%3F/messages?limit=5&by=a%26b", None),
            ("reactions", &[r#"{"room":"r","seq":3,"after":null}"#], "/v1/rooms/r/messages/3/reactions", None),
            ("portals", &[], "/v1/portals", None),
        ] {
            assert_eq!(asked(method, parts), Ok(Asked { path: path.into(), body: body.map(Into::into) }));
        }
    }

    #[test]
    fn what_is_wrong_is_named_before_anything_is_sent() {
        for (method, parts, why) in [
            ("send", &["room=r", "from=a", "txt=hi"][..], "txt: send has no such member; it has room, "),
            ("send", &[r#"{"room":"r","from":"a","key":"k"}"#], "key: send has no such member; it has room, "),
            ("pin", &["room=r"], "seq: missing; pin needs room, seq"),
            ("mute", &["room=r", "user=a"], "until: missing; mute needs room, user, until"),
            ("show_room", &["room="], "room: missing"),
            ("show_room", &["room=r", "[1]"], "\"[1]\": NAME=VALUE, a JSON object or - is expected"),
            ("show_room", &["{\"room\":"], "a JSON object: EOF"),
            ("pin", &["room=r", "seq=first"], "seq: number is expected, as JSON"),
            ("messages", &[r#"{"room":["r"]}"#], "room: a text or a number is expected"),
            ("change_room", &["room=r", r#"settings={"slow_mod":3}"#], "settings.slow_mod: change_room has no such"),
            ("put_members", &["room=r", r#"members=[{"usr":"a"}]"#], "members[0].usr: put_members has no such"),
            ("portals", &["limit=3"], "limit: portals has no such member; it has none"),
        ] {
            let wrong = asked(method, parts).expect_err("wrong");
            assert!(wrong.starts_with(why), "{method} {parts:?}: {wrong}");
        }
        assert!(asked("send", &["key=k"]).expect_err("wrong").ends_with("; --key is a flag"));
        assert!(!asked("show_room", &["key=k"]).expect_err("wrong").contains("--key"));
    }
}
