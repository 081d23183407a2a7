//! One raw WebSocket of the protocol, for people and for those who break it.

use futures_util::{SinkExt, StreamExt};
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};

/// How long anything that must happen may take.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// See the module.
pub struct Wire {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: std::collections::VecDeque<String>,
    speech: Speech,
    /// The last line, as it came.
    pub last: String,
}

/// How a socket writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// JSON.
    Json,
    /// Protobuf: what is said and heard as JSON here travels as that.
    Protobuf,
}

/// What a balancer knows a client by when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// `?sticky=…`.
    Query(String),
    /// `X-Sticky: …`.
    Header(String),
    /// The cookie it was given last, if any.
    Cookie(Option<String>),
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
        Self::open_marked(addr, buffer, &mut Mark::None).await
    }

    /// The same for somebody whom the balancer at this address may know.
    pub async fn open_marked(addr: SocketAddr, buffer: Option<u32>, mark: &mut Mark) -> std::io::Result<Self> {
        Self::open_speaking(addr, buffer, mark, Speech::Json).await
    }

    /// The same in either format.
    pub async fn open_speaking(
        addr: SocketAddr,
        buffer: Option<u32>,
        mark: &mut Mark,
        speech: Speech,
    ) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(addr).await?;
        stream.set_nodelay(true)?;
        let query = if let Mark::Query(key) = mark { format!("?sticky={key}") } else { String::new() };
        let uri = format!("ws://{addr}/connection/websocket{query}").parse().expect("a URI");
        let mut builder = ClientBuilder::from_uri(uri);
        let header = match mark {
            Mark::Header(key) => Some(("x-sticky", &*key)),
            Mark::Cookie(Some(cookie)) => Some(("cookie", &*cookie)),
            Mark::None | Mark::Query(_) | Mark::Cookie(None) => None,
        };
        if let Some((name, value)) = header {
            let value = HeaderValue::from_str(value).expect("a header");
            builder = builder.add_header(HeaderName::from_static(name), value).expect("a header");
        }
        if speech == Speech::Protobuf {
            let protocol = HeaderValue::from_static("centrifuge-protobuf");
            builder = builder.add_header(hyper::header::SEC_WEBSOCKET_PROTOCOL, protocol).expect("a header");
        }
        let upgrade = builder.connect_on(MaybeTlsStream::Plain(stream));
        let (socket, answer) = tokio::time::timeout(DEADLINE, upgrade)
            .await
            .map_err(std::io::Error::other)?
            .map_err(std::io::Error::other)?;
        if let (Mark::Cookie(kept), Some(set)) = (mark, answer.headers().get("set-cookie")) {
            let set = set.to_str().expect("a cookie");
            *kept = Some(set.split(';').next().unwrap_or_default().to_owned());
        }
        Ok(Self { socket, waiting: Default::default(), speech, last: String::new() })
    }

    /// Opens a socket and says who it is.
    pub async fn of(addr: SocketAddr, user: &str) -> Self {
        Self::of_marked(addr, user, &mut Mark::None).await.0
    }

    /// The same for somebody whom the balancer at this address may know; and the label of the instance that answers.
    pub async fn of_marked(addr: SocketAddr, user: &str, mark: &mut Mark) -> (Self, String) {
        let mut wire = Self::open_marked(addr, None, mark).await.expect("a socket");
        let answer = wire.asks(json!({ "id": 1, "connect": { "token": crate::person::token(user) } })).await;
        let node = answer["connect"]["node"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        (wire, node)
    }

    /// Asks one thing with its number, and waits for that answer.
    pub async fn asks(&mut self, command: Value) -> Value {
        assert!(self.say(command.to_string()).await, "the socket is gone");
        loop {
            let line = self.line().await;
            if line["id"] == command["id"] {
                return line;
            }
        }
    }

    /// Sends one text frame as it is.
    pub async fn say(&mut self, frame: impl Into<String>) -> bool {
        let message = match self.speech {
            Speech::Json => Message::text(frame.into()),
            Speech::Protobuf => Message::binary(crate::protobuf::encode(&frame.into())),
        };
        self.socket.send(message).await.is_ok()
    }

    /// The next line. Pings of the protocol are answered on the way. Safe to cancel.
    pub async fn next(&mut self) -> Heard {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                if line == "{}" {
                    self.say("{}").await;
                    continue;
                }
                self.last = line;
                return Heard::Line(serde_json::from_str(&self.last).expect("JSON per line"));
            }
            match self.socket.next().await {
                Some(Ok(message)) if message.is_text() => {
                    let text = message.as_text().unwrap_or_default();
                    self.waiting.extend(text.lines().map(str::to_owned));
                }
                Some(Ok(message)) if message.is_binary() => {
                    self.waiting.extend(crate::protobuf::decode(message.as_payload()));
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

/// A WebSocket on which bytes are sent that no library would send.
pub struct Raw(TcpStream);

impl Raw {
    /// Opens a socket.
    pub async fn open(addr: SocketAddr) -> Self {
        Self::open_at(addr, "/connection/websocket").await
    }

    /// The same, with a query.
    pub async fn open_at(addr: SocketAddr, path: &str) -> Self {
        let mut stream = TcpStream::connect(addr).await.expect("a connection");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// The same, and says who it is.
    pub async fn of(addr: SocketAddr, user: &str) -> Self {
        let mut raw = Self::open(addr).await;
        let connect = json!({ "id": 1, "connect": { "token": crate::person::token(user) } });
        raw.send(&frame(1, connect.to_string().as_bytes())).await;
        let (opcode, answer) = raw.frame().await.expect("an answer");
        assert!(opcode == 1 && answer.starts_with(b"{\"id\":1,\"connect\""), "{}", String::from_utf8_lossy(&answer));
        raw
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// Sends as much of these bytes as the other side takes.
    pub async fn sends_what_goes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // Where nothing goes for a while, nothing will.
            let sent = tokio::time::timeout(Duration::from_millis(300), self.0.write(bytes)).await;
            let Ok(sent) = sent else { return };
            bytes = &bytes[sent.expect("a connection")..];
        }
    }

    /// Waits for a frame with this in it.
    pub async fn hears(&mut self, text: &str) {
        let heard = async { while !String::from_utf8_lossy(&self.frame().await.expect("a frame").1).contains(text) {} };
        tokio::time::timeout(DEADLINE, heard).await.expect("a frame in time");
    }

    /// The next frame: its opcode and what is in it.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, short) = (self.0.read_u8().await.ok()?, self.0.read_u8().await.ok()?);
        let length = match short {
            126 => u64::from(self.0.read_u16().await.ok()?),
            127 => self.0.read_u64().await.ok()?,
            n => u64::from(n),
        };
        let mut payload = vec![0; usize::try_from(length).ok()?];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((first & 15, payload))
    }

    /// The close frame that comes, within the deadline; `None`: the connection ended without one.
    pub async fn closed(&mut self) -> Option<(u16, String)> {
        let close = async {
            loop {
                let (opcode, payload) = self.frame().await?;
                if opcode == 8 {
                    let (code, reason) = payload.split_first_chunk::<2>()?;
                    return Some((u16::from_be_bytes(*code), String::from_utf8_lossy(reason).into_owned()));
                }
            }
        };
        tokio::time::timeout(DEADLINE, close).await.expect("an end in time")
    }
}

/// A whole frame as a client sends it: masked, with a mask that changes nothing.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        n @ 0..126 => frame.push(0x80 | n as u8),
        n @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((n as u16).to_be_bytes());
        }
        n => {
            frame.push(0x80 | 127);
            frame.extend((n as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
