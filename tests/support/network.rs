//! A network namespace with two ways to it, so that packets can be lost for real: nobody is told, and nothing is closed.
//!
//! What a way loses goes to a neighbour that is not there: the other end's kernel throws it away. (Filters would need
//! modules that small kernels lack.)

use std::{
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Nobody's hardware address.
const NOBODY: &str = "02:00:00:00:de:ad";

/// Which packets a way loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Losing {
    /// Those towards the namespace.
    There,
    /// Those from it.
    Back,
}

/// See the module. Gone, with the server in it, when dropped.
#[derive(Debug)]
pub struct Network {
    name: String,
    /// Of each way: the device here, the device there, the host here, the host there.
    ways: Vec<[String; 4]>,
    server: Option<Child>,
}

impl Network {
    /// Makes one with a redis-server in it, on port 6379 of every way. An error where this machine makes no namespaces: it
    /// needs root, and a kernel that knows them.
    pub async fn with_redis() -> Result<Self, String> {
        let number = std::process::id() % 10_000 * 8 + NEXT.fetch_add(1, Ordering::Relaxed) % 8;
        let mut network = Self { name: format!("hubbub{number}"), ways: Vec::new(), server: None };
        ip(&format!("netns add {}", network.name))?;
        ip(&format!("-n {} link set lo up", network.name))?;
        for way in 0..2 {
            // Of the range for tests of networks: 198.18.0.0/15.
            let net = format!("198.{}.{}", 18 + way, number % 250);
            let [here, there] = [format!("hb{number}h{way}"), format!("hb{number}t{way}")];
            let name = &network.name;
            ip(&format!("link add {here} type veth peer name {there} netns {name}"))?;
            ip(&format!("addr add {net}.1/30 dev {here}"))?;
            ip(&format!("link set {here} up"))?;
            ip(&format!("-n {name} addr add {net}.2/30 dev {there}"))?;
            ip(&format!("-n {name} link set {there} up"))?;
            network.ways.push([here, there, format!("{net}.1"), format!("{net}.2")]);
        }
        let redis = "redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --appendonly no";
        let server = Command::new("ip")
            .args(["netns", "exec", &network.name])
            .args(redis.split(' '))
            .args(["--save", ""])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        network.server = Some(server.map_err(|error| error.to_string())?);
        let began = Instant::now();
        while network.reach(0).await.is_err() || network.reach(1).await.is_err() {
            if began.elapsed() > Duration::from_secs(10) {
                return Err("the redis-server in the namespace cannot be reached".into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(network)
    }

    async fn reach(&self, way: usize) -> std::io::Result<()> {
        TcpStream::connect((self.ways[way][3].as_str(), 6379)).await?.write_all(b"PING\r\n").await
    }

    /// The URL of the Redis over a way.
    pub fn url(&self, way: usize) -> String {
        format!("redis://{}:6379", self.ways[way][3])
    }

    /// From now on a way loses packets of this direction.
    pub fn lose(&self, way: usize, losing: Losing) {
        let [here, there, host_here, host_there] = &self.ways[way];
        let done = match losing {
            Losing::There => ip(&format!("neigh replace {host_there} lladdr {NOBODY} dev {here} nud permanent")),
            Losing::Back => {
                ip(&format!("-n {} neigh replace {host_here} lladdr {NOBODY} dev {there} nud permanent", self.name))
            }
        };
        done.expect("packets are lost");
    }

    /// It loses none any more.
    pub fn mend(&self, way: usize) {
        let [here, there, host_here, host_there] = &self.ways[way];
        // Only one of them may have been set.
        let _ = ip(&format!("neigh del {host_there} dev {here}"));
        let _ = ip(&format!("-n {} neigh del {host_here} dev {there}", self.name));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
        // Its ways go with it.
        let _ = ip(&format!("netns del {}", self.name));
        for [here, ..] in &self.ways {
            let _ = ip(&format!("link del {here}"));
        }
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
