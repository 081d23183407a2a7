//! Two hundred customers and a vendor's own API: `two_hundred_customers` of [`crate::support_chat`], with a recipe instead of the
//! native contract.

use crate::{
    cluster::{API_KEY, Cluster, program},
    support::{
        nginx::Nginx,
        vendors::{Mock, chatwoot::Chatwoot},
    },
    support_chat::{self, ARRIVES_WITHIN, Balancer, CUSTOMERS, MESSAGES, addrs, customers, until, verify_customer},
};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

const INBOX: &str = "qEnGxPBmzY9n1cH2";
const SECRET: &str = "kqQmyBzT1hbcHkmbVtYzYpVR";
const RECIPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/portals/chatwoot.json");

async fn made(cluster: &Cluster) -> Mock<Chatwoot> {
    let mut chatwoot = Chatwoot::new(INBOX, SECRET);
    chatwoot.has_agents = true;
    let vendor = Mock::start(chatwoot).await;
    vendor.hooks_to_any(&addrs(cluster), "/hooks/desk");
    let directory = tempfile::tempdir().expect("a directory");
    let secret = directory.path().join("secret");
    std::fs::write(&secret, SECRET).expect("a file");
    let (secret, server) = (secret.display().to_string(), format!("http://{}", cluster.instances[0].addr));
    let (url, inbox) = (format!("url={}", vendor.url()), format!("vars.inbox={INBOX}"));
    let command = [
        "portals",
        "create",
        "desk",
        "--from",
        RECIPE,
        "--set",
        &url,
        "--set",
        &inbox,
        "--incoming-secret-file",
        &secret,
        "--server",
        &server,
        "--api-key",
        API_KEY,
    ];
    let (made, said, complaints) = program(&command).await;
    assert!(made, "{said}{complaints}");
    for n in 0..CUSTOMERS {
        let new = json!({ "id": format!("s{n}"), "portal": "desk", "customer": format!("c{n}") });
        let opened = cluster.api("POST", "/v1/sessions", &new).await;
        assert_eq!(opened.status, 201, "{}", opened.text);
    }
    vendor
}

/// The vendor has every message, first arrivals in order; one contact and one conversation each. Says how many came again.
fn verify_vendor(vendor: &Mock<Chatwoot>) -> usize {
    let chatwoot = vendor.vendor();
    assert_eq!((chatwoot.contacts.len(), chatwoot.conversations.len()), (CUSTOMERS, CUSTOMERS));
    let mut repeats = 0;
    for n in 0..CUSTOMERS {
        let said = chatwoot.said(&format!("s{n}"));
        let (mut first, mut times) = (Vec::new(), HashMap::new());
        for text in said.iter().filter_map(|said| said.strip_prefix("contact: ")) {
            let times = times.entry(text).or_insert(0);
            *times += 1;
            if *times == 1 { first.push(text) } else { repeats += 1 }
        }
        let all: Vec<_> = (0..MESSAGES).map(|message| format!("c{n} says {message}")).collect();
        assert_eq!(first, all, "what s{n} brought");
    }
    repeats
}

/// The vendor is away for a sixth of what is said; with `HUBBUB_LONG` an instance also dies in the middle of its calls.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_customers_are_answered_by_way_of_a_vendors_own_api() {
    let mut cluster = support_chat::cluster().await;
    let balancer = Balancer::Nginx(Nginx::sticky_before(&addrs(&cluster)).await);
    let vendor = made(&cluster).await;
    let (said, began) = (Arc::<AtomicUsize>::default(), Instant::now());
    let talking = customers(&balancer, &said);
    let all = CUSTOMERS * MESSAGES;
    let reaches = async |part: usize| {
        until(&format!("{part} messages were said"), || said.load(Ordering::Relaxed) >= part).await;
    };
    reaches(all / 3).await;
    vendor.goes_down().await;
    reaches(all / 2).await;
    vendor.comes_up();
    reaches(all * 2 / 3).await;
    // A claim of an instance that was killed lasts 30 s.
    if std::env::var_os("HUBBUB_LONG").is_some() {
        cluster.kill(0);
    }
    let people = talking.join_all().await;
    let talked = began.elapsed();
    for customer in &people {
        let room = customer.name.replacen('c', "s", 1);
        let entries = (2 + 2 * MESSAGES) as u64;
        customer
            .waits_for("the last answer", ARRIVES_WITHIN, |me| me.with(&room, |followed| followed.position >= entries))
            .await;
    }
    let took = began.elapsed();
    let repeats = verify_vendor(&vendor);
    let alive = cluster.instances.len() - 1;
    for customer in &people {
        verify_customer(&cluster, alive, customer).await;
    }
    println!(
        "{all} messages said in {talked:.1?}, all answers by way of Chatwoot heard after {took:.1?}; {repeats} messages came again"
    );
}
