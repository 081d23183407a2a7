//! `hubbub-bench history` as its help says to try it, but smaller: the history is made, and its pages are in proportion.

use std::process::Command;

#[test]
fn a_small_history_is_made_and_its_pages_read_what_they_show() {
    let bench = env!("CARGO_BIN_EXE_hubbub-bench");
    let beside = std::path::Path::new(bench).with_file_name("hubbub");
    assert!(beside.exists(), "{} is not there: cargo build -p hubbub", beside.display());
    let arguments = ["history", "--store", "sqlite", "--messages", "20000", "--rooms", "20", "--asks", "2"];
    let told = Command::new(bench).args(arguments).output().expect("the bench");
    let (out, error) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success(), "{out}\n{error}");
    assert!(out.contains("newest page of the largest room"), "{out}");
}
