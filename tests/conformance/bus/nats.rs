//! What a bus over NATS must survive.

use super::{DEADLINE, Endpoint, NOTICED, NOTICED_AT_MOST, all_hear_each_other, until};
use crate::support::{door::Door, nats::Nats};
use hubbub::{
    bus::{self, Bus, BusEvent, Health, PacketBus},
    crypto::login::{Password, Place},
};
use std::{
    net::SocketAddr,
    process::Command,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

async fn dial(addr: SocketAddr) -> Endpoint {
    Endpoint::up(start(&format!("nats://{addr}"))).await
}

fn start(url: &str) -> PacketBus {
    bus::nats::start(url, "suite").expect("a URL")
}

#[tokio::test]
async fn a_nats_that_is_down_at_the_start_is_found_once_it_is_up() {
    let mut nats = Nats::start().await;
    nats.stop();
    let started = start(&nats.url());
    let counters = started.counters().expect("counters");
    let mut endpoint = Endpoint::of(started);
    assert_eq!(*endpoint.bus.health().borrow(), Health::Down);
    endpoint.says(0, "stale");
    until("two redials", || counters.redials.load(Ordering::Relaxed) >= 2).await;
    nats.restart().await;
    eprintln!("up {:?} after NATS", endpoint.is(Health::Up).await);
    endpoint.says(0, "fresh");
    assert_eq!(endpoint.event().await, BusEvent::Lost);
    assert_eq!(endpoint.hears().await, "fresh", "what was published while it was down is stale and dropped");
    assert_eq!(counters.dropped.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nats_killed_for_a_while_is_found_again_and_the_loss_is_said() {
    let mut nats = Nats::start().await;
    let started = [start(&nats.url()), start(&nats.url())];
    let counters = started.each_ref().map(|bus| bus.counters().expect("counters"));
    let mut endpoints = Vec::new();
    for bus in started {
        endpoints.push(Endpoint::up(bus).await);
    }
    nats.stop();
    let killed = Instant::now();
    for endpoint in &mut endpoints {
        endpoint.is(Health::Down).await;
        assert_eq!(endpoint.event().await, BusEvent::Lost, "said at once, not only when it is back");
        eprintln!("kill noticed after {:?}", killed.elapsed());
        endpoint.says(0, "into the void");
    }
    // Long enough for both to have dialled in vain, again and again.
    for counters in &counters {
        let before = counters.redials.load(Ordering::Relaxed);
        until("three redials", || counters.redials.load(Ordering::Relaxed) >= before + 3).await;
    }
    nats.restart().await;
    let back = Instant::now();
    let lost = all_hear_each_other(&mut endpoints, "again").await;
    eprintln!("healed {:?} after NATS was back", back.elapsed());
    assert!(lost.iter().all(|lost| *lost >= 1), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_nats_is_noticed_and_the_others_do_not_mind() {
    let nats = Nats::start().await;
    let door = Door::to(nats.addr()).await;
    let mut endpoints = [dial(door.addr()).await, dial(nats.addr()).await];
    door.hold();
    let noticed = endpoints[0].is(Health::Down).await;
    eprintln!("hung: noticed after {noticed:?} (promised: {NOTICED:?})");
    assert!(noticed < NOTICED_AT_MOST);
    assert_eq!(*endpoints[1].bus.health().borrow(), Health::Up);
    door.mend();
    let mended = Instant::now();
    let lost = all_hear_each_other(&mut endpoints, "again").await;
    eprintln!("hung: healed {:?} after it answered again", mended.elapsed());
    assert!(lost[0] >= 1);
    assert_eq!(lost[1], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_looks_well_and_hears_nothing_is_given_up() {
    let nats = Nats::start().await;
    let door = Door::to(nats.addr()).await;
    let mut endpoints = [dial(door.addr()).await, dial(nats.addr()).await];
    door.mute();
    let noticed = endpoints[0].is(Health::Down).await;
    eprintln!("half-open: noticed after {noticed:?} (promised: {NOTICED:?})");
    assert!(noticed < NOTICED_AT_MOST);
    door.mend();
    let lost = all_hear_each_other(&mut endpoints, "again").await;
    assert!(lost[0] >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_is_noticed_at_once_and_heals_by_itself() {
    let nats = Nats::start().await;
    let door = Door::to(nats.addr()).await;
    let mut endpoints = [dial(door.addr()).await, dial(nats.addr()).await];
    for round in 0..3 {
        door.cut();
        let noticed = endpoints[0].is(Health::Down).await;
        assert!(noticed < Duration::from_secs(1), "{noticed:?}");
        assert_eq!(endpoints[0].event().await, BusEvent::Lost, "said at once, not only when it is back");
        endpoints[1].says(2, "missed");
        endpoints[1].hears_at_last("missed").await;
        door.mend();
        let mended = Instant::now();
        let lost = all_hear_each_other(&mut endpoints, &format!("round {round}")).await;
        eprintln!("cut: noticed after {noticed:?}, healed after {:?}", mended.elapsed());
        assert!(lost[0] >= 1);
        assert_eq!(lost[1], 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_dropped_something_makes_the_others_look() {
    let nats = Nats::start().await;
    let door = Door::to(nats.addr()).await;
    let mut endpoints = [dial(door.addr()).await, dial(nats.addr()).await];
    all_hear_each_other(&mut endpoints, "before").await;
    door.cut();
    endpoints[0].is(Health::Down).await;
    endpoints[0].says(9, "into the void");
    door.mend();
    endpoints[0].is(Health::Up).await;
    endpoints[0].says(9, "after");
    assert_eq!(endpoints[1].hears_at_last("after").await, 1, "a number is missing");
}

#[tokio::test]
async fn an_instance_that_is_gone_leaves_nothing_in_nats() {
    let nats = Nats::start().await;
    let subscriptions = async || nats.says("/subsz").await.expect("subsz")["num_subscriptions"].as_u64();
    let empty = subscriptions().await;
    let mut endpoints = [dial(nats.addr()).await, dial(nats.addr()).await];
    all_hear_each_other(&mut endpoints, "here").await;
    assert_ne!(subscriptions().await, empty);
    drop(endpoints);
    let gone = async {
        while subscriptions().await != empty || nats.says("/connz").await.expect("connz")["num_connections"] != 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, gone).await.expect("no subscription and no connection is left");
}

#[tokio::test]
async fn two_namespaces_on_one_nats_do_not_hear_each_other() {
    let nats = Nats::start().await;
    let here = dial(nats.addr()).await;
    let mut there = Endpoint::up(bus::nats::start(&nats.url(), "other").expect("a URL")).await;
    here.says(0, "only here");
    there.says(0, "fence");
    assert_eq!(there.hears().await, "fence");
}

#[tokio::test]
async fn passwords_and_tokens_are_used_and_wrong_ones_are_an_outage() {
    let with_password = Nats::with(&["--user", "ana", "--pass", "p@ss"]).await;
    let with_token = Nats::with(&["--auth", "t:ken"]).await;
    for (nats, right, wrong) in [(&with_password, "ana:p%40ss", "ana:other"), (&with_token, "t%3Aken", "other")] {
        Endpoint::up(start(&format!("nats://{right}@{}", nats.addr()))).await;
        for who in [wrong.to_owned() + "@", String::new()] {
            let refused = start(&format!("nats://{who}{}", nats.addr()));
            let counters = refused.counters().expect("counters");
            until("two redials", || counters.redials.load(Ordering::Relaxed) >= 2).await;
            assert_eq!(*refused.health().borrow(), Health::Down);
        }
    }
}

#[tokio::test]
async fn a_password_or_token_in_a_file_is_replaced_under_a_running_bus() {
    let directory = tempfile::tempdir().expect("a directory");
    let (config, kept) = (directory.path().join("nats.conf"), directory.path().join("kept"));
    for (login, rule) in [("ana@", "user: ana, password"), ("", "token")] {
        let takes = |secret: &str| {
            std::fs::write(&config, format!("authorization {{ {rule}: {secret} }}\n")).expect("a file");
        };
        takes("first");
        std::fs::write(&kept, "first\n").expect("a file");
        let nats = Nats::with(&["-c", config.to_str().expect("a path")]).await;
        let url = format!("nats://{login}{}", nats.addr());
        let password = Password::given("HUBBUB_BUS_PASSWORD", None, Some(&kept));
        let endpoint = Endpoint::up(bus::nats::start(&Place { url, password }, "suite").expect("a URL")).await;
        takes("second");
        // Whoever is connected with what holds no longer is cut.
        let told = Command::new("kill").args(["-HUP", &nats.pid().to_string()]).status().expect("kill");
        assert!(told.success());
        endpoint.is(Health::Down).await;
        std::fs::write(&kept, "second\n").expect("a file");
        endpoint.is(Health::Up).await;
    }
}

#[tokio::test]
async fn one_who_may_not_hear_the_lanes_is_not_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("nats.conf");
    let user = |name: &str, may: &str| format!("{{ user: {name}, password: x, permissions: {{ {may} }} }}");
    let users = [
        user("ana", "subscribe: \"hubbub.*.*.*\", publish: \"hubbub.*.*.*\""),
        user("deaf", "subscribe: { deny: \"hubbub.*.lane.*\" }"),
        user("dumb", "publish: { deny: \"hubbub.*.lane.*\" }"),
        user("blind", "subscribe: { deny: \"hubbub.*.probe.*\" }"),
    ];
    std::fs::write(&file, format!("authorization {{ users: [ {} ] }}", users.join(", "))).expect("a file");
    let nats = Nats::with(&["-c", file.to_str().expect("a path")]).await;
    Endpoint::up(start(&format!("nats://ana:x@{}", nats.addr()))).await;
    for name in ["deaf", "dumb", "blind"] {
        let refused = start(&format!("nats://{name}:x@{}", nats.addr()));
        let (mut health, counters) = (refused.health(), refused.counters().expect("counters"));
        let redials = until("two redials", || counters.redials.load(Ordering::Relaxed) >= 2);
        tokio::select! {
            () = redials => {}
            _ = health.wait_for(|health| *health == Health::Up) => panic!("{name} is said to be up"),
        }
    }
}

#[tokio::test]
async fn a_server_that_says_it_is_going_is_left_for_another() {
    let (first, second) = (Nats::start().await, Nats::start().await);
    let url = format!("nats://{},{}", first.addr(), second.addr());
    let endpoint = Endpoint::up(start(&url)).await;
    let connections =
        async |nats: &Nats| nats.says("/connz").await.map_or(0, |says| says["num_connections"].as_u64().unwrap_or(0));
    let (used, other) = if connections(&first).await > 0 { (first, second) } else { (second, first) };
    let sent = Command::new("kill").args(["-USR2", &used.pid().to_string()]).status().expect("kill");
    assert!(sent.success(), "lame duck mode");
    let moved = async {
        while connections(&other).await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, moved).await.expect("it moves");
    endpoint.is(Health::Up).await;
}
