mod harness;

mod answers;
mod conninfo;
mod databases;
mod embedded;
mod receive;
mod tls;
