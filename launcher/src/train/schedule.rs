//! The learning rate of each step.

use crate::config::{OptimSection, Schedule};

/// Learning rate of the step at index `step` of `num_steps`.
///
/// Rises from 0 over the warm-up, then follows the schedule; the last step of a cosine or a line is just above 0.
///
/// # Source
/// transformers, `get_cosine_schedule_with_warmup`, `get_linear_schedule_with_warmup` and `get_constant_schedule_with_warmup`,
/// <https://huggingface.co/docs/transformers/main_classes/optimizer_schedules>
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of steps are exact in f64")]
pub fn learning_rate(optim: &OptimSection, step: u64, num_steps: u64) -> f64 {
    let (step, num_steps) = (step as f64, num_steps as f64);
    let warmup = (optim.warmup_ratio * num_steps).ceil();
    if step < warmup {
        return optim.learning_rate * step / warmup;
    }
    match optim.schedule {
        Schedule::Constant => optim.learning_rate,
        Schedule::Cosine => {
            let progress = (step - warmup) / (num_steps - warmup).max(1.0);
            optim.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
        }
        Schedule::Linear => optim.learning_rate * ((num_steps - step) / (num_steps - warmup).max(1.0)).max(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One entry of `tests/parity/schedule.json`, at a learning rate of 1e-3.
    #[derive(serde::Deserialize)]
    struct Case {
        schedule: Schedule,
        warmup_ratio: f64,
        num_steps: u64,
        learning_rates: Vec<f64>,
    }

    fn optim(schedule: Schedule) -> OptimSection {
        OptimSection { learning_rate: 1e-3, weight_decay: 0.0, warmup_ratio: 0.05, schedule, max_grad_norm: 1.0 }
    }

    #[test]
    fn the_cosine_is_transformers() {
        // get_cosine_schedule_with_warmup(ceil(0.05 × 5), 5), from tests/parity/train.
        let expected = [0.0, 0.001, 0.000_853_553_390_593_273_7, 0.0005, 0.000_146_446_609_406_726_24];
        for (step, expected) in (0..).zip(expected) {
            assert!((learning_rate(&optim(Schedule::Cosine), step, 5) - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn every_schedule_is_transformers() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/parity/schedule.json");
        let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(cases.iter().filter(|case| case.schedule == Schedule::Linear).count(), 4);
        for Case { schedule, warmup_ratio, num_steps, learning_rates } in cases {
            let optim = OptimSection { warmup_ratio, ..optim(schedule) };
            assert_eq!(learning_rates.len() as u64, num_steps);
            for (step, expected) in (0..).zip(learning_rates) {
                let found = learning_rate(&optim, step, num_steps);
                assert!((found - expected).abs() < 1e-15, "{schedule:?} {num_steps} {step}: {found} {expected}");
            }
        }
    }

    #[test]
    fn a_constant_rate_stays_after_the_warm_up() {
        let rates: Vec<f64> = (0..100).map(|step| learning_rate(&optim(Schedule::Constant), step, 100)).collect();
        assert!(rates[..5].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[5..].iter().all(|rate| (rate - 1e-3).abs() < 1e-15));
    }
}
