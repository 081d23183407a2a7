//! `hubbub call`, as it is typed into a shell, against a real server.

use crate::{
    cluster::{API_KEY, Cluster},
    messages_refusals::soon,
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::{path::Path, process::Stdio};
use tokio::{io::AsyncWriteExt, process::Command};

/// A shell that knows where the server is, and the file with its key.
struct Shell {
    server: Cluster,
    files: tempfile::TempDir,
}

/// What a line came to.
struct Typed {
    code: Option<i32>,
    out: String,
    errors: String,
}

impl Shell {
    async fn new() -> Self {
        let files = tempfile::tempdir().expect("a directory");
        let server = Cluster::laptop(files.path()).await;
        std::fs::write(files.path().join("api-key"), format!("{API_KEY}\n")).expect("a file");
        Self { server, files }
    }

    async fn pipes(&self, input: &str, line: &str) -> Typed {
        let program = Path::new(env!("CARGO_BIN_EXE_hubbub")).parent().expect("its directory").display().to_string();
        let path = format!("{program}:{}", std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh")
            .args(["-c", line])
            .current_dir(self.files.path())
            .env("PATH", path)
            .env("HUBBUB_SERVER", format!("http://{}", self.server.at(0)))
            .env("HUBBUB_API_KEY_FILE", "api-key")
            .env_remove("HUBBUB_API_KEY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a shell");
        let mut stdin = shell.stdin.take().expect("its input");
        // Who does not read may have gone away.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let ended = tokio::time::timeout(6 * DEADLINE, shell.wait_with_output()).await;
        let ended = ended.unwrap_or_else(|_| panic!("{line}: it does not end")).expect("its output");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Typed { code: ended.status.code(), out: text(ended.stdout), errors: text(ended.stderr) }
    }

    /// What a call prints; it must succeed.
    async fn calls(&self, call: &str) -> String {
        let typed = self.pipes("", &format!("hubbub call {call}")).await;
        assert_eq!(typed.code, Some(0), "{call}: {}", typed.errors);
        assert_eq!(typed.errors, "", "{call}");
        typed.out
    }

    /// The same, as JSON.
    async fn answers(&self, call: &str) -> Value {
        serde_json::from_str(&self.calls(call).await).expect("JSON")
    }

    /// The same, one JSON to a line.
    async fn lists(&self, call: &str) -> Vec<Value> {
        self.calls(call).await.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// A call that ends with this exit code and prints nothing but errors that have all of these.
    async fn fails(&self, call: &str, code: i32, says: &[&str]) {
        let typed = self.pipes("", &format!("hubbub call {call}")).await;
        assert_eq!((typed.code, &*typed.out), (Some(code), ""), "{call}: {}", typed.errors);
        assert!(says.iter().all(|word| typed.errors.contains(word)), "{call}: {}", typed.errors);
    }

    async fn head(&self) -> u64 {
        self.server.log("kitchen").await.len() as u64
    }
}

#[tokio::test]
async fn a_room_is_lived_in_from_a_shell() {
    let shell = Shell::new().await;
    let people = r#"[{"user":"ana","role":"admin"},{"user":"ben"},{"user":"mo","role":"moderator"}]"#;
    let made =
        shell.answers(&format!("create_room id=kitchen kind=private name='Our kitchen' members='{people}'")).await;
    assert_eq!((&made["id"], &made["name"]), (&json!("kitchen"), &json!("Our kitchen")));

    // Said once, however often it is typed.
    let soup = "send room=kitchen from=ana text='Soup = ready' mentions='[\"ben\"]' --key order-4711";
    let sent = shell.answers(soup).await;
    assert_eq!(shell.answers(soup).await, sent);
    let seq = sent["seq"].as_u64().expect("a seq");
    shell.fails("send room=kitchen from=ana text=Salad --key order-4711", 1, &["(conflict)"]).await;
    let reply = r#"{"room":"kitchen","from":"ben","thread":1,"text":"x"}"#;
    let first = shell.pipes(reply, &format!("hubbub call send - thread={seq}")).await;
    assert_eq!(first.code, Some(0), "{}", first.errors);
    for text in ["second", "third"] {
        shell.answers(&format!("send room=kitchen from=mo thread={seq} in_room=true text={text}")).await;
    }
    let replies = shell.lists(&format!("thread room=kitchen seq={seq} limit=1 --all")).await;
    let texts: Vec<_> = replies.iter().map(|reply| reply["text"].as_str().expect("a text")).collect();
    assert_eq!(texts, ["x", "second", "third"]);
    // Numbers come back as they were written.
    let number = "12345678901234567890123.50";
    let sent = shell.answers(&format!("send room=kitchen from=ben data='{{\"n\":{number}}}'")).await;
    assert!(shell.calls(&format!("message room=kitchen seq={}", sent["seq"])).await.contains(number));

    // Changed, reacted to, pinned.
    shell.answers(&format!("edit room=kitchen seq={seq} from=ana text='Soup is ready'")).await;
    shell.fails(&format!("edit room=kitchen seq={seq} from=ben text=Salad"), 1, &["(not_author)"]).await;
    for (who, reaction) in [("ana", "🍲"), ("ben", "🍲"), ("ben", "a/b?")] {
        shell.answers(&format!("react room=kitchen seq={seq} reaction='{reaction}' from={who}")).await;
    }
    shell.answers(&format!("unreact room=kitchen seq={seq} reaction=🍲 from=ana")).await;
    let reactions = shell.lists(&format!("reactions room=kitchen seq={seq} limit=1 --all")).await;
    let mut seen: Vec<_> = reactions.iter().map(|one| (one["reaction"].as_str(), one["user"].as_str())).collect();
    seen.sort_unstable();
    assert_eq!(seen, [(Some("a/b?"), Some("ben")), (Some("🍲"), Some("ben"))]);
    shell.fails(&format!("pin room=kitchen seq={seq} from=ben"), 1, &["(not_moderator)"]).await;
    shell.answers(&format!("pin room=kitchen seq={seq} from=mo")).await;
    assert_eq!(shell.lists("pins room=kitchen --all").await[0]["text"], "Soup is ready");
    shell.answers(&format!("unpin room=kitchen seq={seq}")).await;
    assert_eq!(shell.lists("pins room=kitchen --all").await, [] as [Value; 0]);

    // Settings, roles, mutes.
    shell
        .answers(r#"change_room room=kitchen name=Kitchen settings='{"frozen":true,"members_may":{"pin":true}}'"#)
        .await;
    shell.fails("send room=kitchen from=ben text=hi", 1, &["(frozen)"]).await;
    shell.answers(r#"change_room room=kitchen '{"settings":{"frozen":false}}' from=ana"#).await;
    shell.answers(&format!("mute room=kitchen user=ben from=mo until={}", soon())).await;
    shell.fails("send room=kitchen from=ben text=hi", 1, &["(muted)"]).await;
    shell.answers("unmute room=kitchen user=ben from=mo").await;
    shell.answers("put_member room=kitchen user=ben role=moderator from=ana").await;
    shell.answers(r#"put_members room=kitchen members='[{"user":"zoe","role":"reader"}]'"#).await;
    let members = shell.lists("members room=kitchen limit=1 --all").await;
    let roles: Vec<_> = members.iter().map(|one| format!("{}:{}", one["user"], one["role"]).replace('"', "")).collect();
    assert_eq!(roles, ["ana:admin", "ben:moderator", "mo:moderator", "zoe:reader"]);
    shell.answers("remove_member room=kitchen user=zoe from=ben").await;
    shell.answers(&format!("delete room=kitchen seq={seq} from=mo")).await;
    let gone = shell.answers(&format!("message room=kitchen seq={seq} by=ana")).await;
    assert!(gone["entries"][0]["gone"] == true && gone["entries"][0]["text"].is_null(), "{gone}");

    // What is read is what REST answers, and all pages together are the log.
    let log = shell.server.log("kitchen").await;
    assert_eq!(shell.lists("history room=kitchen limit=4 --all").await, log);
    assert_eq!(shell.lists("history room=kitchen limit=4 after=5 --all").await, log[5..]);
    let page = shell.server.api("GET", "/v1/rooms/kitchen/messages?limit=1000&by=mo", &Value::Null).await.json();
    assert_eq!(shell.answers("messages room=kitchen limit=1000 by=mo").await, page);
    assert_eq!(json!(shell.lists("messages room=kitchen limit=3 by=mo --all").await), page["entries"]);
    assert_eq!(shell.answers("show_room room=kitchen").await["name"], "Kitchen");
    let rooms = shell.lists("rooms user=mo --all").await;
    assert_eq!((rooms.len(), &rooms[0]["id"]), (1, &json!("kitchen")));
}

#[tokio::test]
async fn a_wrong_call_is_told_so_and_nothing_of_it_is_sent() {
    let shell = Shell::new().await;
    shell.server.room("kitchen", "private", &["ana", "ben"]).await;
    let head = shell.head().await;
    for (call, says) in [
        ("send room=kitchen from=ana txt=hi", &["txt", "from", "text"][..]),
        ("send room=kitchen from=ana text=hi key=k", &["key", "--key"]),
        ("mute room=kitchen user=ben", &["until: missing"]),
        ("send room=kitchen from=ana 'hi there'", &["hi there", "NAME=VALUE"]),
        ("send '[1]'", &["NAME=VALUE"]),
        ("send '{\"room\":'", &["JSON"]),
        ("send -", &["JSON"]),
        ("send room=.. from=ana text=hi", &["dots"]),
        ("pin room=kitchen seq=last", &["seq", "number"]),
        ("change_room room=kitchen settings='{\"slow_made\":3}'", &["settings.slow_made"]),
        ("messages room=kitchen before=3 --all", &["before", "--all"]),
        ("show_room room=kitchen --key k", &["--key"]),
        ("snd room=kitchen", &["snd", "send"]),
        ("join room=kitchen", &["join"]),
        ("dry_run portal=desk --body nowhere.json", &["nowhere.json"]),
        ("show_room room=kitchen --server nowhere", &["--server"]),
    ] {
        shell.fails(call, 2, says).await;
    }
    let without = shell.pipes("", "unset HUBBUB_API_KEY_FILE; hubbub call show_room room=kitchen").await;
    assert!(without.code == Some(2) && without.errors.contains("API key"), "{}", without.errors);
    // What only the server can know is its answer.
    shell.fails("show_room room=nowhere", 1, &["(unknown_room)"]).await;
    shell.fails("mute room=kitchen user=ben until=2020-01-31T10:30:00Z", 1, &["until", "(invalid)"]).await;
    shell.fails("messages room=kitchen limit=1001", 1, &["limit", "1000"]).await;
    shell.fails("show_room room=kitchen --server http://127.0.0.1:1", 1, &["does not answer"]).await;
    assert_eq!(shell.head().await, head, "something was written");
}

#[tokio::test]
async fn the_example_of_every_method_can_be_typed_as_help_prints_it() {
    let shell = Shell::new().await;
    let members = json!([{ "user": "ana", "role": "admin" }, { "user": "ben" }]);
    let room = json!({ "id": "general", "kind": "open", "members": members });
    assert_eq!(shell.server.api("POST", "/v1/rooms", &room).await.status, 201);
    for n in 0..60 {
        let said = json!({ "from": "ana", "text": format!("{n}") });
        assert_eq!(shell.server.api("POST", "/v1/rooms/general/messages", &said).await.status, 201);
    }
    std::fs::write(shell.files.path().join("FILE"), r#"{"sessionId":"order-4711","message":"hi"}"#).expect("a file");
    let listed = shell.calls("").await;
    let mut chapter = "";
    let mut methods = Vec::new();
    for line in listed.lines() {
        match line.strip_prefix("  ").and_then(|line| line.split(' ').next()) {
            Some(method) => methods.push((chapter, method)),
            None => chapter = line.trim_end_matches(':'),
        }
    }
    assert!(methods.len() > 40, "{listed}");
    // What has to be there before others, and what leaves nothing behind.
    methods.sort_by_key(|(_, method)| match *method {
        "create_portal" => 0,
        "open_session" => 1,
        "delete_portal" | "hand_over" | "remove_member" => 3,
        "delete_room" => 4,
        _ => 2,
    });
    for (chapter, method) in methods {
        let help = shell.calls(&format!("{method} --help")).await;
        let example = help.lines().map(str::trim).find(|line| line.starts_with("hubbub call ")).expect("an example");
        // Its time is over; and others need the message.
        let instead = match method {
            "mute" => format!(" until={}", soon()),
            "delete" => " seq=43".to_owned(),
            "invite" => " user=dora".to_owned(),
            "settle_report" => " report=1".to_owned(),
            _ => String::new(),
        };
        let typed = shell.pipes("", &format!("{example}{instead}")).await;
        // Nothing waits at portals, and nothing of theirs was refused.
        let is_known = ["(unknown_", "(nothing_waits)"].iter().any(|code| typed.errors.contains(code));
        let is_of_portals = ["portals", "sessions"].contains(&chapter) && typed.code == Some(1) && is_known;
        assert!(typed.code == Some(0) || is_of_portals, "{example}: {}", typed.errors);
        assert!(!typed.errors.contains("(unknown_path)"), "{example}: {}", typed.errors);
    }
}
