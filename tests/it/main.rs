mod harness;

mod conninfo;
mod convergence;
mod databases;
mod embedded;
mod receive;
mod tls;
