use std::{
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

pub(super) const PASSWORD: &str = "pass:word\\1";

/// Which roles may connect in which way.
const HBA: &str = "
local     all all          trust
hostssl   all only_tls     127.0.0.1/32 scram-sha-256
hostnossl all only_plain   127.0.0.1/32 scram-sha-256
hostssl   all with_cert    127.0.0.1/32 cert
host      all postgres     127.0.0.1/32 scram-sha-256
";

/// A Postgres with TLS that ends with its directory.
pub(super) struct Server {
    pub(super) directory: TempDir,
    pub(super) port: u16,
}

/// Starts a server in `directory`, which holds server.crt, server.key and ca.crt.
pub(super) fn start_tls_server(directory: TempDir, settings: &str) -> Server {
    let path = directory.path().to_owned();
    let port = free_port();
    std::fs::write(path.join("password"), PASSWORD).expect("write");
    std::fs::write(path.join("hba"), HBA).expect("write");
    for file in ["", "server.crt", "server.key", "ca.crt", "password", "hba"] {
        give_to_postgres(&path.join(file));
    }
    let data = path.join("data");
    let pwfile = path.join("password");
    run(program("initdb")
        .args(["-N", "-A", "scram-sha-256", "-U", "postgres", "--pwfile"])
        .arg(pwfile)
        .arg(&data));
    let at = path.display();
    let options = format!(
        "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={at} -c fsync=off \
         -c hba_file={at}/hba -c ssl=on -c ssl_cert_file={at}/server.crt \
         -c ssl_key_file={at}/server.key -c ssl_ca_file={at}/ca.crt {settings}"
    );
    run(program("pg_ctl")
        .arg("start")
        .arg("-w")
        .arg("-D")
        .arg(&data)
        .arg("-l")
        .arg(path.join("log"))
        .arg("-o")
        .arg(options));
    let server = Server { directory, port };
    let roles = ["only_tls", "only_plain", "with_cert"]
        .map(|role| format!("create role {role} login password '{PASSWORD}'"));
    let mut psql = program("psql");
    psql.arg("-h").arg(&path).args(["-p", &port.to_string(), "-U", "postgres"]);
    run(psql.args(roles.iter().flat_map(|role| ["-c", role])));
    server
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.directory.path().join("data");
        run(program("pg_ctl").args(["stop", "-m", "immediate", "-D"]).arg(data));
    }
}

/// A program of the newest installed Postgres, as a user that initdb accepts.
pub(super) fn program(name: &str) -> Command {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let newest = versions
        .map(|entry| entry.expect("a readable directory").path())
        .max_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()))
        .expect("a version");
    let mut command = Command::new(newest.join("bin").join(name));
    // The files in the real home directory would influence every connection.
    command.current_dir("/").env("HOME", "/");
    if rustix::process::geteuid().is_root() {
        command.uid(postgres_id("-u")).gid(postgres_id("-g"));
    }
    command
}

fn give_to_postgres(path: &Path) {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(postgres_id("-u")), Some(postgres_id("-g"))).expect("chown");
    }
}

fn postgres_id(flag: &str) -> u32 {
    let output = run(Command::new("id").args([flag, "postgres"]));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("the user postgres")
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("a program that starts");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    output
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

impl Server {
    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }
}
