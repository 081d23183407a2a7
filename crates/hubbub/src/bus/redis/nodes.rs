//! Which nodes carry which lanes: asked of Sentinels or of the cluster, again and again.

use super::target::{At, Kind, Target, explain};
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
    pub at: At,
    pub lanes: Vec<u16>,
    /// A word that puts a channel of this name into one of the node's slots: see [`Node::probe`].
    pub probe: String,
}

/// Asks for them.
pub(super) struct Nodes {
    target: Target,
    /// Channels by lane.
    channels: Vec<String>,
    /// Whom to ask.
    known: Vec<At>,
    asked: Option<(At, MultiplexedConnection)>,
    /// How often whoever answered has been doubted.
    doubts: usize,
}

impl Nodes {
    pub(super) fn new(target: Target, channels: Vec<String>) -> Self {
        Self { known: target.hosts.clone(), target, channels, asked: None, doubts: 0 }
    }

    /// The one node there is, if nobody needs to be asked.
    pub(super) fn single(&self, probe: &str) -> Option<Node> {
        let lanes = (0..limits::LANES).collect();
        (self.target.kind == Kind::Single).then(|| Node {
            at: self.target.hosts[0].clone(),
            lanes,
            probe: probe.into(),
        })
    }

    /// Where every lane travels now. `probe` is the name of this instance's probe channels.
    pub(super) async fn ask(&mut self, probe: &str) -> Result<Vec<Node>, String> {
        let mut reason = String::new();
        let kept = self.asked.take();
        let mut turns: Vec<(At, Option<MultiplexedConnection>)> =
            kept.into_iter().map(|(at, connection)| (at, Some(connection))).collect();
        let first = self.doubts % self.known.len().max(1);
        turns.extend(self.known.iter().cycle().skip(first).take(self.known.len()).map(|at| (at.clone(), None)));
        for (at, kept) in turns {
            let answer = timeout(ANSWER_WITHIN, async {
                let mut connection = match kept {
                    Some(connection) => connection,
                    None => self.target.ask(&at).await.map_err(|error| explain(&error))?,
                };
                let nodes = self.ask_one(&at, &mut connection, probe).await?;
                Ok::<_, String>((connection, nodes))
            });
            match answer.await.unwrap_or_else(|_| Err("no answer".to_owned())) {
                Ok((connection, nodes)) => {
                    self.asked = Some((at, connection));
                    self.remember(&nodes);
                    return Ok(nodes);
                }
                Err(why) => reason = format!("{at}: {why}"),
            }
        }
        Err(reason)
    }

    /// What was answered last does not lead to nodes that work: it may be stale, so somebody else is asked next.
    pub(super) fn doubt(&mut self) {
        self.asked = None;
        self.doubts = self.doubts.wrapping_add(1);
    }

    /// Nodes come and go; those of the URL are asked as well.
    fn remember(&mut self, nodes: &[Node]) {
        if self.target.kind == Kind::Cluster {
            self.known = nodes.iter().map(|node| node.at.clone()).collect();
            let others: Vec<At> = self.target.hosts.iter().filter(|at| !self.known.contains(at)).cloned().collect();
            self.known.extend(others);
        }
    }

    async fn ask_one(&self, at: &At, connection: &mut MultiplexedConnection, probe: &str) -> Result<Vec<Node>, String> {
        let failed = |error| explain(&error);
        match &self.target.kind {
            Kind::Single => Ok(self.single(probe).into_iter().collect()),
            Kind::Sentinel(master) => {
                let mut ask = cmd("SENTINEL");
                ask.arg("get-master-addr-by-name").arg(master);
                let found: Option<(String, u16)> = ask.query_async(connection).await.map_err(failed)?;
                let (host, port) = found.ok_or_else(|| format!("it knows no master of the name {master}"))?;
                let lanes = (0..limits::LANES).collect();
                Ok(vec![Node { at: At { host, port }, lanes, probe: probe.to_owned() }])
            }
            Kind::Cluster => {
                let slots = cmd("CLUSTER").arg("SLOTS").query_async(connection).await.map_err(failed)?;
                let ranges = ranges(slots, at).ok_or("CLUSTER SLOTS has another form than expected")?;
                nodes_of(&ranges, &self.channels, probe)
            }
        }
    }
}

/// Slots from, to, and whose.
type Ranges = Vec<(u16, u16, At)>;

/// `CLUSTER SLOTS`: `[[from, to, [host, port, …], replicas…]…]`. A node that does not know its own host is where it was asked.
fn ranges(value: Value, asked: &At) -> Option<Ranges> {
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
        Some((number(&row[0])?, number(row.get(1)?)?, At { host, port: number(node.get(1)?)? }))
    };
    rows.iter().map(row).collect()
}

/// The nodes that lanes travel through. An error: some lane has none.
fn nodes_of(ranges: &Ranges, channels: &[String], probe: &str) -> Result<Vec<Node>, String> {
    let whose = |slot: u16| ranges.iter().find(|(from, to, _)| (*from..=*to).contains(&slot)).map(|(_, _, at)| at);
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    for (lane, channel) in (0..).zip(channels) {
        let slot = slot(channel);
        let at = whose(slot).ok_or_else(|| format!("no node of the cluster has slot {slot}"))?;
        let node = nodes.entry(at.to_string()).or_insert_with(|| {
            // One of the first few dozen falls into a slot of the node, unless it has next to none: then that of the lane.
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
        let at = |port| At { host: "h".into(), port };
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
