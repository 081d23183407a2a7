//! A real Chromium without a window, driven by its DevTools protocol.

use crate::{cluster::breathe, http, wire::DEADLINE};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Instant,
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, Limits, MaybeTlsStream, Message, WebSocketStream};

mod looks;
mod measures;
mod network;
pub mod pictures;

/// How long what people see may take: a browser is slow on a machine that does other things too.
const PATIENCE: u32 = 3;

/// Keeps what the page's own policy has refused.
const WATCH: &str = "window.violations = []; addEventListener('securitypolicyviolation', \
                     (one) => violations.push(`${one.effectiveDirective} ${one.blockedURI} ${one.sourceFile}`), true)";

/// See the module. It is killed when it is dropped.
pub struct Browser {
    process: Child,
    devtools: SocketAddr,
    profile: TempDir,
}

/// A window of it.
pub struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    commands: u64,
}

impl Browser {
    /// Starts one.
    ///
    /// # Panics
    /// Without an installed Chromium.
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().expect("a directory");
        let process = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-background-timer-throttling", "--disable-renderer-backgrounding"])
            .args(["--disable-backgrounding-occluded-windows", "--disable-extensions", "--disable-component-update"])
            .args(["--remote-debugging-port=0", "--window-size=1280,800"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium: scripts/install-services installs it");
        let mut browser = Self { process, devtools: crate::cluster::local(0), profile };
        browser.devtools = browser.listens().await;
        browser
    }

    /// Where it says that it listens.
    async fn listens(&self) -> SocketAddr {
        let says = self.profile.path().join("DevToolsActivePort");
        let began = Instant::now();
        loop {
            let text = std::fs::read_to_string(&says).unwrap_or_default();
            if let Some(port) = text.lines().next().and_then(|port| port.parse().ok()) {
                return crate::cluster::local(port);
            }
            assert!(began.elapsed() < PATIENCE * DEADLINE, "chromium does not start");
            breathe().await;
        }
    }

    /// A new window with this page, which somebody looks at.
    pub async fn opens(&self, url: &str) -> Page {
        let answer = http::ask(self.devtools, "PUT", "/json/new?about:blank", &[], "").await.expect("a window").json();
        let socket = answer["webSocketDebuggerUrl"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let stream = TcpStream::connect(self.devtools).await.expect("a connection");
        let (socket, _) = ClientBuilder::from_uri(socket.parse().expect("a URI"))
            .limits(Limits::unlimited())
            .connect_on(MaybeTlsStream::Plain(stream))
            .await
            .expect("a socket");
        let mut page = Page { socket, commands: 0 };
        page.does("Page.enable", json!({})).await;
        page.does("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        page.does("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
        page.does("Page.navigate", json!({ "url": url })).await;
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Page {
    /// A command of the protocol, and its result.
    async fn does(&mut self, method: &str, params: Value) -> Value {
        self.tries(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn tries(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.commands += 1;
        let command = json!({ "id": self.commands, "method": method, "params": params });
        self.socket.send(Message::text(command.to_string())).await.expect("chromium is there");
        let answered = async {
            loop {
                let message = self.socket.next().await.expect("chromium is there").expect("a message");
                let Some(text) = message.as_text() else { continue };
                let answer: Value = serde_json::from_str(text).expect("JSON");
                if answer["id"] == self.commands {
                    return answer;
                }
            }
        };
        let mut answer = tokio::time::timeout(PATIENCE * DEADLINE, answered).await.expect("an answer of chromium");
        if answer["error"].is_null() { Ok(answer["result"].take()) } else { Err(answer["error"].take()) }
    }

    /// What an expression is there; null while another page is being opened.
    pub async fn is(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        self.tries("Runtime.evaluate", params).await.unwrap_or_default()["result"]["value"].take()
    }

    /// Loads the page anew, and waits until that is there.
    pub async fn reloads(&mut self) {
        self.is("window.isOld = true").await;
        self.does("Page.reload", json!({})).await;
        self.sees("window.isOld === undefined && document.readyState === 'complete'").await;
    }

    /// Closes the window.
    pub async fn closes(mut self) {
        self.does("Page.close", json!({})).await;
    }

    /// Waits until an expression is true.
    pub async fn sees(&mut self, expression: &str) {
        let began = Instant::now();
        while self.is(expression).await != true {
            if began.elapsed() > PATIENCE * DEADLINE {
                let text = self.is("location.href + '\\n' + document.body.innerText").await;
                panic!("it is not so: {expression}\n{}", text.as_str().unwrap_or_default());
            }
            breathe().await;
        }
    }

    /// Waits until what is there has this text, and nothing else.
    pub async fn reads(&mut self, selector: &str, text: &str) {
        self.sees(&format!("document.querySelector({})?.textContent.trim() === {}", json!(selector), json!(text)))
            .await;
    }

    /// Nothing that the page wanted was refused by its content security policy.
    pub async fn violates_nothing(&mut self) {
        assert_eq!(self.is("violations").await, json!([]), "refused by the page's policy");
    }

    /// Waits until nothing is there.
    pub async fn misses(&mut self, selector: &str) {
        self.sees(&format!("document.querySelector({}) === null", json!(selector))).await;
    }

    /// Clicks on the middle of something, once it is there and stands still. Where something else was pressed, as it has moved
    /// away from under the mouse meanwhile or is covered, that was no click, and it is done again.
    pub async fn clicks(&mut self, selector: &str) {
        let selector = json!(selector);
        let middle = format!(
            "(async () => {{ const box = () => {{ const one = document.querySelector({selector}); \
             one.scrollIntoView({{ block: 'nearest' }}); const {{ x, y, width, height }} = one.getBoundingClientRect(); \
             return [x + width / 2, y + height / 2]; }}; \
             const before = box(); await new Promise((done) => setTimeout(done, 30)); const now = box(); \
             return String(before) === String(now) ? now : null; }})()"
        );
        let listens = format!(
            "pressed = null, addEventListener('mousedown', ({{ target }}) => {{ \
             pressed = target.closest({selector}) !== null || target.outerHTML.slice(0, 200); }}, {{ once: true, capture: true }})"
        );
        let began = Instant::now();
        let mut pressed = Value::Null;
        while began.elapsed() <= PATIENCE * DEADLINE {
            let at = self.is(&middle).await;
            if at.is_null() {
                breathe().await;
                continue;
            }
            self.is(&listens).await;
            for kind in ["mousePressed", "mouseReleased"] {
                let params = json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
                self.does("Input.dispatchMouseEvent", params).await;
            }
            pressed = self.is("window.pressed").await;
            // Null: the click has led to another page.
            if pressed == true || pressed.is_null() {
                return;
            }
        }
        panic!("not there, never still, or covered: {selector}; pressed was {pressed}");
    }

    /// Writes where the focus is.
    pub async fn writes(&mut self, text: &str) {
        self.does("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses Enter where the focus is.
    pub async fn enters(&mut self) {
        for kind in ["keyDown", "keyUp"] {
            let params =
                json!({ "type": kind, "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13 });
            self.does("Input.dispatchKeyEvent", params).await;
        }
    }
}
