//! Reads a provider's log of events.

use bytes::Bytes;

use super::list::denial;
use super::request::Reading as Asked;
use super::{Answer, Client, Error};
use crate::json::Unreadable;
use crate::provider::api;
use crate::provider::log::Log;

/// The events after a cursor.
#[derive(Debug)]
pub struct Logged {
    /// Each in the form of a delivery's body, the oldest first.
    pub events: Vec<Bytes>,
    /// The place after the last of them; `None` if there is none.
    pub cursor: Option<String>,
}

/// The answer to a request for events.
#[derive(Debug)]
pub enum Events {
    Logged(Logged),
    /// The log no longer reaches back to the cursor: events may be missed for ever.
    Lost,
}

impl Client {
    /// The log of this provider, if it keeps one.
    pub fn log(&self) -> Option<&'static Log> {
        self.provider.log.as_ref()
    }

    /// The next events of a log, of all those that we understand.
    pub async fn events(&self, log: &Log, cursor: Option<&str>) -> Result<Events, Error> {
        let query = (log.query)(&self.provider.subscribed(), cursor);
        let asked = Asked { path: log.path, query, body: None };
        match self.requests.get(&asked, &|answer| logged(log, answer)).await {
            Ok(logged) => Ok(Events::Logged(logged)),
            Err(error) if cursor.is_some() && says_lost(log, &error) => Ok(Events::Lost),
            Err(error) => Err(error),
        }
    }
}

fn logged(log: &Log, Answer { headers, body, .. }: Answer) -> Result<Logged, Error> {
    let text = std::str::from_utf8(&body).map_err(|_| Unreadable::NotUtf8)?;
    let page = (log.page)(&api::Answer::new(text, &headers))?;
    let events = page.events.iter().map(|event| body.slice_ref(event.text().as_bytes()));
    Ok(Logged { events: events.collect(), cursor: page.cursor })
}

fn says_lost(log: &Log, error: &Error) -> bool {
    denial(error).is_some_and(|(denial, code)| (log.is_lost)(denial, code))
}
