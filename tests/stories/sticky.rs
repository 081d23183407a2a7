//! Sticky sessions: a customer comes back to the same instance while it is well, and nothing depends on it.

use crate::{
    cluster::{Cluster, breathe},
    fleet::Fleet,
    http,
    support::{haproxy::Haproxy, nginx::Nginx},
    wire::{DEADLINE, Mark, Wire},
};
use futures_util::{StreamExt, stream};
use std::{collections::BTreeMap, net::SocketAddr, process::Command, time::Duration};

const CUSTOMERS: usize = 100;
const RECONNECTS: usize = 10;
/// How many come at a time.
const AT_ONCE: usize = 16;
const PHONES: usize = 48;

/// How customers come: through which balancer, and what it knows them by.
struct Way {
    name: &'static str,
    addr: SocketAddr,
    mark: fn(usize) -> Mark,
}

/// What has become of customers who came again and again.
struct Returns {
    /// How often they came again.
    all: usize,
    /// How often of these to the instance they had been on first.
    same: usize,
    /// How many began on each instance.
    began: BTreeMap<String, usize>,
}

/// Both balancers before a cluster.
struct PublicSide {
    nginx: Nginx,
    haproxy: Haproxy,
}

impl PublicSide {
    async fn before(cluster: &Cluster) -> Self {
        let addrs: Vec<SocketAddr> = cluster.instances.iter().map(|instance| instance.addr).collect();
        Self { nginx: Nginx::sticky_before(&addrs).await, haproxy: Haproxy::before(&addrs).await }
    }

    fn ways(&self) -> [Way; 5] {
        let (nginx, haproxy) = (self.nginx.addr(), self.haproxy.addr());
        let query = |n| Mark::Query(format!("customer-{n}"));
        let header = |n| Mark::Header(format!("customer-{n}"));
        [
            Way { name: "nginx, query", addr: nginx, mark: query },
            Way { name: "nginx, header", addr: nginx, mark: header },
            Way { name: "HAProxy, cookie", addr: haproxy, mark: |_| Mark::Cookie(None) },
            Way { name: "HAProxy, query", addr: haproxy, mark: query },
            Way { name: "HAProxy, header", addr: haproxy, mark: header },
        ]
    }
}

impl Way {
    /// Customers come this way, go, and come again.
    async fn returns(&self, customers: usize) -> Returns {
        let visits = stream::iter(0..customers).map(async |n| {
            let (user, mut mark) = (format!("customer-{n}"), (self.mark)(n));
            let (_, first) = Wire::of_marked(self.addr, &user, &mut mark).await;
            let mut same = 0;
            for _ in 0..RECONNECTS {
                let (_, node) = Wire::of_marked(self.addr, &user, &mut mark).await;
                same += usize::from(node == first);
            }
            (first, same)
        });
        let visits: Vec<(String, usize)> = visits.buffer_unordered(AT_ONCE).collect().await;
        let mut began = BTreeMap::new();
        visits.iter().for_each(|(first, _)| *began.entry(first.clone()).or_default() += 1);
        Returns { all: customers * RECONNECTS, same: visits.iter().map(|(_, same)| same).sum(), began }
    }
}

impl Returns {
    fn percent(&self) -> f64 {
        100.0 * self.same as f64 / self.all as f64
    }
}

#[tokio::test]
async fn whoever_returns_through_a_balancer_comes_to_the_same_instance_while_it_is_well() {
    let cluster = Cluster::of_with(3, &["--trusted-proxies", "127.0.0.1"]).await;
    let edge = PublicSide::before(&cluster).await;
    for way in edge.ways() {
        let returns = way.returns(CUSTOMERS).await;
        let spread: Vec<usize> = returns.began.values().copied().collect();
        println!(
            "{}: {:.1} % of {} reconnects on the same instance; {spread:?} customers on each",
            way.name,
            returns.percent(),
            returns.all
        );
        assert!(returns.percent() >= 99.0, "{}: {:.1} %", way.name, returns.percent());
        // Neither is it one instance that takes all.
        assert!(spread.len() == 3 && spread.iter().all(|on| *on * 10 >= CUSTOMERS), "{}: {spread:?}", way.name);
    }
    // Without a mark they come to any: it is the mark that does it.
    for (name, addr) in [("nginx", edge.nginx.addr()), ("HAProxy", edge.haproxy.addr())] {
        let strangers = Way { name, addr, mark: |_| Mark::None }.returns(CUSTOMERS / 5).await;
        println!("{name}, without a mark: {:.1} %", strangers.percent());
        assert!(strangers.percent() < 70.0, "{name}: {:.1} %", strangers.percent());
    }
}

/// How many phones are on an instance now.
fn on(fleet: &Fleet, node: &str) -> usize {
    fleet.each(|phone| phone.nodes.last().is_some_and(|last| last == node)).into_iter().filter(|on| *on).count()
}

fn label(cluster: &Cluster, n: usize) -> String {
    cluster.at(n).port().to_string()
}

#[tokio::test]
async fn when_an_instance_is_killed_or_drained_its_customers_are_served_elsewhere_and_nothing_is_lost_or_doubled() {
    let mut cluster = Cluster::of_with(3, &["--drain-window", "4s", "--trusted-proxies", "127.0.0.1"]).await;
    let edge = PublicSide::before(&cluster).await;
    let names: Vec<String> = (0..PHONES).map(|n| format!("phone-{n}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    cluster.room("hall", "private", &members).await;
    let ways = edge.ways();
    let people = names.iter().enumerate().map(|(n, name)| {
        let way = &ways[n % ways.len()];
        (name.clone(), vec![way.addr], (way.mark)(n))
    });
    let fleet = Fleet::start_marked(people, "hall", Duration::from_millis(400));
    fleet.are("follow the room and talk", |phone| phone.live && !phone.acknowledged.is_empty()).await;

    let (killed, bystanders) = (label(&cluster, 2), PHONES - on(&fleet, &label(&cluster, 2)));
    assert!((PHONES / 10..PHONES).contains(&bystanders), "{bystanders} of {PHONES} are elsewhere");
    cluster.kill(2);
    fleet
        .are("are served elsewhere", |phone| phone.live && phone.nodes.last().is_some_and(|node| *node != killed))
        .await;
    let moved = fleet.each(|phone| phone.nodes.len() > 1).into_iter().filter(|moved| *moved).count();
    println!("killed: {moved} customers were served elsewhere, {bystanders} stayed");
    assert_eq!(moved, PHONES - bystanders, "only who was there has moved");
    // They go on talking there.
    let said: usize = fleet.each(|phone| phone.acknowledged.len()).into_iter().sum();
    let talks = async {
        while fleet.each(|phone| phone.acknowledged.len()).into_iter().sum::<usize>() < said + 2 * PHONES {
            breathe().await;
        }
    };
    tokio::time::timeout(3 * DEADLINE, talks).await.expect("they go on talking");

    cluster.restart(2).await;
    let (leaving, before) = (label(&cluster, 1), on(&fleet, &label(&cluster, 1)));
    let moves = fleet.each(|phone| phone.nodes.len());
    let refused = fleet.each(|phone| phone.refused);
    assert!(before > 0, "nobody is on the instance that goes");
    cluster.stop(1).await;
    fleet
        .are("are served elsewhere", |phone| phone.live && phone.nodes.last().is_some_and(|node| *node != leaving))
        .await;
    assert_eq!(fleet.each(|phone| phone.refused), refused, "a refusal was not taken to the next instance");
    let moves: Vec<usize> =
        fleet.each(|phone| phone.nodes.len()).into_iter().zip(moves).map(|(after, before)| after - before).collect();
    println!("drained: {before} customers were moved, in {moves:?} reconnects");
    assert_eq!(moves.iter().filter(|moves| **moves > 0).count(), before, "only who was there has moved");
    let told: usize = fleet.each(|phone| phone.closed.iter().filter(|code| **code == 3001).count()).into_iter().sum();
    assert_eq!(told, before, "somebody was cut off instead of being moved");
    assert!(moves.iter().all(|moves| *moves <= 1), "somebody was sent back to the instance that goes: {moves:?}");

    let acknowledged = fleet.verify(async || cluster.log("hall").await).await;
    println!("{acknowledged} acknowledged messages, each once and in order on {PHONES} phones");
    fleet.ends().await;
}

/// The statuses with which a stream is answered, until one is let in, or as long as something holds.
async fn streams(addr: SocketAddr, key: &str, still: impl AsyncFn() -> bool) -> Vec<u16> {
    let (path, mut statuses) = (format!("/connection/http_stream?sticky={key}"), Vec::new());
    while statuses.last() != Some(&200) && still().await {
        // It begins, says that this is no command, and ends.
        statuses.push(http::ask(addr, "POST", &path, &[], "hello").await.expect("an answer").status);
        breathe().await;
    }
    statuses
}

#[tokio::test]
async fn whoever_has_only_streams_is_let_in_elsewhere_while_the_instance_of_the_key_still_goes() {
    let cluster = Cluster::of_with(3, &["--drain-window", "20s", "--trusted-proxies", "127.0.0.1"]).await;
    let edge = PublicSide::before(&cluster).await;
    let (leaving, node) = (cluster.at(1), label(&cluster, 1));
    let mut keys = Vec::new();
    for (name, addr) in [("nginx", edge.nginx.addr()), ("HAProxy", edge.haproxy.addr())] {
        let mut n = 0;
        let theirs = loop {
            let key = format!("customer-{n}");
            if Wire::of_marked(addr, "ana", &mut Mark::Query(key.clone())).await.1 == node {
                break key;
            }
            n += 1;
        };
        keys.push((name, addr, theirs));
    }
    // It takes its time to move these.
    let others: Vec<Wire> = stream::iter(0..40).then(|_| Wire::of(leaving, "ben")).collect().await;
    let is_going = async || {
        let answer = http::ask(leaving, "GET", "/health/ready", &[], "").await;
        answer.is_ok_and(|answer| answer.text.contains("draining"))
    };
    let pid = cluster.instances[1].pid().to_string();
    assert!(Command::new("kill").arg(pid).status().expect("kill").success());
    let begins = async {
        while !is_going().await {
            breathe().await;
        }
    };
    tokio::time::timeout(DEADLINE, begins).await.expect("it begins to go");
    let there = http::ask(leaving, "POST", "/connection/http_stream", &[], "hello").await.expect("an answer");
    assert_eq!(there.status, 503, "it lets nobody in any more");
    for (name, addr, key) in &keys {
        let statuses = streams(*addr, key, &is_going).await;
        println!("{name} had a stream answered {statuses:?}");
        assert_eq!(statuses.last(), Some(&200), "{name}: refused until the instance had gone");
    }
    drop(others);
}
