//! One room with many readers: what an idle one takes in memory, and what a delivery takes in CPU.

use crate::{
    bare::TEXT_BYTES,
    herd::{Door, Herd, has},
    process::{self, Loop, Server},
    report::{Budget, Report, number},
};
use anyhow::{bail, ensure};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Messages pressed together.
const PRESSED: usize = 16;
/// Deliveries counted with one message at a time.
const SINGLE_DELIVERIES: usize = 600_000;
/// Deliveries counted under pressure.
const PRESSED_DELIVERIES: usize = 3_200_000;
/// Rounds that are not counted.
const WARM_UP: usize = 3;
/// How long memory settles: the allocator gives back what the handshakes took.
const SETTLE: Duration = Duration::from_secs(3);
/// How long a round may take.
const ROUND_WITHIN: Duration = Duration::from_secs(30);

/// What one side took.
#[derive(Default)]
struct Taken {
    /// Of the process before there were readers; what follows is per reader.
    base: f64,
    idle: f64,
    after: f64,
    slab: f64,
    single: Work,
    pressed: Work,
}

/// CPU and time of deliveries.
#[derive(Default)]
struct Work {
    /// CPU-seconds per million: microseconds per delivery.
    cpu: f64,
    /// The part of it in the kernel, 0 to 1.
    kernel: f64,
    per_second: f64,
}

/// Who listens, and what they have heard.
struct Audience {
    herd: Herd,
    pid: u32,
    /// The first client of the herd that listens: those before it send.
    first: usize,
    /// The last offset of each client.
    last: Vec<u64>,
    heard: usize,
    answers: usize,
}

pub fn measure(program: &Path, readers: usize, traffic: bool, report: &mut Report) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    println!("{readers} readers of one room");
    let store = format!("sqlite:{}", directory.path().join("hubbub.db").display());
    let server = Server::start(program, &store, &directory.path().join("log"))?;
    server.ask("POST", "/v1/rooms", r#"{"id":"bench","kind":"open","members":[{"user":"sender"}]}"#)?;
    let mut audience = Audience::new(server.process.pid, 1)?;
    let sender = Door::Hubbub { user: "sender".into(), commands: String::new(), data: "", answers: 1 };
    audience.herd.open(server.port, &[sender])?;
    let subscribe = "\n{\"id\":2,\"subscribe\":{\"channel\":\"room:bench\"}}";
    let door = |n| Door::Hubbub { user: format!("reader-{n}"), commands: subscribe.into(), data: "", answers: 2 };
    let mut ours = Taken::default();
    audience.fill(server.port, (0..readers).map(door).collect(), &mut ours)?;
    if traffic {
        let reads = server.counter("hubbub_log_reads_total")?;
        let text = "x".repeat(TEXT_BYTES);
        let mut id = 1;
        audience.listen(&mut ours, &mut |herd, messages| {
            let mut lines = Vec::with_capacity(messages);
            for _ in 0..messages {
                id += 1;
                lines.push(format!(
                    r#"{{"id":{id},"rpc":{{"method":"send","data":{{"room":"bench","text":"{text}"}}}}}}"#
                ));
            }
            herd.say(0, &lines.join("\n"))
        })?;
        let reads = server.counter("hubbub_log_reads_total")? - reads;
        let heard = audience.heard;
        report.word(format!("The log was read {reads} times for {heard} deliveries."));
    }
    drop(server);
    drop(audience);

    println!("the bare loop with as many");
    let (mut bare, port) = Loop::start(&["deliveries"])?;
    let port = port.parse()?;
    let mut audience = Audience::new(bare.process.pid, 0)?;
    let mut floor = Taken::default();
    audience.fill(port, (0..readers).map(|_| Door::Bare).collect(), &mut floor)?;
    if traffic {
        audience.listen(&mut floor, &mut |_, messages| bare.tell(&messages.to_string()))?;
    }
    drop(bare);

    report.row("idle reader, KiB", ours.idle, floor.idle, Budget::AtMost(4.0));
    report.row("idle reader, kernel's, both ends, KiB", ours.slab, floor.slab, Budget::None);
    if traffic {
        report.row("reader after traffic, KiB", ours.after, floor.after, Budget::None);
        let (single, pressed) = (&ours.single, &ours.pressed);
        let (bare_single, bare_pressed) = (&floor.single, &floor.pressed);
        report.row("one at a time, CPU s per million", single.cpu, bare_single.cpu, Budget::RatioAtMost(1.3));
        report.row("one at a time, deliveries/s", single.per_second, bare_single.per_second, Budget::None);
        report.row("16 together, CPU s per million", pressed.cpu, bare_pressed.cpu, Budget::RatioAtMost(2.0));
        report.row("16 together, deliveries/s", pressed.per_second, bare_pressed.per_second, Budget::None);
        explain(&ours, &floor, report);
    }
    Ok(())
}

impl Audience {
    fn new(pid: u32, first: usize) -> anyhow::Result<Self> {
        Ok(Self { herd: Herd::new()?, pid, first, last: vec![], heard: 0, answers: 0 })
    }

    /// Opens the readers' connections and weighs them.
    fn fill(&mut self, port: u16, doors: Vec<Door>, taken: &mut Taken) -> anyhow::Result<()> {
        let readers = doors.len() as f64;
        let (memory, slab, began) = (process::resident(self.pid)?, process::kernel_slab()?, Instant::now());
        self.herd.open(port, &doors)?;
        self.last = vec![0; self.first + doors.len()];
        println!("  connected in {:.1} s", began.elapsed().as_secs_f64());
        let settled = Instant::now() + SETTLE;
        while let Some(left) = settled.checked_duration_since(Instant::now()) {
            self.turn(left)?;
        }
        taken.base = memory;
        taken.idle = (process::resident(self.pid)? - memory) / readers;
        taken.slab = (process::kernel_slab()? - slab) / readers;
        Ok(())
    }

    fn readers(&self) -> usize {
        self.last.len() - self.first
    }

    fn turn(&mut self, at_most: Duration) -> anyhow::Result<()> {
        let Self { herd, last, heard, answers, .. } = self;
        herd.turn(at_most, |who, line, _| {
            if line.starts_with(br#"{"push":{"channel":"room:"#) {
                let offset = offset(line);
                if last[who] != 0 && offset != last[who] + 1 {
                    bail!("reader {who} got message {offset} after message {}", last[who]);
                }
                last[who] = offset;
                *heard += 1;
            } else if line.starts_with(b"{\"id\":") && !has(line, b"\"error\":") {
                *answers += 1;
            } else {
                bail!("unexpected: {}", String::from_utf8_lossy(line));
            }
            Ok(())
        })
    }

    /// Says so many messages and waits until everybody has them.
    fn round(&mut self, messages: usize, say: &mut Say<'_>) -> anyhow::Result<()> {
        let all = self.heard + messages * self.readers();
        let answers = self.answers + messages * self.first;
        say(&mut self.herd, messages)?;
        let deadline = Instant::now() + ROUND_WITHIN;
        while self.heard < all || self.answers < answers {
            self.turn(Duration::from_millis(100))?;
            ensure!(Instant::now() < deadline, "{} of {all} deliveries came in time", self.heard);
        }
        let same = self.last[self.first..].windows(2).all(|pair| pair[0] == pair[1]);
        ensure!(same && self.heard == all, "some readers got more messages than others");
        Ok(())
    }

    fn rounds(&mut self, deliveries: usize, messages: usize, say: &mut Say<'_>) -> anyhow::Result<Work> {
        for _ in 0..WARM_UP {
            self.round(messages, say)?;
        }
        let rounds = (deliveries / messages / self.readers()).max(10);
        let (cpu, ticks, began) = (process::cpu(self.pid)?, process::user_and_kernel(self.pid)?, Instant::now());
        for _ in 0..rounds {
            self.round(messages, say)?;
        }
        let seconds = began.elapsed().as_secs_f64();
        let cpu = process::cpu(self.pid)? - cpu;
        let (user, kernel) = process::user_and_kernel(self.pid)?;
        let (user, kernel) = ((user - ticks.0) as f64, (kernel - ticks.1) as f64);
        let deliveries = (rounds * messages * self.readers()) as f64;
        Ok(Work { cpu: cpu / deliveries * 1e6, kernel: kernel / (user + kernel), per_second: deliveries / seconds })
    }

    fn listen(&mut self, taken: &mut Taken, say: &mut Say<'_>) -> anyhow::Result<()> {
        taken.single = self.rounds(SINGLE_DELIVERIES, 1, say)?;
        println!("  one at a time: {} deliveries/s", number(taken.single.per_second));
        taken.pressed = self.rounds(PRESSED_DELIVERIES, PRESSED, say)?;
        println!("  {PRESSED} together: {} deliveries/s", number(taken.pressed.per_second));
        taken.after = (process::resident(self.pid)? - taken.base) / self.readers() as f64;
        Ok(())
    }
}

type Say<'a> = dyn FnMut(&mut Herd, usize) -> anyhow::Result<()> + 'a;

/// The number before the braces at the end.
fn offset(line: &[u8]) -> u64 {
    let digits = line.iter().rev().skip_while(|byte| **byte == b'}').take_while(|byte| byte.is_ascii_digit());
    digits.zip(std::iter::successors(Some(1), |ten| Some(ten * 10))).map(|(d, ten)| u64::from(d - b'0') * ten).sum()
}

/// What a write to a socket costs, and what each message in it: from one and from sixteen of them in a write.
fn parts(taken: &Taken) -> (f64, f64) {
    let pressed = PRESSED as f64;
    let message = (pressed * taken.pressed.cpu - taken.single.cpu) / (pressed - 1.0);
    (taken.single.cpu - message, message)
}

fn explain(ours: &Taken, floor: &Taken, report: &mut Report) {
    let ((write, message), (bare_write, bare_message)) = (parts(ours), parts(floor));
    report.word(format!(
        "A delivery costs {} us of CPU for being a write of its own (bare loop: {}) and {} for the message in it (bare loop: {}): {} most.",
        number(write),
        number(bare_write),
        number(message),
        number(bare_message),
        if write > message { "the number of writes costs" } else { "the messages cost" },
    ));
    for (name, ours, floor) in
        [("One at a time", &ours.single, &floor.single), ("16 together", &ours.pressed, &floor.pressed)]
    {
        let kernel = |work: &Work| (work.cpu * work.kernel, work.cpu * (1.0 - work.kernel));
        let ((in_kernel, own), (bare_kernel, bare_own)) = (kernel(ours), kernel(floor));
        let (more_kernel, more_own) = (in_kernel - bare_kernel, own - bare_own);
        report.word(format!(
            "{name}: {} us in the kernel and {} in the server itself (bare loop: {} and {}); what is above the bare loop is mostly {}.",
            number(in_kernel),
            number(own),
            number(bare_kernel),
            number(bare_own),
            if more_own > more_kernel { "the server's own work" } else { "in the kernel" },
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_at_the_end() {
        assert_eq!(offset(br#"{"push":{"channel":"room:bench","pub":{"data":{"seq":1203},"offset":1203}}}"#), 1203);
    }
}
