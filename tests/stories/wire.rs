//! One raw WebSocket of the protocol, for people and for those who break it.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::{net::SocketAddr, time::Duration};
use tokio::net::{TcpSocket, TcpStream};
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};

/// How long anything that must happen may take.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// See the module.
pub struct Wire {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: std::collections::VecDeque<Value>,
}

/// What a socket said.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// One line of a frame.
    Line(Value),
    /// It was closed, with this code and reason.
    Closed(u16, String),
    /// It broke.
    Gone,
}

impl Wire {
    /// Opens a socket whose kernel buffer takes about `buffer` bytes, if given.
    pub async fn open(addr: SocketAddr, buffer: Option<u32>) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(addr).await?;
        stream.set_nodelay(true)?;
        let uri = format!("ws://{addr}/connection/websocket").parse().expect("a URI");
        let builder = ClientBuilder::from_uri(uri);
        let upgrade = builder.connect_on(MaybeTlsStream::Plain(stream));
        let (socket, _) = tokio::time::timeout(DEADLINE, upgrade)
            .await
            .map_err(std::io::Error::other)?
            .map_err(std::io::Error::other)?;
        Ok(Self { socket, waiting: Default::default() })
    }

    /// Sends one text frame as it is.
    pub async fn say(&mut self, frame: impl Into<String>) -> bool {
        self.socket.send(Message::text(frame.into())).await.is_ok()
    }

    /// Sends any message.
    pub async fn send(&mut self, message: Message) -> bool {
        self.socket.send(message).await.is_ok()
    }

    /// The next line. Pings of the protocol are answered on the way. Safe to cancel.
    pub async fn next(&mut self) -> Heard {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                if line == serde_json::json!({}) {
                    self.say("{}").await;
                    continue;
                }
                return Heard::Line(line);
            }
            match self.socket.next().await {
                Some(Ok(message)) if message.is_text() => {
                    let text = message.as_text().unwrap_or_default();
                    self.waiting.extend(text.lines().map(|line| serde_json::from_str(line).expect("JSON per line")));
                }
                Some(Ok(message)) if message.is_close() => {
                    let (code, reason) = message.as_close().map_or((0, ""), |(code, reason)| (code.into(), reason));
                    return Heard::Closed(code, reason.to_owned());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Gone,
            }
        }
    }

    /// The next text frame as it is. Safe to cancel.
    pub async fn frame(&mut self) -> Option<String> {
        loop {
            match self.socket.next().await {
                Some(Ok(message)) if message.is_text() => return message.as_text().map(str::to_owned),
                Some(Ok(message)) if !message.is_close() => {}
                _ => return None,
            }
        }
    }

    /// The next line, within the deadline.
    pub async fn line(&mut self) -> Value {
        match tokio::time::timeout(DEADLINE, self.next()).await {
            Ok(Heard::Line(line)) => line,
            other => panic!("a line was expected, not {other:?}"),
        }
    }

    /// The close that must come, within the deadline.
    pub async fn closed(&mut self) -> (u16, String) {
        let until_closed = async {
            loop {
                match self.next().await {
                    Heard::Line(_) => {}
                    Heard::Closed(code, reason) => return (code, reason),
                    Heard::Gone => panic!("the socket broke without a close"),
                }
            }
        };
        tokio::time::timeout(DEADLINE, until_closed).await.expect("a close in time")
    }
}
