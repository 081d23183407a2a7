//! What a server says of the database behind it.

use crate::{cluster::Cluster, person::Person, wire::Speech};
use serde_json::{Value, json};

/// The name that somebody who connects there is told.
async fn told(cluster: &Cluster, n: usize) -> String {
    let person = Person::wanting("ana", cluster.at(n), Speech::Json, json!({})).await;
    let data: Value = person.was_told();
    let name = data["database"].as_str().unwrap_or_else(|| panic!("{data}"));
    assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{data}");
    name.to_owned()
}

#[tokio::test]
async fn a_database_has_one_name_at_every_instance_and_after_restarts_and_no_other_has_it() {
    let mut shared = Cluster::of(2).await;
    let name = told(&shared, 0).await;
    for n in [0, 1] {
        assert_eq!(told(&shared, n).await, name, "instance {n}");
    }
    shared.kill(0);
    shared.restart(0).await;
    assert_eq!(told(&shared, 0).await, name);

    let (one, two) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let (mut first, second) = (Cluster::laptop(one.path()).await, Cluster::laptop(two.path()).await);
    let file = told(&first, 0).await;
    let other = told(&second, 0).await;
    assert!(file != other && file != name && other != name, "{file} {other} {name}");
    first.stop(0).await;
    first.restart(0).await;
    assert_eq!(told(&first, 0).await, file);
}
