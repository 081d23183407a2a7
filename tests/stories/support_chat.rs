//! Support chat: customers on whichever instance the balancer chose, a portal whose answers arrive at whichever instance.

use crate::{
    cluster::{Cluster, breathe},
    person::Person,
    support::{
        haproxy::Haproxy,
        nginx::Nginx,
        portal::{Mood, Portal},
    },
    wire::{DEADLINE, Mark, Speech},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

pub const CUSTOMERS: usize = 200;
pub const MESSAGES: usize = 30;
/// POSTs that one instance has on their way at a time.
const CONCURRENCY: usize = 32;
/// How long everything may take until every answer is there: a claim of an instance that was killed lasts 30 s.
pub const ARRIVES_WITHIN: Duration = Duration::from_secs(150);

pub enum Balancer {
    Nginx(Nginx),
    Haproxy(Haproxy),
}

impl Balancer {
    fn addr(&self) -> SocketAddr {
        match self {
            Self::Nginx(nginx) => nginx.addr(),
            Self::Haproxy(haproxy) => haproxy.addr(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    PortalDown,
    Killed,
    RedisCut,
}

/// The portal is made, its sessions are opened.
async fn made(cluster: &Cluster, portal: &Portal) {
    let settings = json!({ "url": portal.url(), "concurrency": CONCURRENCY });
    let made = cluster.api("POST", "/v1/portals", &json!({ "id": "desk", "settings": settings })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = |which: &str| made.json()[which].as_str().expect("a secret").to_owned();
    portal.knows(&[&secret("outgoing_secret")]);
    let instances: Vec<_> = cluster.instances.iter().map(|instance| instance.addr).collect();
    portal.has_agents("desk", &secret("incoming_secret"), &instances);
    for n in 0..CUSTOMERS {
        let new = json!({ "id": format!("s{n}"), "portal": "desk", "customer": format!("c{n}") });
        let opened = cluster.api("POST", "/v1/sessions", &new).await;
        assert_eq!(opened.status, 201, "{}", opened.text);
    }
}

/// Each customer says everything, one thing after another; every other one in Protobuf. `said` counts.
pub fn customers(balancer: &Balancer, said: &Arc<AtomicUsize>) -> JoinSet<Person> {
    let mut customers = JoinSet::new();
    for n in 0..CUSTOMERS {
        let (addr, said) = (balancer.addr(), said.clone());
        let mark = match balancer {
            Balancer::Haproxy(_) if n % 4 < 2 => Mark::Cookie(None),
            _ => Mark::Query(format!("c{n}")),
        };
        let speech = if n % 2 == 0 { Speech::Json } else { Speech::Protobuf };
        customers.spawn(async move {
            let (name, room) = (format!("c{n}"), format!("s{n}"));
            let customer = Person::with_app(&name, addr, None, mark, speech);
            customer.waits_for("a connection", 3 * DEADLINE, |me| me.connections() > 0).await;
            customer.follows(&room).await;
            for message in 0..MESSAGES {
                customer.says(&room, &format!("{name} says {message}")).await;
                said.fetch_add(1, Ordering::Relaxed);
            }
            customer
        });
    }
    customers
}

/// Waits until it is so.
pub async fn until(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < ARRIVES_WITHIN, "never: {what}");
        breathe().await;
    }
}

/// The fault, for the middle third of what is said. An instance that was killed stays so.
async fn happens(fault: Fault, cluster: &mut Cluster, portal: &Portal, said: &AtomicUsize) {
    let all = CUSTOMERS * MESSAGES;
    let reaches = async |part: usize| {
        until(&format!("{part} messages were said"), || said.load(Ordering::Relaxed) >= part).await;
    };
    reaches(all / 3).await;
    match fault {
        Fault::None => {}
        Fault::PortalDown => portal.goes_down().await,
        Fault::Killed => {
            // Each instance delivers as much as it may, and waits for the answers.
            portal.is(Mood::Held);
            until("all deliver", || portal.held() == CONCURRENCY * cluster.instances.len()).await;
            cluster.kill(0);
            until("the killed one hung up", || portal.hung_up() == CONCURRENCY).await;
            portal.is(Mood::Well);
        }
        Fault::RedisCut => cluster.instances.iter().for_each(|one| one.redis.as_ref().expect("a door").cut()),
    }
    let arrived = portal.arrivals().len();
    reaches(all * 2 / 3).await;
    match fault {
        Fault::None | Fault::Killed => {}
        Fault::PortalDown => {
            assert_eq!(portal.arrivals().len(), arrived, "it was down");
            portal.comes_up();
        }
        Fault::RedisCut => cluster.instances.iter().for_each(|one| one.redis.as_ref().expect("a door").mend()),
    }
}

async fn told(balancer: Balancer, mut cluster: Cluster, fault: Fault) {
    let portal = Portal::start().await;
    made(&cluster, &portal).await;
    let (said, began) = (Arc::<AtomicUsize>::default(), Instant::now());
    let talking = customers(&balancer, &said);
    happens(fault, &mut cluster, &portal, &said).await;
    let customers = talking.join_all().await;
    let talked = began.elapsed();
    // Everybody waits for the answer to what they said last, and by the order of the log for all before it.
    let entries = (2 + 2 * MESSAGES) as u64;
    for customer in &customers {
        let room = customer.name.replacen('c', "s", 1);
        let all = |me: &Person| me.with(&room, |followed| followed.position >= entries);
        customer.waits_for("the last answer", ARRIVES_WITHIN, all).await;
    }
    let took = began.elapsed();
    let repeats = verify_portal(&portal);
    if fault == Fault::Killed {
        assert!(repeats >= CONCURRENCY, "what the killed one was delivering came again {repeats} times");
    }
    let alive = cluster.instances.len() - 1;
    for customer in &customers {
        verify_customer(&cluster, alive, customer).await;
    }
    println!(
        "{fault:?}: {} messages said in {talked:.1?}, all {} answers heard after {took:.1?}; {repeats} webhooks came again",
        CUSTOMERS * MESSAGES,
        CUSTOMERS * MESSAGES,
    );
}

/// Every message arrived, first arrivals in order, and what came again was the same. Says how many came again.
fn verify_portal(portal: &Portal) -> usize {
    let (mut last, mut bodies) = (HashMap::<String, u64>::new(), HashMap::new());
    let (mut repeats, arrivals) = (0, portal.arrivals());
    for arrival in &arrivals {
        assert!(arrival.verified == 1 && arrival.signatures == 1, "{arrival:?}");
        if let Some(body) = bodies.get(&arrival.id) {
            assert_eq!(*body, &arrival.body, "the same id with another body");
            repeats += 1;
            continue;
        }
        bodies.insert(arrival.id.clone(), &arrival.body);
        let before = last.insert(arrival.session(), arrival.seq());
        assert!(before.is_none_or(|before| before < arrival.seq()), "{arrival:?} came after {before:?}");
    }
    assert_eq!(bodies.len(), CUSTOMERS * MESSAGES, "ids that arrived");
    repeats
}

/// The log holds each message and its answer once, in order, and the customer has received exactly it.
pub async fn verify_customer(cluster: &Cluster, instance: usize, customer: &Person) {
    let room = customer.name.replacen('c', "s", 1);
    let path = format!("/v1/rooms/{room}/messages?limit=1000");
    let page = cluster.instances[instance].api("GET", &path, &Value::Null).await.json();
    let log = page["entries"].as_array().expect("entries");
    let texts = |of: &str| -> Vec<&str> {
        let by = |entry: &&Value| entry["type"] == "message" && entry["from"] == of;
        log.iter().filter(by).map(|entry| entry["text"].as_str().expect("a text")).collect()
    };
    let said: Vec<String> = (0..MESSAGES).map(|n| format!("{} says {n}", customer.name)).collect();
    let answers: Vec<String> = said.iter().map(|text| format!("re: {text}")).collect();
    assert_eq!(texts(&customer.name), said, "what {} said", customer.name);
    assert_eq!(texts("portal:desk/Ada"), answers, "what {} was answered", customer.name);
    assert_eq!(log.len(), 2 + 2 * MESSAGES, "{room} holds something else");
    customer.with(&room, |followed| {
        assert!(followed.faults.is_empty(), "{}: {:?}", customer.name, followed.faults);
        let from = followed.entries[0]["seq"].as_u64().expect("a seq") as usize;
        assert_eq!(followed.entries, log[from - 1..], "what {} received is not the log", customer.name);
    });
}

pub async fn cluster() -> Cluster {
    Cluster::of_with(3, &["--portal-allow", "127.0.0.1"]).await
}

pub fn addrs(cluster: &Cluster) -> Vec<SocketAddr> {
    cluster.instances.iter().map(|instance| instance.addr).collect()
}

async fn behind_nginx(fault: Fault) {
    let cluster = cluster().await;
    let nginx = Nginx::sticky_before(&addrs(&cluster)).await;
    told(Balancer::Nginx(nginx), cluster, fault).await;
}

async fn behind_haproxy(fault: Fault) {
    let cluster = cluster().await;
    let haproxy = Haproxy::before(&addrs(&cluster)).await;
    told(Balancer::Haproxy(haproxy), cluster, fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_customers_are_answered_though_the_portal_was_down() {
    behind_nginx(Fault::PortalDown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_customers_are_answered_though_redis_was_cut() {
    behind_haproxy(Fault::RedisCut).await;
}

/// The other six, with `HUBBUB_LONG`.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_customers_are_answered_whatever_happens() {
    if std::env::var_os("HUBBUB_LONG").is_none() {
        return;
    }
    for fault in [Fault::None, Fault::Killed, Fault::RedisCut] {
        behind_nginx(fault).await;
    }
    for fault in [Fault::None, Fault::PortalDown, Fault::Killed] {
        behind_haproxy(fault).await;
    }
}
