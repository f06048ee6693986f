//! Reads all bodies, within a size limit, a time-out and a share of the memory.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::App;
use super::problem::Problem;
use super::seats::Seat;

/// The size up to which a body needs no permit, so that no sender can keep out small deliveries, which most are. A form never
/// has more.
const SMALL: usize = 16 << 10;

/// The whole body; called after all checks that the head alone allows.
pub(super) async fn read(app: &App, head: &Parts, body: Body) -> Result<Bytes, Problem> {
    read_at_most(app.limits.body, app, head, body).await
}

async fn read_at_most(most: usize, app: &App, head: &Parts, body: Body) -> Result<Bytes, Problem> {
    let announced = announced(&head.headers);
    if announced > Some(most) {
        return Err(Problem::BodyTooLarge(most));
    }
    let seat = head.extensions.get::<Arc<Seat>>();
    // A client that delays its body must also make room for others.
    seat.inspect(|seat| seat.waits());
    let whole = whole(body, announced.unwrap_or_default(), most, &app.strangers.bodies);
    let whole = tokio::time::timeout(app.limits.body_timeout, whole).await;
    seat.inspect(|seat| seat.works());
    whole.map_err(|_| Problem::BodyTooSlow)?.map(Bytes::from)
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Copies, because even a small piece would keep the whole buffer that it was read into.
async fn whole(
    mut body: Body,
    announced: usize,
    most: usize,
    bodies: &Semaphore,
) -> Result<Vec<u8>, Problem> {
    let mut whole = Vec::with_capacity(announced.min(SMALL));
    let mut permits: Option<SemaphorePermit<'_>> = None;
    let mut permitted = SMALL;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Problem::BodyBroken)?.into_data() else { continue };
        let length = whole.len() + data.len();
        if length > most {
            return Err(Problem::BodyTooLarge(most));
        }
        if length > permitted {
            let next = length.next_power_of_two().min(most);
            let more = u32::try_from(next - permitted).map_err(|_| Problem::NoRoom)?;
            let more = bodies.try_acquire_many(more).map_err(|_| Problem::NoRoom)?;
            match &mut permits {
                Some(permits) => permits.merge(more),
                None => permits = Some(more),
            }
            permitted = next;
            whole.reserve_exact(permitted - whole.len());
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

/// A form of `/admin`.
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let body = read_at_most(SMALL, app, &head, body).await?;
        let request = Request::from_parts(head, Body::from(body));
        // Its words may quote a value.
        let form = axum::Form::from_request(request, &()).await.map_err(|_| Problem::BadForm)?;
        Ok(Self(form.0))
    }
}
