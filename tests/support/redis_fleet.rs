//! Several real redis-servers that belong together: under Sentinels, or in a cluster.

use super::{ports::free_port, redis::Redis};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// The name Sentinels give the master.
pub const MASTER: &str = "chat";

/// Longest wait for a fleet to settle.
const SETTLED: Duration = Duration::from_secs(30);

/// A master, a replica, and three Sentinels that fail over after a second.
#[derive(Debug)]
pub struct Sentinels {
    pub redises: Vec<Redis>,
    sentinels: Vec<Redis>,
    _directory: TempDir,
}

impl Sentinels {
    /// Starts them, and waits until every Sentinel knows the others and the replica.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let master = Redis::start().await;
        let follow = master.addr().port().to_string();
        let replica = Redis::start_with(|_| vec!["--replicaof".into(), "127.0.0.1".into(), follow.clone()]).await;
        let mut sentinels = Vec::new();
        for n in 0..3 {
            let file = directory.path().join(format!("sentinel-{n}.conf"));
            let rules = format!(
                "sentinel monitor {MASTER} 127.0.0.1 {follow} 2\nsentinel down-after-milliseconds {MASTER} 1000\n\
                 sentinel failover-timeout {MASTER} 4000\n"
            );
            std::fs::write(&file, rules).expect("a file");
            let file = file.to_str().expect("a path").to_owned();
            sentinels.push(Redis::start_with(|_| vec![file.clone(), "--sentinel".into()]).await);
        }
        let fleet = Self { redises: vec![master, replica], sentinels, _directory: directory };
        let began = Instant::now();
        for sentinel in &fleet.sentinels {
            loop {
                let says = sentinel.ask(&["SENTINEL", "MASTER", MASTER]).await;
                let words: Vec<&str> = says.split("\r\n").collect();
                let number = |name| {
                    let at = words.iter().position(|word| *word == name);
                    at.and_then(|at| words.get(at + 2)).copied().unwrap_or_default()
                };
                if number("num-slaves") == "1" && number("num-other-sentinels") == "2" {
                    break;
                }
                assert!(began.elapsed() < SETTLED, "the Sentinels do not find each other: {says}");
                sleep(Duration::from_millis(20)).await;
            }
        }
        fleet
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.sentinels.iter().map(|sentinel| sentinel.addr().to_string()).collect();
        format!("redis+sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// From now on no Sentinel answers without this password, nor the others.
    pub async fn lock(&self, password: &str) {
        for sentinel in &self.sentinels {
            let answer = sentinel.ask(&["ACL", "SETUSER", "default", "resetpass", &format!(">{password}")]).await;
            assert_eq!(answer, "+OK\r\n");
        }
    }

    /// Whom the first Sentinel takes for the master.
    pub async fn master(&self) -> u16 {
        let says = self.sentinels[0].ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]).await;
        says.split("\r\n").nth(4).and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no master: {says}"))
    }
}

/// Three masters that share the slots between them, and no replicas.
#[derive(Debug)]
pub struct RedisCluster {
    pub nodes: Vec<Redis>,
    ids: Vec<String>,
}

impl RedisCluster {
    /// Starts them, and waits until every node finds the cluster well.
    pub async fn start() -> Self {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            let arguments = |port: u16| {
                let cluster_port = free_port().to_string();
                let file = format!("hubbub-test-nodes-{}-{port}.conf", std::process::id());
                ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", &cluster_port]
                    .into_iter()
                    .chain(["--cluster-config-file", &file])
                    .map(ToOwned::to_owned)
                    .collect()
            };
            nodes.push(Redis::start_with(arguments).await);
        }
        let mut ids = Vec::new();
        for (n, node) in nodes.iter().enumerate() {
            let (from, to) = (n * 16_384 / 3, (n + 1) * 16_384 / 3 - 1);
            let answer = node.ask(&["CLUSTER", "ADDSLOTSRANGE", &from.to_string(), &to.to_string()]).await;
            assert_eq!(answer, "+OK\r\n");
            node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()]).await;
            let id = node.ask(&["CLUSTER", "MYID"]).await;
            ids.push(id.split("\r\n").nth(1).expect("an id").to_owned());
        }
        for node in &nodes[1..] {
            let (port, bus) = (node.addr().port().to_string(), node.argument("--cluster-port"));
            let answer = nodes[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await;
            assert_eq!(answer, "+OK\r\n");
        }
        let cluster = Self { nodes, ids };
        cluster.is_well().await;
        cluster
    }

    /// Its URL, of two of the three.
    pub fn url(&self) -> String {
        format!("redis+cluster://{},{}", self.nodes[0].addr(), self.nodes[1].addr())
    }

    async fn is_well(&self) {
        let began = Instant::now();
        for node in &self.nodes {
            loop {
                let info = node.ask(&["CLUSTER", "INFO"]).await;
                if info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3") {
                    break;
                }
                assert!(began.elapsed() < SETTLED, "the cluster does not settle: {info}");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// The node that has the slot of a channel.
    pub async fn home_of(&self, channel: &str) -> usize {
        let slot: usize = self.slot(channel).await.parse().expect("a slot");
        let slots = self.nodes[0].ask(&["CLUSTER", "NODES"]).await;
        let has = |range: &str| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            from.parse().ok().zip(to.parse().ok()).is_some_and(|(from, to): (usize, usize)| (from..=to).contains(&slot))
        };
        let line = slots.lines().find(|line| line.split(' ').skip(8).any(has)).expect("somebody has the slot");
        self.ids.iter().position(|id| line.starts_with(id.as_str())).expect("one of these nodes")
    }

    async fn slot(&self, channel: &str) -> String {
        self.nodes[0].ask(&["CLUSTER", "KEYSLOT", channel]).await.trim_matches([':', '\r', '\n']).to_owned()
    }

    /// Gives the slot of a channel to another node, as an operator does who makes room. Returns to which.
    pub async fn move_slot_of(&self, channel: &str) -> usize {
        let (slot, from) = (self.slot(channel).await, self.home_of(channel).await);
        let to = (from + 1) % self.nodes.len();
        let set = async |node: usize, how: &str, whom: usize| {
            let answer = self.nodes[node].ask(&["CLUSTER", "SETSLOT", &slot, how, &self.ids[whom]]).await;
            assert_eq!(answer, "+OK\r\n", "SETSLOT {how}");
        };
        set(to, "IMPORTING", from).await;
        set(from, "MIGRATING", to).await;
        for node in [to, from, (from + 2) % 3] {
            set(node, "NODE", to).await;
        }
        to
    }

    /// Where a node listens.
    pub fn at(&self, n: usize) -> SocketAddr {
        self.nodes[n].addr()
    }
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            node.stop();
            // Was never made, if the node did not start.
            let _ = std::fs::remove_file(std::env::temp_dir().join(node.argument("--cluster-config-file")));
        }
    }
}
