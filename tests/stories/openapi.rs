//! The OpenAPI document, as a linter, generators of clients and a fuzzer understand it: see `tests/openapi/README.md`.

use crate::cluster::{API_KEY, Cluster};
use std::{path::Path, process::Output, time::Duration};
use tokio::process::Command;

fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Runs a program to its end.
async fn run(command: &mut Command, within: Duration) -> Output {
    let output = tokio::time::timeout(within, command.kill_on_drop(true).output()).await;
    output.unwrap_or_else(|_| panic!("{command:?}: not done in {within:?}")).expect("the program")
}

/// What it printed, where all was well.
#[track_caller]
fn printed(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// A server, and its document as it serves it.
async fn serves(directory: &Path) -> Cluster {
    let cluster = Cluster::laptop(directory).await;
    let answer = crate::http::ask(cluster.at(0), "GET", "/openapi.json", &[], "").await.expect("the document");
    std::fs::write(directory.join("openapi.json"), answer.text).expect("a file");
    cluster
}

#[tokio::test]
async fn a_linter_finds_nothing_wrong_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let _cluster = serves(directory.path()).await;
    let redocly = project().join("tests/openapi/node_modules/.bin/redocly");
    let lint = run(
        Command::new(redocly)
            .args(["lint", "--extends=recommended-strict", "openapi.json"])
            .current_dir(directory.path())
            .env("REDOCLY_TELEMETRY", "off"),
        Duration::from_secs(60),
    )
    .await;
    assert!(
        lint.status.success(),
        "{}{}",
        String::from_utf8_lossy(&lint.stdout),
        String::from_utf8_lossy(&lint.stderr)
    );
}

/// With `HUBBUB_LONG`.
#[tokio::test]
async fn clients_that_are_generated_from_it_compile_and_work() {
    if std::env::var_os("HUBBUB_LONG").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let cluster = serves(directory.path()).await;
    let at = |path: &str| directory.path().join(path);
    let mut clients = Command::new(project().join("tests/openapi/clients"));
    printed(&run(clients.arg(at("openapi.json")).arg(at("")), Duration::from_secs(600)).await);

    let tools = project().join(".tools/openapi");
    let mut java = Command::new("java");
    java.args(["-cp", "target/classes:lib/*", "Use"]).current_dir(at("java"));
    let mut python = Command::new(tools.join("venv/bin/python"));
    python.arg(project().join("tests/openapi/python/use.py")).env("PYTHONPATH", at("python"));
    let mut typescript = Command::new("node");
    typescript.arg("built/use.js").current_dir(at("typescript"));
    for (name, program) in [("Java", &mut java), ("Python", &mut python), ("TypeScript", &mut typescript)] {
        let room = format!("by-{name}");
        program.env("HUBBUB_URL", format!("http://{}", cluster.at(0))).env("HUBBUB_KEY", API_KEY).env("ROOM", &room);
        let said = printed(&run(program, Duration::from_secs(60)).await);
        // Who joined comes first.
        assert_eq!(said.trim(), format!("{room} 2 from {name}"));
        let log = cluster.log(&room).await;
        assert_eq!(log[1]["text"], format!("from {name}"), "{log:?}");
    }
}

/// With `HUBBUB_LONG`.
#[tokio::test]
async fn a_fuzzer_gets_no_answer_that_it_does_not_have() {
    if std::env::var_os("HUBBUB_LONG").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let cluster = serves(directory.path()).await;
    cluster.room("general", "open", &["ana", "ben"]).await;
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance";
    let mut fuzzer = Command::new(project().join(".tools/openapi/venv/bin/schemathesis"));
    fuzzer
        .args(["run", &format!("http://{}/openapi.json", cluster.at(0)), "--checks", checks])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--no-color"])
        .args(["--header", &format!("Authorization: Bearer {API_KEY}")])
        .current_dir(directory.path());
    let said = printed(&run(&mut fuzzer, Duration::from_secs(600)).await);
    assert!(said.contains("Test cases:"), "{said}");
}
