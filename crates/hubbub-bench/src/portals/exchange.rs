//! Just enough HTTP/1.1 for measuring: both ends keep their connections, bodies have lengths.

use anyhow::{Context, bail, ensure};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A request or an answer as it was read.
pub struct Read {
    pub head: String,
    pub body: Vec<u8>,
}

impl Read {
    /// The value of a header; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        lines.map(|(key, value)| (key, value.trim())).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    fn status(&self) -> Option<u16> {
        self.head.split(' ').nth(1)?.parse().ok()
    }
}

async fn read(stream: &mut TcpStream, left: &mut Vec<u8>) -> anyhow::Result<Option<Read>> {
    loop {
        if let Some(end) = left.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(left[..end].to_vec())?;
            let mut read = Read { head, body: vec![] };
            let length: usize = read.header("content-length").map_or(Ok(0), str::parse)?;
            while left.len() < end + 4 + length {
                ensure!(stream.read_buf(left).await? > 0, "a body was cut off");
            }
            read.body = left[end + 4..end + 4 + length].to_vec();
            left.drain(..end + 4 + length);
            return Ok(Some(read));
        }
        if stream.read_buf(left).await? == 0 {
            return Ok(None);
        }
    }
}

/// What answers requests.
pub trait Answer: Send + Sync + 'static {
    /// A status and a JSON body.
    fn answer(&self, request: Read) -> impl Future<Output = anyhow::Result<(u16, String)>> + Send;
}

/// Serves for as long as the program runs.
pub async fn serve(listener: TcpListener, answer: Arc<impl Answer>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = answer.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let mut left = Vec::new();
            while let Some(request) = read(&mut stream, &mut left).await? {
                let (status, body) = answer.answer(request).await?;
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                stream.write_all(head.as_bytes()).await?;
            }
            anyhow::Ok(())
        });
    }
}

/// One connection to a server.
pub struct Client {
    stream: TcpStream,
    left: Vec<u8>,
}

impl Client {
    pub async fn connect(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, left: vec![] })
    }

    /// Asks, and wants a 2xx.
    pub async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> anyhow::Result<String> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await?;
        let answer = read(&mut self.stream, &mut self.left).await?.context("the server hung up")?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        match answer.status() {
            Some(200..=299) => Ok(text),
            _ => bail!("{method} {path}: {} {text}", answer.head.lines().next().unwrap_or_default()),
        }
    }
}
