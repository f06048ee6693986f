mod conninfo;
mod tls;
