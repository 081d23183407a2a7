//! What a portal sends: webhooks of its own, signed here and not by what is tested.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long a portal waits for the answer to a webhook of its own.
const PATIENCE: Duration = Duration::from_secs(10);

/// The signature of Standard Webhooks.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("whsec_")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

pub fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64
}

/// A webhook of the portal's own, signed; its status and body, or why there is none.
pub async fn call(to: SocketAddr, portal: &str, secret: &str, id: &str, body: &str) -> std::io::Result<(u16, String)> {
    let now = unix_now();
    let signature = sign(secret, id, now, body);
    let headers = format!("webhook-id: {id}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: {signature}\r\n");
    post(to, &format!("/hooks/{portal}"), &format!("content-type: application/json\r\n{headers}"), body).await
}

/// A POST with these headers, over a connection of its own.
pub async fn post(to: SocketAddr, path: &str, headers: &str, body: &str) -> std::io::Result<(u16, String)> {
    let asked = async {
        let mut stream = TcpStream::connect(to).await?;
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        stream.write_all((head + body).as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or(std::io::ErrorKind::InvalidData)?, body.to_owned()))
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}
