mod harness;

mod conninfo;
mod databases;
mod embedded;
mod receive;
mod tls;
