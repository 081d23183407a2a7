//! What `--help` says of methods: all of it comes from the table of methods and the OpenAPI document.

use super::{
    super::table::Table,
    methods::{Body, Callable, Methods},
    schema::Schema,
};
use reqwest::Url;
use std::fmt::Write;

/// How deep members of members are shown.
const DEPTH: usize = 2;

/// All methods, in the chapters of the documents.
pub fn list(methods: &Methods) -> String {
    let width = methods.all.iter().map(|method| method.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for chapter in methods.chapters() {
        let mut of_chapter = methods.all.iter().filter(|method| method.route.tag == chapter).peekable();
        if of_chapter.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "{chapter}:");
        for method in of_chapter {
            let _ = writeln!(text, "  {:width$}  {}", method.name, method.doc.summary);
        }
        text.push('\n');
    }
    let _ = writeln!(text, "Clients alone have, by rpc: {}.", methods.of_clients.join(", "));
    text + EXAMPLES
}

const EXAMPLES: &str = "
What a method takes, with an example: hubbub call METHOD --help. The server is asked that HUBBUB_SERVER names, with the API key of the
file HUBBUB_API_KEY_FILE. Exit codes: 0 done, 1 refused or failed, 2 a wrong call, of which nothing was sent.";

/// One method.
pub fn of(methods: &Methods, method: &Callable) -> String {
    let route = method.route;
    let mut text = format!("{} {}\n", route.verb.word(), route.path);
    if !method.members.is_empty() {
        let mut table = Table::new(["MEMBER", "WHAT", "IN", "ABOUT"].into_iter());
        for member in &method.members {
            let schema = methods.schema(&member.schema);
            let needed = if member.is_needed { ", needed" } else { "" };
            let what = format!("{}{needed}", schema.words());
            table.row([&*member.name, &what, member.place.word(), &member.description].map(Into::into).into_iter());
            within(methods, schema, &member.name, DEPTH, &mut |name, what, about| {
                table.row([name, what, member.place.word().into(), about].into_iter());
            });
        }
        let _ = write!(text, "\n{table}");
    }
    let _ = writeln!(text, "\nExample:\n  {}", example(method));
    let success: Vec<_> = route.success.iter().map(ToString::to_string).collect();
    let _ = write!(text, "\nAnswers {}", success.join(" or "));
    let answered = method.answer.as_ref().map(|answer| methods.schema(answer)).filter(|_| !route.is_silent);
    if let Some(answer) = answered {
        let mut table = Table::new(["MEMBER", "WHAT", "ABOUT"].into_iter());
        within(methods, answer, "", DEPTH - 1, &mut |name, what, about| table.row([name, what, about].into_iter()));
        let _ = write!(text, ". {}\n\n{table}", answer.description());
    } else {
        text.push_str(", and nothing else.\n");
    }
    if !method.doc.more.is_empty() {
        let _ = write!(text, "\n{}\n", method.doc.more);
    }
    text
}

/// Tells of the members of members, with their paths.
fn within(
    methods: &Methods,
    schema: Schema<'_>,
    path: &str,
    depth: usize,
    tell: &mut dyn FnMut(String, String, String),
) {
    if depth == 0 {
        return;
    }
    let (schema, path) = match schema.items() {
        Some(items) => (items, format!("{path}[]")),
        None => (schema, path.to_owned()),
    };
    for property in schema.properties() {
        let own = methods.schema(property.schema);
        let name = if path.is_empty() { property.name.to_owned() } else { format!("{path}.{}", property.name) };
        let needed = if property.is_needed && !path.is_empty() { ", needed" } else { "" };
        tell(name.clone(), format!("{}{needed}", own.words()), own.description());
        within(methods, own, &name, depth - 1, tell);
    }
}

/// A call, as it is typed into a shell.
pub fn example(method: &Callable) -> String {
    let (route, mut words) = (method.route, vec![format!("hubbub call {}", method.name)]);
    words.extend(route.params.iter().map(|param| format!("{}={}", param.name, in_shell(param.example))));
    if route.example.starts_with('?') {
        let url = Url::parse(&format!("http://_/{}", route.example));
        let pairs = url.iter().flat_map(Url::query_pairs);
        words.extend(pairs.map(|(name, value)| format!("{name}={}", in_shell(&value))));
    } else if !route.example.is_empty() {
        words.push(in_shell(route.example));
    }
    if matches!(method.body, Body::Bytes(_)) {
        words.push("--body FILE".into());
    }
    words.join(" ")
}

/// A word, in quotes where a shell would read more into it.
fn in_shell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.,:/+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_can_be_typed() {
        let methods = Methods::read();
        let typed = |name: &str| example(methods.named(name).expect("a method"));
        assert_eq!(typed("send"), r#"hubbub call send room=general '{"from":"ana","text":"hi"}'"#);
        assert_eq!(typed("messages"), "hubbub call messages room=general before=120 limit=50");
        assert_eq!(typed("dry_run"), "hubbub call dry_run portal=desk --body FILE");
        assert_eq!(in_shell("it's"), r"'it'\''s'");
    }

    #[test]
    fn help_says_what_the_table_says() {
        let methods = Methods::read();
        let help = of(&methods, methods.named("change_room").expect("a method"));
        for said in ["PATCH /v1/rooms/{room}", "settings.slow_mode", "1 to 21,600", "settings.members_may.pin", "epoch"]
        {
            assert!(help.contains(said), "{said}: {help}");
        }
        let all = list(&methods);
        assert!(all.starts_with("rooms:\n  create_room ") && all.contains("\nmessages:\n  send "), "{all}");
        assert!(methods.of_clients.contains(&"join"), "{:?}", methods.of_clients);
    }
}
