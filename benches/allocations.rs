//! The number of allocations of a delivery before it reaches the database, compared with `benches/allocations.txt`.
//!
//! `cargo bench --bench allocations`; `-- --save` writes the file. Unlike times, allocations do not depend on the
//! machine: more than in the file is an error.

mod support;

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::ExitCode;
use std::{env, fs};

use dhat::{HeapStats, Profiler};
use support::{Request, batch};
use users_sync::sync::batch::Batch;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/allocations.txt");

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// The allocations of one call; the first call, which fills what is created once, does not count.
fn count<T>(call: impl Fn() -> T) -> u64 {
    drop(black_box(call()));
    let before = HeapStats::get().total_blocks;
    let made = black_box(call());
    let after = HeapStats::get().total_blocks;
    drop(made);
    after - before
}

fn main() -> ExitCode {
    let _profiler = Profiler::builder().testing().build();
    let (clerk, stack, batch) =
        (Request::new("clerk", "user_1"), Request::new("stack", "user_1"), batch());
    let counted = [
        ("clerk: verify", count(|| clerk.verified())),
        ("clerk: verify and decode", count(|| clerk.decoded())),
        ("stack: verify", count(|| stack.verified())),
        ("stack: verify and decode", count(|| stack.decoded())),
        ("fold 64 deliveries of 48 users", count(|| Batch::of(&batch, false).claims.len())),
    ];
    let mut file = String::new();
    for (name, allocations) in &counted {
        writeln!(file, "{name} = {allocations}").expect("a string takes all");
    }
    if env::args().any(|argument| argument == "--save") {
        fs::write(FILE, file).expect("the file can be written");
        return ExitCode::SUCCESS;
    }
    let file = fs::read_to_string(FILE).expect("the file is in the repository");
    let remembered = |name: &str| -> u64 {
        let line = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        line.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let mut code = ExitCode::SUCCESS;
    for (name, allocations) in counted {
        println!("{name}: {allocations} allocations, {} remembered", remembered(name));
        if allocations > remembered(name) {
            code = ExitCode::FAILURE;
        }
    }
    code
}
