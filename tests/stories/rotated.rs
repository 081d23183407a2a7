//! Postgres that takes nobody without TLS, Redis with TLS and a user of its own: what is said where their certificates or
//! passwords do not fit, and that both may be replaced under a running server.

use crate::{
    cluster::{API_KEY, SECRET, breathe},
    http, launch,
    logged::Logged,
    support::{authority::Authority, postgres::Postgres, provider::Provider, redis::Redis},
    wire::DEADLINE,
};
use futures_util::future::join_all;
use serde_json::json;
use std::{path::Path, process::Stdio, time::Instant};

/// Over TLS with a password, and the harness' own superuser from this machine.
const HBA: &str = "host all hubbub 127.0.0.1/32 trust\nhostssl all chat 127.0.0.1/32 scram-sha-256\n";

/// A Postgres and a Redis with this certificate. In both `chat` has this password.
struct Servers {
    postgres: Postgres,
    redis: Redis,
    /// Where Redis speaks TLS.
    tls_port: String,
    directory: tempfile::TempDir,
}

impl Servers {
    async fn start((certificate, key): &(String, String), password: &str) -> Self {
        let settings = ["ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key", "hba_file=pg_hba.conf"];
        let files = [("server.crt", &**certificate), ("server.key", key), ("pg_hba.conf", HBA)];
        let postgres = Postgres::start_with_files(&settings, &files);
        let directory = tempfile::tempdir().expect("a directory");
        let (cert_file, key_file) = pair(directory.path(), "first", certificate, key);
        let redis = Redis::start_with(|_| {
            let port = crate::support::ports::free_port().to_string();
            let words = [
                "--tls-port",
                &port,
                "--tls-cert-file",
                &cert_file,
                "--tls-key-file",
                &key_file,
                "--tls-auth-clients",
                "no",
            ];
            words.map(ToOwned::to_owned).to_vec()
        })
        .await;
        let servers = Self { tls_port: redis.argument("--tls-port"), postgres, redis, directory };
        servers.sql("CREATE ROLE chat LOGIN; GRANT CREATE ON DATABASE postgres TO chat").await;
        servers.takes(password).await;
        servers
    }

    async fn sql(&self, text: &str) {
        let (client, connection) =
            tokio_postgres::connect(&self.postgres.url(), tokio_postgres::NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client.batch_execute(text).await.expect("done");
    }

    /// From now on `chat` has this password.
    async fn takes(&self, password: &str) {
        self.sql(&format!("ALTER ROLE chat PASSWORD '{password}'")).await;
        let added = format!(">{password}");
        let rights = ["ACL", "SETUSER", "chat", "on", "resetpass", &added, "resetchannels", "&hubbub:*", "-@all"];
        let rights = [&rights[..], &["+hello", "+auth", "+publish", "+subscribe"]].concat();
        assert_eq!(self.redis.ask(&rights).await, "+OK\r\n");
    }

    /// From now on both show this certificate.
    async fn shows(&self, (certificate, key): &(String, String)) {
        self.postgres.replace(&[("server.crt", certificate), ("server.key", key)]);
        let (cert, key) = pair(self.directory.path(), "second", certificate, key);
        let set = ["CONFIG", "SET", "tls-cert-file", &cert, "tls-key-file", &key];
        assert_eq!(self.redis.ask(&set).await, "+OK\r\n");
    }

    /// Ends the connections of `chat`, as whoever replaces something in earnest does.
    async fn cut(&self) {
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'chat'").await;
        self.redis.ask(&["CLIENT", "KILL", "USER", "chat"]).await;
    }

    fn store(&self, login: &str, host: &str, options: &str) -> String {
        format!("postgres://{login}@{host}:{}/postgres{options}", self.postgres.port())
    }

    fn bus(&self, login: &str, host: &str, options: &str) -> String {
        format!("rediss://{login}@{host}:{}{options}", self.tls_port)
    }
}

/// A certificate and its key in files.
fn pair(directory: &Path, name: &str, certificate: &str, key: &str) -> (String, String) {
    let (cert, keys) = (directory.join(format!("{name}.crt")), directory.join(format!("{name}.key")));
    std::fs::write(&cert, certificate).expect("a file");
    std::fs::write(&keys, key).expect("a file");
    (cert.display().to_string(), keys.display().to_string())
}

/// Flags for these places.
fn at<'a>(store: &'a str, bus: &'a str) -> [&'a str; 4] {
    ["--store", store, "--bus", bus]
}

/// What a command prints and complains of, and its exit code.
fn says(
    command: &str,
    flags: &[&str],
    environment: &[(&str, &str)],
) -> impl Future<Output = (String, Option<i32>)> + use<> {
    let mut program = tokio::process::Command::from(launch::hubbub());
    program
        .args([command, "--listen", "127.0.0.1:0", "--token-secret", SECRET, "--api-key", API_KEY])
        .args(flags)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    async move {
        let output = tokio::time::timeout(3 * DEADLINE, program.output()).await.expect("an end in time");
        let output = output.expect("the program");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
        assert!(!text.contains("hush"), "a password is in\n{text}");
        (text, output.status.code())
    }
}

#[track_caller]
fn has_line(text: &str, about: &str, words: &[&str]) {
    let is = |line: &&str| line.contains(about) && words.iter().all(|word| line.contains(word));
    assert!(text.lines().any(|line| is(&line)), "no line of {about} with {words:?} in\n{text}");
}

#[tokio::test]
async fn what_does_not_fit_is_said_by_its_name() {
    let (ours, stranger) = (Authority::new(), Authority::new());
    let (ca, other) = (ours.file().display().to_string(), stranger.file().display().to_string());
    let (present, past) = (ours.vouches_for("localhost"), ours.vouched_for("localhost"));
    let (good, old) = tokio::join!(Servers::start(&present, "hush"), Servers::start(&past, "hush"));
    let files = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let (right, empty, missing) =
        (file("right", "hush\n"), file("empty", "\n"), files.path().join("none").display().to_string());
    let (full, rooted) = (format!("?sslmode=verify-full&sslrootcert={ca}"), format!("?ca={ca}"));
    let (unknown, foreign) = (format!("?sslmode=verify-full&sslrootcert={other}"), format!("?ca={other}"));
    let (store, bus) = (good.store("chat", "localhost", &full), good.bus("chat", "localhost", &rooted));
    let kept = [("HUBBUB_STORE_PASSWORD_FILE", &*right), ("HUBBUB_BUS_PASSWORD_FILE", &right)];

    let fine = says("check", &at(&store, &bus), &kept);
    let wrong_authority = (good.store("chat", "localhost", &unknown), good.bus("chat", "localhost", &foreign));
    let wrong_host = (good.store("chat", "127.0.0.1", &full), good.bus("chat", "127.0.0.1", &rooted));
    let expired = (old.store("chat", "localhost", &full), old.bus("chat", "localhost", &rooted));
    let plain = good.store("chat", "localhost", "");
    let two = (good.store("chat:other", "localhost", &full), good.bus("chat:other", "localhost", &rooted));
    // An identity provider inside, too.
    let for_issuer = ours.vouched_for("127.0.0.1");
    let (issuer, past_issuer) =
        tokio::join!(Provider::start_over_tls(&[], &ours), Provider::start_with(&[], &for_issuer));
    let by_name = issuer.url().replace("127.0.0.1", "localhost");
    let at_issuer = |url: String, ca: &str| ["--token-jwks".to_owned(), url, "--token-jwks-ca".into(), ca.to_owned()];
    let asks = [at_issuer(issuer.url(), &other), at_issuer(by_name, &ca), at_issuer(past_issuer.url(), &ca)];
    let asked = asks.each_ref().map(|flags| says("check", &flags.each_ref().map(String::as_str), &[]));
    let set = [("HUBBUB_STORE_PASSWORD", "no-hushing"), ("HUBBUB_BUS_PASSWORD", "no-hushing")];
    let nowhere = [("HUBBUB_STORE_PASSWORD_FILE", &*missing), ("HUBBUB_BUS_PASSWORD_FILE", &empty)];
    let (fine, by_authority, by_host, by_time, without, by_two, by_password, by_file, refused) = tokio::join!(
        fine,
        says("check", &at(&wrong_authority.0, &wrong_authority.1), &kept),
        says("check", &at(&wrong_host.0, &wrong_host.1), &kept),
        says("check", &at(&expired.0, &expired.1), &kept),
        says("check", &["--store", &plain], &kept[..1]),
        says("check", &at(&two.0, &two.1), &kept),
        says("check", &at(&store, &bus), &[("HUBBUB_STORE_PASSWORD", "wrong"), ("HUBBUB_BUS_PASSWORD", "wrong")]),
        says("check", &at(&store, &bus), &nowhere),
        says("serve", &["--store", &expired.0], &kept[..1]),
    );
    assert_eq!(fine.1, Some(0), "{}", fine.0);
    for (text, about, words) in [
        (&by_authority.0, "--store postgres", &["authority that is not trusted here", "sslrootcert"][..]),
        (&by_authority.0, "--bus redis", &["authority that is not trusted here", "?ca=FILE"]),
        (&by_host.0, "--store postgres", &["for another host: for localhost, and not for 127.0.0.1"]),
        (&by_host.0, "--bus redis", &["for another host: for localhost, and not for 127.0.0.1"]),
        (&by_time.0, "--store postgres", &["has expired, at 20"]),
        (&by_time.0, "--bus redis", &["has expired, at 20"]),
        (&without.0, "--store postgres", &["sslmode=verify-full&sslrootcert=FILE"]),
        (&by_two.0, "--store", &["take it out of the URL", &right]),
        (&by_two.0, "--bus", &["take it out of the URL", &right]),
        (&by_password.0, "--store postgres", &["password", "with HUBBUB_STORE_PASSWORD"]),
        (&by_password.0, "--bus redis", &["it refuses the user or the password of --bus"]),
        (&by_file.0, "--store", &["HUBBUB_STORE_PASSWORD_FILE=", &missing]),
        (&by_file.0, "--bus", &["HUBBUB_BUS_PASSWORD_FILE=", &empty, "it is empty"]),
        (&refused.0, "--store postgres", &["has expired, at 20"]),
    ] {
        has_line(text, about, words);
    }
    for ((text, _), words) in join_all(asked).await.iter().zip([
        &["authority that is not trusted here", "with --token-jwks-ca"][..],
        &["for another host: for 127.0.0.1, and not for localhost"],
        &["has expired, at 20"],
    ]) {
        has_line(text, "--token-jwks https://", words);
    }
    assert_eq!(refused.1, Some(1), "waiting would not help: {}", refused.0);
    // Where nothing is dialled there is no password, either.
    let file = ["--store", "sqlite:x.db"];
    let (alone, _) = says("serve", &file, &set).await;
    assert!(alone.contains("a file has no password: leave HUBBUB_STORE_PASSWORD out"), "{alone}");
}

#[tokio::test]
async fn passwords_and_authorities_are_replaced_under_a_running_server() {
    let (first, second) = (Authority::new(), Authority::new());
    let servers = Servers::start(&first.vouches_for("localhost"), "hush-1").await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let write = |name: &str, text: &str| std::fs::write(path(name), text).expect("a file");
    write("password", "hush-1\n");
    write("ca.pem", &first.pem());
    let store = servers.store("chat", "localhost", &format!("?sslmode=verify-full&sslrootcert={}", path("ca.pem")));
    let bus = servers.bus("chat", "localhost", &format!("?ca={}", path("ca.pem")));
    let file = path("password");
    let environment = [("HUBBUB_STORE_PASSWORD_FILE", &*file), ("HUBBUB_BUS_PASSWORD_FILE", &file)];
    let server = Logged::start_as(directory.path(), &at(&store, &bus), &environment).await;
    let until = async |what: &str, done: &dyn Fn(&str) -> bool| {
        let began = Instant::now();
        loop {
            let ready = http::ask(server.addr, "GET", "/health/ready", &[], "").await;
            let (log, ready) =
                (server.log(), ready.is_ok_and(|ready| ready.status == 200 && ready.json()["status"] == "ok"));
            if done(if ready { "ready" } else { "" }) || done(&log) {
                return;
            }
            assert!(began.elapsed() < 3 * DEADLINE, "{what}: {log}");
            breathe().await;
        }
    };
    let works = async |word: &str| {
        until(word, &|said| said == "ready").await;
        // The first send may meet a connection that has ended.
        let (began, body) = (Instant::now(), json!({ "from": "ana", "text": word }));
        loop {
            let answer = server.api("POST", "/v1/rooms/general/messages", &body).await;
            if answer.status == 200 || answer.status == 201 {
                return;
            }
            assert!(began.elapsed() < DEADLINE && answer.status == 503, "{word}: {} {}", answer.status, answer.text);
            breathe().await;
        }
    };
    let room = json!({ "id": "general", "kind": "private", "members": [{ "user": "ana" }] });
    let made = server.api("POST", "/v1/rooms", &room).await;
    assert_eq!(made.status, 201, "{}", made.text);
    works("before").await;

    servers.takes("hush-2").await;
    servers.cut().await;
    until("the old password is refused", &|log| log.contains("it refuses the user or the password of --bus")).await;
    write("password", "hush-2\n");
    works("with another password").await;

    servers.shows(&second.vouches_for("localhost")).await;
    servers.cut().await;
    until("the old authority is of no use", &|log| log.contains("an authority that is not trusted here")).await;
    write("ca.pem", &second.pem());
    works("with another authority").await;

    let log = server.log();
    assert!(!log.contains("hush"), "a password is in\n{log}");
    // Postgres' connections were dialled anew, too.
    assert_eq!(server.counter("hubbub_store_up").await, 1);
    servers.sql("DO $$ BEGIN ASSERT EXISTS (SELECT FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE usename = 'chat' AND ssl); END $$").await;
}
