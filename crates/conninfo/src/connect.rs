//! Opening sessions: every host in order, and on each the attempts that its sslmode allows.

use std::{
    error::Error as _,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    time::Duration,
};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::CertificateError;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{
    AsyncMessage, CancelToken, Client, Connection, config::SslMode as Attempt, error::SqlState,
};
use tracing::{debug, warn};

use crate::{Conninfo, Error, Host, SslMode};

/// How long a caller waits for a free connection, and a pooled connection may take to show that it lives.
const POOL_TIME_OUT: Duration = Duration::from_secs(5);

/// Why no session could be opened; the server's or the system's own words are in the sources.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "{host} did not open a session within {seconds} s: check the address and the firewall, or \
         raise connect_timeout"
    )]
    TimedOut { host: String, seconds: u64 },
    #[error("{host} refused the session")]
    Rejected { host: String, source: tokio_postgres::Error },
    #[error("TLS with {host} failed: {advice}")]
    Tls { host: String, advice: &'static str, source: tokio_postgres::Error },
    #[error("could not open a session on {host}")]
    Failed { host: String, source: tokio_postgres::Error },
}

impl ConnectError {
    /// Whether the server may let us in later: it is out of reach, still starting, or full.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Failed { .. } => true,
            Self::Tls { .. } => false,
            Self::Rejected { source, .. } => {
                let later = [&SqlState::CANNOT_CONNECT_NOW, &SqlState::TOO_MANY_CONNECTIONS];
                source.code().is_some_and(|code| later.contains(&code))
            }
        }
    }
}

type Session = (Client, JoinHandle<()>);

impl Conninfo {
    /// Opens one session, for one-off uses; it ends when the client is dropped.
    pub async fn connect(&self) -> Result<Client, ConnectError> {
        let (client, _detached) = match self.open_but_last().await {
            Some(session) => session,
            None => self.open_in_time(self.last_host()).await?,
        };
        Ok(client)
    }

    /// Prepares a pool, without connecting; each connection is proved alive before it is handed out.
    pub fn pool(&self, max_size: usize) -> Result<Pool, Error> {
        if max_size == 0 {
            return Err(Error::value("pool size", "at least 1"));
        }
        let config = ManagerConfig { recycling_method: RecyclingMethod::Verified };
        let session = self.last_host().config.clone();
        let manager = Manager::from_connect(session, Connector(self.clone()), config);
        let hosts = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX);
        let pool = Pool::builder(manager)
            .max_size(max_size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_TIME_OUT))
            .create_timeout(Some(self.time_out.saturating_mul(hosts)))
            .recycle_timeout(Some(POOL_TIME_OUT));
        Ok(pool.build().expect("the pool has a runtime"))
    }

    /// Asks the server to stop a running query, as well as it can be done: no answer says whether it did.
    pub async fn cancel(&self, token: CancelToken) {
        match timeout(self.time_out, token.cancel_query(self.tls.clone())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error: &dyn std::error::Error = &error;
                warn!(error, "could not ask the database to cancel a query");
            }
            Err(_) => warn!("the database did not take the request to cancel a query in time"),
        }
    }

    fn last_host(&self) -> &Host {
        self.hosts.last().expect("a connection string has at least one host")
    }

    async fn open_but_last(&self) -> Option<Session> {
        for host in &self.hosts[..self.hosts.len() - 1] {
            match self.open_in_time(host).await {
                Ok(session) => return Some(session),
                Err(error) => tell(host, &error, "trying the next database host"),
            }
        }
        None
    }

    async fn open_in_time(&self, host: &Host) -> Result<Session, ConnectError> {
        match timeout(self.time_out, self.open(host)).await {
            Ok(session) => session.map_err(|error| explain(host, error)),
            Err(_) => Err(ConnectError::TimedOut {
                host: host.address.to_string(),
                seconds: self.time_out.as_secs(),
            }),
        }
    }

    async fn open(&self, host: &Host) -> Result<Session, tokio_postgres::Error> {
        match self.sslmode {
            _ if host.address.is_socket() => self.attempt(host, Attempt::Disable).await,
            SslMode::Disable => self.attempt(host, Attempt::Disable).await,
            SslMode::Allow => match self.attempt(host, Attempt::Disable).await {
                Err(error) if error.as_db_error().is_some() => {
                    self.attempt(host, Attempt::Require).await
                }
                session => session,
            },
            SslMode::Prefer => match self.attempt(host, Attempt::Prefer).await {
                Err(error) if may_work_without_tls(&error) => {
                    tell(host, &error, "trying without TLS, as sslmode=prefer allows");
                    self.attempt(host, Attempt::Disable).await.map_err(|_| error)
                }
                session => session,
            },
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                self.attempt(host, Attempt::Require).await
            }
        }
    }

    async fn attempt(&self, host: &Host, mode: Attempt) -> Result<Session, tokio_postgres::Error> {
        let mut config = host.config.clone();
        config.ssl_mode(mode);
        let connecting = Box::pin(config.connect(self.tls.clone()));
        let (client, connection) = connecting.await?;
        let task = tokio::spawn(async move {
            if let Err(error) = drive(connection).await {
                let error: &dyn std::error::Error = &error;
                debug!(error, "a database connection ended");
            }
        });
        Ok((client, task))
    }
}

/// Carries a session until it ends. What the server remarks may hold values of rows (a trigger's `RAISE NOTICE`), so of
/// it only the code is kept.
async fn drive<S, T>(mut connection: Connection<S, T>) -> Result<(), tokio_postgres::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message? {
            debug!(sqlstate = notice.code().code(), "the database sent a notice");
        }
    }
    Ok(())
}

/// Opens the pool's connections; the pool's own time-out cuts the last host's attempt.
struct Connector(Conninfo);

impl deadpool_postgres::Connect for Connector {
    fn connect(
        &self,
        _: &tokio_postgres::Config,
    ) -> Pin<Box<dyn Future<Output = Result<Session, tokio_postgres::Error>> + Send + '_>> {
        Box::pin(async {
            match self.0.open_but_last().await {
                Some(session) => Ok(session),
                None => self.0.open(self.0.last_host()).await,
            }
        })
    }
}

/// Logs a failed attempt that another one follows.
fn tell(host: &Host, error: &(dyn std::error::Error + 'static), next: &str) {
    warn!(error, host = %host.address, "{next}");
}

/// `prefer` goes on without TLS when TLS itself failed, or when pg_hba.conf has no line for it.
fn may_work_without_tls(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        Some(refusal) => *refusal.code() == SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        None => error.source().is_some_and(|source| source.is::<io::Error>()),
    }
}

fn explain(host: &Host, source: tokio_postgres::Error) -> ConnectError {
    let host = host.address.to_string();
    if source.as_db_error().is_some() {
        return ConnectError::Rejected { host, source };
    }
    match tls_failure(&source) {
        Some(failure) => ConnectError::Tls { host, advice: advice(failure), source },
        None => ConnectError::Failed { host, source },
    }
}

fn tls_failure(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    error.source()?.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

fn advice(failure: &rustls::Error) -> &'static str {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext,
        UnknownIssuer,
    };
    let rustls::Error::InvalidCertificate(failure) = failure else {
        return "see the cause";
    };
    match failure {
        UnknownIssuer | BadSignature => {
            "no trusted authority signed the server's certificate: name the file of its authority \
             with sslrootcert"
        }
        NotValidForName | NotValidForNameContext { .. } => {
            "the server's certificate is for another name: connect by a name it has, or use \
             sslmode=verify-ca"
        }
        Expired | ExpiredContext { .. } => "the server's certificate has expired: renew it",
        _ => "the server's certificate cannot be accepted",
    }
}
