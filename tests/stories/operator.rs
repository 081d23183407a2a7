//! The command line for those who run portals, against a real server.

use crate::{
    cluster::{API_KEY, breathe, program},
    desk::Desk,
    support::portal::Mood,
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::time::Instant;

/// What a command prints; it must succeed.
async fn does(desk: &Desk, command: &str) -> String {
    let (done, out, errors) = run(desk, command, API_KEY).await;
    assert!(done, "{command}: {errors}");
    out
}

async fn run(desk: &Desk, command: &str, key: &str) -> (bool, String, String) {
    let server = format!("http://{}", desk.server.at(0));
    let mut arguments: Vec<&str> = command.split(' ').collect();
    arguments.extend(["--server", &server, "--api-key", key]);
    program(&arguments).await
}

#[tokio::test]
async fn portals_are_run_from_a_shell() {
    let desk = Desk::with(json!({ "retry_seconds": [0.05] })).await;
    let files = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    // Made, shown, changed.
    let settings =
        json!({ "verify": { "scheme": "bearer" }, "mapping": { "session": "/s", "text": "/t" } }).to_string();
    let settings = file("settings.json", &settings);
    let secret = file("secret", "a secret of the vendor\n");
    let create = format!(
        "portals create other --url {} --settings {settings} --incoming-secret-file {secret}",
        desk.portal.url()
    );
    let made = does(&desk, &create).await;
    assert!(
        made.contains("/hooks/other") && made.contains("whsec_") && made.contains("a secret of the vendor"),
        "{made}"
    );
    let listed = does(&desk, "portals list").await;
    assert!(listed.starts_with("PORTAL") && listed.contains("other   active"), "{listed}");
    let shown = does(&desk, "portals show other --json").await;
    assert!(!shown.contains("whsec_") && !shown.contains("a secret of"), "{shown}");
    let (done, _, errors) = run(&desk, &create, API_KEY).await;
    assert!(!done && errors.starts_with("hubbub: a portal of this id exists"), "{errors}");
    let again = file("again.json", &shown);
    assert!(does(&desk, &format!("portals configure other --settings {again}")).await.contains("configured"));
    assert!(does(&desk, "portals rotate other outgoing --keep 15m").await.contains("900s"));
    assert!(does(&desk, "portals pause other").await.contains("paused"));
    assert!(does(&desk, "portals list").await.contains("other   paused"));
    assert!(does(&desk, "portals resume other").await.contains("active"));
    let body = file("body.json", r#"{"s":"s9","t":"hi"}"#);
    let dry: Value = serde_json::from_str(&does(&desk, &format!("portals dry-run other {body}")).await).expect("JSON");
    assert!(dry["events"][0]["session"] == "s9" && dry["events"][0]["text"] == "hi", "{dry}");

    // Sessions, and what waits.
    assert!(does(&desk, "sessions open --portal desk --customer ana --id s1").await.contains("s1 is open"));
    does(&desk, "sessions open --portal desk --customer ben --id s2").await;
    desk.portal.is(Mood::Status(500, String::new()));
    desk.says("s1", "ana", "poison").await;
    desk.session_is("s1", "tried", |seen| seen["attempts"].as_array().is_some_and(|all| !all.is_empty())).await;
    let waiting = does(&desk, "deliveries list --portal desk").await;
    assert!(waiting.contains("s1") && waiting.contains("status 500: no") && !waiting.contains("s2"), "{waiting}");
    assert!(does(&desk, "deliveries show s1").await.contains("ATTEMPT"));

    // A dead letter, looked at and sent again.
    desk.portal.is(Mood::Well);
    desk.portal.poisons("poison", 500);
    let began = Instant::now();
    let listed = loop {
        desk.says("s2", "ben", "hi").await;
        let listed = does(&desk, "dead-letters list --portal desk").await;
        if listed.contains("s1") {
            break listed;
        }
        assert!(began.elapsed() < 3 * DEADLINE, "no dead letter: {listed}");
        breathe().await;
    };
    assert!(listed.contains("dead") && listed.contains("while the portal took others"), "{listed}");
    assert!(does(&desk, "dead-letters show --portal desk 1").await.contains("status 500"));
    desk.portal.poisons("poison", 200);
    assert!(does(&desk, "dead-letters replay --portal desk --all").await.starts_with("1 are sent again"));
    desk.takes("s1", &["poison"]).await;
    assert!(does(&desk, "dead-letters replay --portal desk --from 1 --to 9").await.starts_with("0 are"));
    does(&desk, "dead-letters discard --portal desk 1").await;
    let (done, _, errors) = run(&desk, "dead-letters show --portal desk 1", API_KEY).await;
    assert!(!done && errors.contains("no dead letter of this number"), "{errors}");
    assert!(does(&desk, "quarantine list --portal desk").await.starts_with("NUMBER"));
    assert!(does(&desk, "sessions close s1").await.contains("closed"));
    assert!(does(&desk, "sessions list --portal desk --customer ana").await.contains("closed"));

    // What is wrong is said.
    let (done, _, errors) = run(&desk, "portals list", "wrong").await;
    assert!(!done && errors.contains("the API key is not the server's"), "{errors}");
    let (done, _, errors) = program(&["portals", "list", "--server", "http://127.0.0.1:1", "--api-key", "k"]).await;
    assert!(!done && errors.contains("http://127.0.0.1:1 does not answer"), "{errors}");
    let (done, _, errors) = run(&desk, "dead-letters replay --portal desk", API_KEY).await;
    assert!(!done && errors.contains("--all"), "{errors}");
}
