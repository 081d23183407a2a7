//! What a bus over Postgres' NOTIFY must survive.

use super::{DEADLINE, Endpoint, NOTICED, NOTICED_AT_MOST, all_hear_each_other, until};
use crate::support::{door::Door, postgres::Postgres};
use futures_util::FutureExt;
use hubbub::{
    bus::{self, Bus, BusEvent, Health, PacketBus},
    store::postgres::PostgresStore,
};
use hubbub_core::limits;
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_postgres::{Client, NoTls};

pub(super) fn start(url: &str, namespace: &str) -> PacketBus {
    let listener = PostgresStore::listener(url).expect("a URL");
    let dial = move || {
        let listener = listener.clone();
        async move { listener.dial().await.map_err(|error| error.to_string()) }.boxed()
    };
    bus::postgres::start(Box::new(dial), namespace)
}

/// Somebody who looks at the server.
async fn watcher(postgres: &Postgres) -> Client {
    let (client, connection) = tokio_postgres::connect(&postgres.url(), NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    client
}

async fn number(client: &Client, question: &str) -> i64 {
    client.query_one(question, &[]).await.expect("a number").get(0)
}

async fn dial(namespace: &str) -> Endpoint {
    Endpoint::up(start(&Postgres::shared().url(), namespace)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_swallows_every_dial_does_not_keep_the_next_from_being_found() {
    let hole = TcpSocket::new_v4().expect("a socket");
    hole.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let hole = hole.listen(1).expect("a listener");
    let at = hole.local_addr().expect("an address");
    // Whoever comes once its queue is full gets no answer at all.
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(at)).await {
        queued.push(stream.expect("a connection"));
    }
    let url = Postgres::shared().url().replacen("@127.0.0.1", &format!("@{at},127.0.0.1"), 1);
    assert!(url.contains(&at.to_string()), "{url}");
    let began = Instant::now();
    let mut endpoint = Endpoint::up(start(&url, "suite-hole")).await;
    println!("the second of two servers is found after {:?}", began.elapsed());
    endpoint.says(0, "found");
    endpoint.hears_at_last("found").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_listener_is_made_anew_and_the_loss_is_said() {
    let postgres = Postgres::start(&[]);
    let client = watcher(&postgres).await;
    let mut endpoints =
        [Endpoint::up(start(&postgres.url(), "suite")).await, Endpoint::up(start(&postgres.url(), "suite")).await];
    for round in 0..3 {
        let killed = Instant::now();
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hubbub bus'";
        assert_eq!(client.query(kill, &[]).await.expect("killed").len(), 2);
        for endpoint in &mut endpoints {
            assert_eq!(endpoint.event().await, BusEvent::Lost, "said at once, not only when it is back");
        }
        println!("kill noticed by all after {:?}", killed.elapsed());
        let lost = all_hear_each_other(&mut endpoints, &format!("round {round}")).await;
        println!("killed: healed {:?} after the kill", killed.elapsed());
        assert!(lost.iter().all(|lost| *lost >= 1), "{lost:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_hangs_is_noticed_and_the_others_do_not_mind() {
    let door = Door::to(([127, 0, 0, 1], Postgres::shared().port()).into()).await;
    let url = format!("postgres://hubbub@{}/postgres", door.addr());
    let mut endpoints = [Endpoint::up(start(&url, "hung")).await, dial("hung").await];
    door.hold();
    let noticed = endpoints[0].is(Health::Down).await;
    println!("hung: noticed after {noticed:?} (promised: {NOTICED:?})");
    assert!(noticed < NOTICED_AT_MOST);
    door.mend();
    let lost = all_hear_each_other(&mut endpoints, "again").await;
    assert!(lost[0] >= 1);
}

#[tokio::test]
async fn what_gathers_leaves_in_few_transactions_and_nothing_stays_behind() {
    const PAYLOADS: usize = 1_000;
    let postgres = Postgres::start(&["autovacuum=off"]);
    let client = watcher(&postgres).await;
    let mut hearer = Endpoint::up(start(&postgres.url(), "suite")).await;
    let bus = start(&postgres.url(), "suite");
    let counters = bus.counters().expect("counters");
    let publisher = Endpoint::up(bus).await;
    let transactions = "SELECT txid_current()";
    let (before, began) = (number(&client, transactions).await, Instant::now());
    for number in 0..PAYLOADS {
        publisher.says((number % usize::from(limits::LANES)) as u16, number.to_string());
        if number % 10 == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }
    until("published", || counters.published.load(Ordering::Relaxed) == PAYLOADS as u64).await;
    let took = began.elapsed();
    let used = number(&client, transactions).await - before;
    println!("{PAYLOADS} payloads in {used} transactions, probes of two instances among them, within {took:?}");
    let most =
        took.as_micros() / limits::NOTIFY_EVERY.as_micros() + 3 * took.as_micros() / limits::PROBE_EVERY.as_micros();
    assert!(used as u128 <= most + 6, "{used} transactions");
    for _ in 0..PAYLOADS {
        hearer.hears().await;
    }

    drop((hearer, publisher));
    let gone = async {
        let connections = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hubbub bus'";
        while number(&client, connections).await > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, gone).await.expect("no connection is left");
    let relations = "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
                     WHERE nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')";
    assert_eq!(number(&client, relations).await, 0, "it made a table");
}

#[tokio::test]
async fn two_namespaces_on_one_postgres_do_not_hear_each_other() {
    let here = dial("here").await;
    let mut there = dial("there").await;
    here.says(0, "only here");
    there.says(0, "fence");
    assert_eq!(there.hears().await, "fence");
}

#[tokio::test]
async fn a_notification_of_somebody_else_is_passed_over() {
    let client = watcher(Postgres::shared()).await;
    let mut endpoint = dial("foreign").await;
    client.batch_execute("NOTIFY hubbub_foreign, 'hello?'; NOTIFY hubbub_foreign").await.expect("notify");
    endpoint.says(0, "fence");
    assert_eq!(endpoint.hears().await, "fence");
    assert_eq!(*endpoint.bus.health().borrow(), Health::Up);
}
