mod harness;

mod conninfo;
mod convergence;
mod databases;
mod embedded;
mod metrics;
mod deliveries;
mod doctor;
mod purge;
mod receive;
mod remap;
mod replay;
mod tls;
