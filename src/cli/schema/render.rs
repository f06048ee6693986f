//! Renders the definitions of the mirrors; the definition of the users is a template with more comments.

use crate::db::mirror::{self, Column, Mirror, Shape};
use crate::model::Kind;

/// The columns that every mirror has after its own.
const TIMES: [&str; 3] = ["created_at", "updated_at", "deleted_at"];

/// The kinds of which a view shows the rows that count, with the columns of the mirror.
const WHOLE_VIEWS: [Kind; 2] = [Kind::User, Kind::Organization];

fn others() -> impl Iterator<Item = &'static Mirror> {
    mirror::ALL.iter().filter(|mirror| mirror.kind != Kind::User)
}

fn each(of: impl Fn(&'static Mirror) -> String, between: &str) -> String {
    others().map(of).collect::<Vec<_>>().join(between)
}

pub(super) fn sql() -> String {
    let grant = |mirror: &Mirror| {
        let own = mirror.columns.iter().map(|column| column.name);
        let columns: Vec<_> = std::iter::once("id").chain(own).chain(TIMES).collect();
        format!("grant select ({}) on {} to app;", columns.join(", "), mirror.table)
    };
    include_str!("application.sql").replace("{grants}", &each(grant, "\n"))
}

pub(super) fn drizzle() -> String {
    let table = |mirror: &Mirror| {
        let (name, variable) = (mirror.name(), camel(mirror.name()));
        format!(
            "// {}\nexport const {variable} = neonAuth.table(\"{name}\", {{\n  id: text(\"id\").primaryKey().notNull(),\n{}}});\n\nexport type {} = typeof {variable}.$inferSelect;",
            mirror.about,
            drizzle_columns(mirror),
            model(mirror)
        )
    };
    let view = |kind: Kind| {
        let name = format!("{}_active", kind.plural());
        format!(
            "export const {} = neonAuth.view(\"{name}\", {{\n  id: text(\"id\").notNull(),\n{}}}).existing();",
            camel(&name),
            drizzle_columns(mirror::of(kind))
        )
    };
    include_str!("drizzle.ts")
        .replace("{tables}", &each(table, "\n\n"))
        .replace("{views}", &WHOLE_VIEWS.map(view).join("\n\n"))
}

/// All but the id.
fn drizzle_columns(mirror: &Mirror) -> String {
    let column = |Column { name, shape, .. }: &Column| {
        let array = if *shape == Shape::Permissions { ".array()" } else { "" };
        format!("  {}: text(\"{name}\"){array},\n", camel(name))
    };
    let own: String = mirror.columns.iter().map(column).collect();
    let times = TIMES.map(|name| format!("  {}: time(\"{name}\"),\n", camel(name))).concat();
    format!("{own}{times}  rawJson: jsonb(\"raw_json\").notNull(),\n")
}

pub(super) fn prisma() -> String {
    let all = |of: &dyn Fn(&Mirror) -> String, between: &str| {
        mirror::ALL.iter().map(of).collect::<Vec<_>>().join(between)
    };
    let external = all(&|mirror| format!("\"{}\"", mirror.table), ", ");
    // Kept as it is printed: a statement of the application's, in one line of its configuration.
    let shadow = include_str!("shadow.sql").trim_end();
    let shadow = all(&|mirror| shadow.replace("{table}", mirror.table), " ");
    include_str!("schema.prisma")
        .replace("{external}", &external)
        .replace("{shadow}", &shadow)
        .replace("{models}", &each(prisma_model, "\n\n"))
}

fn prisma_model(mirror: &Mirror) -> String {
    let mut fields = vec!["id String @id".to_owned()];
    for Column { name, shape, .. } in mirror.columns {
        let of = if *shape == Shape::Permissions { "String[]" } else { "String?" };
        fields.push(mapped(name, of, ""));
    }
    fields.extend(TIMES.map(|name| mapped(name, "DateTime?", " @db.Timestamptz(6)")));
    fields.push(mapped("raw_json", "Json", ""));
    let deleted_at = (format!("{}_deleted_at_idx", mirror.name()), "deleted_at");
    let own = mirror.indexes.iter().map(|(name, columns)| ((*name).to_owned(), *columns));
    let indexes = std::iter::once(deleted_at).chain(own).map(|(name, columns)| {
        let columns: Vec<_> = columns.split(", ").map(camel).collect();
        format!("  @@index([{}], map: \"{name}\")\n", columns.join(", "))
    });
    format!(
        "// {}\nmodel {} {{\n{}\n{}  @@map(\"{}\")\n  @@schema(\"neon_auth\")\n}}",
        mirror.about,
        model(mirror),
        fields.iter().map(|field| format!("  {field}\n")).collect::<String>(),
        indexes.collect::<String>(),
        mirror.name()
    )
}

/// A field, with the column's name if it differs.
fn mapped(name: &str, of: &str, more: &str) -> String {
    let field = camel(name);
    let map = if field == name { String::new() } else { format!(" @map(\"{name}\")") };
    format!("{field} {of}{map}{more}")
}

pub(super) fn typescript() -> String {
    let column = |Column { name, shape, about, .. }: &Column| {
        let of = if *shape == Shape::Permissions { "string[]" } else { "string" };
        format!("  /** {about} */\n  {name}: {of} | null;\n")
    };
    let interface = |mirror: &Mirror| {
        let own: String = mirror.columns.iter().map(column).collect();
        let times = TIMES.map(|name| format!("  {name}: Date | null;\n")).concat();
        format!(
            "// Rows of {}: {}\nexport interface {} {{\n  id: string;\n{own}{times}  /** The provider's own {} object, whole. */\n  raw_json: Record<string, unknown>;\n}}",
            mirror.table,
            mirror.about,
            model(mirror),
            mirror.kind
        )
    };
    include_str!("rows.ts").replace("{interfaces}", &each(interface, "\n\n"))
}

/// The name of a class: `OrganizationSync`.
fn model(mirror: &Mirror) -> String {
    let mut model = camel(&format!("{}_sync", mirror.kind));
    model[..1].make_ascii_uppercase();
    model
}

/// `raw_json` becomes `rawJson`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(1);
        camel.push_str(&first.to_ascii_uppercase());
        camel.push_str(rest);
    }
    camel
}
