//! Several people on several instances do random things, while the bus is cut and an instance is killed: at the end what every client
//! has folded, every page of every method and a plain model are equal, and nothing deleted was answered after its deletion.
//!
//! Devices that show a list of rooms ask for it where they are told that something has happened or was missed, and have what the model has
//! once nothing happens any more.
//!
//! A round has three parts. One after another: what comes of everything is foretold. All at once, with faults: the log is the truth,
//! each entry must be one that the model takes at its place, and each answer one that it gives at some moment while it was
//! waited for. And one after another again. `HUBBUB_SEED=n` repeats the round of that number, `HUBBUB_SEEDS=n` has so many, and `HUBBUB_LONG` a hundred.

mod checks;
mod crowd;
mod deleted;
mod folded;
mod ideas;
mod lister;
mod model;
mod ops;
mod reader;
mod reads;
mod rights;
mod round;
mod views;
mod wishes;

use crate::cluster::Cluster;
use round::House;
use std::time::Instant;

/// Seeds of rounds: of `make test`, or many.
fn seeds(usual: u64, many: u64) -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let all = if std::env::var_os("HUBBUB_LONG").is_some() { many } else { usual };
    match number("HUBBUB_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("HUBBUB_SEEDS").unwrap_or(all)).collect(),
    }
}

async fn rounds(cluster: Cluster, store: &str, seeds: Vec<u64>) {
    let mut house = House::new(cluster).await;
    let (began, many) = (Instant::now(), seeds.len());
    for seed in seeds {
        match house.round(seed).await {
            Ok(told) => println!("{store}, seed {seed}: {told}"),
            Err(trouble) => panic!("{store}, repeat it with HUBBUB_SEED={seed}: {trouble}"),
        }
    }
    println!("{store}: {many} rounds in {:.1?}", began.elapsed());
}

#[tokio::test]
async fn whatever_many_people_do_all_have_the_same_in_the_end_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    rounds(Cluster::laptop(directory.path()).await, "SQLite", seeds(6, 100)).await;
}

#[tokio::test]
async fn whatever_many_people_do_all_have_the_same_in_the_end_on_postgres() {
    rounds(Cluster::of(3).await, "Postgres", seeds(5, 100)).await;
}
