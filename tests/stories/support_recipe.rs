//! Two hundred customers and a vendor's own API: `two_hundred_customers` of [`crate::support_chat`], with a recipe instead of the
//! native contract.

use crate::{
    cluster::{API_KEY, Cluster, program},
    person::Person,
    support::{
        nginx::Nginx,
        vendors::{Answer, Mock, chatwoot::Chatwoot},
    },
    support_chat::{self, ARRIVES_WITHIN, Balancer, CUSTOMERS, MESSAGES, addrs, customers, until, verify_customer},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, task::JoinSet};

/// So many calls are under way when an instance is killed: more than two of three may have.
const HELD: usize = 33;
/// Customers who speak at a time where times are measured: what is measured is who waits for whom, and not this machine.
const SPEAKING: usize = 16;
/// Sessions of each kind of poison.
const POISONED: usize = 100;
const INBOX: &str = "qEnGxPBmzY9n1cH2";
const SECRET: &str = "kqQmyBzT1hbcHkmbVtYzYpVR";
const RECIPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/portals/chatwoot.json");

async fn made(cluster: &Cluster, recipe: &str) -> Mock<Chatwoot> {
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
        recipe,
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
    let mut repeats = 0;
    for n in 0..CUSTOMERS {
        let of = chatwoot.conversations.iter().filter(|one| one.source == format!("s{n}")).count();
        assert_eq!(of, 1, "conversations of s{n}");
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
    let vendor = made(&cluster, RECIPE).await;
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
    let is_long = std::env::var_os("HUBBUB_LONG").is_some();
    if is_long {
        vendor.holds("/messages", None, true);
        until("many wait for the answer", || vendor.held() >= HELD).await;
        cluster.kill(0);
        until("the killed one hung up", || vendor.hung_up() > 0).await;
        vendor.lets_go();
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
    assert!(repeats > 0 || !is_long, "nobody was killed in the middle");
    let alive = cluster.instances.len() - 1;
    for customer in &people {
        verify_customer(&cluster, alive, customer).await;
    }
    println!(
        "{all} messages said in {talked:.1?}, all answers by way of Chatwoot heard after {took:.1?}; {repeats} messages came again"
    );
}

/// What customers write whom nobody should notice.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Poison {
    /// The vendor answers 422.
    Refused,
    /// It is sent in many parts.
    Long,
    /// The vendor never answers.
    Hangs,
}

impl Poison {
    fn text(self) -> String {
        match self {
            Self::Refused => "poison that is refused".into(),
            Self::Long => "poison that is long ".repeat(400),
            Self::Hangs => "poison that hangs".into(),
        }
    }

    /// A hundred customers write it, twice each.
    async fn is_written(self, cluster: &Cluster, vendor: &Mock<Chatwoot>) {
        let (before, asked) = (vendor.poisoned(), vendor.times_asked());
        for n in 0..POISONED {
            let (session, customer) = (format!("{self:?}-{n}"), format!("m-{self:?}-{n}"));
            let new = json!({ "id": session, "portal": "desk", "customer": customer });
            assert_eq!(cluster.api("POST", "/v1/sessions", &new).await.status, 201);
            for _ in 0..2 {
                let said = json!({ "from": customer, "text": self.text() });
                let said = cluster.api("POST", &format!("/v1/rooms/{session}/messages"), &said).await;
                assert_eq!(said.status, 201, "{}", said.text);
            }
        }
        match self {
            Self::Long => until("parts arrive", || vendor.times_asked() > asked + 5 * POISONED).await,
            // As many as three instances let hang at a time.
            Self::Refused | Self::Hangs => until("it bites", || vendor.poisoned() >= before + 30).await,
        }
    }
}

/// When a customer began to say something, and when they heard the answer.
struct Told {
    text: String,
    said: Instant,
    heard: Instant,
}

/// Each customer says the next `of` of what they have to say: each thing once the one before was answered.
async fn talk(people: Vec<Person>, of: std::ops::Range<usize>) -> (Vec<Person>, Vec<Told>) {
    let (mut talking, speaking) = (JoinSet::new(), Arc::new(Semaphore::new(SPEAKING)));
    for person in people {
        let (of, speaking) = (of.clone(), speaking.clone());
        talking.spawn(async move {
            let (room, mut told) = (person.name.replacen('c', "s", 1), Vec::new());
            for message in of {
                // In turns: the semaphore is fair.
                let _speaks = speaking.acquire().await.expect("it is open");
                let (text, said) = (format!("{} says {message}", person.name), Instant::now());
                person.says(&room, &text).await;
                let entries = (2 + 2 * (message + 1)) as u64;
                let answered = |me: &Person| me.with(&room, |followed| followed.position >= entries);
                person.waits_for("the answer", ARRIVES_WITHIN, answered).await;
                told.push(Told { text, said, heard: Instant::now() });
            }
            (person, told)
        });
    }
    let (mut people, mut all) = (Vec::new(), Vec::new());
    for (person, told) in talking.join_all().await {
        people.push(person);
        all.extend(told);
    }
    (people, all)
}

/// The 99th of a hundred.
fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() * 99 / 100]
}

/// From the customer to the vendor, and from the agent to the customer.
fn both_ways(vendor: &Mock<Chatwoot>, told: &[Told]) -> [Duration; 2] {
    let first = |all: Vec<(Instant, String)>| -> HashMap<String, Instant> {
        let content = |body: &str| serde_json::from_str::<Value>(body).expect("JSON")["content"].clone();
        all.into_iter().rev().filter_map(|(at, body)| Some((content(&body).as_str()?.to_owned(), at))).collect()
    };
    let (arrived, answered) = (first(vendor.arrivals("/messages")), first(vendor.answers_sent()));
    let there = told.iter().map(|one| arrived[&one.text] - one.said).collect();
    let back = told.iter().map(|one| one.heard - answered[&format!("re: {}", one.text)]).collect();
    [p99(there), p99(back)]
}

/// A hundred customers' messages are refused, a hundred others' are sent in many parts, and a hundred others' make the vendor hang.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_customers_do_not_notice_the_poison_of_others() {
    if std::env::var_os("HUBBUB_LONG").is_none() {
        return;
    }
    let cluster = support_chat::cluster().await;
    let directory = tempfile::tempdir().expect("a directory");
    let recipe = directory.path().join("chatwoot.json");
    let mut settings: Value = serde_json::from_slice(&std::fs::read(RECIPE).expect("a recipe")).expect("JSON");
    let message = settings["calls"].as_array_mut().and_then(|calls| calls.last_mut()).expect("a call");
    (message["text_limit"], message["long_text"]) = (json!(400), json!("split"));
    std::fs::write(&recipe, settings.to_string()).expect("a file");
    let vendor = made(&cluster, &recipe.display().to_string()).await;
    vendor.refuses(&Poison::Refused.text(), Answer::json(422, &json!({ "message": "Content is not allowed" })));
    vendor.hangs_at(&Poison::Hangs.text());
    let mut people = Vec::new();
    for n in 0..CUSTOMERS {
        let name = format!("c{n}");
        let person = cluster.person(&name, n % cluster.instances.len()).await;
        person.follows(&format!("s{n}")).await;
        people.push(person);
    }
    let mut quiet = None;
    let (mut at, each) = (0, [1, 6, 6, 6, 11]);
    // The first time conversations are made.
    let phases = [None, None, Some(Poison::Refused), Some(Poison::Long), Some(Poison::Hangs)];
    assert_eq!(each.iter().sum::<usize>(), MESSAGES);
    for (poison, messages) in phases.into_iter().zip(each) {
        if let Some(poison) = poison {
            poison.is_written(&cluster, &vendor).await;
        }
        let (began, before) = (Instant::now(), vendor.poisoned());
        let (same, told) = talk(people, at..at + messages).await;
        (people, at) = (same, at + messages);
        let is = both_ways(&vendor, &told);
        let was = if poison.is_some() { quiet.unwrap_or(is) } else { is };
        quiet = Some(was);
        let ratio = |n: usize| is[n].as_secs_f64() / was[n].as_secs_f64();
        println!(
            "{poison:?}: {} messages and answers in {:.1?}; p99 to the vendor {:.0?} ({:.2} of without), to the customer {:.0?} ({:.2}); {} refused or hanging meanwhile",
            told.len(),
            began.elapsed(),
            is[0],
            ratio(0),
            is[1],
            ratio(1),
            vendor.poisoned() - before
        );
    }
    assert_eq!(verify_vendor(&vendor), 0, "nothing comes again where nothing has failed");
    for customer in &people {
        verify_customer(&cluster, 0, customer).await;
    }
}
