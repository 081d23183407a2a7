//! Behind a pooler that spreads transactions: the whole suite, with `HUBBUB_POOLED` set; and one that goes over to another
//! server, which no connection of ours notices.

use super::{Pen, user};
use crate::support::{
    door::Door,
    pgbouncer::{PgBouncer, Which},
    postgres::Postgres,
};
use hubbub::store::{StoreError, postgres::PostgresStore};
use hubbub_core::{
    log::{
        entry::{Outcome, Place},
        kinds::{Joined, What},
    },
    model::access::{Role, RoomKind},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_postgres::{Client, NoTls};

const DEADLINE: Duration = Duration::from_secs(30);

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn says(pen: &Pen, text: &str) -> Place {
    let outcome = pen.0.append(&[pen.says("general", "ana", text, text)]).await.expect("an answer").pop();
    match outcome {
        Some(Outcome::Appended(place)) => place,
        other => panic!("{other:?}"),
    }
}

const SPREAD: [&str; 3] = ["pool_mode = transaction", "max_prepared_statements = 200", "default_pool_size = 3"];

/// The role lacks what it needs, and which statements give it that is said: they are run.
async fn gives_the_role_what_it_lacks(pooler: &PgBouncer, direct: &str) {
    let Err(StoreError::Broken(why)) = PostgresStore::connect(&pooler.url(), "hubbub").await else {
        panic!("it is taken as it is")
    };
    let (begin, end) = (why.find("ALTER ROLE").expect("statements"), why.rfind("';").expect("an end") + 2);
    connect(direct).await.expect("the server").batch_execute(&why[begin..end]).await.expect("what it says");
    pooler.console("RECONNECT").await;
}

/// Where the suite's stores on Postgres are.
pub async fn url() -> String {
    static POOLER: tokio::sync::OnceCell<PgBouncer> = tokio::sync::OnceCell::const_new();
    let server = Postgres::shared();
    if std::env::var_os("HUBBUB_POOLED").is_none() {
        return server.url();
    }
    let start = async || {
        let pooler = PgBouncer::before(Which::Newer, server.port(), "postgres", &SPREAD).await;
        gives_the_role_what_it_lacks(&pooler, &server.url()).await;
        pooler
    };
    POOLER.get_or_init(start).await.url()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_pooler_has_gone_over_to_a_standby_the_first_write_begins_another_epoch() {
    let mut primary = Postgres::start(&[]);
    let from = primary.port();
    let standby = tokio::task::spawn_blocking(move || Postgres::standby_of(from)).await.expect("a standby");
    let way = Door::to(([127, 0, 0, 1], primary.port()).into()).await;
    let pooler = PgBouncer::before(Which::Newer, way.addr().port(), "postgres", &SPREAD).await;
    gives_the_role_what_it_lacks(&pooler, &primary.url()).await;
    let pen = Pen(Arc::new(PostgresStore::connect(&pooler.url(), "hubbub").await.expect("the store")));
    pen.room("general", RoomKind::Private, &[]).await;
    let joined = What::Joined(Joined { user: user("ana"), role: Role::Member });
    pen.0.append(&[pen.by_backend("general", "ana joins", joined)]).await.expect("a member");
    let before = says(&pen, "before").await;
    let (there, began) = (connect(&standby.url()).await.expect("the standby"), Instant::now());
    let seq = i64::try_from(before.seq.get()).expect("a number");
    while !there
        .query_opt("SELECT 1 FROM hubbub.rooms WHERE id = 'general' AND head = $1", &[&seq])
        .await
        .is_ok_and(|row| row.is_some())
    {
        assert!(began.elapsed() < DEADLINE, "the standby does not follow");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    // Nothing is asked meanwhile: the store's own connections, which lead to the pooler, stay as they are.
    primary.kill();
    way.cut();
    let standby = tokio::task::spawn_blocking(move || {
        standby.promote();
        standby
    });
    let standby = standby.await.expect("a promotion");
    way.leads_to(([127, 0, 0, 1], standby.port()).into());
    way.mend();
    loop {
        let answers = async { connect(&pooler.url()).await?.simple_query("SELECT 1").await };
        if answers.await.is_ok() {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "the pooler does not go over: {}", pooler.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let after = says(&pen, "after").await;
    assert_eq!(after.seq.get(), before.seq.get() + 1);
    assert_ne!(after.epoch.incarnation, before.epoch.incarnation, "numbers may be given twice in one epoch");
    assert_eq!(says(&pen, "and on").await.epoch, after.epoch);
}
