//! The SQL that makes a file of a table of messages, as docs/importing.md has it.

use crate::{Place, postgres::Postgres};
use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The block of SQL behind a heading.
fn block(heading: &str) -> String {
    let page = include_str!("../../docs/importing.md");
    let (_, rest) = page.split_once(heading).unwrap_or_else(|| panic!("{heading} is missing"));
    let (_, rest) = rest.split_once("```sql\n").expect("a block of SQL");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// What people have said, each at a moment in UTC, as the database writes it.
fn rows(moment: impl Fn(&str) -> String) -> String {
    let rows = [
        ("1, 'general', 'ana', 'hi'", "2024-01-31 09:30:00.123456", "NULL"),
        ("2, 'general', 'ben', 'a \"quoted\"\nline'", "2024-01-31 09:30:00.123456", "1"),
        ("3, 'lobby', 'cem', 'äöü'", "2024-01-31 09:31:00", "NULL"),
        ("4, 'general', 'ana', 'bye'", "2024-02-01 00:00:00", "2"),
        ("5, 'general', 'Ana', 'another ana'", "2024-02-01 00:00:01", "NULL"),
    ];
    let rows = rows.map(|(row, at, answered)| format!("({row}, {}, {answered})", moment(at)));
    format!("INSERT INTO messages VALUES {};", rows.join(","))
}

/// Imports what the SQL has made of the table, and looks at what it has become.
fn are_imported(lines: &str) {
    let place = Place::sqlite();
    let file = place.file("table.ndjson", lines);
    let done = place.does(&["import", &file]);
    assert!(done.starts_with("9 entries written, 0 were there already, 2 rooms opened"), "{done}: {lines}");
    let exported = place.does(&["export", "--room", "general"]);
    for part in [
        // The backend's, also where the room is private.
        r#""seq":1,"from":"hubbub:api","at":"2024-01-31T09:30:00.123Z","key":"import."#,
        r#""from":"ana","at":"2024-01-31T09:30:00.123Z","key":"message.1","text":"hi"}"#,
        r#""key":"message.2","text":"a \"quoted\"\nline","reply_to":3}"#,
        r#""key":"message.4","text":"bye","reply_to":4}"#,
        r#""from":"Ana","at":"2024-02-01T00:00:01.000Z","key":"message.5""#,
    ] {
        assert!(exported.contains(part), "{part} is not in {exported}");
    }
    let joined: Vec<&str> = exported.lines().filter(|line| line.contains(r#""type":"joined""#)).collect();
    assert!(joined.len() == 3 && joined.iter().all(|line| line.contains(r#""from":"hubbub:api""#)), "{joined:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_table_of_postgres_becomes_a_file_by_the_sql_of_the_docs() {
    let (client, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    let table = "CREATE SCHEMA plain; SET search_path = plain; SET TimeZone = 'Europe/Berlin';
        CREATE TABLE messages (id bigint PRIMARY KEY, room text, author text, body text, created_at timestamptz, reply_to bigint);";
    client.batch_execute(&format!("{table}{}", rows(|at| format!("'{at}+00'")))).await.expect("a table");
    let rows = client.query(block("## From a table in Postgres").as_str(), &[]).await.expect("the SQL of the docs");
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    are_imported(&lines.join("\n"));
}

/// A server of a test's own.
struct MariaDb {
    server: Child,
    directory: TempDir,
}

impl MariaDb {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let data = format!("--datadir={}", directory.path().join("data").display());
        // As whoever runs the test; it refuses to be root unless it is told to.
        let user = Command::new("id").arg("-un").output().expect("id").stdout;
        let user = format!("--user={}", String::from_utf8_lossy(&user).trim());
        let made = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal", &user, &data])
            .output()
            .expect("MariaDB: run scripts/install-services mariadb");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let socket = format!("--socket={}", directory.path().join("socket").display());
        let log = std::fs::File::create(directory.path().join("log")).expect("a log");
        let server = Command::new("mariadbd")
            .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()))
            .args(["--no-defaults", &user, &data, &socket, "--skip-networking", "--innodb-buffer-pool-size=16M"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("mariadbd");
        let server = Self { server, directory };
        let began = Instant::now();
        while let Err(error) = server.asks("", "SELECT 1") {
            assert!(began.elapsed() < Duration::from_secs(60), "{error}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        server
    }

    /// What it prints, as docs/importing.md has it asked.
    fn asks(&self, database: &str, sql: &str) -> Result<String, String> {
        let socket = format!("--socket={}", self.directory.path().join("socket").display());
        let given = ["--no-defaults", "--user=root", "-N", "-r", "--default-character-set=utf8mb4", &socket];
        let output = Command::new("mariadb").args(given).args(["--execute", sql, database]).output().expect("mariadb");
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).expect("UTF-8")),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// In `make test-long`: a server of its own is made for it.
#[test]
fn a_plain_table_of_mysql_becomes_a_file_by_the_sql_of_the_docs() {
    if std::env::var_os("HUBBUB_LONG").is_none() {
        return;
    }
    let server = MariaDb::start();
    // Its usual collation takes ana and Ana for one.
    let table = "CREATE TABLE messages (id bigint PRIMARY KEY, room varchar(64), author varchar(128), body text,
        created_at timestamp(6) NULL, reply_to bigint) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;";
    let rows = rows(|at| format!("CONVERT_TZ('{at}', '+00:00', '+01:00')"));
    let zone = "SET time_zone = '+01:00';";
    server.asks("", "CREATE DATABASE plain").expect("a database");
    server.asks("plain", &format!("{zone}{table}{rows}")).expect("a table");
    let sql = block("## From a table in MySQL");
    are_imported(&server.asks("plain", &format!("{zone}{sql}")).expect("the SQL of the docs"));
}
