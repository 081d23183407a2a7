//! Whether the server's webhooks come to the desk: the server is asked to try, again and again.

use super::{desk::Desk, server::Server};
use crate::{log, output};
use hubbub_core::portal::address::{self, Allowed};
use reqwest::{StatusCode, Url};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// The pause between two trials while webhooks do not come.
const SOON: Duration = Duration::from_secs(2);
/// The same while they do: a server may be started again with other options.
const LATER: Duration = Duration::from_secs(15);
/// What the message of a trial says. The desk takes it and does not show it.
pub(super) const TRIAL: &str = "The demo desk looks whether the server reaches it.";

/// Whether webhooks come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Reach {
    /// Nothing has been tried yet.
    #[default]
    Unknown,
    /// They do.
    Reached,
    /// The server does not call the desk's address. `why` is its reason, `add` what it has to be started with.
    Refused { why: String, add: String },
    /// It would, and that does not lead here.
    Unreached { why: String },
    /// The server does not answer, or not as it should.
    Unanswered { why: String },
}

impl Reach {
    /// What the server's answer to a trial says. `url` is where the desk wants its webhooks.
    pub fn of(status: StatusCode, answer: &Value, url: &str) -> Self {
        // It comes to the terminal, too.
        let text = |value: &Value| log::plain(value.as_str().unwrap_or("no reason given")).into_owned();
        if status == StatusCode::NOT_FOUND {
            return Self::Unreached { why: "the server has no such portal any more; start the desk again".into() };
        }
        if !status.is_success() {
            return Self::Unanswered { why: format!("the server answers {status}: {}", text(&answer["detail"])) };
        }
        let call = &answer["calls"][0];
        let to = text(&call["url"]);
        if to != url {
            let why = format!("another desk has taken the portal over, at {to}; start this one again to take it back");
            return Self::Unreached { why };
        }
        if answer["ok"] == true {
            return Self::Reached;
        }
        let why = text(&answer["problem"]);
        match host_to_allow(url) {
            Some(host) if call["status"].is_null() && why.contains("allowed") => {
                Self::Refused { why, add: format!("--portal-allow {host}") }
            }
            _ => Self::Unreached { why },
        }
    }

    /// What the terminal says of it, where it is news after `before`.
    fn news(&self, before: &Self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Reached if *before == Self::Unknown => None,
            Self::Reached => Some("the server's webhooks reach the desk".into()),
            Self::Refused { why, add } => Some(format!(
                "WARNING: no message will arrive here. The server does not call the desk: {why}\n         Start it with {add}; with make: make run ARGS='{add}'"
            )),
            Self::Unreached { why } => {
                Some(format!("WARNING: no message will arrive here. The server does not reach the desk: {why}"))
            }
            Self::Unanswered { why } => Some(format!("WARNING: {why}")),
        }
    }
}

/// The host of a URL, as `--portal-allow` takes it, where it has to be named there to be called.
fn host_to_allow(url: &str) -> Option<String> {
    address::may_call(url, &Allowed::default()).err()?;
    let parsed = Url::parse(url).ok()?;
    Some(parsed.host_str()?.trim_matches(['[', ']']).to_owned())
}

/// Looks again and again, and says in the terminal and on the page what is found.
pub(super) async fn watch(desk: &Desk, server: &Server) {
    loop {
        let now = server.reaches().await;
        let pause = if now == Reach::Reached { LATER } else { SOON };
        if let Some(news) = desk.set_reach(&now).and_then(|before| now.news(&before)) {
            output::notice(news);
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const AT: &str = "http://127.0.0.1:8100/webhook";

    fn of(answer: &Value) -> Reach {
        Reach::of(StatusCode::OK, answer, AT)
    }

    #[test]
    fn a_refused_address_is_told_from_a_desk_that_is_not_there() {
        let tried = |problem: &str| of(&json!({ "ok": false, "problem": problem, "calls": [{ "url": AT }] }));
        let why = address::may_call(AT, &Allowed::default()).unwrap_err().to_string();
        assert_eq!(tried(&why), Reach::Refused { why, add: "--portal-allow 127.0.0.1".into() });
        let why = "cannot connect: tcp connect error: Connection refused".to_owned();
        assert_eq!(tried(&why), Reach::Unreached { why });
        assert_eq!(of(&json!({ "ok": true, "calls": [{ "url": AT, "status": 204 }] })), Reach::Reached);
        let refused = json!({ "ok": false, "problem": "405: not allowed", "calls": [{ "url": AT, "status": 405 }] });
        assert_eq!(of(&refused), Reach::Unreached { why: "405: not allowed".into() });
        let elsewhere = of(&json!({ "ok": true, "calls": [{ "url": "http://127.0.0.1:9/webhook", "status": 204 }] }));
        assert!(matches!(elsewhere, Reach::Unreached { why } if why.contains("another desk")));
        let answered = Reach::of(StatusCode::UNAUTHORIZED, &json!({ "detail": "who are you?" }), AT);
        assert!(matches!(answered, Reach::Unanswered { why } if why.contains("who are you?")));
        let coloured = Reach::of(StatusCode::BAD_GATEWAY, &json!({ "detail": "\u{1b}[2J" }), AT);
        assert!(
            matches!(coloured, Reach::Unanswered { why } if !why.contains('\u{1b}')),
            "nothing commands the terminal"
        );
        let gone = Reach::of(StatusCode::NOT_FOUND, &json!({}), AT);
        assert!(matches!(gone, Reach::Unreached { why } if why.contains("no such portal")));
    }

    #[test]
    fn what_is_to_be_added_is_what_the_option_takes() {
        for (url, host) in [
            (AT, Some("127.0.0.1")),
            ("http://[::1]:8100/webhook", Some("::1")),
            ("http://localhost:8100/webhook", Some("localhost")),
            ("http://desk.example:8100/webhook", Some("desk.example")),
            ("https://10.1.2.3/webhook", Some("10.1.2.3")),
            ("https://desk.example/webhook", None),
        ] {
            let found = host_to_allow(url);
            assert_eq!(found.as_deref(), host, "{url}");
            if let Some(host) = found {
                assert!(address::may_call(url, &Allowed::parse(&host).unwrap()).is_ok(), "{url}");
            }
        }
    }

    #[test]
    fn the_terminal_hears_what_is_new() {
        let refused = Reach::Refused { why: "it is not public".into(), add: "--portal-allow ::1".into() };
        let news = refused.news(&Reach::Unknown).unwrap();
        assert!(news.contains("it is not public") && news.contains("make run ARGS='--portal-allow ::1'"), "{news}");
        assert!(Reach::Reached.news(&Reach::Unknown).is_none() && Reach::Reached.news(&refused).is_some());
    }
}
