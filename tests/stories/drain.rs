//! An instance is told to go while people talk.

use crate::{
    cluster::Cluster,
    fleet::{Fleet, tenths},
};
use std::time::{Duration, Instant};

const PHONES: usize = 90;
const WINDOW: Duration = Duration::from_secs(6);

#[tokio::test]
async fn an_instance_that_goes_moves_its_clients_over_the_window_and_nobody_misses_or_doubles_anything() {
    let mut cluster = Cluster::of_with(3, &["--drain-window", "6s"]).await;
    let names: Vec<String> = (0..PHONES).map(|n| format!("phone-{n}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    cluster.room("hall", "private", &members).await;
    let addrs = [cluster.at(0), cluster.at(1), cluster.at(2)];
    let fleet = Fleet::start(&names, "hall", &addrs, Duration::from_millis(1_500));
    fleet.are("follow the room and talk", |phone| phone.live && !phone.acknowledged.is_empty()).await;

    let began = Instant::now();
    let leaving = cluster.instances[1].addr;
    cluster.stop(1).await;
    let took = began.elapsed();
    let moved = fleet.each(|phone| {
        let first_there = phone.connected.iter().rfind(|(at, _)| *at < began).is_some_and(|(_, at)| *at == leaving);
        first_there.then(|| (phone.closed.clone(), phone.connected.last().expect("a connection").1))
    });
    let moved: Vec<_> = moved.into_iter().flatten().collect();
    assert!(moved.len() >= PHONES / 3 - 1, "only {} were there", moved.len());
    assert!(moved.iter().all(|(closed, _)| closed == &[3001]), "closed with {moved:?}");
    fleet
        .are("are elsewhere", |phone| phone.live && phone.connected.last().is_some_and(|(_, at)| *at != leaving))
        .await;

    let returns = fleet.returns(began, WINDOW);
    let by_tenth = tenths(&returns);
    println!("reconnects per tenth of a window of {WINDOW:?}: {by_tenth:?}; the instance had gone after {took:.2?}");
    assert_eq!(returns.len(), moved.len(), "each of them moved once, and nobody else");
    let most = *by_tenth.iter().max().expect("ten");
    assert!(most * 100 <= 30 * returns.len(), "a tenth of the window holds {most} of {} reconnects", returns.len());
    assert!(took >= WINDOW.mul_f64(0.7), "it was gone after {took:?}");

    let acknowledged = fleet.verify(async || cluster.log("hall").await).await;
    println!("{acknowledged} acknowledged messages, each once and in order on {PHONES} phones");
    fleet.ends().await;
}
