//! Live delivery: feeds and their readers, what is missing and how it is read, subscriptions and pages.

pub mod blanks;
pub mod feeds;
mod heads;
pub mod inbox;
pub mod line;
pub mod look_up;
mod mend;
mod page_cache;
pub mod pages;
pub mod paging;
pub mod readers;
pub mod room;
pub mod shards;
pub mod subscription;
pub mod sweep;
