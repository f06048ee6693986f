//! Arrays of our composite types, in the binary form of Postgres: one parameter for any number of rows with any
//! columns.
//!
//! A session reads the ids of the types from the catalog once. An array is its dimensions and its elements; a
//! composite value is the number of its fields, and for each field its type, its length and its bytes.
//! <https://www.postgresql.org/docs/current/sql-createtype.html>, `record_recv` and `array_recv` of the server.

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error, GenericClient};

type Failure = Box<dyn std::error::Error + Sync + Send>;

/// The composite types that [`super::apply`] sends.
#[derive(Clone, Debug, PartialEq)]
pub struct Types {
    pub(super) claim: Composite,
    pub(super) delivery: Composite,
    pub(super) mention: Composite,
}

/// The ids in this database of a composite type and of its array type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Composite {
    element: u32,
    array: Type,
}

impl Types {
    pub async fn read(client: &impl GenericClient) -> Result<Self, Error> {
        let statement = include_str!("../../sql/sync/types.sql");
        let row = client.query_typed_one(statement, &[]).await?;
        let composite = |name: &str| -> Result<Composite, Error> {
            let array: u32 = row.try_get(format!("{name}_array").as_str())?;
            let array = Type::new(name.to_owned(), array, Kind::Simple, "users_sync".to_owned());
            Ok(Composite { element: row.try_get(name)?, array })
        };
        Ok(Self {
            claim: composite("claim")?,
            delivery: composite("delivery")?,
            mention: composite("mention")?,
        })
    }
}

/// An array of a composite type, encoded.
#[derive(Debug)]
pub(super) struct Array {
    bytes: BytesMut,
    r#type: Type,
}

impl Array {
    /// Encodes these rows, each a list of fields with their types.
    pub(super) fn of<'a, const N: usize, T>(
        composite: &Composite,
        rows: &'a [T],
        fields: impl Fn(&'a T, &mut Fields<'_>) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let mut bytes = BytesMut::with_capacity(64 + rows.len() * N * 16);
        let dimensions = i32::from(!rows.is_empty());
        bytes.put_i32(dimensions);
        bytes.put_i32(0);
        bytes.put_u32(composite.element);
        if dimensions > 0 {
            bytes.put_i32(i32::try_from(rows.len())?);
            bytes.put_i32(1);
        }
        for row in rows {
            measured(&mut bytes, |bytes| {
                bytes.put_i32(i32::try_from(N)?);
                fields(row, &mut Fields(bytes))?;
                Ok(IsNull::No)
            })?;
        }
        Ok(Self { bytes, r#type: composite.array.clone() })
    }

    pub(super) fn param(&self) -> (&(dyn ToSql + Sync), Type) {
        (self, self.r#type.clone())
    }
}

/// The fields of one row, written in their order.
pub(super) struct Fields<'a>(&'a mut BytesMut);

impl Fields<'_> {
    pub(super) fn put(&mut self, value: &(dyn ToSql + Sync), r#type: &Type) -> Result<(), Failure> {
        self.0.put_u32(r#type.oid());
        measured(self.0, |bytes| value.to_sql_checked(r#type, bytes))
    }
}

/// Writes the output of `write`, preceded by its length.
fn measured(
    bytes: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<IsNull, Failure>,
) -> Result<(), Failure> {
    let start = bytes.len();
    bytes.put_i32(-1);
    if let IsNull::No = write(bytes)? {
        let length = i32::try_from(bytes.len() - start - 4)?;
        bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

impl ToSql for Array {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        out.extend_from_slice(&self.bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
