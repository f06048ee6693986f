mod databases;
mod embedded;
mod harness;
