//! How many threads a run may use. Results do not hang on it.

use std::{
    num::NonZero,
    ops::Range,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// 0: as many as the machine has.
static MOST: AtomicUsize = AtomicUsize::new(0);
/// How many the machine has: to ask for it reads files of the system.
static OF_MACHINE: OnceLock<usize> = OnceLock::new();

/// Lets this process use at most so many threads; 0 for as many as the machine has, which is the default.
pub fn use_threads(most: usize) {
    MOST.store(most, Ordering::Relaxed);
}

/// How many threads may work.
pub(crate) fn most() -> usize {
    match MOST.load(Ordering::Relaxed) {
        0 => *OF_MACHINE.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get)),
        most => most,
    }
}

/// The results of both, side by side if there is a thread for each.
pub(crate) fn both<A: Send, B>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B) -> (A, B) {
    if most() <= 1 {
        return (first(), second());
    }
    thread::scope(|scope| {
        let first = scope.spawn(first);
        let second = second();
        match first.join() {
            Ok(first) => (first, second),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// `0..count` in at most as many ranges as threads may work, none but the last shorter than `least`.
pub(crate) fn shares_of(count: usize, least: usize) -> Vec<Range<usize>> {
    let length = count.div_ceil(most()).max(least).max(1);
    (0..count).step_by(length).map(|start| start..count.min(start + length)).collect()
}

/// The results of `work` for `0..count`, in that order.
pub(crate) fn each<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = most().min(count);
    if threads <= 1 {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if count <= place {
                return done;
            }
            done.push((place, work(place)));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
        let mut done = some();
        for other in others {
            match other.join() {
                Ok(theirs) => done.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}
