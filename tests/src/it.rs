//! Drives the built program against real servers, emulators and hostile ones. One binary, so that one link suffices.

mod bad_input;
mod buckets;
mod dashboards;
mod discovery;
mod every_port;
mod formats;
mod harness;
mod kafka;
mod memory;
mod mongo;
mod repository;
mod scope;
mod states;
mod stores_doc;
mod stores_sql;
mod traps;
mod usage;
mod verifying;
