mod harness;

mod clerk;
mod conninfo;
mod databases;
mod embedded;
mod ksuid;
mod receive;
mod signature;
mod stack;
mod tls;
mod unreadable;
