//! Renders the statements of the mirrors from their rows of data.

use super::{ALL, Column, Mirror, Shape};
use crate::law::SETTLING;
use crate::model::Kind;

impl Mirror {
    /// The statement that creates the table with its indexes and comments if the database lacks it.
    pub(in crate::db) fn create(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|Column { name, shape, .. }| format!("{name} {}", shape.sql_type()));
        include_str!("../../../sql/mirror/table.sql")
            .replace("{table}", self.table)
            .replace("{columns}", &columns.collect::<Vec<_>>().join(",\n    "))
            .replace("{indexes}", &self.create_indexes())
            .replace("{comments}", &self.comments())
    }

    /// The indexes in addition to the key, with their schema.
    pub(in crate::db) fn index_names(&self) -> Vec<String> {
        let named = self.indexes.iter().map(|(name, _)| format!("neon_auth.{name}"));
        std::iter::once(format!("{}_deleted_at_idx", self.table)).chain(named).collect()
    }

    /// The name without its schema.
    pub fn name(&self) -> &'static str {
        self.table.trim_start_matches("neon_auth.")
    }

    fn create_indexes(&self) -> String {
        let deleted_at = format!("{}_deleted_at_idx", self.name());
        let own = self.indexes.iter().map(|(name, columns)| ((*name).to_owned(), *columns));
        let indexes = std::iter::once((deleted_at, "deleted_at")).chain(own);
        let statement = |(name, columns): (String, &str)| {
            format!("create index if not exists {name} on {} ({columns});", self.table)
        };
        indexes.map(statement).collect::<Vec<_>>().join("\n")
    }

    fn comments(&self) -> String {
        let kind = self.kind.as_str();
        let subject = if self.kind == Kind::User { "profile" } else { kind };
        let common = [
            ("id", self.id.to_owned()),
            ("created_at", self.created_at.to_owned()),
            ("updated_at", format!("When the provider last changed this {subject}.")),
            ("deleted_at", format!("When the provider deleted the {kind}; null while it exists.")),
            ("raw_json", format!("The provider's own {kind} object.")),
        ];
        let own = self.columns.iter().map(|column| (column.name, column.about.to_owned()));
        let on_columns = own.chain(common).map(|(name, about)| {
            format!("comment on column {}.{name} is {};", self.table, literal(&about))
        });
        let on_table = format!("comment on table {} is {};", self.table, literal(self.about));
        std::iter::once(on_table).chain(on_columns).collect::<Vec<_>>().join("\n")
    }

    /// The values of the kind's own columns in a row of claims.
    fn values(&self, claim: &str) -> Vec<String> {
        let mut place = 0;
        let value = |column: &Column| match column.shape {
            Shape::Text => {
                place += 1;
                format!("{claim}.texts[{place}]")
            }
            Shape::Permissions => format!("{claim}.permissions"),
        };
        self.columns.iter().map(value).collect()
    }

    /// A statement that holds claims `r` against rows `m` of the mirror.
    pub(in crate::db) fn comparing(&self, template: &str) -> String {
        let shown: Vec<_> = self.names().map(|name| format!("m.{name}")).collect();
        self.statement(template)
            .replace("{shown}", &shown.join(", "))
            .replace("{read}", &self.values("r").join(", "))
            .replace("{is_ended}", &self.is_ended())
    }

    /// Whether row `m` ended with a membership, and the claim `r` was read after that.
    fn is_ended(&self) -> String {
        if self.kind != Kind::Grant {
            return "false".to_owned();
        }
        include_str!("../../../sql/readings/ended.sql")
            .trim_end()
            .replace("{memberships}", super::of(Kind::Membership).table)
            .replace("{membership}", Kind::Membership.as_str())
            .replace("{settling}", &SETTLING.as_secs().to_string())
    }

    /// A statement that derives rows `m` of the mirror again from claims `r`.
    pub(in crate::db) fn deriving(&self, template: &str) -> String {
        let derived = self.names().zip(self.values("r")).map(|(name, value)| {
            // An adopted row may know what its raw_json never said.
            format!("case when r.version_delivery = 'adopted' then coalesce({value}, m.{name}) else {value} end as {name}")
        });
        let assigned = self.names().map(|name| format!("{name} = w.{name}"));
        let new = self.names().map(|name| format!("w.{name}"));
        self.comparing(template)
            .replace("{derived}", &derived.collect::<Vec<_>>().join(",\n        "))
            .replace("{assigned}", &assigned.collect::<Vec<_>>().join(", "))
            .replace("{new}", &new.collect::<Vec<_>>().join(", "))
    }

    /// A statement that says of rows `m` of the mirror what they tie, and whether that is deleted.
    pub(in crate::db) fn tying(&self, template: &str) -> String {
        let parents = self.references().map(|(name, kind)| format!("('{kind}', m.{name})"));
        let parents: Vec<_> = parents.collect();
        let is_orphan = if parents.is_empty() {
            "false".to_owned()
        } else {
            include_str!("../../../sql/readings/orphan.sql")
                .replace("{parents}", &parents.join(", "))
        };
        let statement = self.statement(template).replace("{is_orphan}", is_orphan.trim_end());
        let is_own = |name: &str| self.names().any(|own| own == name);
        super::of(Kind::Membership).references().fold(statement, |statement, (name, _)| {
            let value = if is_own(name) { format!("m.{name}") } else { "null::text".to_owned() };
            statement.replace(&format!("{{{name}}}"), &value)
        })
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.name)
    }

    /// The part of `users_sync.converge` that writes to this mirror.
    fn write(&self) -> String {
        let each =
            |of: &dyn Fn(&str) -> String| self.names().map(of).collect::<Vec<_>>().join(", ");
        let template = include_str!("../../../sql/mirror/write.sql")
            .replace("{show}", include_str!("../../../sql/mirror/show.sql"))
            .replace("{bury}", include_str!("../../../sql/mirror/bury.sql"));
        self.statement(&template)
            .replace("{names}", &each(&str::to_owned))
            .replace("{values}", &self.values("s").join(", "))
            .replace("{assignments}", &each(&|name| format!("{name} = excluded.{name}")))
            .replace("{old}", &each(&|name| format!("m.{name}")))
            .replace("{new}", &each(&|name| format!("excluded.{name}")))
    }
}

/// The function that writes a batch to every mirror.
pub(in crate::db) fn converge() -> String {
    let mirrors: String = ALL.iter().map(|mirror| mirror.write()).collect();
    include_str!("../../../sql/objects/converge.sql").replace("{mirrors}", &mirrors)
}

/// A string constant of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
