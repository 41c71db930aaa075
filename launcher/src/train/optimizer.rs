//! `AdamW` over all parameters laid end to end.

use tch::{Kind, Tensor};

use crate::Result;

const BETAS: (f64, f64) = (0.9, 0.999);
const EPS: f64 = 1e-8;
const FIRST_MOMENT: &str = "first_moment";
const SECOND_MOMENT: &str = "second_moment";

/// `AdamW` with betas 0.9 and 0.999 and eps 1e-8, in f32.
///
/// # Source
/// Loshchilov and Hutter, 2019, *Decoupled weight decay regularization*, <https://arxiv.org/abs/1711.05101>, computed in
/// the order of `torch.optim.AdamW`.
#[derive(Debug)]
pub struct AdamW {
    /// The parameters' values, end to end.
    values: Tensor,
    first_moment: Tensor,
    second_moment: Tensor,
    num_steps: i32,
    weight_decay: f64,
}

impl AdamW {
    /// An optimizer of `values`, `[parameters]`, which each step changes in place.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) if there is no memory for its moments.
    pub fn new(values: Tensor, weight_decay: f64) -> Result<Self> {
        let (first_moment, second_moment) = (values.f_zeros_like()?, values.f_zeros_like()?);
        Ok(Self { values, first_moment, second_moment, num_steps: 0, weight_decay })
    }

    /// The moments by name, for a checkpoint.
    pub fn moments(&self) -> [(&'static str, &Tensor); 2] {
        [(FIRST_MOMENT, &self.first_moment), (SECOND_MOMENT, &self.second_moment)]
    }

    /// Goes on after `num_steps` steps, with the moments that `moment` gives by their names.
    ///
    /// # Errors
    /// What `moment` returns.
    pub fn restore(&mut self, num_steps: i32, mut moment: impl FnMut(&str) -> Result<Tensor>) -> Result<()> {
        (self.first_moment, self.second_moment) = (moment(FIRST_MOMENT)?, moment(SECOND_MOMENT)?);
        self.num_steps = num_steps;
        Ok(())
    }

    /// Number of values that are trained.
    #[must_use]
    pub fn num_values(&self) -> usize {
        self.values.numel()
    }

    /// One step along `gradient`, with `learning_rate`.
    pub fn step(&mut self, gradient: &Tensor, learning_rate: f64) {
        self.num_steps += 1;
        tch::no_grad(|| {
            let _ = self.values.g_mul_scalar_(1.0 - learning_rate * self.weight_decay);
            let _ = self.first_moment.lerp_(gradient, 1.0 - BETAS.0);
            let _ = self.second_moment.g_mul_scalar_(BETAS.1);
            self.second_moment += gradient.square() * (1.0 - BETAS.1);
            let corrections = (1.0 - BETAS.0.powi(self.num_steps), 1.0 - BETAS.1.powi(self.num_steps));
            let denominator = self.second_moment.sqrt() / corrections.1.sqrt() + EPS;
            self.values -= &self.first_moment / denominator * (learning_rate / corrections.0);
        });
    }
}

/// Scales `gradient` down to the norm `max_norm` where it is longer, and returns its norm before that.
pub fn clip(gradient: &mut Tensor, max_norm: f64) -> f64 {
    let norm = gradient.square().sum(Kind::Double).sqrt().double_value(&[]);
    let factor = max_norm / (norm + 1e-6);
    if factor < 1.0 {
        let _ = gradient.g_mul_scalar_(factor);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_are_those_of_the_formula() {
        let values = Tensor::from_slice(&[1.0_f32, -2.0]);
        let mut optimizer = AdamW::new(values.shallow_clone(), 0.1).unwrap();
        optimizer.step(&Tensor::from_slice(&[3.0_f32, 0.5]), 0.01);
        // m̂ / √v̂ is the gradient's sign at the first step; decay takes 0.01 × 0.1 of the value.
        let expected = [1.0 * 0.999 - 0.01, -2.0 * 0.999 - 0.01];
        for (index, expected) in (0..).zip(expected) {
            assert!((values.double_value(&[index]) - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn clipping_keeps_the_direction_and_short_gradients() {
        let mut gradient = Tensor::from_slice(&[3.0_f32, 4.0]);
        assert!((clip(&mut gradient, 1.0) - 5.0).abs() < 1e-6);
        assert!((gradient.double_value(&[0]) - 0.6).abs() < 1e-6);
        assert!((clip(&mut gradient, 2.0) - 1.0).abs() < 1e-5);
        assert!((gradient.double_value(&[1]) - 0.8).abs() < 1e-6);
    }
}
