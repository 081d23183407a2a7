//! `docs/configuration.md` says of settings what the command line and the limits say; `UPDATE_DOCS=1` writes it down.

use super::{Cli, command_line, named};
use clap::{Arg, Args, Command, CommandFactory, FromArgMatches};
use hubbub::{
    config::{Config, SECRET_FILES, Settings},
    server::reload::{changed, fixed},
};
use hubbub_core::limits::{
    CONNECTIONS_MAX, DATA_BYTES, DRAIN_WINDOW, DRAIN_WINDOW_MAX, SECRET_BYTES, SECRET_BYTES_MIN, SECRETS_KEYS,
    SENDS_PER_SECOND_MAX, STRANGERS, TEXT_BYTES, TOKEN_KEYS, USER_LIMIT_MAX,
};
use std::{collections::BTreeSet, fmt::Write, path::Path};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");

/// Settings that are numbers: of what, the least and the most.
const NUMBERS: [(&str, &str, usize, usize); 12] = [
    ("sends-per-second", "sends a second", 1, SENDS_PER_SECOND_MAX),
    ("max-connections", "connections", 1, CONNECTIONS_MAX),
    ("user-connections", "connections", 1, CONNECTIONS_MAX),
    ("user-commands-per-second", "commands a second", 1, USER_LIMIT_MAX),
    ("user-entries-per-second", "entries a second", 1, USER_LIMIT_MAX),
    ("user-rooms-per-hour", "rooms an hour", 1, USER_LIMIT_MAX),
    ("user-people-per-hour", "people an hour", 1, USER_LIMIT_MAX),
    ("user-sessions-per-hour", "sessions an hour", 1, USER_LIMIT_MAX),
    ("hooks-per-second", "webhooks a second", 1, USER_LIMIT_MAX),
    ("strangers-per-address", "connections", 1, STRANGERS),
    ("text-bytes", "bytes", 1, TEXT_BYTES),
    ("data-bytes", "bytes", 1, DATA_BYTES),
];

/// What the other settings can be.
fn words(name: &str) -> Option<String> {
    let secret = || format!("{SECRET_BYTES_MIN} bytes or more, {SECRET_BYTES} advised");
    Some(match name {
        "listen" | "admin-listen" => "address and port; a port alone is one of this machine".into(),
        "base-path" => "slashes, and letters, digits and `-._~` between them".into(),
        "public-url" => "an `https://` or `http://` URL".into(),
        "allowed-origins" => "a list of origins, or `*`".into(),
        "trusted-proxies" => "a list of addresses and networks, not `/0`".into(),
        "tls-cert" | "tls-key" => "a file in PEM; both or neither".into(),
        "drain-window" => {
            format!("`0`, or a number with `s`, `m`, `h` or `d`; at most {} s", DRAIN_WINDOW_MAX.as_secs())
        }
        "store" | "bus" => "a URL as described; SQLite only with the bus `local`".into(),
        "store-password" | "bus-password" => "any text; not percent-encoded".into(),
        "schema" => "a name of small letters, digits and `_`".into(),
        "token-secret" => secret(),
        "api-key" => format!("a list; each {}", secret()),
        "secrets-key" => format!("a list of at most {SECRETS_KEYS}; 32 bytes each, in hexadecimal or base64"),
        "token-public-key" => format!("a list of files in PEM, with at most {TOKEN_KEYS} keys in all"),
        "token-jwks" => "an `https://` URL; with `--dev` and on this machine `http://`, too".into(),
        "token-jwks-ca" => "a file in PEM".into(),
        "config" => "a file in TOML".into(),
        "token-issuer" | "token-audience" => "a list of texts".into(),
        "instance" => "any text".into(),
        "token-audience-claim" => "a claim; with `--token-audience`".into(),
        "token-require" => "a list of claims with their values".into(),
        "token-user-claim" | "token-info-claim" => "a claim that has no meaning of its own".into(),
        "token-max-life" => "a number with `s`, `m`, `h` or `d`; at least 60 s".into(),
        "portal-allow" => "a list of names, addresses and networks".into(),
        "log" => "a level, or a list of targets with levels".into(),
        "log-format" => "`text` or `json`".into(),
        "client-rooms" => "`true` or `false`".into(),
        "dev" => "given or not; in the environment `1` or `0`, in the file `true` or `false`".into(),
        "dev-host" => "a list of names and addresses".into(),
        _ => return None,
    })
}

/// What a setting can be, with its unit and its range.
fn values(name: &str) -> String {
    let number = NUMBERS.iter().find(|(of, ..)| *of == name);
    let number = number.map(|(_, unit, least, most)| format!("{unit}: {least} to {}", grouped(*most)));
    number
        .or_else(|| words(name))
        .unwrap_or_else(|| panic!("say in {} what --{name} can be: NUMBERS or words", file!()))
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// When a change of it holds.
fn when(name: &str, fixed: &BTreeSet<&str>) -> String {
    let when = match (name, fixed.contains(name)) {
        ("config", _) => "its name: restart; what it says: SIGHUP",
        ("tls-cert" | "tls-key", true) => "its name: restart; what is in it: within 10 s",
        ("store-password" | "bus-password", true) => "the file of `…_FILE` or `…-file`: at every dial; else restart",
        (_, true) => "restart",
        (_, false) => "SIGHUP",
    };
    when.to_owned()
}

/// What a flag is for, and its default.
fn help(arg: &Arg) -> (String, Option<String>) {
    let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    match text.split_once(" [default: ") {
        Some((text, default)) => (text.to_owned(), Some(default.trim_end_matches(']').to_owned())),
        None => (text, None),
    }
}

/// Flags, variables and addresses as code.
fn marked(text: &str) -> String {
    let is_code = |word: &str| {
        word.len() > 2
            && (word.starts_with("--") || word.starts_with("HUBBUB_") || word.starts_with('/') || word.contains("://"))
    };
    let mark = |word: &str| {
        let bare = word.trim_start_matches('(');
        let (before, bare) = (&word[..word.len() - bare.len()], bare.trim_end_matches([',', ';', ':', '.', ')']));
        let after = &word[before.len() + bare.len()..];
        if is_code(bare) { format!("{before}`{bare}`{after}") } else { word.to_owned() }
    };
    let words: Vec<_> = text.split(' ').map(mark).collect();
    words.join(" ").replace('|', "\\|")
}

fn settings() -> Command {
    hubbub::config::with_headings(Settings::augment_args(Command::new("serve")))
}

fn name(arg: &Arg) -> &str {
    arg.get_long().expect("a setting is a flag")
}

fn tables() -> String {
    let command = settings();
    let fixed: BTreeSet<_> = fixed().collect();
    let mut headings: Vec<&str> = Vec::new();
    for heading in command.get_arguments().filter_map(Arg::get_help_heading) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    let mut text = String::new();
    for heading in headings {
        let is_limit = heading.contains("[limits]");
        let shown = heading.split(" ([").next().unwrap_or(heading);
        let _ = writeln!(text, "## {shown}\n");
        if is_limit {
            text.push_str("In the file these stand below `[limits]`.\n\n");
        }
        text.push_str(
            "| flag, environment, key | default | values | changed by | what it is for |\n|---|---|---|---|---|\n",
        );
        for arg in command.get_arguments().filter(|arg| arg.get_help_heading() == Some(heading)) {
            let (name, (is_for, default)) = (name(arg), help(arg));
            let variable = arg.get_env().expect("a variable").to_string_lossy().into_owned();
            let file = format!("{variable}_FILE");
            let has_file = SECRET_FILES.contains(&file.as_str());
            let file = if has_file { format!("<br>`{file}`") } else { String::new() };
            let key = match name {
                "config" => String::new(),
                _ if has_file => format!("<br>`{name}`<br>`{name}-file`"),
                _ => format!("<br>`{name}`"),
            };
            let default = match (name, default) {
                ("dev", _) => "`false`".to_owned(),
                (_, Some(default)) => marked(&default),
                (_, None) => "–".to_owned(),
            };
            let _ = writeln!(
                text,
                "| `--{name}`<br>`{variable}`{file}{key} | {default} | {} | {} | {} |",
                values(name),
                when(name, &fixed),
                marked(&is_for),
            );
        }
        text.push('\n');
    }
    text
}

/// What a command takes besides settings: words, then flags.
fn takes(command: &Command, settings: &BTreeSet<String>) -> String {
    let mut takes: Vec<String> = Vec::new();
    let has_all = command.get_arguments().any(|arg| arg.get_long() == Some("store"));
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let value = || arg.get_value_names().map(|names| names.join(" ")).unwrap_or_default();
        match arg.get_long() {
            None => takes.insert(0, format!("`{}`", value())),
            Some("help" | "version") => {}
            // Those that have all settings have them from where `serve` has them.
            Some(long) if has_all && settings.contains(long) => {}
            Some(long) if arg.get_action().takes_values() => takes.push(format!("`--{long} {}`", value())),
            Some(long) => takes.push(format!("`--{long}`")),
        }
    }
    takes.join(", ").replace('|', "\\|")
}

fn commands() -> String {
    let names: BTreeSet<String> = settings().get_arguments().map(|arg| name(arg).to_owned()).collect();
    let whole = named(&[]).expect("the whole");
    let mut text = "| command | takes | does |\n|---|---|---|\n".to_owned();
    let mut rows = |command: &Command, words: &str| {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let takes = match command.get_name() {
            "serve" => "every setting above".to_owned(),
            "check" => format!("every setting above, {}", takes(command, &names)),
            _ => takes(command, &names),
        };
        let _ = writeln!(text, "| `hubbub {words}` | {takes} | {} |", marked(&about));
    };
    // In the order of `hubbub --help`, which a command that was changed keeps and this list does not.
    let order = Cli::command();
    for command in order.get_subcommands().filter_map(|command| whole.find_subcommand(command.get_name())) {
        let inner: Vec<_> = command.get_subcommands().filter(|inner| inner.get_name() != "help").collect();
        match (command.get_name(), inner.is_empty()) {
            // One for each method: docs/protocol.md has them.
            ("call", _) | (_, true) => rows(command, command.get_name()),
            (outer, false) => inner.iter().for_each(|inner| rows(inner, &format!("{outer} {}", inner.get_name()))),
        }
    }
    text
}

/// Variables that are no settings of `serve`.
fn others() -> String {
    fn collect(command: &Command, found: &mut Vec<(String, String)>) {
        for arg in command.get_arguments() {
            let Some(variable) = arg.get_env() else { continue };
            let (is_for, default) = help(arg);
            let own: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
            let default = default.or_else(|| own.first().map(ToString::to_string));
            let default = default.map_or_else(|| "–".to_owned(), |default| marked(&default));
            let row = format!("`--{}` | {default} | {} |", arg.get_long().unwrap_or_default(), marked(&is_for));
            found.push((variable.to_string_lossy().into_owned(), row));
        }
        command.get_subcommands().for_each(|inner| collect(inner, found));
    }
    let mut found = Vec::new();
    collect(&command_line(), &mut found);
    let of_settings: BTreeSet<String> =
        settings().get_arguments().filter_map(|arg| Some(arg.get_env()?.to_string_lossy().into_owned())).collect();
    let mut text = "| variable | flag | default | what it is for |\n|---|---|---|---|\n".to_owned();
    let mut told = BTreeSet::new();
    for (variable, row) in found {
        if !of_settings.contains(&variable) && told.insert(variable.clone()) {
            let _ = writeln!(text, "| `{variable}` | {row}");
        }
    }
    text
}

/// Puts `text` into the part of the document that is marked for it.
fn with_part(document: &str, of: &str, text: &str) -> String {
    let begin = format!("<!-- {of}: written by `UPDATE_DOCS=1 cargo test --workspace --bins document` -->\n");
    let (before, rest) = document.split_once(&begin).expect("the mark of the part");
    let (_, after) = rest.split_once("<!-- end -->\n").expect("the end of the part");
    format!("{before}{begin}\n{}\n\n<!-- end -->\n{after}", text.trim_end())
}

#[test]
fn the_configuration_document_says_what_the_code_says() {
    let document = std::fs::read_to_string(DOCUMENT).expect("docs/configuration.md");
    let right = with_part(&document, "settings", &tables());
    let right = with_part(&right, "commands", &commands());
    let right = with_part(&right, "other variables", &others());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(DOCUMENT, right).expect("docs/configuration.md is written");
    }
    let differs = document.lines().zip(right.lines()).find(|(there, right)| there != right);
    assert!(
        document == right,
        "run `UPDATE_DOCS=1 cargo test --workspace --bins document` and look at the difference: {differs:?}"
    );
}

#[test]
fn a_command_hides_settings_alone() {
    fn own(command: &Command, settings: &BTreeSet<String>, hidden: &mut Vec<String>) {
        let is_own = |arg: &&Arg| arg.is_hide_set() && !arg.get_long().is_some_and(|long| settings.contains(long));
        hidden.extend(command.get_arguments().filter(is_own).map(|arg| format!("{} {arg}", command.get_name())));
        command.get_subcommands().for_each(|inner| own(inner, settings, hidden));
    }
    let (mut hidden, command) = (Vec::new(), settings());
    let names = command.get_arguments().map(|arg| name(arg).to_owned()).collect();
    own(&command_line(), &names, &mut hidden);
    assert!(hidden.is_empty(), "`only` in main.rs hides these from --help: {hidden:?}");
}

#[test]
fn what_the_checklist_has_set_can_be_set() {
    let checklist =
        std::fs::read_to_string(Path::new(DOCUMENT).with_file_name("operating/checklist.md")).expect("the list");
    let whole = named(&[]).expect("the whole");
    let flags: BTreeSet<String> = settings().get_arguments().map(|arg| name(arg).to_owned()).collect();
    let variables = hubbub::config::known_variables(&whole);
    let (mut unknown, mut count) = (Vec::new(), 0);
    for code in checklist.split('`').skip(1).step_by(2) {
        let is_unknown = match code.strip_prefix("--") {
            Some(flag) => !flags.contains(flag),
            None if code.starts_with("HUBBUB_") => !variables.contains(code),
            None => continue,
        };
        count += 1;
        unknown.extend(is_unknown.then_some(code));
    }
    assert!(count > 20 && unknown.is_empty(), "of {count} settings of the checklist these are none: {unknown:?}");
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The configuration that these arguments make, over secrets that are there.
fn resolved(arguments: &[&str]) -> anyhow::Result<Config> {
    let usual = ["serve", "--token-secret", SECRET, "--api-key", SECRET];
    let command = Settings::augment_args(Command::new("serve")).args_override_self(true).mut_args(|arg| arg.env(None));
    let matches = command.try_get_matches_from(usual.iter().chain(arguments))?;
    Settings::from_arg_matches(&matches)?.resolve()
}

#[test]
fn numbers_are_taken_within_the_documented_range_and_not_beyond() {
    for (name, _, least, most) in NUMBERS {
        let flag = format!("--{name}");
        let with = |number: usize| resolved(&[&flag, &number.to_string()]);
        assert!(with(least).is_ok() && with(most).is_ok(), "{flag}: {least} to {most}");
        for beyond in [least - 1, most + 1] {
            let why = with(beyond).err().unwrap_or_else(|| panic!("{flag} {beyond} is taken"));
            assert!(format!("{why:#}").contains(&flag), "{why:#}");
        }
    }
    let window = |seconds: u64| resolved(&["--drain-window", &format!("{seconds}s")]);
    assert!(window(DRAIN_WINDOW_MAX.as_secs()).is_ok() && window(DRAIN_WINDOW_MAX.as_secs() + 1).is_err());
}

#[test]
fn what_help_calls_a_default_is_what_holds_where_nothing_is_said() {
    let config = resolved(&[]).expect("a configuration");
    let on_postgres = resolved(&["--store", "postgres://db/chat"]).expect("a configuration");
    let user = config.limits.user;
    let holds: Vec<(&str, String)> = vec![
        ("listen", config.listen.to_string()),
        ("store", config.store.to_string()),
        ("bus", config.bus.to_string()),
        (
            "schema",
            on_postgres.store.to_string().split_once("schema ").expect("a schema").1.trim_end_matches(')').into(),
        ),
        ("token-user-claim", config.trust.required.user_claim.clone()),
        ("token-audience-claim", config.trust.required.audience_claim.clone()),
        ("token-info-claim", config.trust.required.info_claim.clone()),
        ("hooks-per-second", config.limits.hooks_per_second.to_string()),
        ("drain-window", format!("{}s; with --dev 0", DRAIN_WINDOW.as_secs())),
        ("log", config.log.split(',').next().unwrap_or_default().into()),
        ("user-connections", user.connections.to_string()),
        ("user-commands-per-second", user.commands_per_second.to_string()),
        ("user-entries-per-second", user.entries_per_second.to_string()),
        ("user-rooms-per-hour", user.rooms_per_hour.to_string()),
        ("user-people-per-hour", user.people_per_hour.to_string()),
        ("user-sessions-per-hour", user.sessions_per_hour.to_string()),
        ("client-rooms", config.limits.client_rooms.to_string()),
        ("strangers-per-address", config.strangers_per_address.to_string()),
        ("text-bytes", config.limits.text_bytes.to_string()),
        ("data-bytes", config.limits.data_bytes.to_string()),
    ];
    assert_eq!(config.edge.drain_window, DRAIN_WINDOW);
    let command = settings();
    for (of, holds) in holds {
        let arg = command.get_arguments().find(|arg| name(arg) == of).expect(of);
        assert_eq!(help(arg).1.as_deref(), Some(holds.as_str()), "--{of}");
    }
}

#[test]
fn what_the_document_says_to_restart_for_is_what_a_reload_says_it_of() {
    let directory = tempfile::tempdir().expect("a folder");
    let kept = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    };
    // The example of RFC 8410.
    let key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    let (pem, no_settings) = (kept("key.pem", key), kept("none.toml", ""));
    let other = SECRET.to_uppercase();
    let (postgres, pair) = (["--store", "postgres://db/chat"], ["--tls-cert", "c.pem", "--tls-key", "k.pem"]);
    // A setting, what must stand beside it, and another value than it has there.
    let changes: Vec<(&str, &[&str], &str)> = vec![
        ("listen", &[], "127.0.0.1:9"),
        ("admin-listen", &[], "127.0.0.1:9"),
        ("base-path", &[], "/chat"),
        ("public-url", &[], "https://chat.example.com"),
        ("allowed-origins", &[], "https://app.example.com"),
        ("trusted-proxies", &[], "10.0.0.0/8"),
        ("tls-cert", &pair, "d.pem"),
        ("tls-key", &pair, "l.pem"),
        ("drain-window", &[], "1s"),
        ("store", &[], "postgres://db/chat"),
        ("store-password", &postgres, "x"),
        ("schema", &postgres, "blue"),
        ("bus", &postgres, "redis://redis"),
        ("bus-password", &["--store", "postgres://db/chat", "--bus", "redis://redis"], "x"),
        ("token-secret", &[], &other),
        ("token-public-key", &[], &pem),
        ("token-jwks", &[], "https://id.example.com/keys"),
        ("token-issuer", &[], "x"),
        ("token-audience", &[], "x"),
        ("token-audience-claim", &["--token-audience", "x"], "azp"),
        ("token-require", &[], "scope=chat"),
        ("token-user-claim", &[], "email"),
        ("token-info-claim", &[], "about"),
        ("token-max-life", &[], "1h"),
        ("api-key", &[], &other),
        ("secrets-key", &[], "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        ("portal-allow", &[], "desk.internal"),
        ("instance", &[], "x"),
        ("log", &[], "debug"),
        ("log-format", &[], "json"),
        ("config", &[], &no_settings),
        ("client-rooms", &[], "false"),
        ("dev-host", &["--dev"], "laptop.local"),
    ];
    let says_restart: BTreeSet<_> = fixed().collect();
    let mut tried: BTreeSet<&str> = NUMBERS.iter().map(|(name, ..)| *name).collect();
    let numbers = NUMBERS.iter().map(|(name, ..)| (*name, &[] as &[&str], "7"));
    for (name, beside, value) in numbers.chain(changes) {
        let flag = format!("--{name}");
        let before = resolved(beside).unwrap_or_else(|why| panic!("{beside:?}: {why:#}"));
        let after =
            resolved(&[beside, &[flag.as_str(), value]].concat()).unwrap_or_else(|why| panic!("{flag}: {why:#}"));
        let said: Vec<_> = changed(&before, &after).flatten().copied().collect();
        assert_eq!(said.contains(&name), says_restart.contains(name), "{flag}: a reload says it of {said:?}");
        assert!(says_restart.contains(name) || said.is_empty(), "{flag}: a reload says it of {said:?}");
        tried.insert(name);
    }
    let (plain, dev) = (resolved(&[]).expect("plain"), resolved(&["--dev"]).expect("for trying out"));
    assert!(changed(&plain, &dev).flatten().any(|name| *name == "dev"));
    // An authority is read with the URL it belongs to.
    tried.extend(["dev", "token-jwks-ca"]);
    let command = settings();
    let all: BTreeSet<_> = command.get_arguments().map(name).collect();
    let missing: Vec<_> = all.difference(&tried).collect();
    assert!(missing.is_empty(), "change these here, too: {missing:?}");
    assert!(Path::new(DOCUMENT).exists());
}
