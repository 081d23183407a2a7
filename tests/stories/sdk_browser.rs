//! Our own SDK as apps have it: packed, installed into an empty project, built by Vite, and looked at in a real browser.

use crate::{
    browser::{Browser, Page},
    cluster::{Cluster, Instance, breathe, local},
    http,
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};
use tempfile::TempDir;

/// How long npm and Vite may take to begin to serve.
const PATIENCE: u32 = 3;

/// An app with its own server, on a port of its own.
struct App {
    process: Child,
    port: u16,
    _directory: TempDir,
}

impl App {
    /// Packs the SDK, installs it beside what the app has already, and builds the app.
    fn built() -> Self {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let directory = tempfile::tempdir().expect("a directory");
        let at = directory.path();
        let packed = does(&root.join("sdk"), "npm", &["pack", "--silent", "--pack-destination", &at.to_string_lossy()]);
        let app = root.join("tests/sdk/app");
        let from = |name: &str| app.join(name).to_string_lossy().into_owned();
        does(at, "cp", &["-R", &from("package.json"), &from("package-lock.json"), &from("node_modules"), "."]);
        does(at, "cp", &["-R", &from("src/."), "."]);
        let tarball = format!("./{}", packed.lines().last().expect("a file").trim());
        does(at, "npm", &["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", &tarball]);
        does(at, "node_modules/.bin/vite", &["build", "--logLevel", "warn"]);
        let port = crate::support::ports::free_port();
        let process = Command::new(at.join("node_modules/.bin/vite"))
            .args(["preview", "--host", "127.0.0.1", "--strictPort", "--port", &port.to_string()])
            .current_dir(at)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("vite");
        Self { process, port, _directory: directory }
    }

    async fn serves(&self) {
        let began = Instant::now();
        while !http::ask(local(self.port), "GET", "/", &[], "").await.is_ok_and(|answer| answer.status == 200) {
            assert!(began.elapsed() < PATIENCE * DEADLINE, "vite does not serve");
            breathe().await;
        }
    }

    /// The app as this user's, at this instance. Two names of one machine are two origins: nothing is shared between them.
    async fn opens(&self, browser: &Browser, host: &str, user: &str, instance: &Instance) -> Page {
        let (port, server) = (self.port, instance.addr);
        browser.opens(&format!("http://{host}:{port}/?user={user}&server={server}")).await
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn does(at: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(at).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|why| panic!("{program}: {why}"));
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {said}{failed}");
    said.into_owned()
}

/// Waits until the room shows exactly this; what waits to be sent ends in `…`.
async fn shows(page: &mut Page, rows: &[&str]) {
    let now = "JSON.stringify([...document.querySelectorAll('#rows li')].map((item) => item.textContent))";
    page.sees(&format!("{now} === {}", json!(json!(rows).to_string()))).await;
}

async fn says(page: &mut Page, text: &str) {
    page.clicks("#text").await;
    page.writes(text).await;
    page.enters().await;
}

async fn has_connections(instance: &Instance, connections: u64) {
    let began = Instant::now();
    while instance.counter("hubbub_connections").await != connections {
        assert!(began.elapsed() < DEADLINE, "not {connections} connections");
        breathe().await;
    }
}

/// What the log says, in its order, and who said it.
async fn said(cluster: &Cluster) -> Vec<(String, String)> {
    let log = cluster.log("kitchen").await;
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let messages = log.iter().filter(|entry| entry["type"] == "message");
    messages.map(|entry| (word(entry, "from"), word(entry, "text"))).collect()
}

/// Whether no database of this origin has anything in it.
const NOTHING_KEPT: &str = "(async () => {
    const answered = (asked) => new Promise((done, failed) => {
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => failed(asked.error);
    });
    for (const { name } of await indexedDB.databases()) {
        const database = await answered(indexedDB.open(name));
        for (const store of database.objectStoreNames) {
            if (await answered(database.transaction(store).objectStore(store).count())) return false;
        }
        database.close();
    }
    return true;
})()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_offline_comes_once_and_in_order_tabs_share_a_socket_and_log_out_wipes() {
    let mut cluster = Cluster::of_with(2, &["--dev"]).await;
    cluster.room("kitchen", "private", &["ana", "ben"]).await;
    let app = tokio::task::spawn_blocking(App::built).await.expect("an app");
    app.serves().await;
    let browser = Browser::start().await;
    let mut ana = app.opens(&browser, "127.0.0.1", "ana", &cluster.instances[0]).await;
    let mut ben = app.opens(&browser, "localhost", "ben", &cluster.instances[1]).await;
    ana.reads("#state", "connected").await;
    ben.reads("#state", "connected").await;
    says(&mut ana, "zero").await;
    shows(&mut ben, &["zero"]).await;
    shows(&mut ana, &["zero"]).await;

    // Her instance is away; she writes, and her page is loaded anew before it is back.
    cluster.kill(0);
    ana.reads("#state", "connecting").await;
    for text in ["one", "two", "three"] {
        says(&mut ana, text).await;
    }
    shows(&mut ana, &["zero", "one…", "two…", "three…"]).await;
    says(&mut ben, "meanwhile").await;
    shows(&mut ben, &["zero", "meanwhile"]).await;
    ana.reloads().await;
    shows(&mut ana, &["zero", "one…", "two…", "three…"]).await;
    cluster.restart(0).await;
    let all = ["zero", "meanwhile", "one", "two", "three"];
    shows(&mut ana, &all).await;
    shows(&mut ben, &all).await;
    let log = said(&cluster).await;
    assert_eq!(log.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), all);
    let authors: Vec<_> = log.iter().map(|(from, _)| from.as_str()).collect();
    assert_eq!(authors, ["ana", "ben", "ana", "ana", "ana"]);

    // Two tabs, one socket.
    let mut second = app.opens(&browser, "127.0.0.1", "ana", &cluster.instances[0]).await;
    second.reads("#state", "connected").await;
    shows(&mut second, &all).await;
    has_connections(&cluster.instances[0], 1).await;
    says(&mut second, "four").await;
    let all = ["zero", "meanwhile", "one", "two", "three", "four"];
    for page in [&mut ana, &mut second, &mut ben] {
        shows(page, &all).await;
    }
    has_connections(&cluster.instances[0], 1).await;

    // The tab that had it is closed.
    ana.closes().await;
    says(&mut ben, "five").await;
    says(&mut second, "six").await;
    let told = |text: &'static str| format!("document.querySelector('#rows').textContent.includes('{text}')");
    for page in [&mut second, &mut ben] {
        page.sees(&told("five")).await;
        page.sees(&told("six")).await;
    }
    has_connections(&cluster.instances[0], 1).await;

    // What waits when she logs out is gone, and so is all that was kept.
    cluster.kill(0);
    second.reads("#state", "connecting").await;
    says(&mut second, "never").await;
    second.sees(&told("never…")).await;
    second.clicks("#out").await;
    second.sees("document.body.dataset.out === 'yes'").await;
    second.sees(NOTHING_KEPT).await;
    cluster.restart(0).await;
    second.reloads().await;
    second.reads("#state", "connected").await;
    says(&mut second, "seven").await;
    for page in [&mut second, &mut ben] {
        page.sees(&told("seven")).await;
    }
    let mut texts: Vec<_> = said(&cluster).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts.pop().as_deref(), Some("seven"));
    // Who of two was first is nobody's to say.
    texts[6..].sort();
    assert_eq!(texts, [&all[..], &["five", "six"]].concat());
}
