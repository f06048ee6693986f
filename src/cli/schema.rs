//! `users-sync schema`

mod render;

use clap::Args;

use super::Failure;

/// Prints what an application needs to join to the tables, without its ORM trying to own them.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  users-sync schema --drizzle > src/db/users-sync.ts\n  users-sync schema --sql"
)]
#[group(skip)]
pub(super) struct Arguments {
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Wanted {
    /// Grants, a foreign key and joins
    #[arg(long)]
    sql: bool,
    /// A Drizzle schema file, and the filter for drizzle-kit
    #[arg(long)]
    drizzle: bool,
    /// Prisma models of external tables, and their configuration
    #[arg(long)]
    prisma: bool,
    /// Types of rows as node-postgres returns them
    #[arg(long)]
    typescript: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Wanted { sql, drizzle, prisma, typescript } = arguments.wanted;
    let texts = [
        (sql, render::sql as fn() -> String),
        (drizzle, render::drizzle),
        (prisma, render::prisma),
        (typescript, render::typescript),
    ];
    for (_, text) in texts.into_iter().filter(|(wanted, _)| *wanted) {
        print!("{}", text());
    }
    Ok(())
}
