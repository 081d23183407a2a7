//! Nobody waits for a slow reader, and it costs a fixed amount of memory.

use crate::{cluster::Cluster, person::Person};
use futures_util::future::join_all;
use std::{net::SocketAddr, process::Command};

const EACH: usize = 200;
const MESSAGES: usize = 20_000;
/// What one stalled reader may cost the server, process and kernel together.
const BYTES: u64 = 256 * 1024;

/// What the kernel keeps for the server's sockets, in bytes: written and not sent, sent and not acknowledged, received and
/// not read, with their overhead.
fn kernel_memory(server: SocketAddr) -> u64 {
    let filter = format!("sport = :{}", server.port());
    let output = Command::new("ss").args(["-tmnH", &filter]).output().expect("ss, of iproute2");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // skmem:(r0,rb131072,t0,tb46080,f4096,w0,o0,bl0,d0)
    let number = |part: &str, name: &str| part.strip_prefix(name).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    text.split("skmem:(")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .flat_map(|skmem| skmem.split(',').map(str::to_owned).collect::<Vec<_>>())
        .map(|part| number(&part, "r") + number(&part, "f") + number(&part, "w") + number(&part, "bl"))
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_stop_reading_cost_little_and_get_everything_later() {
    let cluster = Cluster::of(2).await;
    let mut names: Vec<String> = (0..2 * EACH).map(|n| format!("reader-{n}")).collect();
    names.push("ana".into());
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    cluster.room("general", "private", &members).await;
    // A phone's small buffer: what piles up, piles up at the server.
    let readers: Vec<Person> =
        names[..2 * EACH].iter().map(|name| Person::with_buffer(name, cluster.at(0), Some(4 * 1024))).collect();
    join_all(readers.iter().map(|reader| reader.follows("general"))).await;
    let (stalled, reading) = readers.split_at(EACH);
    let ana = cluster.person("ana", 1).await;

    let says = async |n: usize| ana.says("general", &format!("{n:0>200}")).await;
    let talk = async |from: usize, to: usize| {
        for window in (from..to).collect::<Vec<_>>().chunks(200) {
            join_all(window.iter().map(|n| says(*n))).await;
        }
    };
    // Everybody reads the first thousand: rings and buffers are as full as they get.
    talk(0, 1_000).await;
    join_all(readers.iter().map(|reader| reader.has_read("general", 1_000))).await;
    let server = &cluster.instances[0];
    let (process_before, kernel_before) = (server.memory(), kernel_memory(server.addr));

    stalled.iter().for_each(Person::stops_reading);
    talk(1_000, MESSAGES).await;
    let last = cluster.log("general").await.len() as u64;
    join_all(reading.iter().map(|reader| reader.has_read("general", last))).await;
    let process = server.memory().saturating_sub(process_before);
    let kernel = kernel_memory(server.addr).saturating_sub(kernel_before);
    println!(
        "{EACH} stalled readers, {MESSAGES} messages: {} KiB of the process and {} KiB of the kernel each; at most {} KiB",
        process / EACH as u64 / 1024,
        kernel / EACH as u64 / 1024,
        BYTES / 1024
    );
    assert!((process + kernel) / EACH as u64 <= BYTES, "stalled readers cost too much");
    let behind = stalled.iter().filter(|reader| reader.with("general", |followed| followed.position < last)).count();
    assert_eq!(behind, EACH, "some readers were not stalled at all");

    // Half of them wake up, half come back over a new connection.
    let (woken, reconnecting) = stalled.split_at(EACH / 2);
    join_all(reconnecting.iter().map(Person::loses_connection)).await;
    stalled.iter().for_each(Person::reads_again);
    join_all(woken.iter().chain(reconnecting).map(|reader| reader.has_read("general", last))).await;
    let everybody: Vec<&Person> = readers.iter().collect();
    cluster.verify("general", &everybody).await;
    assert!(reconnecting.iter().all(|reader| reader.connections() > 1));
}
