mod harness;

mod clerk;
mod conninfo;
mod convergence;
mod databases;
mod documentation;
mod embedded;
mod fixtures;
mod ksuid;
mod receive;
mod signature;
mod stack;
mod tls;
mod unreadable;
