//! `docs/protocol.md` says of methods what their files say. Run these tests with `UPDATE_DOCS=1` to write it down.

use super::methods;
use crate::chat::methods::{Cost, Edge, RestMethod, RpcMethod};
use hubbub_core::model::{
    access::Role,
    rights::{Act, MembersMay},
};
use std::{collections::BTreeSet, fmt::Write};

/// What the table says, as the document shows it.
#[derive(Default)]
struct Shown {
    rpc: String,
    rest: String,
    pages: Vec<&'static str>,
    names: Vec<&'static str>,
    routes: Vec<(&'static str, &'static str)>,
}

impl<On> Edge<On> for Shown {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {
        let doc = M::DOC;
        let _ = writeln!(self.rpc, "### `{}`\n\n{}\n\n```json\n{}\n```\n", M::NAME, doc.summary, doc.example);
        if !doc.more.is_empty() {
            let _ = writeln!(self.rpc, "{}\n", doc.more);
        }
        if M::COST == Cost::Page {
            self.pages.push(M::NAME);
        }
        self.names.push(M::NAME);
    }

    fn rest<M: RestMethod<On = On>>(&mut self) {
        let route = M::ROUTE;
        if self.rest.is_empty() {
            self.rest.push_str("| request | method | answered | does |\n|---|---|---|---|\n");
        }
        let success: Vec<_> = route.success.iter().map(ToString::to_string).collect();
        let (request, answered) = (format!("{} {}", route.verb.word(), route.path), success.join(", "));
        let example = if route.example.is_empty() { String::new() } else { format!(" `{}`", route.example) };
        let _ = writeln!(self.rest, "| `{request}` | `{}` | {answered} | {}{example} |", M::NAME, M::DOC.summary);
        self.names.push(M::NAME);
        self.routes.push((route.verb.word(), route.path));
    }
}

fn shown() -> Shown {
    let mut shown = Shown::default();
    methods(&mut shown);
    shown
}

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md");

/// Puts `text` into the part of the document that is marked for it.
fn with_part(document: &str, of: &str, text: &str) -> String {
    let begin = format!("<!-- {of}: made from the code by a test, see ARCHITECTURE.md -->\n");
    let (before, rest) = document.split_once(&begin).expect("the mark of the part");
    let (_, after) = rest.split_once("<!-- end -->\n").expect("the end of the part");
    format!("{before}{begin}\n{}\n\n<!-- end -->\n{after}", text.trim_end())
}

/// Who may do what in a room, by role.
fn rights() -> String {
    let mut table = "| | reader | member | moderator | admin |\n|---|---|---|---|---|\n".to_owned();
    let all = |may| MembersMay { pin: may, mention_all: may, invite: may };
    for act in Act::ALL {
        let cells = [Role::Reader, Role::Member, Role::Moderator, Role::Admin].map(|role| {
            let (always, sometimes) = (role >= act.least(all(false)), role >= act.least(all(true)));
            match act.setting() {
                _ if always => "yes".to_owned(),
                Some(setting) if sometimes => format!("`members_may.{setting}`"),
                _ => String::new(),
            }
        });
        let _ = writeln!(table, "| {} | {} |", act.words(), cells.join(" | "));
    }
    table
}

#[test]
fn the_protocol_document_says_what_the_table_of_methods_says() {
    let document = std::fs::read_to_string(DOCUMENT).expect("docs/protocol.md");
    let shown = shown();
    let right = with_part(&document, "methods of rpc", &shown.rpc);
    let right = with_part(&right, "methods of REST", &shown.rest);
    let right = with_part(&right, "rights", &rights());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        // As a whole: another test may read it now.
        let half = format!("{DOCUMENT}.new");
        std::fs::write(&half, right)
            .and_then(|()| std::fs::rename(&half, DOCUMENT))
            .expect("docs/protocol.md is written");
        return;
    }
    assert!(document == right, "run `UPDATE_DOCS=1 cargo test -p hubbub --lib document` and look at the difference");
    let pages = document.lines().find(|line| line.starts_with("One connection may have one page (")).expect("the line");
    for page in shown.pages {
        assert!(pages.contains(&format!("`{page}`")), "{page} is a page: {pages}");
    }
}

#[test]
fn a_name_is_one_operation_and_a_route_is_one_method() {
    let shown = shown();
    let (names, routes): (BTreeSet<_>, BTreeSet<_>) =
        (shown.names.iter().copied().collect(), shown.routes.iter().copied().collect());
    assert_eq!(routes.len(), shown.routes.len(), "{:?}", shown.routes);
    // A name stands there once, or twice in a row where a method has both rpc and REST.
    let mut apart = shown.names.clone();
    apart.dedup();
    assert_eq!(apart.len(), names.len(), "{apart:?}");
}

#[test]
fn what_a_path_has_in_braces_is_described_and_nothing_else() {
    struct Braces;
    impl<On> Edge<On> for Braces {
        fn rpc<M: RpcMethod<On = On>>(&mut self) {}
        fn rest<M: RestMethod<On = On>>(&mut self) {
            let route = M::ROUTE;
            let braces: Vec<_> =
                route.path.split('{').skip(1).map(|part| part.split('}').next().unwrap_or_default()).collect();
            let params: Vec<_> = route.params.iter().map(|param| param.name).collect();
            assert_eq!(params, braces, "{}", route.path);
            assert!(!route.tag.is_empty() && !M::DOC.summary.is_empty() && !route.success.is_empty(), "{}", M::NAME);
        }
    }
    methods(&mut Braces);
}
