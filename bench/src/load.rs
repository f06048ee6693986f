//! The load generator: keep-alive connections that send signed requests and time the answers.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::Result;
use crate::process::Usage;
use crate::workload::Delivery;

/// The load of one measurement.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Each sends one delivery after the other.
    pub(crate) connections: usize,
    /// Deliveries per second to send; `None` to send the next one after each answer.
    pub(crate) rate: Option<f64>,
    pub(crate) seconds: u64,
}

impl Load {
    /// More deliveries than any receiver accepts in the time.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    #[expect(clippy::cast_precision_loss, reason = "some seconds")]
    pub(crate) fn most(&self) -> usize {
        (self.rate.unwrap_or(20_000.0) * self.seconds as f64) as usize
    }
}

/// The result of one measurement.
#[derive(Clone)]
pub(crate) struct Measured {
    pub(crate) elapsed: Duration,
    /// Indexes of the acknowledged deliveries, repeated for each acknowledgement.
    pub(crate) acknowledged: Vec<usize>,
    pub(crate) refused: usize,
    /// In µs; in an open loop from when the delivery was due.
    pub(crate) latency: Histogram<u64>,
    pub(crate) usage: Usage,
}

impl Measured {
    pub(crate) fn per_second(&self) -> f64 {
        self.deliveries() / self.elapsed.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    pub(crate) fn deliveries(&self) -> f64 {
        self.acknowledged.len() as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds of a few seconds")]
    pub(crate) fn milliseconds(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// One delivery's share of an amount.
    pub(crate) fn each(&self, amount: f64) -> f64 {
        amount / self.deliveries()
    }

    /// Sets the cost: the difference of two readings.
    pub(crate) fn charge(&mut self, before: Usage, after: Usage) {
        self.usage = after.since(before);
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = (self.milliseconds(0.5), self.milliseconds(0.99));
        let microseconds = |seconds: f64| self.each(seconds) * 1e6;
        let (service, postgres) =
            (microseconds(self.usage.service), microseconds(self.usage.postgres));
        write!(
            f,
            "{:.0}/s, p50 {p50:.2} ms, p99 {p99:.2} ms, CPU {service:.0} + {postgres:.0} µs, {} refused",
            self.per_second(),
            self.refused
        )
    }
}

/// The round with the median of a figure.
pub(crate) fn median<T>(mut turns: Vec<T>, figure: impl Fn(&T) -> f64) -> T {
    turns.sort_by(|a, b| figure(a).total_cmp(&figure(b)));
    turns.swap_remove(turns.len() / 2)
}

/// What the connections of one run share.
struct Shared {
    deliveries: Vec<Delivery>,
    next: Cell<usize>,
    begin: Instant,
    end: Instant,
    /// Deliveries per second to send; `None` to send the next one after each answer.
    rate: Option<f64>,
    found: RefCell<Measured>,
}

/// Sends until the time is over, then waits for the remaining answers.
pub(crate) async fn run(
    address: SocketAddr,
    deliveries: &[Delivery],
    load: Load,
) -> Result<Measured> {
    let streams = connect(address, load.connections).await?;
    let deliveries = deliveries.to_vec();
    let begin = Instant::now();
    let empty = Measured {
        elapsed: Duration::ZERO,
        acknowledged: Vec::new(),
        refused: 0,
        latency: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        usage: Usage::default(),
    };
    let shared = Rc::new(Shared {
        deliveries,
        next: Cell::new(0),
        begin,
        end: begin + Duration::from_secs(load.seconds),
        rate: load.rate,
        found: RefCell::new(empty),
    });
    let local = LocalSet::new();
    for stream in streams {
        let shared = shared.clone();
        local.spawn_local(async move {
            if let Err(error) = converse(stream, &shared).await {
                eprintln!("a connection broke: {error}");
                shared.found.borrow_mut().refused += 1;
            }
        });
    }
    local.await;
    let mut found = shared.found.borrow().clone();
    found.elapsed = begin.elapsed();
    Ok(found)
}

async fn connect(address: SocketAddr, connections: usize) -> std::io::Result<Vec<TcpStream>> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    Ok(streams)
}

async fn converse(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut buffer = vec![0; 4096];
    loop {
        let place = shared.next.get();
        let Some(delivery) = shared.deliveries.get(place) else { return Ok(()) };
        let due = match shared.rate {
            Some(rate) => {
                shared.begin
                    + Duration::from_secs_f64(
                        f64::from(u32::try_from(place).unwrap_or(u32::MAX)) / rate,
                    )
            }
            None => Instant::now(),
        };
        if due >= shared.end || Instant::now() >= shared.end {
            return Ok(());
        }
        shared.next.set(place + 1);
        // A timer could delay a due delivery by up to a millisecond.
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        stream.write_all(&delivery.request).await?;
        let status = answer(&mut stream, &mut buffer).await?;

        let mut found = shared.found.borrow_mut();
        if status == 200 {
            found.acknowledged.push(place);
            let waited = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
            found.latency.saturating_record(waited);
        } else {
            found.refused += 1;
        }
    }
}

/// Reads one whole answer and returns its status.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<u16> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let text = String::from_utf8_lossy(&buffer[..filled]);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| {
                line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            })
            .and_then(|(_, length)| length.trim().parse::<usize>().ok());
        if length.is_some_and(|length| body.len() >= length) {
            return Ok(head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0));
        }
    }
}
