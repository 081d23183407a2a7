//! Views for the product's own reports. They are no tables: a program that knows other ones works with these beside it.

use super::{
    super::StoreError,
    connect::{self, first},
    sql::Schema,
};
use tokio_postgres::{Client, GenericClient, SimpleQueryMessage};

const VIEWS: &str = include_str!("../../../../../migrations/postgres/views.sql");

/// Raise it with each change of the views.
pub(crate) const VERSION: u32 = 3;

/// What the comment on the last view says of who made them.
fn made_by(version: u32) -> String {
    format!("Hubbub's views for reports, version {version}")
}

/// Asks for the comment on the last view.
pub(crate) async fn ask(
    client: &(impl GenericClient + Sync),
    schema: &Schema,
) -> Result<Vec<SimpleQueryMessage>, tokio_postgres::Error> {
    // A schema's name needs no quoting.
    let sql = format!(
        "SELECT obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = '{}' AND c.relname = 'rooms_overview'",
        schema.as_str()
    );
    client.simple_query(&sql).await
}

/// The version of the views that are there, by the answer; 0 when there are none.
pub(crate) fn version(said: &[SimpleQueryMessage]) -> u32 {
    let comment = first(said).unwrap_or_default();
    comment.rsplit(' ').next().and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// Makes the views, or brings older ones up to date. Newer ones are left as they are. Reports are no reason not to
/// serve: where the views cannot be made, that is logged.
pub(crate) async fn make(client: &mut Client, schema: &Schema) -> Result<(), StoreError> {
    let transaction = connect::read_committed(client).await?;
    let name = format!("hubbub migrations {}", schema.as_str());
    transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&name]).await?;
    if version(&ask(&transaction, schema).await?) < VERSION {
        let comment = format!("COMMENT ON VIEW hubbub.rooms_overview IS '{}'", made_by(VERSION).replace('\'', "''"));
        let made = transaction.batch_execute(&schema.put_into(&format!("{VIEWS};\n{comment}"))).await;
        if let Err(error) = made {
            tracing::warn!(%error, schema = schema.as_str(), "the views for reports could not be made");
            return Ok(());
        }
    }
    Ok(transaction.commit().await?)
}
