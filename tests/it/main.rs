mod harness;

mod conninfo;
mod databases;
mod documentation;
mod embedded;
mod receive;
mod tls;
