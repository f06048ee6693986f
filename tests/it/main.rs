mod harness;

mod answers;
mod concurrency;
mod conninfo;
mod databases;
mod embedded;
mod failures;
mod receive;
mod tls;
