//! What the configurations of `deploy/` pass on, keep back, and never do.

use crate::{
    cluster::{API_KEY, Cluster, breathe, local},
    http,
    person::token,
    support::{balancer::command, haproxy::Haproxy, nginx::Nginx},
    wire::DEADLINE,
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// An instance that is well and takes requests, and then answers 503 or, to those whose address ends so, dies.
struct Failing {
    addr: SocketAddr,
    /// How many requests it has taken.
    taken: Arc<AtomicUsize>,
}

impl Failing {
    async fn start(taken: Arc<AtomicUsize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let count = taken.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Self::answer(stream, count.clone()));
            }
        });
        Self { addr, taken }
    }

    async fn answer(mut stream: TcpStream, taken: Arc<AtomicUsize>) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = match head.split(' ').nth(1).unwrap_or_default() {
            "/health/ready" => "200 OK",
            path => {
                taken.fetch_add(1, Ordering::Relaxed);
                if path.ends_with("dies") {
                    return;
                }
                "503 Service Unavailable"
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

#[tokio::test]
async fn a_post_that_an_instance_has_taken_is_not_sent_to_another() {
    let taken = Arc::<AtomicUsize>::default();
    let instances = [Failing::start(taken.clone()).await, Failing::start(taken).await];
    let addrs = instances.each_ref().map(|instance| instance.addr);
    let (nginx, haproxy) = (Nginx::sticky_before(&addrs).await, Haproxy::before(&addrs).await);
    for (name, addr) in [("nginx", nginx.addr()), ("HAProxy", haproxy.addr())] {
        for (method, path, times) in [
            ("POST", "/v1/dies", 1),
            ("POST", "/hooks/desk?dies", 1),
            ("POST", "/emulation?dies", 1),
            ("POST", "/connection/http_stream?dies", 1),
            ("POST", "/v1/rooms/general/messages", 1),
            ("POST", "/hooks/desk", 1),
            ("POST", "/emulation", 1),
            // A WebSocket that is refused by one that goes is taken to another.
            ("GET", "/connection/websocket", 2),
        ] {
            instances[0].taken.store(0, Ordering::Relaxed);
            let answer = http::ask(addr, method, path, &[], "").await.expect("an answer");
            let taken = instances[0].taken.load(Ordering::Relaxed);
            assert!((502..=503).contains(&answer.status), "{name}: {method} {path} {}", answer.status);
            assert!(taken == times || method == "GET" && taken > 1, "{name}: {method} {path} was taken {taken} times");
        }
    }
}

#[tokio::test]
async fn the_balancers_pass_on_what_is_for_the_world_and_log_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::laptop_with(directory.path(), &["--trusted-proxies", "127.0.0.1"]).await;
    let (nginx, haproxy) = (Nginx::sticky_before(&[cluster.at(0)]).await, Haproxy::before(&[cluster.at(0)]).await);
    let secret = token("ana");
    let (sse, hook) = (format!("/connection/sse?cf_connect={secret}"), format!("/hooks/desk/{secret}?and={secret}"));
    let edge: [(_, &dyn Fn() -> String); 2] = [(nginx.addr(), &|| nginx.log()), (haproxy.addr(), &|| haproxy.log())];
    for (addr, log) in edge {
        for path in ["/metrics", "/health/ready", "/openapi.json", "/", "/connections/", "/emulation/more"] {
            let answer = http::ask(addr, "GET", path, &[], "").await.expect("an answer");
            assert_eq!(answer.status, 404, "{path}");
        }
        let room = cluster.instances[0].api("GET", "/v1/rooms/none", &Value::Null).await;
        let bearer = format!("Bearer {}", API_KEY);
        let same =
            http::ask(addr, "GET", "/v1/rooms/none", &[("authorization", &bearer)], "").await.expect("an answer");
        assert_eq!((same.status, same.kind), (room.status, room.kind), "REST goes through");
        // More than a megabyte is refused by the server, which says so.
        let long = "x".repeat(1024 * 1024 + 1);
        let headers = [("authorization", &*bearer), ("content-type", "application/json")];
        let answer = http::ask(addr, "POST", "/v1/rooms", &headers, &long).await.expect("an answer");
        assert_eq!((answer.status, &*answer.kind), (413, "application/problem+json"), "{}", answer.text);
        // A frame that is refused, so that the stream ends: the token is in its address.
        assert_eq!(http::ask(addr, "GET", &sse, &[], "").await.expect("an answer").status, 200);
        http::ask(addr, "POST", &hook, &[], "{}").await.expect("an answer");
        // The log is written after the answer.
        let logged = async {
            while !log().contains("/hooks/desk/- ") {
                breathe().await;
            }
        };
        assert!(tokio::time::timeout(DEADLINE, logged).await.is_ok(), "no line for the webhook in {}", log());
        assert!(log().contains("/connection/sse "), "{}", log());
        assert!(!log().contains(&secret), "a token or a secret path is in the log: {}", log());
    }
    // Nor when nobody answers, of which balancers complain.
    cluster.kill(0);
    for (addr, log) in edge {
        for (method, path) in [("GET", &*sse), ("POST", &*hook), ("GET", "/v1/rooms/none")] {
            let answer = http::ask(addr, method, path, &[], "").await.expect("an answer");
            assert!((502..=504).contains(&answer.status), "{path}: {}", answer.status);
        }
        assert!(!log().contains(&secret), "a token or a secret path is in the log: {}", log());
    }
    assert!(nginx.log().contains("connect() failed"), "nginx does not complain: {}", nginx.log());
}

#[test]
fn the_shipped_configurations_are_accepted_by_the_programs_they_are_for() {
    let directory = tempfile::tempdir().unwrap();
    let (nginx, haproxy) = (directory.path().join("nginx.conf"), directory.path().join("haproxy.cfg"));
    let instances = [local(8001), local(8002), local(8003)];
    std::fs::write(&nginx, Nginx::configuration(directory.path(), local(8080), &instances)).unwrap();
    std::fs::write(&haproxy, Haproxy::configuration(local(8080), &instances)).unwrap();
    for (program, arguments, file) in
        [("nginx", &["-t", "-e", "stderr", "-c"][..], nginx), ("haproxy", &["-c", "-f"], haproxy)]
    {
        let ran = command(program).args(arguments).arg(&file).stdin(Stdio::null()).output().expect("the program");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{program}: {said}");
        assert!(!said.contains("[warn]") && !said.contains("[WARNING]"), "{program}: {said}");
    }
}
