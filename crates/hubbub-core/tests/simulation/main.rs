//! Feeds and cursors against a hostile world: a bus that loses, doubles, delays and inverts, a store that is slow, fails
//! and goes back, clients that come and go. Every world is drawn from its seed and happens without a clock.
//!
//! `HUBBUB_SEEDS=n` tries more worlds, `HUBBUB_SEED=s` only that one.

#![expect(clippy::unwrap_used, reason = "a test")]

mod chance;
mod client;
mod sends;
mod shell;
mod store;
mod verdict;
mod weather;
mod world;

use chance::Chance;
use weather::Weather;
use world::World;

/// Says which world it was, should one fail.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay it with HUBBUB_SEED={}", self.0);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn seeds(usual: u64, each: impl Fn(Chance)) {
    let seeds = match number("HUBBUB_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HUBBUB_SEEDS").unwrap_or(usual),
    };
    for seed in seeds {
        let _told = Told(seed);
        each(Chance::new(seed));
    }
}

fn worlds(usual: u64, weather: impl Fn(&mut Chance) -> Weather) {
    seeds(usual, |mut chance| {
        let weather = weather(&mut chance);
        let mut world = World::new(chance, weather);
        world.run_until(world.weather.heals);
        world.heal();
        world.run_until(world.weather.heals + world.patience());
        world.judge();
    });
}

#[test]
fn after_any_storm_every_reader_has_every_entry_once_and_in_order() {
    worlds(5_000, Weather::stormy);
}

#[test]
fn on_a_healthy_bus_nothing_is_read() {
    worlds(2_500, Weather::healthy);
}
