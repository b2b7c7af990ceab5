//! Throttling: letters of campaigns leave one after the other at a set rate.

use std::time::Duration;

/// How long each of `workers` waits between two letters, so that together they send at most `per_second`.
pub fn gap(per_second: u16, workers: u16) -> Duration {
    let millis = 1_000 * u64::from(workers.max(1)) / u64::from(per_second.max(1));
    Duration::from_millis(millis)
}

/// How many letters one message of the queue asks for: at most as many as leave in about half a minute, so that a message is done well
/// within its function's time.
pub fn batch(per_second: u16, workers: u16) -> usize {
    let half_minute = 30 * usize::from(per_second.max(1)) / usize::from(workers.max(1));
    half_minute.clamp(1, 25)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_together_keep_the_rate() {
        for (per_second, workers, millis, letters) in
            [(14, 2, 142, 25), (1, 2, 2_000, 15), (1, 40, 40_000, 1), (0, 0, 1_000, 25)]
        {
            assert_eq!(
                gap(per_second, workers),
                Duration::from_millis(millis),
                "{per_second}/s by {workers}"
            );
            assert_eq!(batch(per_second, workers), letters, "{per_second}/s by {workers}");
        }
    }
}
