//! TLS to a real Postgres, whose certificates are made here.

use crate::support::{authority::Authority, postgres::Postgres};
use hubbub::store::{Store, StoreError, postgres::PostgresStore};

fn server(authority: &Authority, host: &str) -> Postgres {
    let (certificate, key) = authority.vouches_for(host);
    let settings = ["ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key"];
    Postgres::start_with_files(&settings, &[("server.crt", &certificate), ("server.key", &key)])
}

/// Connects as a program with these options; and how many of its connections are encrypted, and how many are not.
async fn connects(postgres: &Postgres, host: &str, options: &str) -> Result<(i64, i64), StoreError> {
    let url = format!("postgres://hubbub:hush@{host}:{}/postgres?{options}", postgres.port());
    let store = PostgresStore::connect(&url, "hubbub").await?;
    store.heads(&[]).await?;
    let (client, connection) =
        tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let sql = "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl)
        FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'hubbub'";
    let row = client.query_one(sql, &[]).await.expect("a count");
    Ok((row.get(0), row.get(1)))
}

#[tokio::test]
async fn each_sslmode_asks_what_it_says_it_does() {
    let (ours, stranger) = (Authority::new(), Authority::new());
    let (ca, other) = (ours.file().display().to_string(), stranger.file().display().to_string());
    let (here, elsewhere, plain) =
        (server(&ours, "localhost"), server(&ours, "elsewhere.example"), Postgres::start(&[]));
    let full = format!("sslmode=verify-full&sslrootcert={ca}");
    let authority = format!("sslmode=verify-ca&sslrootcert={ca}");
    let require_with = format!("sslmode=require&sslrootcert={other}");
    let unknown = format!("sslmode=verify-full&sslrootcert={other}");

    for (postgres, host, options) in [
        (&here, "localhost", &*full),
        (&here, "localhost", &authority),
        (&here, "127.0.0.1", &authority),
        (&elsewhere, "localhost", &authority),
        (&elsewhere, "localhost", "sslmode=require"),
        (&here, "localhost", "sslmode=prefer"),
    ] {
        let (encrypted, open) = connects(postgres, host, options).await.unwrap_or_else(|e| panic!("{options}: {e}"));
        assert!(encrypted > 0 && open == 0, "{host} {options}: {encrypted} encrypted, {open} not");
    }
    for (postgres, options) in [(&here, ""), (&here, "sslmode=disable"), (&plain, "sslmode=prefer")] {
        let (encrypted, open) = connects(postgres, "localhost", options).await.expect("a connection");
        assert!(encrypted == 0 && open > 0, "{options}: {encrypted} encrypted, {open} not");
    }
    for (postgres, host, options, words) in [
        (&elsewhere, "localhost", &*full, "subject alternative names"),
        (&here, "127.0.0.1", &full, "subject alternative names"),
        (&here, "localhost", &unknown, "sslrootcert has to name the authority"),
        (&here, "localhost", &require_with, "sslrootcert has to name the authority"),
        (&plain, "localhost", &full, "speaks no TLS"),
        (&plain, "localhost", "sslmode=require", "speaks no TLS"),
    ] {
        match connects(postgres, host, options).await {
            Err(StoreError::Broken(why)) => {
                println!("{host} {}: {why}", options.split('&').next().unwrap_or_default());
                assert!(why.contains(words) && !why.contains("hush"), "{options}: {why}");
            }
            other => panic!("{host} {options}: {other:?}"),
        }
    }
}
