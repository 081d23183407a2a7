//! Stories: what people see, told with real servers, real sockets and real faults.
//!
//! They wait for a level with a deadline and never sleep a fixed time.

#[path = "../support/mod.rs"]
mod support;

mod app;
mod cluster;
mod desk;
mod figure;
mod fleet;
mod http;
mod logged;
mod person;
mod protobuf;
mod wire;

mod arrivals;
mod authorisation;
mod bad_frames;
mod bad_input;
mod balancers;
mod bus_faults;
mod check;
mod clocks;
mod crashes;
mod demo_portal;
mod doors;
mod drain;
mod failover;
mod growth;
mod hints;
mod hostile;
mod intake;
mod isolation;
mod laptop;
mod lost_wakes;
mod membership;
mod names;
mod one_against_all;
mod operated;
mod operator;
mod other_buses;
mod portal_access;
mod portal_addresses;
mod portal_bodies;
mod portal_calls;
mod portal_challenges;
mod portal_fair;
mod portal_ids;
mod portal_in;
mod portal_out;
mod portal_secrets;
mod portal_signatures;
mod portal_ways_out;
mod presence;
mod proxies;
mod quotas;
mod reasons;
mod recipes;
mod redis_in_earnest;
mod rest;
mod rolling_restart;
mod sdks;
mod slow_readers;
mod slow_store;
mod sticky;
mod store_faults;
mod strangers;
mod streams;
mod summaries;
mod support_chat;
mod support_recipe;
mod team_chat;
mod tls;
mod tokens;
mod versions;
