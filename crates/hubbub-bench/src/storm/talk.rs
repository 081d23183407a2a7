//! Other people's sends while a storm goes over them: at a fixed rate, however long the answers take.

use crate::{
    herd::{Door, Herd, has},
    postgres::Postgres,
};
use anyhow::ensure;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Connections that talk.
const TALKERS: usize = 16;
/// After the last send, how long its answer may take.
const LAST_WITHIN: Duration = Duration::from_secs(15);

/// Somebody's talk in the background. Ended by [`Talk::end`].
pub struct Talk {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Times>>,
}

/// How long sends took, from when each was due.
#[derive(Default)]
pub struct Times {
    pub took: Vec<Duration>,
    /// Sends answered with an error.
    pub refused: usize,
}

impl Times {
    pub fn words(&mut self) -> String {
        self.took.sort();
        let at = |part: f64| self.took.get(((self.took.len() as f64 * part) as usize).min(self.took.len() - 1));
        let ms = |time: Option<&Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
        if self.took.is_empty() {
            return "none".into();
        }
        format!(
            "median {:.1} ms, p99 {:.1} ms, worst {:.1} ms of {} sends, {} refused",
            ms(at(0.5)),
            ms(at(0.99)),
            ms(self.took.last()),
            self.took.len(),
            self.refused
        )
    }
}

impl Talk {
    /// `rate` sends a second to these rooms in turn, by users that are members of them.
    pub fn start(port: u16, rate: u32, rooms: Vec<String>) -> anyhow::Result<Self> {
        let mut herd = Herd::new()?;
        let door = |n| Door::Hubbub { user: format!("talker-{n}"), commands: String::new(), data: "", answers: 1 };
        herd.open(port, &(0..TALKERS).map(door).collect::<Vec<_>>())?;
        let stop = Arc::<AtomicBool>::default();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || talk(&mut herd, rate, &rooms, &stopped));
        Ok(Self { stop, thread })
    }

    pub fn end(self) -> anyhow::Result<Times> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the talkers panicked"))?
    }
}

/// Members of the rooms that are talked in.
pub fn talkers() -> impl Iterator<Item = String> {
    (0..TALKERS).map(|n| format!("talker-{n}"))
}

fn talk(herd: &mut Herd, rate: u32, rooms: &[String], stop: &AtomicBool) -> anyhow::Result<Times> {
    let mut times = Times::default();
    let mut waiting: HashMap<(usize, u64), Instant> = HashMap::new();
    let (began, text) = (Instant::now(), "x".repeat(crate::bare::TEXT_BYTES));
    let mut said = 0_u32;
    let mut give_up: Option<Instant> = None;
    loop {
        let now = Instant::now();
        if give_up.is_none() && stop.load(Ordering::Relaxed) {
            give_up = Some(now + LAST_WITHIN);
        }
        if give_up.is_some_and(|_| waiting.is_empty()) {
            return Ok(times);
        }
        ensure!(give_up.is_none_or(|at| now < at), "{} sends were never answered", waiting.len());
        let mut due = began + Duration::from_secs(1) * said / rate;
        while give_up.is_none() && due <= now {
            let (who, id) = (said as usize % TALKERS, u64::from(said) + 2);
            let room = &rooms[said as usize % rooms.len()];
            herd.say(
                who,
                &format!(r#"{{"id":{id},"rpc":{{"method":"send","data":{{"room":"{room}","text":"{text}"}}}}}}"#),
            )?;
            waiting.insert((who, id), due);
            said += 1;
            due = began + Duration::from_secs(1) * said / rate;
        }
        let wait = due.saturating_duration_since(Instant::now()).min(Duration::from_millis(20));
        herd.turn(wait, |who, line, _| {
            let id: String = line.iter().skip(6).take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
            if let Some(since) = id.parse().ok().and_then(|id| waiting.remove(&(who, id))) {
                if has(&line[..line.len().min(40)], b"\"error\":") {
                    times.refused += 1;
                }
                times.took.push(since.elapsed());
            }
            Ok(())
        })?;
    }
}

/// What Postgres was asked since the last reset: calls and what of, the most first.
pub async fn asked(postgres: &Postgres) -> anyhow::Result<Vec<(i64, f64, String)>> {
    let client = super::raw(postgres).await?;
    let sql = "SELECT calls, total_exec_time, regexp_replace(query, '\\s+', ' ', 'g') FROM pg_stat_statements ORDER BY calls DESC LIMIT 12";
    let rows = client.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}
