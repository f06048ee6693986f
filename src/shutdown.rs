//! What ends the service: the first signal drains it, the second ends it at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// After this call the first SIGINT or SIGTERM cancels the token, and the next ends the process with status 1.
pub fn listen() -> io::Result<CancellationToken> {
    let mut signals = Signals::install()?;
    let requested = CancellationToken::new();
    let first = requested.clone();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!(
            "draining: requests already received are answered; a second signal ends the service at once"
        );
        first.cancel();
        signals.next().await;
        std::process::exit(1);
    });
    Ok(requested)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
