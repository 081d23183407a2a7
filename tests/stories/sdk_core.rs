//! Our own SDK in Node, two people on two instances.

use crate::{cluster::Cluster, person::token};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

#[tokio::test]
async fn two_people_with_our_sdk_talk_and_what_one_wrote_while_away_is_there_once_after_a_reload() {
    let mut cluster = Cluster::of(2).await;
    for room in ["general", "kitchen"] {
        cluster.room(room, "private", &["ana", "ben"]).await;
    }
    let (at_ana, at_ben) = (cluster.at(0).to_string(), cluster.at(1).to_string());
    let mut program = Command::new("node")
        .args(["tests/sdk/js/core.js", &at_ana, &token("ana"), &at_ben, &token("ben")])
        .current_dir(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node; `make sdk client` makes what it needs");
    let mut wishes = BufReader::new(program.stdout.take().expect("its output")).lines();
    let mut orders = program.stdin.take().expect("its input");
    let mut done = false;
    while let Some(wish) = tokio::time::timeout(Duration::from_secs(120), wishes.next_line())
        .await
        .expect("it says what it waits for")
        .expect("a line")
    {
        match wish.as_str() {
            "kill" => cluster.kill(1),
            "restart" => cluster.restart(1).await,
            other => done = other == "done",
        }
        if !done {
            orders.write_all(b"done\n").await.expect("it listens");
        }
    }
    assert!(done, "it ended before it was done");
    let log = cluster.log("general").await;
    let said: Vec<_> =
        log.iter().filter(|entry| entry["from"] == "ben").filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(said, ["Which soup?", "one", "two", "three"]);
}
