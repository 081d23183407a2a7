use super::{
    event::{Document, Event, TextPart},
    *,
};
use crate::{
    delivery::progress::Picked,
    log::{
        entry::Entry,
        kinds::{Message, SessionState, Text, What},
    },
    model::{
        ids::{Key, RoomId, UserId},
        json::Json,
        seq::Seq,
        time::Timestamp,
    },
    portal::{PortalId, access::Auth, settings::PortalSettings, webhook::About},
};
use serde_json::{Value, json};

mod answers;
mod checks;
mod documents;
mod requests;
mod walks;

/// Somebody's message, and who they are.
pub(super) struct Said {
    entry: Entry,
    customer: UserId,
    info: Option<Json>,
    portal: PortalId,
    vars: BTreeMap<String, String>,
    about: Option<About>,
    pub picked: Picked,
}

impl Said {
    pub fn new(text: &str) -> Self {
        let message = Message::new(Text::parse(text).unwrap(), None, None);
        Self {
            entry: Entry {
                room: RoomId::parse("order-4711").unwrap(),
                seq: Seq::new(3),
                id: uuid::Uuid::from_u128(7),
                from: UserId::parse("ana").unwrap(),
                at: Timestamp(1_769_851_800_123),
                key: Key::parse("k").unwrap(),
                what: What::Message(message),
            },
            customer: UserId::parse("ana").unwrap(),
            info: None,
            portal: PortalId::parse("desk").unwrap(),
            vars: BTreeMap::new(),
            about: None,
            picked: Picked::default(),
        }
    }

    pub fn by(mut self, user: &str) -> Self {
        self.entry.from = UserId::parse(user).unwrap();
        self
    }

    /// It is a change of a message that the portal has by these ids.
    pub fn changes(mut self, externals: &[&str], what: What) -> Self {
        let externals = externals.iter().map(|id| (*id).to_owned()).collect();
        self.about = Some(About { id: uuid::Uuid::from_u128(42), seq: Seq::new(2), externals });
        self.entry.what = what;
        self
    }

    pub fn data(mut self, data: &str) -> Self {
        if let What::Message(message) = &mut self.entry.what {
            message.content.data = Some(Json::trusted(data.into()));
        }
        self
    }

    pub fn info(mut self, info: &Value) -> Self {
        self.info = Some(Json::trusted(info.to_string()));
        self
    }

    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    pub fn external(mut self, id: &str) -> Self {
        self.picked.external = Some(id.into());
        self
    }

    pub fn document(&self) -> Document {
        self.part(None)
    }

    pub fn part(&self, part: Option<TextPart<'_>>) -> Document {
        self.event("message.created").document(&self.picked, part)
    }

    pub fn event<'a>(&'a self, kind: &'a str) -> Event<'a> {
        Event {
            id: "msg_1",
            kind,
            entry: &self.entry,
            about: self.about.as_ref(),
            session_name: "Where is my parcel?",
            state: "open",
            customer: &self.customer,
            customer_info: self.info.as_ref(),
            from_info: None,
            portal: &self.portal,
            vars: &self.vars,
        }
    }
}

pub(super) fn call(call: Value) -> Call {
    serde_json::from_value(call).unwrap_or_else(|why| panic!("{why}"))
}

#[test]
fn pointers_see_the_event_the_session_the_people_and_the_message() {
    let mut said = Said::new("Hi").data(r#"{"n":1.50}"#).info(&json!({ "name": "Ana M.", "tier": 2 }));
    said.picked.refs.insert("contact".into(), "c-1".into());
    let said = said.external("conv 1").var("app", "5f");
    let document = said.document();
    for (pointer, json) in [
        ("/event/id", r#""msg_1""#),
        ("/event/type", r#""message.created""#),
        ("/event/timestamp", r#""2026-01-31T09:30:00.123Z""#),
        ("/session/id", r#""order-4711""#),
        ("/session/external", r#""conv 1""#),
        ("/session/name", r#""Where is my parcel?""#),
        ("/session/state", r#""open""#),
        ("/session/refs/contact", r#""c-1""#),
        ("/customer/id", r#""ana""#),
        ("/customer/name", r#""Ana M.""#),
        ("/customer/info/tier", "2"),
        ("/from/id", r#""ana""#),
        ("/from/kind", r#""customer""#),
        ("/message/id", r#""00000000-0000-0000-0000-000000000007""#),
        ("/message/seq", "3"),
        ("/message/text", r#""Hi""#),
        ("/message/data/n", "1.50"),
        ("/message/part", "1"),
        ("/message/parts", "1"),
        ("/entry/text", r#""Hi""#),
        ("/vars/app", r#""5f""#),
        ("/portal/id", r#""desk""#),
    ] {
        assert_eq!(document.at(pointer), Some(json), "{pointer}");
    }
    let part = said.part(Some(TextPart { text: "H", part: 2, parts: 3 }));
    assert_eq!((part.at("/message/text"), part.at("/message/part")), (Some(r#""H""#), Some("2")));
    let bot = Said::new("x").by("bot");
    let bot = bot.document();
    assert_eq!(
        (bot.at("/from/kind"), bot.at("/from/name"), bot.at("/customer/name")),
        (Some(r#""member""#), Some(r#""bot""#), Some(r#""ana""#))
    );
    assert_eq!((bot.at("/from/label"), document.at("/from/label")), (Some(r#""bot: ""#), None));
    assert_eq!(bot.at("/customer/label"), None);
}

#[test]
fn what_is_empty_is_nothing_where_a_call_asks_whether_there_is_something() {
    let said = Said::new("Hi").data(r#"{"a":"","b":[],"c":{ },"d":0,"e":false,"f":[0]}"#);
    let document = said.document();
    for (pointer, finds) in [
        ("/session/external", false),
        ("/session/refs", false),
        ("/session/refs/x", false),
        ("/message/data/a", false),
        ("/message/data/b", false),
        ("/message/data/c", false),
        ("/message/data/d", true),
        ("/message/data/e", true),
        ("/message/data/f", true),
        ("/session/id", true),
    ] {
        assert_eq!(document.finds(pointer), finds, "{pointer}");
    }
    let mut closed = Said::new("");
    closed.entry.what = What::State(SessionState::Closed);
    assert!(!closed.document().finds("/message"), "a change of state has no message");
}

#[test]
fn settings_without_calls_are_written_as_they_were_before_there_were_any() {
    let json = serde_json::to_value(PortalSettings::default()).unwrap();
    for field in ["auth", "vars", "calls"] {
        assert!(json.get(field).is_none(), "an older instance would not read {field}");
    }
    assert_eq!(PortalSettings::default().auth(), &Auth::StandardWebhooks {});
    let calls = vec![call(json!({ "name": "send" }))];
    let settings = PortalSettings { calls, ..PortalSettings::default() };
    assert_eq!(settings.auth(), &Auth::None {});
}
