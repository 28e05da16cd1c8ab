//! Random operations, tried on a store and on a simple model of it side by side. After every step
//! the mailboxes it touched must be what the model says, at the end all of them.
//!
//! `operation` is what can happen, `resolve` to whom, `model` what must come of it; `run`, `write`
//! and `arrange` do it, to both, and `compare` compares. `follower` knows mailboxes by their history
//! alone, and must know them all the same.

mod arrange;
mod compare;
mod follower;
mod model;
mod operation;
mod resolve;
mod run;
mod write;

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tokio::runtime::Handle;

pub use operation::{Operation, operations};
pub use run::run;

use crate::store::SharedStore;

/// Steps of one sequence.
const SEQUENCE: u32 = 200;
/// Steps in all, unless `TM_TEST_STEPS` says otherwise.
const STEPS: u32 = 1_200;

/// Tries random sequences of operations on `store`, `TM_TEST_STEPS` steps in all. Call it outside of
/// asynchronous code, with the runtime that `store` was opened in.
///
/// # Panics
/// With the shortest sequence found whose effects are not those of the model.
pub fn check(runtime: &Handle, store: &SharedStore) {
    let steps = std::env::var("TM_TEST_STEPS").ok();
    let steps = steps.map_or(STEPS, |steps| steps.parse().unwrap());
    let mut runner = TestRunner::new(Config {
        cases: steps.div_ceil(SEQUENCE),
        failure_persistence: None,
        // In time for what ends a test that takes too long.
        max_shrink_time: 30_000,
        ..Config::default()
    });
    let sequences = operations(SEQUENCE as usize);
    let result = runner.run(&sequences, |sequence| {
        let done = runtime.block_on(run(store, &sequence));
        done.map_err(|broken| TestCaseError::fail(format!("{broken:#}")))
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(broken, sequence)) => panic!("{broken}\nafter {sequence:?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::engines, *};

    #[test]
    fn random_operations_do_on_sqlite_what_the_model_says() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let engine = runtime.block_on(engines::Sqlite::open());
        check(runtime.handle(), &engine.store());
    }

    #[test]
    fn random_operations_do_on_postgres_what_the_model_says() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        if let Some(store) = runtime.block_on(engines::postgres()) {
            check(runtime.handle(), &store);
        }
    }
}
