//! What is set and does nothing.

use super::{Asked, Finding};
use crate::config::{StoreAt, UnknownVariable};

/// Variables that nothing reads, and settings that mean nothing beside the others.
pub(super) async fn idle(asked: &Asked) -> Vec<Finding> {
    let unknown = asked.unknown.iter();
    let mut findings: Vec<_> =
        unknown.map(|one| Finding::warning(one.name.as_str(), UnknownVariable::WHY, &one.to_do())).collect();
    let set = &asked.settings;
    if set.schema.is_some() && matches!(set.store_at(), Ok(StoreAt::Sqlite(_))) {
        let to_do = "leave it out, or name a database of Postgres with --store";
        findings.push(Finding::warning("--schema", "it means nothing with --store sqlite:", to_do));
    }
    if set.dev_host.is_some() && !set.dev {
        findings.push(Finding::warning("--dev-host", "it means nothing without --dev", "leave it out"));
    }
    findings
}
