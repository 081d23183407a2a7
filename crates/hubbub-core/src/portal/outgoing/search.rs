//! Searches: which part of an answer is meant, and where an event is taken up again whose calls were not all made.

use super::{Call, event::Document, render::filled, template::Fault};
use crate::portal::mapping::{items, raw_at};
use serde_json::value::RawValue;

impl Call {
    /// What the pointers of `found`, `pick` and `message_id` are looked up in: the answer, or of the array at `each` the first item
    /// for which `where` holds, where there is one.
    ///
    /// # Errors
    /// Which template of `where` cannot be filled in.
    pub fn meant<'a>(&self, answer: &'a RawValue, event: &Document) -> Result<Option<&'a RawValue>, Fault> {
        let Some(each) = &self.each else { return Ok(Some(answer)) };
        let Some(list) = raw_at(answer, each).filter(|raw| raw.get().starts_with('[')) else { return Ok(None) };
        let mut wanted = Vec::new();
        for (pointer, template) in &self.matching {
            let text = filled(template, event).map_err(|why| Fault(format!("where, `{pointer}`: {why}")))?;
            wanted.push((pointer, text.unwrap_or_default()));
        }
        let is = |item: &RawValue| wanted.iter().all(|(pointer, text)| written(item, pointer).as_ref() == Some(text));
        Ok(items(list).into_iter().find(|item| is(item)))
    }

    /// Whether it only looks for something: made again it does no harm.
    pub const fn is_search(&self) -> bool {
        self.found.is_some()
    }
}

/// A text, or a number with the digits it was written with.
fn written(item: &RawValue, pointer: &str) -> Option<String> {
    let json = raw_at(item, pointer)?.get();
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).ok(),
        Some(b'{' | b'[') => None,
        _ => Some(json.to_owned()),
    }
}

/// The call that an event is taken up at again when the first `done` of its calls are done: what was looked for just before is
/// looked for again. A call whose answer was lost may have made what the search did not find before it.
pub fn taken_up_at(calls: &[Call], done: usize) -> usize {
    let before = calls.iter().take(done).rev();
    done - before.take_while(|call| call.is_search()).count()
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{Said, call},
        *,
    };
    use serde_json::json;

    fn found(call: &Call, answer: &str) -> Option<String> {
        let answer: &RawValue = serde_json::from_str(answer).unwrap();
        let said = Said::new("hi").var("team", "7");
        call.meant(answer, &said.document()).unwrap().map(|raw| raw.get().to_owned())
    }

    #[test]
    fn the_item_that_belongs_to_the_session_is_meant_wherever_it_stands() {
        let search = call(json!({ "name": "find", "method": "GET", "path": "/c", "each": "/conversations",
            "where": { "/metadata/session": "{/session/id}", "/team": "{/vars/team}" }, "found": "/id", "pick": { "external": "/id" } }));
        let item = |id: u32, session: &str, team: &str| {
            format!(r#"{{"id":{id},"team":{team},"metadata":{{"session":"{session}"}}}}"#)
        };
        let list = |items: &[String]| format!(r#"{{"conversations":[{}]}}"#, items.join(","));
        let (other, team) = (item(1, "order-4712", "7"), item(2, "order-4711", "8"));
        let ours = item(3, "order-4711", "7");
        assert_eq!(found(&search, &list(&[other.clone(), team.clone(), ours.clone()])), Some(ours.clone()));
        assert_eq!(found(&search, &list(&[ours.clone(), item(4, "order-4711", "7")])), Some(ours), "the first");
        assert_eq!(found(&search, &list(&[other, team])), None);
        for nothing in [list(&[]), "{}".into(), r#"{"conversations":{"id":3}}"#.into(), "null".into(), "[]".into()] {
            assert_eq!(found(&search, &nothing), None, "{nothing}");
        }
        let odd =
            [r#"{"metadata":{"session":["order-4711"]},"team":7}"#, r#""order-4711""#, "7"].map(ToOwned::to_owned);
        assert_eq!(found(&search, &list(&odd)), None);
        // Without conditions it is the first, without a list the answer.
        let first = call(json!({ "name": "find", "each": "", "found": "/id", "pick": { "external": "/id" } }));
        assert_eq!(found(&first, r#"[{"id":1},{"id":2}]"#).as_deref(), Some(r#"{"id":1}"#));
        let whole = call(json!({ "name": "find" }));
        assert_eq!(found(&whole, r#"{"id":1}"#).as_deref(), Some(r#"{"id":1}"#));
    }

    #[test]
    fn what_was_looked_for_before_a_call_that_failed_is_looked_for_again() {
        let search = |name: &str| call(json!({ "name": name, "found": "/id", "pick": { "external": "/id" } }));
        let make = |name: &str| call(json!({ "name": name }));
        let calls = [search("a"), make("b"), search("c"), search("d"), make("e"), make("f")];
        let at: Vec<_> = (0..=6).map(|done| taken_up_at(&calls, done)).collect();
        assert_eq!(at, [0, 0, 2, 2, 2, 5, 6]);
    }
}
