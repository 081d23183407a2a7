//! A SQLite file is an inode, whatever it is called: one process has it, nobody else reads it, and what is committed to one that
//! is gone is not stored.

use super::{Home, Pen, room, user};
use hubbub::store::{StoreError, sqlite::SqliteStore};
use hubbub_core::{
    log::entry::Outcome,
    model::access::{Role, RoomKind},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

#[track_caller]
fn refused(path: &Path) -> String {
    SqliteStore::open(path).err().expect("a refusal").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_for_one_process_whatever_it_is_called() {
    let home = Home::sqlite();
    let elsewhere = tempfile::tempdir().expect("a directory");
    let (file, folder) = (home.file(), home.file().parent().expect("a directory").to_owned());
    let pen = Pen(home.open().await);
    pen.general().await;

    symlink(&file, elsewhere.path().join("link.db")).expect("a link");
    symlink(&folder, elsewhere.path().join("folder")).expect("a link");
    symlink(elsewhere.path().join("link.db"), elsewhere.path().join("second.db")).expect("a link");
    let roundabout = folder.join("..").join(folder.file_name().expect("a name")).join("hubbub.db");
    let names = ["link.db", "second.db", "folder/hubbub.db"].map(|name| elsewhere.path().join(name));
    for name in names.iter().chain([&roundabout]) {
        assert!(refused(name).contains("another process has"), "{}", name.display());
    }
    // Who looked has not taken its locks away.
    assert!(
        rusqlite::Connection::open(&file)
            .and_then(|other| other
                .pragma_update(None, "locking_mode", "exclusive")
                .and_then(|()| other.execute_batch("BEGIN EXCLUSIVE; COMMIT; PRAGMA journal_mode = delete")))
            .is_err()
    );
    assert!(matches!(pen.append(pen.says("general", "ben", "k", "hi")).await, Outcome::Appended(_)));
    drop(pen);

    let hard = elsewhere.path().join("hard.db");
    if fs::hard_link(&file, &hard).is_ok() {
        for name in [&hard, &file] {
            assert!(refused(name).contains("2 names"), "{}", name.display());
        }
        fs::remove_file(&hard).expect("it goes");
    }
    symlink("nowhere.db", elsewhere.path().join("dangling.db")).expect("a link");
    assert!(refused(&elsewhere.path().join("dangling.db")).contains("leads nowhere"));
    assert!(!elsewhere.path().join("nowhere.db").exists());
    drop(SqliteStore::open(&elsewhere.path().join("link.db")).expect("by its other name, when nobody has it"));
    assert!(!elsewhere.path().join("link.db.lock").exists(), "what is beside it is beside the file, not the link");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_gone_or_replaced_is_a_store_that_is_down() {
    let home = Home::sqlite();
    let pen = Pen(home.open().await);
    pen.general().await;
    let names = ["hubbub.db", "hubbub.db-wal", "hubbub.db-shm"].map(|name| home.file().with_file_name(name));
    for (n, name) in names.iter().enumerate() {
        let aside = name.with_extension("aside");
        for replaced in [false, true] {
            let key = format!("{n}-{replaced}");
            fs::rename(name, &aside).expect("a file");
            if replaced {
                fs::copy(&aside, name).expect("a copy");
            }
            let send = pen.says("general", "ben", &key, "hi");
            let down = [
                pen.0.append(std::slice::from_ref(&send)).await.map(drop),
                pen.0.heads(&[room("general")]).await.map(drop),
                pen.0.look_up(&[(room("general"), user("ben"))]).await.map(drop),
            ];
            for answer in down {
                let Err(StoreError::Unavailable(why)) = answer else { panic!("{key}: {answer:?}") };
                assert!(why.contains(if replaced { "another file" } else { "is gone" }), "{why}");
            }
            fs::rename(&aside, name).expect("it comes back");
            assert!(matches!(pen.append(send).await, Outcome::Appended(_) | Outcome::Known(_)), "{key}");
        }
    }
    let page = pen.0.heads(&[room("general")]).await.expect("heads");
    assert_eq!(page[0].expect("a head").seq.get(), 2 + 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_its_owner_may_read_it() {
    let home = Home::sqlite();
    let modes = || {
        let each = ["hubbub.db", "hubbub.db-wal", "hubbub.db-shm"].map(|name| home.file().with_file_name(name));
        each.map(|file| fs::metadata(file).expect("a file").permissions().mode() & 0o777)
    };
    let pen = Pen(home.open().await);
    pen.room("general", RoomKind::Private, &[("ana", Role::Admin)]).await;
    assert_eq!(modes(), [0o600; 3]);
    assert!(SqliteStore::open_to_others(&home.file()).is_empty());
    for (name, mode) in [("hubbub.db", 0o644), ("hubbub.db-wal", 0o640), ("hubbub.db-shm", 0o606)] {
        let file = home.file().with_file_name(name);
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
        assert_eq!(SqliteStore::open_to_others(&home.file()), [(file.canonicalize().expect("a file"), mode)]);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    drop(pen);
    // One of an older program.
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o664)).expect("a mode");
    let _open = home.open().await;
    assert_eq!(modes(), [0o600; 3]);
}
