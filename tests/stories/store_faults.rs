//! Postgres is cut, hangs and comes back: nothing is half stored, sockets stay, and it mends itself.

use crate::cluster::Cluster;
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn postgres_is_cut_in_the_middle_of_batches_and_mended() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let door = cluster.instances[0].postgres.as_ref().unwrap();
    for round in 0..5 {
        let texts: Vec<String> = (0..120).map(|n| format!("{round}-{n}")).collect();
        let talk = join_all(texts.iter().map(|text| ana.says("general", text)));
        let cut = async {
            // Some of the batch is in, some is on its way, some waits.
            ben.hears("general", &format!("{round}-3")).await;
            door.cut();
            cluster.instances[0].is_ready(|ready| ready["store"] == "down").await;
            door.mend();
        };
        let (acks, ()) = tokio::join!(talk, cut);
        let mut seqs: Vec<u64> = acks.iter().map(|ack| ack.seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs.len(), texts.len(), "two messages were given one place");
    }
    assert_eq!((ana.connections(), ben.connections()), (1, 1), "the sockets did not stay");
    cluster.ready().await;
    let log = cluster.verify("general", &[&ana, &ben]).await;
    assert_eq!(log.len(), 2 + 5 * 120, "a message is there twice, or not at all");
}

#[tokio::test]
async fn with_the_store_down_a_send_is_told_to_retry_and_nothing_is_half_stored() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let door = cluster.instances[0].postgres.as_ref().unwrap();
    door.cut();
    let send = json!({ "rpc": { "method": "send", "data": { "room": "general", "text": "hello?", "key": "k" } } });
    let answer = ana.asks(send).await.expect("an answer");
    assert_eq!(answer["error"]["temporary"], true, "{answer}");
    assert_eq!(answer["error"]["code"], 503, "{answer}");
    let page = ana.calls("messages", json!({ "room": "general" })).await;
    assert_eq!((&page["error"]["code"], &page["error"]["temporary"]), (&json!(503), &json!(true)), "{page}");
    // The other instance has its own way to the store.
    ben.says("general", "I am fine").await;
    door.mend();
    ana.says_with_key("general", "hello?", "k").await;
    ben.hears("general", "hello?").await;
    ana.hears("general", "I am fine").await;
    assert_eq!(ana.connections(), 1, "the socket did not stay");
    cluster.verify("general", &[&ana, &ben]).await;
}

#[tokio::test]
async fn a_hung_postgres_is_given_up_and_mended() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let door = cluster.instances[0].postgres.as_ref().unwrap();
    door.hold();
    let (ack, ()) = tokio::join!(ana.says("general", "into the void"), async {
        cluster.instances[0].is_ready(|ready| ready["store"] == "down").await;
        door.cut();
        door.mend();
    });
    assert_eq!(ack.seq, 3);
    ben.hears("general", "into the void").await;
    cluster.verify("general", &[&ana, &ben]).await;
}
