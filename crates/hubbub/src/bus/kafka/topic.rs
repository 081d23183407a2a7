//! Makes the topic. The client library can make one, but cannot set how long the topic keeps records; so this one request
//! (CreateTopics, version 4: Kafka 2.4 and newer) is written by hand.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hubbub_core::limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const CREATE_TOPICS: i16 = 19;
const VERSION: i16 = 4;
/// Most bytes of an answer that is read.
const ANSWER_BYTES: usize = 64 * 1024;

const TOPIC_ALREADY_EXISTS: i16 = 36;
const NOT_CONTROLLER: i16 = 41;

/// Makes the topic if there is none, through the first server that answers.
pub(super) async fn ensure(servers: &[String], topic: &str) -> Result<(), String> {
    let mut why = "no servers".to_owned();
    for server in servers {
        // A server that does not answer must not keep the next one from being asked.
        let answer = timeout(limits::BUS_PATIENCE, create(server, topic)).await;
        match answer.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Ok((0 | TOPIC_ALREADY_EXISTS, _)) => return Ok(()),
            // Before KRaft, only the controller makes topics. It is one of the other servers.
            Ok((NOT_CONTROLLER, _)) => why = "none of the servers named is the controller".to_owned(),
            Ok((code, said)) => why = format!("the topic cannot be made: error {code} {said}"),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

async fn create(server: &str, topic: &str) -> std::io::Result<(i16, String)> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(&request(topic)).await?;
    let length = stream.read_u32().await? as usize;
    if length > ANSWER_BYTES {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await?;
    outcome(answer.into()).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}

fn request(topic: &str) -> BytesMut {
    let kept = limits::KAFKA_RETENTION.as_millis().to_string();
    let settings = [("cleanup.policy", "delete"), ("retention.ms", kept.as_str()), ("segment.ms", kept.as_str())];
    let mut body = BytesMut::new();
    body.put_i16(CREATE_TOPICS);
    body.put_i16(VERSION);
    body.put_i32(0);
    put(&mut body, "hubbub");
    body.put_i32(1);
    put(&mut body, topic);
    body.put_i32(i32::from(limits::KAFKA_PARTITIONS));
    // The servers' own setting decides how many replicas there are, and the servers decide where.
    body.put_i16(-1);
    body.put_i32(0);
    body.put_i32(settings.len() as i32);
    for (name, value) in settings {
        put(&mut body, name);
        put(&mut body, value);
    }
    body.put_i32(limits::BUS_PATIENCE.as_millis() as i32);
    body.put_u8(0);
    let mut request = BytesMut::with_capacity(4 + body.len());
    request.put_u32(body.len() as u32);
    request.put(body);
    request
}

fn put(body: &mut BytesMut, text: &str) {
    body.put_i16(text.len() as i16);
    body.put_slice(text.as_bytes());
}

/// The error's code and text, from an answer about one topic.
fn outcome(mut answer: Bytes) -> Option<(i16, String)> {
    // Correlation id, throttle time, number of topics.
    answer.try_get_i32().ok()?;
    answer.try_get_i32().ok()?;
    if answer.try_get_i32().ok()? != 1 {
        return None;
    }
    text(&mut answer)?;
    let code = answer.try_get_i16().ok()?;
    Some((code, text(&mut answer)?))
}

fn text(answer: &mut Bytes) -> Option<String> {
    let length = usize::try_from(answer.try_get_i16().ok()?).unwrap_or(0);
    (answer.len() >= length).then(|| String::from_utf8_lossy(&answer.split_to(length)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_does_not_answer_does_not_keep_the_next_from_being_asked() {
        let listen = || async { tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port") };
        let (silent, other) = (listen().await, listen().await);
        let at = |listener: &tokio::net::TcpListener| listener.local_addr().expect("an address").to_string();
        let servers = [at(&silent), at(&other)];
        let answers = async {
            let (mut stream, _) = other.accept().await.expect("a connection");
            let mut answer = BytesMut::new();
            answer.put_slice(&[0; 8]);
            answer.put_i32(1);
            put(&mut answer, "t");
            answer.put_slice(&[0, 0, 0xff, 0xff]);
            stream.write_u32(answer.len() as u32).await.expect("written");
            stream.write_all(&answer).await.expect("written");
            stream
        };
        let (made, _stream) = tokio::join!(timeout(2 * limits::BUS_PATIENCE, ensure(&servers, "t")), answers);
        assert_eq!(made, Ok(Ok(())));
    }

    #[test]
    fn an_answer_is_read_and_garbage_is_not() {
        let mut answer = BytesMut::new();
        for number in [0, 0, 1] {
            answer.put_i32(number);
        }
        put(&mut answer, "topic");
        answer.put_i16(TOPIC_ALREADY_EXISTS);
        answer.put_i16(-1);
        let answer = answer.freeze();
        assert_eq!(outcome(answer.clone()), Some((TOPIC_ALREADY_EXISTS, String::new())));
        for cut in 0..answer.len() {
            assert_eq!(outcome(answer.slice(..cut)), None);
        }
    }
}
