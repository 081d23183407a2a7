//! The API's reference of `--dev`, in a real browser.

use crate::{
    browser::Browser,
    cluster::{API_KEY, Cluster},
    http,
};
use serde_json::{Value, json};

/// How many operations the server's own document has.
async fn operations(cluster: &Cluster) -> usize {
    let document = http::ask(cluster.at(0), "GET", "/openapi.json", &[], "").await.expect("the document").json();
    let paths = document["paths"].as_object().expect("paths");
    paths.values().filter_map(Value::as_object).map(serde_json::Map::len).sum()
}

#[tokio::test]
async fn a_developer_reads_what_a_method_takes_and_tries_it_out() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--dev"]).await;
    let bare = http::ask(cluster.at(0), "GET", "/reference", &[], "").await.expect("an answer");
    assert!(bare.status == 308 && bare.headers.contains("location: reference/"), "{} {}", bare.status, bare.headers);
    let count = operations(&cluster).await;
    let browser = Browser::start().await;
    let mut page = browser.opens(&format!("http://{}/reference/", cluster.at(0))).await;
    page.sees(&format!("document.querySelectorAll('.opblock').length === {count}")).await;

    page.clicks(".auth-wrapper .authorize").await;
    page.clicks(".auth-container input").await;
    page.writes(API_KEY).await;
    page.clicks(".auth-btn-wrapper .authorize").await;
    page.clicks(".auth-btn-wrapper .btn-done").await;

    page.clicks("#operations-messages-send .opblock-control-arrow").await;
    page.clicks("#operations-messages-send .try-out__btn").await;
    // The document's examples are filled in.
    page.clicks("#operations-messages-send .execute").await;
    page.reads("#operations-messages-send .live-responses-table tbody .response-col_status", "201").await;
    page.violates_nothing().await;
    let said = cluster.api("GET", "/v1/rooms/general/messages", &json!({})).await.json();
    assert_eq!(
        said["entries"].as_array().and_then(|all| all.last()).map(|last| &last["type"]),
        Some(&json!("message"))
    );
}

#[tokio::test]
async fn without_dev_there_is_no_reference() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    for path in ["/reference", "/reference/", "/"] {
        let answer = http::ask(cluster.at(0), "GET", path, &[], "").await.expect("an answer");
        assert_eq!(answer.status, 404, "{path}");
    }
}
