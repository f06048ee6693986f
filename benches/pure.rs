//! The cost of a delivery before it reaches the database: verifying, decoding and folding.
//!
//! `cargo bench --bench pure -- --baseline main` compares with the times in `benches/times`, which were measured on
//! two cores of a shared machine. On another machine, measure before the change: `-- --save-baseline before`, then
//! `-- --baseline before`.

mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{Request, batch};
use users_sync::sync::batch::Batch;

fn benches(criterion: &mut Criterion) {
    for provider in ["clerk", "stack"] {
        let request = Request::new(provider, "user_1");
        let mut group = criterion.benchmark_group(provider);
        group.throughput(Throughput::Bytes(request.body.len() as u64));
        group.bench_function("verify", |bencher| {
            bencher.iter(|| black_box(request.verified()));
        });
        group.bench_function("verify-and-decode", |bencher| {
            bencher.iter(|| black_box(request.decoded()));
        });
        group.finish();
    }
    let decoded = batch();
    criterion.bench_function("fold-64-deliveries-of-48-users", |bencher| {
        bencher.iter(|| black_box(Batch::of(&decoded, false).claims.len()));
    });
}

criterion_group!(pure, benches);
criterion_main!(pure);
