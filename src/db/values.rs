//! Database values as Rust types: no value that Postgres can hold makes a read panic.

use std::error::Error as StdError;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error, Row};

use crate::model::RawJson;

/// A point in time exactly as Postgres keeps it: microseconds since 2000. Its range is wider than that of
/// [`Timestamp`], and its ends are infinite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(i64);

/// Microseconds from 1970 to 2000.
const EPOCH: i64 = 946_684_800_000_000;

/// November 4714 BC: Postgres accepts no earlier time.
const EARLIEST: i64 = -211_813_488_000_000_000;

/// The first moment of the year 294277, which is beyond the range of Postgres.
const END: i64 = 9_223_371_331_200_000_000;

impl Moment {
    /// Minus infinity.
    pub const EARLIEST: Self = Self(i64::MIN);

    /// `None` if the time is out of Postgres's range.
    pub fn from_microsecond(since_2000: i64) -> Option<Self> {
        let is_finite = (EARLIEST..END).contains(&since_2000);
        (is_finite || [i64::MIN, i64::MAX].contains(&since_2000)).then_some(Self(since_2000))
    }

    pub fn as_microsecond(self) -> i64 {
        self.0
    }

    /// The nearest time that both Rust and Postgres can represent.
    pub fn nearest(self) -> Timestamp {
        let since_1970 = self.0.max(EARLIEST).saturating_add(EPOCH);
        Timestamp::from_microsecond(since_1970).unwrap_or(LATEST)
    }
}

/// In whole microseconds, so that Postgres stores it unchanged.
const LATEST: Timestamp = Timestamp::constant(253_402_207_200, 999_999_000);

impl FromSql<'_> for Moment {
    fn from_sql(kind: &Type, raw: &[u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        i64::from_sql(kind, raw).map(Self)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

impl ToSql for Moment {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        self.0.to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

/// The same time, or the earliest one that Postgres accepts.
pub(super) fn known(at: Timestamp) -> Timestamp {
    at.max(Moment(EARLIEST).nearest())
}

/// The time in a column that is never null.
pub(super) fn time(row: &Row, column: &str) -> Result<Timestamp, Error> {
    row.try_get(column).map(Moment::nearest)
}

/// The time in a column that may be null.
pub(super) fn optional_time(row: &Row, column: &str) -> Result<Option<Timestamp>, Error> {
    Ok(row.try_get::<_, Option<Moment>>(column)?.map(Moment::nearest))
}

impl FromSql<'_> for RawJson {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        // The binary form of jsonb is its version, 1, and the text.
        let text = raw.strip_prefix(&[1]).ok_or("an unknown version of jsonb")?;
        Ok(Self(Bytes::copy_from_slice(text)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSONB
    }
}
