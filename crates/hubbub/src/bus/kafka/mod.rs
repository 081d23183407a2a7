//! Kafka without consumer groups. Every instance reads every partition of one topic for itself, from the newest record on;
//! it commits nothing and names itself nowhere, so nothing of it stays behind. The topic keeps its records for a minute.

mod topic;

use super::{
    PacketBus,
    address::{Address, BusUrlError},
    link::{Breaker, Broken},
    packets::{PacketBroker, PacketConnection, PacketSubscriber},
};
use bytes::Bytes;
use futures_util::future::try_join_all;
use hubbub_core::limits;
use rskafka::{
    BackoffConfig,
    client::{
        Client, ClientBuilder,
        error::{Error, ProtocolError},
        partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling},
    },
    record::Record,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

/// Starts a bus over one topic of Kafka; servers that cannot be reached are dialled for ever. `url` is
/// `kafka://host:port,…/prefix`; the topic is `prefix.namespace`, made if there is none. Instances hear each other within a
/// namespace.
///
/// # Errors
/// Only for a URL that cannot be understood.
///
/// # Panics
/// Outside of a runtime.
pub fn start(url: &str, namespace: &str) -> Result<PacketBus, BusUrlError> {
    let address = Address::parse(url.split_once(':').map_or(url, |(_, rest)| rest), 9092)?;
    if address.user.is_some() {
        return Err("users and passwords are not there yet for Kafka".into());
    }
    let prefix = if address.path.is_empty() { "hubbub" } else { &address.path };
    if prefix.len() > 100 || !prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        return Err("the topic's prefix after / is at most 100 letters, digits, dots, _ and -".into());
    }
    let topic = format!("{prefix}.{namespace}");
    Ok(PacketBus::start(KafkaBroker { servers: address.hosts, topic, positions: Arc::default() }))
}

/// Up to where each partition has been read, kept for as long as this instance lives.
type Positions = Arc<Mutex<BTreeMap<i32, i64>>>;

/// The servers, and the topic there.
struct KafkaBroker {
    servers: Vec<String>,
    topic: String,
    positions: Positions,
}

struct KafkaConnection {
    /// One for each partition, in the order of their numbers. Fetches have connections of their own: a server answers the
    /// requests of one connection one after another, and holds a fetch back while there is nothing new.
    writers: Vec<PartitionClient>,
    broken: Broken,
    _readers: JoinSet<()>,
}

/// One partition being read.
struct Reader {
    client: PartitionClient,
    stream: u16,
    /// The offset to be fetched next.
    next: i64,
    positions: Positions,
    subscriber: PacketSubscriber,
}

impl PacketBroker for KafkaBroker {
    type Connection = KafkaConnection;
    const NAME: &'static str = "kafka";
    const DIAL_WITHIN: Duration = limits::KAFKA_DIAL;

    async fn dial(&mut self, subscriber: &PacketSubscriber) -> Result<KafkaConnection, String> {
        // Does nothing where the topic is there already.
        topic::ensure(&self.servers, &self.topic).await?;
        // Without retries of the library: while it tries again it does not say that something is wrong.
        let backoff = BackoffConfig { deadline: Some(Duration::ZERO), ..BackoffConfig::default() };
        let client = ClientBuilder::new(self.servers.clone())
            .client_id("hubbub")
            .max_message_size(2 * limits::KAFKA_FETCH_BYTES)
            .backoff_config(backoff)
            .build()
            .await
            .map_err(|error| error.to_string())?;
        let partitions = self.partitions(&client).await?;
        let (breaker, broken) = Breaker::new();
        let (mut writers, mut readers) = (Vec::new(), JoinSet::new());
        let mut missed = false;
        for (stream, partition) in (0..).zip(partitions) {
            writers.push(self.partition(&client, partition).await?);
            let reader = self.partition(&client, partition).await?;
            let (next, resumed) = self.seek(&reader, partition).await?;
            missed |= !resumed;
            let (positions, subscriber) = (self.positions.clone(), subscriber.clone());
            let reader = Reader { client: reader, stream, next, positions, subscriber };
            readers.spawn(read(reader, breaker.clone()));
        }
        if missed {
            subscriber.lost();
        }
        Ok(KafkaConnection { writers, broken, _readers: readers })
    }
}

impl KafkaBroker {
    /// The topic's partitions that are used. Waits for a topic that has just been made: not every server knows it at once.
    async fn partitions(&self, client: &Client) -> Result<Vec<i32>, String> {
        loop {
            let topics = client.list_topics().await.map_err(|error| error.to_string())?;
            match topics.into_iter().find(|topic| topic.name == self.topic) {
                Some(topic) if !topic.partitions.is_empty() => return used(&self.topic, &topic.partitions),
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn partition(&self, client: &Client, partition: i32) -> Result<PartitionClient, String> {
        let client = client.partition_client(self.topic.clone(), partition, UnknownTopicHandling::Retry).await;
        client.map_err(|error| error.to_string())
    }

    /// The offset to read from: where this instance has read up to, if the server still has what follows and that is not more
    /// than the intake holds; otherwise the end. `true` if nothing is passed over.
    async fn seek(&self, reader: &PartitionClient, partition: i32) -> Result<(i64, bool), String> {
        let latest = reader.get_offset(OffsetAt::Latest).await.map_err(|error| error.to_string())?;
        let earliest = reader.get_offset(OffsetAt::Earliest).await.map_err(|error| error.to_string())?;
        let mut positions = lock(&self.positions);
        let was = positions.get(&partition).copied();
        let within = was.filter(|was| (earliest.max(latest - limits::BUS_INTAKE as i64)..=latest).contains(was));
        let next = within.unwrap_or(latest);
        positions.insert(partition, next);
        Ok((next, within.is_some()))
    }
}

/// The first [`limits::KAFKA_PARTITIONS`], however many there are: if somebody adds partitions, instances that dialled before
/// that and after it must agree on which partition carries which lane.
fn used(topic: &str, partitions: &BTreeSet<i32>) -> Result<Vec<i32>, String> {
    let (needed, there) = (usize::from(limits::KAFKA_PARTITIONS), partitions.len());
    if there < needed {
        return Err(format!("the topic {topic} has {there} partitions and needs {needed}: add some, or delete it"));
    }
    Ok(partitions.iter().copied().take(needed).collect())
}

/// Reads a partition until a fetch fails.
async fn read(mut reader: Reader, breaker: Breaker) {
    let reason = loop {
        let answer = timeout(limits::BUS_PATIENCE + limits::KAFKA_WAIT, reader.fetch()).await;
        match answer {
            Ok(Ok(())) => {}
            Ok(Err(error)) => break error.to_string(),
            Err(_) => break "no answer to a fetch".to_owned(),
        }
    };
    breaker.tell(reason);
}

impl Reader {
    async fn fetch(&mut self) -> Result<(), Error> {
        let wait = limits::KAFKA_WAIT.as_millis() as i32;
        let fetched = self.client.fetch_records(self.next, 1..limits::KAFKA_FETCH_BYTES as i32, wait).await;
        let records = match fetched {
            Ok((records, _)) => records,
            Err(Error::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. }) => {
                self.next = self.client.get_offset(OffsetAt::Latest).await?;
                self.subscriber.lost();
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for record in records {
            if record.offset > self.next {
                self.subscriber.lost();
            }
            self.next = record.offset + 1;
            if let Some(packet) = record.record.value {
                self.subscriber.heard(self.stream, packet.into());
            }
        }
        lock(&self.positions).insert(self.client.partition(), self.next);
        Ok(())
    }
}

impl PacketConnection for KafkaConnection {
    fn stream(&self, lane: u16) -> u16 {
        lane % self.writers.len() as u16
    }

    fn probed(&self) -> Vec<u16> {
        (0..self.writers.len() as u16).collect()
    }

    fn limit(&self) -> usize {
        limits::BUS_PACKET_BYTES
    }

    async fn publish(&mut self, packets: Vec<(u16, Vec<Bytes>)>) -> Result<(), String> {
        let writers = &self.writers;
        let streams = packets.into_iter().map(|(stream, packets)| async move {
            for packet in packets {
                let record =
                    Record { key: None, value: Some(packet.into()), headers: BTreeMap::new(), timestamp: now() };
                writers[usize::from(stream)].produce(vec![record], Compression::NoCompression).await?;
            }
            Ok::<_, Error>(())
        });
        try_join_all(streams).await.map(drop).map_err(|error| error.to_string())
    }

    fn broken(&mut self) -> &mut Broken {
        &mut self.broken
    }
}

/// A record's timestamp, by which the server decides when to throw it away.
fn now() -> rskafka::chrono::DateTime<rskafka::chrono::Utc> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    rskafka::chrono::DateTime::from_timestamp_millis(now.as_millis() as i64).unwrap_or_default()
}

fn lock(positions: &Positions) -> std::sync::MutexGuard<'_, BTreeMap<i32, i64>> {
    positions.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_dealt_onto_the_same_partitions_however_many_are_added() {
        let needed = i32::from(limits::KAFKA_PARTITIONS);
        let first: Vec<i32> = (0..needed).collect();
        for there in [needed, needed + 1, 3 * needed] {
            assert_eq!(used("t", &(0..there).collect()), Ok(first.clone()));
        }
        let error = used("chat.n", &(0..needed - 1).collect()).expect_err("too few");
        assert!(error.contains("chat.n has 3 partitions and needs 4"), "{error}");
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_understood_is_refused_without_repeating_it() {
        for url in ["kafka:", "kafka://one:x", "kafka://ana:hunter2@one", "kafka://one/two/three", "kafka://one/t?x"] {
            let error = start(url, "n").expect_err("refused").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
