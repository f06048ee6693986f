mod harness;

mod clerk;
mod conninfo;
mod databases;
mod embedded;
mod receive;
mod stack;
mod tls;
mod unreadable;
