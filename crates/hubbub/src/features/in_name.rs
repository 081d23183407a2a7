//! Of every route there is: in whose name it acts, and what happens once.

use super::methods;
use crate::chat::methods::{Edge, MethodError, QueryNames, RestBody, RestMethod, RestRequest, RpcMethod, Verb};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A request of a method as its example has it, with this query, with `from` in its body, and with this `Idempotency-Key`.
/// `None`: no request with such a body is read.
fn request<M: RestMethod>(query: Value, from: Option<&str>, key: Option<&str>) -> Option<RestRequest<M>> {
    let parts: Vec<Value> =
        M::ROUTE.params.iter().map(|param| if param.is_number { json!(7) } else { json!("x") }).collect();
    let path = match parts.as_slice() {
        [] => Value::Null,
        [one] => one.clone(),
        _ => json!(parts),
    };
    let mut body: Value = serde_json::from_str(M::ROUTE.example).unwrap_or_else(|_| json!({}));
    body.as_object_mut().expect("an object").remove("from");
    if let Some(from) = from {
        body["from"] = json!(from);
    }
    Some(RestRequest {
        path: read(path),
        query: read(query),
        body: M::Body::read(Bytes::from(body.to_string()), Some("application/json")).ok()?,
        idempotency_key: key.map(|key| key.as_bytes().to_vec()),
    })
}

fn read<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// Methods that write nothing into a log: doing them twice is doing them once.
const KEEP_NOTHING: [&str; 4] = ["typing", "delete_room", "invite", "withdraw_invite"];

/// Runs on every method that REST has and that is no reading.
struct Writes(Vec<&'static str>);

impl<On> Edge<On> for Writes {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        if M::ROUTE.verb == Verb::Get {
            return;
        }
        let (name, names) = (M::NAME, QueryNames::of::<M>());
        if !names.has("from") {
            let refused = names.check(["from"].into_iter()).map_err(|error| error.to_string());
            assert!(refused.is_err_and(|why| why.contains("unknown field `from`")), "{name} acts as the backend");
            return;
        }
        self.0.push(name);
        let nobody = || json!({ "from": "nobody-there" });
        let (by, _) = M::translate(request::<M>(nobody(), None, None).expect(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(by.user.as_str(), "nobody-there", "{name}");
        assert!(!by.is_backend() && !by.is_client(), "{name} acts as {by:?}");
        let in_body = request::<M>(json!({}), Some("somebody"), None)
            .unwrap_or_else(|| panic!("{name} takes no `from` in its body"));
        assert_eq!(M::translate(in_body).unwrap_or_else(|error| panic!("{name}: {error}")).0.user.as_str(), "somebody");
        let both = M::translate(request::<M>(nobody(), Some("somebody"), None).expect(name));
        let why = both.err().map(|error: MethodError| error.to_string());
        assert_eq!(why.as_deref(), Some("from: not the same in query and body"), "{name}");
        // Whoever acts on a room in somebody's name writes an entry, and may have to send it again.
        assert!(M::ROUTE.idempotency_key || KEEP_NOTHING.contains(&name), "{name} heeds no Idempotency-Key");
    }
}

#[test]
fn what_is_done_in_somebodys_name_is_never_done_as_the_backend() {
    let mut writes = Writes(Vec::new());
    methods(&mut writes);
    for name in ["send", "edit", "react", "unpin", "change_room", "put_member", "put_members", "remove_member", "mute"]
    {
        assert!(writes.0.contains(&name), "{name} is not done in somebody's name: {:?}", writes.0);
    }
}

/// Runs on every method that heeds an `Idempotency-Key`.
struct Keyed(Vec<&'static str>);

impl<On> Edge<On> for Keyed {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        if !M::ROUTE.idempotency_key {
            return;
        }
        self.0.push(M::NAME);
        let query = if QueryNames::of::<M>().has("from") { json!({ "from": "ana" }) } else { json!({}) };
        for (key, why) in
            [("", "Idempotency-Key: empty"), (&*"k".repeat(129), "Idempotency-Key: 129 bytes; the limit is 128")]
        {
            let refused = M::translate(request::<M>(query.clone(), None, Some(key)).expect(M::NAME));
            assert_eq!(refused.err().map(|error| error.to_string()).as_deref(), Some(why), "{}", M::NAME);
        }
    }
}

#[test]
fn a_key_that_is_said_to_be_heeded_is_read() {
    let mut keyed = Keyed(Vec::new());
    methods(&mut keyed);
    assert!(keyed.0.contains(&"set_session_state") && keyed.0.len() > 10, "{:?}", keyed.0);
}

/// Every route of this kind of thing that writes.
struct Written(Vec<(&'static str, bool)>);

impl<On> Edge<On> for Written {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        let writes = M::ROUTE.verb != Verb::Get && !KEEP_NOTHING.contains(&M::NAME);
        if writes && M::ROUTE.path.starts_with("/v1/rooms/") {
            self.0.push((M::NAME, M::ROUTE.idempotency_key));
        }
    }
}

#[test]
fn whatever_writes_into_a_room_heeds_a_key() {
    let mut written = Written(Vec::new());
    methods(&mut written);
    let without: Vec<_> = written.0.iter().filter(|(_, heeds)| !heeds).collect();
    assert!(without.is_empty() && written.0.len() > 10, "{without:?}");
}

/// Every method that is written down where no log says who has asked for it, and of portals every one that writes and is not.
struct Audited(Vec<&'static str>, Vec<&'static str>);

impl<On> Edge<On> for Audited {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        if M::ROUTE.audited {
            assert!(M::ROUTE.verb != Verb::Get, "{} does nothing", M::NAME);
            self.0.push(M::NAME);
        } else if M::ROUTE.tag == "portals" && M::ROUTE.verb != Verb::Get {
            self.1.push(M::NAME);
        }
    }
}

#[test]
fn what_no_log_says_is_written_down() {
    let mut audited = Audited(Vec::new(), Vec::new());
    methods(&mut audited);
    let Audited(kept, others) = audited;
    for name in ["delete_room", "disconnect", "block", "unblock", "steer_session", "delete_portal", "rotate_secret"] {
        assert!(kept.contains(&name), "{name} is not: {kept:?}");
    }
    assert_eq!(others, ["dry_run", "try_portal", "explain_portal"], "what changes nothing");
}
