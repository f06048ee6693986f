mod harness;

mod conninfo;
mod convergence;
mod databases;
mod documentation;
mod embedded;
mod receive;
mod tls;
