//! The agent desk that comes with the program, and the customer at the other end.

use crate::{
    browser::Browser,
    cluster::{API_KEY, Cluster, breathe, ended},
    http,
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Instant,
};
use tempfile::NamedTempFile;

/// The desk, running. It is killed when it is dropped.
pub struct Desk {
    /// Where its page is.
    pub at: SocketAddr,
    process: Child,
    /// What it says in its terminal.
    terminal: NamedTempFile,
}

impl Desk {
    /// Starts one for this server.
    pub fn start(server: SocketAddr) -> Self {
        let at = crate::support::ports::free_addr();
        let terminal = NamedTempFile::new().expect("a file");
        let process = Command::new(env!("CARGO_BIN_EXE_hubbub"))
            .args(["demo-portal", "--listen", &at.to_string(), "--server", &format!("http://{server}")])
            .env("HUBBUB_API_KEY", API_KEY)
            .stdout(terminal.reopen().expect("a file"))
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        Self { at, process, terminal }
    }

    /// What has been said in the terminal.
    pub fn told(&self) -> String {
        std::fs::read_to_string(self.terminal.path()).expect("a file")
    }

    /// It is asked to end, and does.
    pub async fn ends(mut self) {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status().expect("kill");
        assert!(asked.success() && ended(&mut self.process).await.success());
    }

    /// Its page, or another one, asks for something.
    pub async fn posts(&self, path: &str, body: Value, origin: &str) -> u16 {
        let headers = [("content-type", "application/json"), ("origin", origin)];
        http::ask(self.at, "POST", path, &headers, &body.to_string()).await.expect("an answer").status
    }

    /// Waits until what the agent sees is so.
    pub async fn sees(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < 3 * DEADLINE {
            if let Ok(answer) = http::ask(self.at, "GET", "/conversations", &[], "").await {
                let seen = answer.json();
                if is(&seen) {
                    return seen;
                }
                last = answer.text;
            }
            breathe().await;
        }
        panic!("the agent does not see {what}: {last}");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_customer_writes_in_one_window_and_the_agent_answers_in_another() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
    let desk = Desk::start(server.at(0));
    // The server has tried to reach it, of which nothing is shown.
    desk.sees("that it is reached", |seen| seen["reach"] == json!({ "state": "reached" })).await;
    desk.sees("an empty desk", |seen| seen["conversations"] == json!([])).await;
    assert!(!desk.told().contains("WARNING"), "{}", desk.told());
    let ana = server.person("ana", 0).await;
    let opened = ana.calls("open_session", json!({ "portal": "demo" })).await;
    let session = opened["rpc"]["data"]["id"].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned();
    ana.follows(&session).await;
    ana.says(&session, "Where is my parcel?").await;
    let seen = desk.sees("the message", |seen| seen["conversations"][0]["lines"][0]["kind"] == "message.created").await;
    let line = &seen["conversations"][0]["lines"][0];
    assert!(line["text"] == "Where is my parcel?" && line["state"] == "verified" && line["from"] == "ana", "{line}");

    let page = format!("http://{}", desk.at);
    let reply = json!({ "session": session, "text": "On its way", "agent": "Ada" });
    assert_eq!(desk.posts("/reply", reply.clone(), "http://elsewhere.example").await, 403);
    assert_eq!(desk.posts("/reply", reply, &page).await, 202);
    ana.hears(&session, "On its way").await;
    desk.sees("its answer stored", |seen| seen["conversations"][0]["lines"][1]["state"] == "stored").await;

    // What the server refuses is refused until it is sent again, and taken then.
    let early = json!({ "session": "order-7", "text": "It is here", "agent": "Ada" });
    assert_eq!(desk.posts("/reply", early, &page).await, 202);
    let first = |seen: &Value, state: &str| {
        let newest = &seen["conversations"][0];
        newest["session"] == "order-7" && newest["lines"][0]["state"] == state
    };
    let seen = desk.sees("that it is refused", |seen| first(seen, "failed")).await;
    let failed = &seen["conversations"][0]["lines"][0];
    assert!(failed["why"].as_str().is_some_and(|why| why.starts_with("404: ")), "{failed}");
    let opened =
        server.api("POST", "/v1/sessions", &json!({ "portal": "demo", "customer": "ben", "id": "order-7" })).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    let again = json!({ "session": "order-7", "webhook": failed["webhook"] });
    assert_eq!(desk.posts("/again", again.clone(), "http://elsewhere.example").await, 403);
    assert_eq!(desk.posts("/again", again.clone(), &page).await, 202);
    desk.sees("that it is stored now", |seen| first(seen, "stored")).await;
    assert_eq!(desk.posts("/again", again, &page).await, 422, "it did not fail");

    // A page of another name that leads here is told nothing, whatever it asks.
    for (method, path) in
        [("GET", "/conversations"), ("GET", "/events"), ("GET", "/"), ("POST", "/reply"), ("OPTIONS", "/mood")]
    {
        for host in ["rebind.evil", "127.0.0.1.evil:8100", "localhost.evil"] {
            let answer = http::ask_as(desk.at, host, method, path, &[], "{}").await.expect("an answer");
            assert!(answer.status == 403 && !answer.text.contains("parcel"), "{host} {method} {path}: {}", answer.text);
        }
    }
    let shown = http::ask_as(desk.at, "localhost", "GET", "/", &[], "").await.expect("an answer");
    assert!(
        shown.status == 200 && !shown.text.contains("<style") && shown.headers.contains("frame-ancestors 'none'"),
        "{shown:?}"
    );

    // A forged webhook changes nothing, and a desk that fails gets everything once it is well.
    let forged = http::ask(desk.at, "POST", "/webhook", &[("webhook-id", "x")], "{}").await.expect("an answer");
    assert_eq!(forged.status, 401);
    desk.posts("/mood", json!({ "mood": "failing" }), &page).await;
    let late = ana.says(&session, "Hello?").await;
    ana.is_told_that(json!({ "type": "forward_delayed", "room": session, "seq": late.seq })).await;
    desk.posts("/mood", json!({ "mood": "well" }), &page).await;
    ana.is_told_that(json!({ "type": "forwarded", "room": session, "seq": late.seq })).await;
    assert_eq!(desk.posts("/state", json!({ "session": session, "state": "closed" }), &page).await, 204);
    let seen = desk.sees("a closed session", |seen| seen["conversations"][0]["state"] == "closed").await;
    assert!(seen["refused"] == 1 && seen["conversations"][0]["lines"].as_array().map(Vec::len) == Some(4), "{seen}");

    let (content, _, complaints) =
        crate::cluster::program(&["demo-portal", "--listen", "0.0.0.0:0", "--api-key", API_KEY]).await;
    assert!(!content && complaints.contains("--host"), "{complaints}");

    // Another desk takes the portal over.
    drop(desk);
    let desk = Desk::start(server.at(0));
    desk.sees("an empty desk", |seen| seen["conversations"] == json!([])).await;
    ana.calls("open_session", json!({ "portal": "demo" })).await;
    ana.says(&session, "Still there?").await;
    desk.sees("the new message", |seen| seen["conversations"][0]["lines"].to_string().contains("Still there?")).await;
}

#[tokio::test]
async fn a_desk_whose_address_is_not_allowed_says_what_to_add_until_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Cluster::laptop(directory.path()).await;
    let desk = Desk::start(server.at(0));
    let (why, add) = ("url: 127.0.0.1 is not public, and not allowed", "--portal-allow 127.0.0.1");
    let refused = json!({ "state": "refused", "why": why, "add": add });
    desk.sees("why nothing comes", |seen| seen["reach"] == refused).await;
    let told = desk.told();
    let make = format!("make run ARGS='{add}'");
    assert!(told.contains("WARNING") && told.contains(why) && told.contains(&make), "{told}");

    let browser = Browser::start().await;
    let mut agent = browser.opens(&format!("http://{}/", desk.at)).await;
    agent.sees("!document.querySelector('#reach').hidden").await;
    agent.sees(&format!("document.querySelector('#reach').innerText.includes({})", json!(why))).await;
    agent.reads("#reach-option", add).await;
    agent.reads("#reach-make", &make).await;
    for dark in [false, true] {
        agent.is_dark(dark).await;
        for width in [320, 1280] {
            agent.is_sized(width, 800).await;
            let what = format!("warned-{width}-{}", if dark { "dark" } else { "light" });
            agent.is_pictured(&what).await;
            agent.is_for_everybody(&what).await;
        }
    }

    // What the customer says meanwhile is not lost.
    let ana = server.person("ana", 0).await;
    let opened = ana.calls("open_session", json!({ "portal": "demo" })).await;
    let session = opened["rpc"]["data"]["id"].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned();
    ana.follows(&session).await;
    ana.says(&session, "Is anybody there?").await;
    server.stop(0).await;
    desk.sees("that the server is away", |seen| seen["reach"]["state"] == "unanswered").await;
    server.instances[0].arguments.extend(["--portal-allow", "127.0.0.1"].map(String::from));
    server.restart(0).await;
    desk.sees("that it is reached", |seen| seen["reach"] == json!({ "state": "reached" })).await;
    assert!(desk.told().contains("the server's webhooks reach the desk"), "{}", desk.told());
    agent.sees("document.querySelector('#reach').hidden").await;
    desk.sees("the message", |seen| seen["conversations"][0]["lines"].to_string().contains("Is anybody there?")).await;
    agent.sees("document.querySelector('#items').innerText.includes('Is anybody there?')").await;
}
