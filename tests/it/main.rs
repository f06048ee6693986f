mod harness;

mod conninfo;
mod convergence;
mod databases;
mod embedded;
mod metrics;
mod receive;
mod tls;
