//! Lists that come in pages.

use super::methods::{Callable, Methods, Place};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// How a method's pages follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// The member of an answer that has what the list is of.
    list: String,
    /// Whether an answer names its `next`; without, the last of the list has a `seq`.
    is_named: bool,
}

/// What a page had, and after what the next one is.
pub struct Page {
    /// What it had, as it came.
    pub items: Vec<Box<RawValue>>,
    /// Where it goes on, if it does.
    pub after: Option<Box<RawValue>>,
}

impl Paging {
    /// That of a method that reads pages.
    pub fn of(methods: &Methods, method: &Callable) -> Option<Self> {
        let after = method.member("after").filter(|after| after.place == Place::Query && method.reads())?;
        let answered = methods.schema(method.answer.as_ref()?).properties();
        let mut lists = answered.iter().filter(|property| methods.schema(property.schema).is_list());
        let list = lists.next().filter(|_| lists.next().is_none())?.name.to_owned();
        let is_named = answered.iter().any(|property| property.name == "next");
        // Without `next`, only a number can be taken from what was listed.
        (is_named || !methods.schema(&after.schema).is_text()).then_some(Self { list, is_named })
    }

    /// Where the first page is, if nobody says.
    pub fn beginning(&self) -> Option<Box<RawValue>> {
        if self.is_named { None } else { RawValue::from_string("0".into()).ok() }
    }

    /// What an answer has.
    ///
    /// # Errors
    /// Where it is not what the document says.
    pub fn page(&self, answer: &str) -> serde_json::Result<Page> {
        #[derive(serde::Deserialize)]
        struct Numbered {
            seq: u64,
        }
        let mut answer: HashMap<String, Box<RawValue>> = serde_json::from_str(answer)?;
        let items: Vec<Box<RawValue>> = match answer.remove(&self.list) {
            Some(list) => serde_json::from_str(list.get())?,
            None => Vec::new(),
        };
        let after = match items.last() {
            _ if self.is_named => answer.remove("next").filter(|next| next.get() != "null"),
            Some(last) => {
                let Numbered { seq } = serde_json::from_str(last.get())?;
                RawValue::from_string(seq.to_string()).map(Some)?
            }
            None => None,
        };
        Ok(Page { items, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_known_by_what_the_document_says_of_them() {
        let methods = Methods::read();
        let paged: Vec<_> = methods.all.iter().filter(|one| Paging::of(&methods, one).is_some()).collect();
        let names: Vec<_> = paged.iter().map(|method| method.name).collect();
        for name in ["messages", "thread", "reactions", "pins", "history", "rooms", "members", "sessions", "refused"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        for name in ["message", "show_room", "portals", "replay_all_refused", "send"] {
            assert!(!names.contains(&name), "{name}: {names:?}");
        }
    }

    #[test]
    fn a_page_says_where_the_next_one_begins() {
        let methods = Methods::read();
        for (method, answer, items, after) in [
            ("members", r#"{"members":[{"user":"a"},{"user":"b"}],"next":"b"}"#, 2, Some(r#""b""#)),
            ("members", r#"{"members":[{"user":"c"}]}"#, 1, None),
            ("messages", r#"{"entries":[{"seq":3},{"seq":7}],"as_of":9}"#, 2, Some("7")),
            ("pins", r#"{"entries":[],"as_of":9}"#, 0, None),
        ] {
            let paging = Paging::of(&methods, methods.named(method).expect("a method")).expect("a list");
            let page = paging.page(answer).expect("a page");
            assert_eq!((page.items.len(), page.after.as_deref().map(RawValue::get)), (items, after), "{answer}");
        }
    }
}
