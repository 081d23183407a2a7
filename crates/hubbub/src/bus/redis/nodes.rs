//! Finds out which nodes carry which lanes, by asking Sentinels or nodes of the cluster.

use super::target::{HostPort, Kind, Target, explain};
use ::redis::{Value, aio::MultiplexedConnection, cmd};
use hubbub_core::limits;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;

/// Slots of a cluster.
const SLOTS: u16 = 16_384;
/// How long one Sentinel or node may take to say where the others are.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// A node, and the lanes that travel through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub at: HostPort,
    pub lanes: Vec<u16>,
    /// The channel of this instance's probes. In a cluster it is in one of the node's own slots.
    pub probe: String,
}

/// Asks which nodes there are.
pub(super) struct Nodes {
    target: Target,
    /// Channels by lane.
    channels: Vec<String>,
    /// Sentinels, or nodes of the cluster, that can be asked.
    known: Vec<HostPort>,
    /// The one that answered last.
    answered: Option<(HostPort, MultiplexedConnection)>,
    /// How often an answer has been doubted: it decides who is asked first.
    doubts: usize,
}

impl Nodes {
    pub(super) fn new(target: Target, channels: Vec<String>) -> Self {
        Self { known: target.hosts.clone(), target, channels, answered: None, doubts: 0 }
    }

    /// The only node, where nobody needs to be asked.
    pub(super) fn single(&self, probe: &str) -> Option<Node> {
        let lanes = (0..limits::LANES).collect();
        (self.target.kind == Kind::Single).then(|| Node {
            at: self.target.hosts[0].clone(),
            lanes,
            probe: probe.into(),
        })
    }

    /// The nodes that carry lanes now. `probe` begins the names of this instance's probe channels.
    pub(super) async fn ask(&mut self, probe: &str) -> Result<Vec<Node>, String> {
        let mut reason = String::new();
        let kept = self.answered.take();
        let mut turns: Vec<(HostPort, Option<MultiplexedConnection>)> =
            kept.into_iter().map(|(at, connection)| (at, Some(connection))).collect();
        let first = self.doubts % self.known.len().max(1);
        turns.extend(self.known.iter().cycle().skip(first).take(self.known.len()).map(|at| (at.clone(), None)));
        for (at, kept) in turns {
            let answer = timeout(ANSWER_WITHIN, async {
                let mut connection = match kept {
                    Some(connection) => connection,
                    None => self.target.ask(&at).await?,
                };
                let nodes = self.ask_one(&at, &mut connection, probe).await?;
                Ok::<_, String>((connection, nodes))
            });
            match answer.await.unwrap_or_else(|_| Err("no answer".to_owned())) {
                Ok((connection, nodes)) => {
                    self.answered = Some((at, connection));
                    self.remember(&nodes);
                    return Ok(nodes);
                }
                Err(why) => reason = format!("{at}: {why}"),
            }
        }
        Err(reason)
    }

    /// The last answer names nodes that do not work. It may be out of date, so another Sentinel or node is asked next.
    pub(super) fn doubt(&mut self) {
        self.answered = None;
        self.doubts = self.doubts.wrapping_add(1);
    }

    /// Nodes of a cluster come and go: from now on these are asked, and then those of the URL.
    fn remember(&mut self, nodes: &[Node]) {
        if self.target.kind == Kind::Cluster {
            self.known = nodes.iter().map(|node| node.at.clone()).collect();
            let others: Vec<HostPort> =
                self.target.hosts.iter().filter(|at| !self.known.contains(at)).cloned().collect();
            self.known.extend(others);
        }
    }

    async fn ask_one(
        &self,
        at: &HostPort,
        connection: &mut MultiplexedConnection,
        probe: &str,
    ) -> Result<Vec<Node>, String> {
        let failed = |error| explain(&error);
        match &self.target.kind {
            Kind::Single => Ok(self.single(probe).into_iter().collect()),
            Kind::Sentinel(master) => {
                let mut ask = cmd("SENTINEL");
                ask.arg("get-master-addr-by-name").arg(master);
                let found: Option<(String, u16)> = ask.query_async(connection).await.map_err(failed)?;
                let (host, port) = found.ok_or_else(|| format!("it knows no master of the name {master}"))?;
                let lanes = (0..limits::LANES).collect();
                Ok(vec![Node { at: HostPort { host, port }, lanes, probe: probe.to_owned() }])
            }
            Kind::Cluster => {
                let slots = cmd("CLUSTER").arg("SLOTS").query_async(connection).await.map_err(failed)?;
                let ranges = ranges(slots, at).ok_or("CLUSTER SLOTS has another form than expected")?;
                nodes_of(&ranges, &self.channels, probe)
            }
        }
    }
}

/// The first and the last slot of each range, and the node that has it.
type Ranges = Vec<(u16, u16, HostPort)>;

/// Reads the answer to `CLUSTER SLOTS`: `[[from, to, [host, port, …], replicas…]…]`. A node that does not know its own host is
/// at the host that was asked.
fn ranges(value: Value, asked: &HostPort) -> Option<Ranges> {
    let Value::Array(rows) = value else { return None };
    let number = |value: &Value| match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    };
    let row = |row: &Value| {
        let Value::Array(row) = row else { return None };
        let Value::Array(node) = row.get(2)? else { return None };
        let host = match node.first()? {
            Value::BulkString(host) => String::from_utf8(host.clone()).ok()?,
            Value::SimpleString(host) => host.clone(),
            _ => String::new(),
        };
        let host = if host.is_empty() || host == "?" { asked.host.clone() } else { host };
        Some((number(&row[0])?, number(row.get(1)?)?, HostPort { host, port: number(node.get(1)?)? }))
    };
    rows.iter().map(row).collect()
}

/// The nodes that carry lanes. An error if some lane has none.
fn nodes_of(ranges: &Ranges, channels: &[String], probe: &str) -> Result<Vec<Node>, String> {
    let whose = |slot: u16| ranges.iter().find(|(from, to, _)| (*from..=*to).contains(&slot)).map(|(_, _, at)| at);
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    for (lane, channel) in (0..).zip(channels) {
        let slot = slot(channel);
        let at = whose(slot).ok_or_else(|| format!("no node of the cluster has slot {slot}"))?;
        let node = nodes.entry(at.to_string()).or_insert_with(|| {
            // One of these names falls into a slot of the node, unless the node has very few slots. Then the probe's channel is
            // put into the slot of the lane's channel, by the braces.
            let near = (0..256).map(|n| format!("{probe}:{n}")).find(|name| whose(self::slot(name)) == Some(at));
            let probe = near.unwrap_or_else(|| format!("{probe}:{{{channel}}}"));
            Node { at: at.clone(), lanes: Vec::new(), probe }
        });
        node.lanes.push(lane);
    }
    Ok(nodes.into_values().collect())
}

/// The slot of a channel: CRC-16 (XMODEM) of what is in its first braces, or of all of it.
fn slot(channel: &str) -> u16 {
    let tag = channel.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let crc = tag.filter(|tag| !tag.is_empty()).unwrap_or(channel).bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // CLUSTER KEYSLOT of a real one.
        assert_eq!(slot("123456789"), 0x31c3 % SLOTS);
        assert_eq!(slot("foo"), 12_182);
        assert_eq!(slot("a{foo}b{bar}"), 12_182);
        assert_eq!(slot("{}foo"), slot("{}foo"));
        assert_ne!(slot("{}foo"), 12_182);
    }

    #[test]
    fn every_lane_has_a_node_and_every_node_a_probe() {
        let at = |port| HostPort { host: "h".into(), port };
        let channels: Vec<String> = (0..limits::LANES).map(|lane| format!("hubbub:n:lane:{lane}")).collect();
        let odd = slot(&channels[7]);
        let ranges = vec![(0, odd - 1, at(1)), (odd, odd, at(2)), (odd + 1, SLOTS - 1, at(3))];
        let nodes = nodes_of(&ranges, &channels, "hubbub:n:probe:x").expect("nodes");
        let mut lanes: Vec<u16> = nodes.iter().flat_map(|node| node.lanes.clone()).collect();
        lanes.sort_unstable();
        assert_eq!(lanes, (0..limits::LANES).collect::<Vec<_>>());
        let whose =
            |name: &str| &ranges.iter().find(|(from, to, _)| (*from..=*to).contains(&slot(name))).expect("one").2;
        for node in &nodes {
            assert_eq!(whose(&node.probe), &node.at);
            assert!(node.probe.contains(":probe:"));
        }
        let hole = nodes_of(&vec![(0, 5, at(1))], &channels, "p").expect_err("a hole");
        assert!(hole.contains("no node"), "{hole}");
    }
}
