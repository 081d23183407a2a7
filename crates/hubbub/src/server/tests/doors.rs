//! The base path, the address of operators, and pages of other origins.

use super::*;

async fn status(client: &mut Client, method: &str, path: &str, headers: &str) -> String {
    let answer = client.ask(method, path, headers).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 "), "{answer}");
    answer["http/1.1 ".len()..].to_owned()
}

#[tokio::test]
async fn everything_is_below_the_base_path_and_what_is_outside_is_a_problem() {
    let server = Server::with(Settings { base_path: Some("/chat".into()), ..Settings::default() }).await;
    let mut client = server.client().await;
    for path in ["/chat/health/live", "/chat/v1/rooms/general", "/chat/dev/token?user=ana", "/chat/openapi.json"] {
        let answer = status(&mut client, "GET", path, "").await;
        assert!(answer.starts_with("200"), "{path}: {answer}");
    }
    for path in ["/", "/health/live", "/chats/health/live", "/v1/rooms/general", "/connection/websocket", "/chat/no"] {
        let answer = status(&mut client, "GET", path, "").await;
        assert!(answer.starts_with("404") && answer.contains("application/problem+json"), "{path}: {answer}");
    }
    let document = status(&mut client, "GET", "/chat/openapi.json", "").await;
    assert!(document.contains(r#""servers":[{"url":"/chat","#), "who reads it asks below the base path");
    let outside = status(&mut client, "GET", "/health/live", "").await;
    assert!(outside.contains("below /chat"), "{outside}");
    let page = status(&mut client, "GET", "/chat?user=ana", "").await;
    assert!(page.starts_with("308") && page.contains("location: /chat/?user=ana\r\n"), "{page}");
    let no_key = "GET /chat/v1/rooms/general HTTP/1.1\r\nhost: localhost\r\n\r\n";
    client.say(no_key).await;
    assert!(client.hear().await.starts_with("HTTP/1.1 401"), "the key is asked for below the base path too");
    assert!(status(&mut client, "GET", "/chat/connection/websocket", UPGRADE).await.starts_with("101"));
    drop(client);
    server.stop();
    server.ended().await;
}

#[tokio::test]
async fn operators_have_an_address_of_their_own() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin = free.local_addr().unwrap();
    drop(free);
    let settings = Settings { admin_listen: Some(admin), base_path: Some("/chat".into()), ..Settings::default() };
    let server = Server::with(settings).await;
    let mut client = server.client().await;
    for (path, code) in [
        ("/chat/health/ready", "200"),
        ("/chat/metrics", "404"),
        ("/chat/openapi.json", "404"),
        ("/chat/v1/rooms/general", "404"),
        ("/chat/reference", "404"),
        ("/metrics", "404"),
    ] {
        let answer = status(&mut client, "GET", path, "").await;
        assert!(answer.starts_with(code), "{path}: {answer}");
    }
    let stream = BufReader::new(TcpStream::connect(admin).await.unwrap());
    let mut operator = Client { stream, key: server.key.clone() };
    for (path, code) in [
        ("/health/ready", "200"),
        ("/metrics", "200"),
        ("/openapi.json", "200"),
        ("/v1/rooms/general", "200"),
        ("/reference", "308"),
        ("/chat/metrics", "404"),
        (SOCKET, "404"),
        ("/dev/token?user=ana", "404"),
    ] {
        let answer = status(&mut operator, "GET", path, "").await;
        assert!(answer.starts_with(code), "{path}: {answer}");
        assert!(path != "/openapi.json" || answer.contains(r#""servers":[{"url":"/","#), "it has no base path");
    }
    drop((client, operator));
    server.stop();
    server.ended().await;
}

#[tokio::test]
async fn pages_of_other_origins_must_be_named() {
    let listed = Settings { allowed_origins: Some("https://app.example.com".into()), ..Settings::default() };
    let server = Server::with(listed).await;
    let with = |origin: &str| format!("{UPGRADE}origin: {origin}\r\n");
    // `host: localhost` is what every request here says.
    for (origin, code) in [
        ("http://localhost", "101"),
        ("https://app.example.com", "101"),
        ("https://evil.example", "403"),
        ("https://app.example.com.evil", "403"),
        ("null", "403"),
    ] {
        let answer = status(&mut server.client().await, "GET", SOCKET, &with(origin)).await;
        assert!(answer.starts_with(code), "{origin}: {answer}");
        if code == "403" {
            assert!(answer.contains("application/problem+json") && answer.contains("--allowed-origins"), "{answer}");
            assert!(!answer.contains("access-control"), "{answer}");
        }
    }
    let mut client = server.client().await;
    let asks = "origin: https://app.example.com\r\naccess-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n";
    for path in ["/connection/http_stream", "/emulation"] {
        let answer = status(&mut client, "OPTIONS", path, asks).await;
        assert!(answer.starts_with("204"), "{answer}");
        for header in [
            "access-control-allow-origin: https://app.example.com",
            "access-control-allow-headers: content-type",
            "access-control-allow-methods: get, post",
            "vary: origin",
        ] {
            assert!(answer.contains(header), "{header}: {answer}");
        }
        let foreign = asks.replace("app.", "evil.");
        assert!(status(&mut client, "OPTIONS", path, &foreign).await.starts_with("403"));
    }
    let read = status(&mut client, "GET", SOCKET, "origin: https://app.example.com\r\n").await;
    assert!(read.starts_with("400") && read.contains("access-control-allow-origin: https://app"), "{read}");
    let rest = status(&mut client, "GET", "/v1/rooms/general", "origin: https://app.example.com\r\n").await;
    assert!(rest.starts_with("200") && !rest.contains("access-control"), "backends need no page: {rest}");
    drop(client);
    server.stop();
    server.ended().await;
}

#[tokio::test]
async fn with_dev_pages_of_other_loopback_ports_connect_and_get_tokens_and_nobody_else() {
    let server = Server::with(Settings { allowed_origins: Some("*".into()), ..Settings::default() }).await;
    let strict = Server::with(Settings::default()).await;
    let from = |origin: &str| format!("origin: {origin}\r\n");
    let token = "/dev/token?user=ana";
    for origin in ["http://localhost:5173", "http://127.0.0.1:5173", "http://[::1]:5173"] {
        for server in [&server, &strict] {
            let socket = status(&mut server.client().await, "GET", SOCKET, &format!("{UPGRADE}{}", from(origin))).await;
            assert!(socket.starts_with("101"), "{origin}: {socket}");
            let mut client = server.client().await;
            let given = status(&mut client, "GET", token, &from(origin)).await;
            let named = format!("access-control-allow-origin: {origin}\r\n");
            assert!(given.starts_with("200") && given.contains(&named), "{origin}: {given}");
            assert!(given.contains("vary: origin") && !given.contains("allow-credentials"), "{given}");
            let asks = format!("{}access-control-request-method: POST\r\n", from(origin));
            let preflight = status(&mut client, "OPTIONS", "/connection/http_stream", &asks).await;
            assert!(preflight.starts_with("204") && preflight.contains(&named), "{origin}: {preflight}");
        }
        // Backends' paths are not for pages, and these may not even ask.
        let rest = status(&mut strict.client().await, "GET", "/v1/rooms/general", &from(origin)).await;
        assert!(rest.starts_with("403") && rest.contains("foreign_origin"), "{origin}: {rest}");
    }
    for origin in ["https://evil.example", "http://localhost.evil:5173", "http://evil.localhost:5173", "null"] {
        let refused = status(&mut strict.client().await, "GET", SOCKET, &format!("{UPGRADE}{}", from(origin))).await;
        assert!(refused.starts_with("403") && refused.contains("--allowed-origins"), "{origin}: {refused}");
        let refused = status(&mut strict.client().await, "GET", token, &from(origin)).await;
        assert!(refused.starts_with("403") && !refused.contains("access-control"), "{origin}: {refused}");
        // Whoever may connect anywhere may not for that read tokens.
        let unread = status(&mut server.client().await, "GET", token, &from(origin)).await;
        assert!(!unread.contains("access-control"), "{origin}: {unread}");
    }
    // A name that was made to lead here, whatever the page says that it is.
    for origin in ["http://rebind.evil:5173", "http://localhost:5173"] {
        let mut client = strict.client().await;
        client.say(&format!("GET {token} HTTP/1.1\r\nhost: rebind.evil\r\norigin: {origin}\r\n\r\n")).await;
        let refused = client.hear().await.to_ascii_lowercase();
        assert!(refused.starts_with("http/1.1 403") && refused.contains("foreign_host"), "{refused}");
        assert!(!refused.contains("access-control"), "{refused}");
    }
    for server in [server, strict] {
        server.stop();
        server.ended().await;
    }
}
