//! What a bus over several Redis servers, over TLS and with rights must survive.

use super::{DEADLINE, Endpoint, until};
use crate::support::{
    redis::Redis,
    redis_fleet::{MASTER, RedisCluster, Sentinels},
    tls::Certificates,
};
use hubbub::bus::{Bus, Health, redis::RedisBus};
use std::{
    path::Path,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// Says it again and again until the other hears it; nothing keeps what was said too early. Says how long it took.
async fn is_heard(from: &Endpoint, by: &mut Endpoint, lane: u16, word: &str) -> Duration {
    let began = Instant::now();
    while timeout(Duration::from_millis(50), by.hears_at_last(word)).await.is_err() {
        assert!(began.elapsed() < DEADLINE, "{word} is never heard");
        from.says(lane, word.to_owned());
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_is_followed_and_the_old_master_is_not_believed_when_it_is_back() {
    let mut fleet = Sentinels::start().await;
    let mut endpoints = Endpoint::dial_all(&fleet.url(), 2).await;
    let before = fleet.master().await;
    assert_eq!(before, fleet.redises[0].addr().port());
    fleet.redises[0].stop();
    let killed = Instant::now();
    endpoints[0].is(Health::Down).await;
    eprintln!("master killed: noticed after {:.2?}", killed.elapsed());
    for endpoint in &endpoints {
        endpoint.is(Health::Up).await;
    }
    // One Sentinel hears from the others who was chosen.
    let another = async {
        while fleet.master().await == before {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(2 * DEADLINE, another).await.expect("another is the master");
    eprintln!("master killed: all follow the new one after {:.2?}; the Sentinels wait 1 s", killed.elapsed());
    let [one, other] = &mut endpoints[..] else { panic!("two") };
    is_heard(one, other, 3, "after the failover").await;
    // It comes back as a master of its own until the Sentinels tell it; nobody goes there.
    fleet.redises[0].restart().await;
    let role = async {
        while !fleet.redises[0].ask(&["ROLE"]).await.contains("slave") {
            assert_eq!(*one.bus.health().borrow(), Health::Up);
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(2 * DEADLINE, role).await.expect("it follows the new master");
    is_heard(other, one, 3, "and still").await;
    let hears = fleet.redises[1].ask(&["PUBSUB", "CHANNELS", "hubbub:suite:lane:3"]).await;
    assert!(hears.contains("lane:3"), "{hears}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_hangs_is_left_for_the_one_the_sentinels_choose() {
    let fleet = Sentinels::start().await;
    let mut endpoints = Endpoint::dial_all(&fleet.url(), 2).await;
    fleet.redises[0].freeze();
    let frozen = Instant::now();
    while fleet.master().await == fleet.redises[0].addr().port() {
        assert!(frozen.elapsed() < DEADLINE);
        sleep(Duration::from_millis(20)).await;
    }
    let chosen = frozen.elapsed();
    let [one, other] = &mut endpoints[..] else { panic!("two") };
    is_heard(one, other, 3, "after the failover").await;
    eprintln!("master hung: the Sentinels chose after {chosen:.2?}, all was heard after {:.2?}", frozen.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_is_followed_under_load() {
    let cluster = RedisCluster::start().await;
    let mut endpoints = Endpoint::dial_all(&cluster.url(), 2).await;
    let [one, other] = &mut endpoints[..] else { panic!("two") };
    let (lane, channel) = (29, "hubbub:suite:lane:29");
    let mut times = Vec::new();
    for round in 0..5 {
        for number in 0..200 {
            one.says(lane, format!("load {round} {number}"));
        }
        cluster.move_slot_of(channel).await;
        times.push(is_heard(one, other, lane, &format!("moved {round}")).await);
        for lane in 0..hubbub_core::limits::LANES {
            is_heard(other, one, lane, &format!("lane {lane} after {round}")).await;
        }
        one.is(Health::Up).await;
        other.is(Health::Up).await;
    }
    times.sort();
    eprintln!("slot moved: heard again after {:.2?}, at most {:.2?}", times[2], times[4]);
    assert!(times[4] < Duration::from_secs(3), "{times:?}");
    let counters = one.bus.counters().expect("counters");
    assert!(counters.lost.load(Ordering::Relaxed) > 3, "each move was said to have lost something");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_of_nothing_but_the_slot_of_a_probe_is_followed() {
    let cluster = RedisCluster::start().await;
    let mut endpoints = Endpoint::dial_all(&cluster.url(), 2).await;
    let [one, other] = &mut endpoints[..] else { panic!("two") };
    for round in 0..3 {
        let channels = cluster.nodes[round].ask(&["PUBSUB", "SHARDCHANNELS", "hubbub:suite:probe:*"]).await;
        let probe = channels.split("\r\n").find(|channel| channel.contains(":probe:")).expect("a probe");
        let lost =
            [&*one, &*other].map(|endpoint| endpoint.bus.counters().expect("counters").lost.load(Ordering::Relaxed));
        cluster.move_slot_of(probe).await;
        until("it is noticed by whose probe it is", || {
            [&*one, &*other].map(|endpoint| endpoint.bus.counters().expect("counters").lost.load(Ordering::Relaxed))
                != lost
        })
        .await;
        for endpoint in [&*one, &*other] {
            endpoint.is(Health::Up).await;
        }
        for lane in 0..hubbub_core::limits::LANES {
            is_heard(other, one, lane, &format!("lane {lane} after {round}")).await;
            is_heard(one, other, lane, &format!("lane {lane} back after {round}")).await;
        }
    }
}

/// A Sentinel alone, whose word is enough for nothing.
async fn lonely_sentinel(directory: &Path, master: &Redis) -> Redis {
    let port = master.addr().port();
    let file = directory.join(format!("sentinel-{port}.conf"));
    std::fs::write(&file, format!("sentinel monitor {MASTER} 127.0.0.1 {port} 2\n")).expect("a file");
    let file = file.to_str().expect("a path").to_owned();
    Redis::start_with(|_| vec![file.clone(), "--sentinel".into()]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_that_knows_only_the_dead_is_not_the_only_one_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut old, new) = (Redis::start().await, Redis::start().await);
    let stale = lonely_sentinel(directory.path(), &old).await;
    let right = lonely_sentinel(directory.path(), &new).await;
    let url = format!("redis+sentinel://{},{}/{MASTER}", stale.addr(), right.addr());
    let [one, other] = &mut Endpoint::dial_all(&url, 2).await[..] else { panic!("two") };
    let hears = old.ask(&["PUBSUB", "NUMSUB", "hubbub:suite:lane:3"]).await;
    assert!(hears.ends_with(":2\r\n"), "the first is believed: {hears}");
    old.stop();
    is_heard(one, other, 3, "there is another").await;
    for endpoint in [one, other] {
        endpoint.is(Health::Up).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_down_makes_the_bus_down_and_comes_back() {
    let mut cluster = RedisCluster::start().await;
    let mut endpoints = Endpoint::dial_all(&cluster.url(), 2).await;
    // Also the one that is asked first.
    for node in [2, 0] {
        cluster.nodes[node].stop();
        let killed = Instant::now();
        for endpoint in &endpoints {
            endpoint.is(Health::Down).await;
        }
        eprintln!("node killed: noticed after {:.2?}", killed.elapsed());
        cluster.nodes[node].restart().await;
        let back = Instant::now();
        for endpoint in &endpoints {
            endpoint.is(Health::Up).await;
        }
        eprintln!("node back: all is well after {:.2?}", back.elapsed());
        let [one, other] = &mut endpoints[..] else { panic!("two") };
        for lane in 0..hubbub_core::limits::LANES {
            is_heard(one, other, lane, &format!("{node} {lane}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_of_sentinels_is_read_whenever_they_are_dialled() {
    let (fleet, directory) = (Sentinels::start().await, tempfile::tempdir().expect("a directory"));
    fleet.lock("second").await;
    let file = directory.path().join("password");
    std::fs::write(&file, "first\n").expect("a file");
    let url = format!("{}?sentinel-password-file={}", fleet.url(), file.display());
    let bus = RedisBus::start(&url, "suite").expect("a URL");
    let counters = bus.counters().expect("counters");
    until("a refusal", || counters.trouble().is_some_and(|why| why.contains("it refuses the user or the password")))
        .await;
    std::fs::write(&file, "second\n").expect("a file");
    Endpoint::of(bus).is(Health::Up).await;
}

/// A Redis that speaks TLS as well; the port it does so on.
async fn with_tls(certificates: &Certificates, more: &[&str]) -> (Redis, u16) {
    let arguments = |_| {
        let port = crate::support::ports::free_port().to_string();
        let (cert, key) = (certificates.path("server.pem"), certificates.path("server.key"));
        let ca = certificates.path("ca.pem");
        let files = ["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
        let words = ["--tls-port", &port].into_iter().chain(files).chain(more.iter().copied());
        words.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let redis = Redis::start_with(arguments).await;
    let port = redis.argument("--tls-port").parse().expect("a port");
    (redis, port)
}

/// Two redials of both sides, and it is still down.
async fn never_gets_up(url: &str) {
    let bus = RedisBus::start(url, "suite").expect("a URL");
    let counters = bus.counters().expect("counters");
    let redialled = async {
        while counters.redials.load(Ordering::Relaxed) < 4 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, redialled).await.expect("redials");
    assert_eq!(*bus.health().borrow(), Health::Down, "{url}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_spoken_with_an_authority_of_ones_own_and_with_no_other() {
    let made = Certificates::make();
    let (_redis, port) = with_tls(&made, &["--tls-auth-clients", "no"]).await;
    let url = format!("rediss://127.0.0.1:{port}?ca={}", made.path("ca.pem"));
    let [one, other] = &mut Endpoint::dial_all(&url, 2).await[..] else { panic!("two") };
    is_heard(one, other, 3, "secretly").await;
    never_gets_up(&format!("rediss://127.0.0.1:{port}?ca={}", made.path("stranger.pem"))).await;
    never_gets_up(&format!("rediss://127.0.0.1:{port}")).await;
    never_gets_up(&format!("rediss://localhost:{port}?ca={}", made.path("ca.pem"))).await;
    never_gets_up(&format!("redis://127.0.0.1:{port}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_shows_its_certificate_where_that_is_asked() {
    let made = Certificates::make();
    let (_redis, port) = with_tls(&made, &["--tls-auth-clients", "yes"]).await;
    let url = format!("rediss://127.0.0.1:{port}?ca={}", made.path("ca.pem"));
    let with_client = format!("{url}&cert={}&key={}", made.path("client.pem"), made.path("client.key"));
    let [one, other] = &mut Endpoint::dial_all(&with_client, 2).await[..] else { panic!("two") };
    is_heard(one, other, 3, "as ourselves").await;
    never_gets_up(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_the_least_rights_is_enough() {
    let redis = Redis::start().await;
    // As docs/operating.md says.
    let rights = ["ACL", "SETUSER", "hubbub", "on", ">hu@sh", "resetchannels", "&hubbub:*", "-@all"];
    let rights = [&rights[..], &["+hello", "+auth", "+publish", "+subscribe"]].concat();
    assert_eq!(redis.ask(&rights).await, "+OK\r\n");
    let url = format!("redis://hubbub:hu%40sh@{}/3", redis.addr());
    let [one, other] = &mut Endpoint::dial_all(&url, 2).await[..] else { panic!("two") };
    is_heard(one, other, 3, "quite enough").await;
    never_gets_up(&format!("redis://hubbub:wrong@{}", redis.addr())).await;
    assert_eq!(redis.ask(&["ACL", "SETUSER", "hubbub", "-publish"]).await, "+OK\r\n");
    one.is(Health::Down).await;
}
