mod harness;

mod answers;
mod concurrency;
mod config;
mod conninfo;
mod databases;
mod embedded;
mod failures;
mod migrations;
mod receive;
mod shutdown;
mod tls;
