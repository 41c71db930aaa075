//! Loops over the rows of matrices, on all threads and in the processor's widest registers.

use std::ops::Range;
use std::sync::Mutex;

use tch::Tensor;

use crate::ffi::{floats, floats_mut, num_threads, run_on_threads};

/// Values below which a second thread costs more than it saves.
const VALUES_A_PART: usize = 1 << 14;

/// A matrix that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    values: &'a [f32],
    stride: usize,
    width: usize,
}

impl<'a> Rows<'a> {
    /// The rows of `tensor`, `[rows, width]`.
    pub(super) fn of(tensor: &'a Tensor) -> Self {
        let (stride, width) = stride_and_width(tensor);
        Self { values: floats(tensor), stride, width }
    }

    #[inline]
    pub(super) fn row(&self, index: usize) -> &'a [f32] {
        &self.values[index * self.stride..][..self.width]
    }
}

/// A matrix that is written.
#[derive(Debug)]
pub(super) struct RowsMut<'a> {
    values: &'a mut [f32],
    stride: usize,
    width: usize,
    num_rows: usize,
}

impl<'a> RowsMut<'a> {
    /// The rows of `tensor`, `[rows, width]`.
    pub(super) fn of(tensor: &'a mut Tensor) -> Self {
        let (stride, width) = stride_and_width(tensor);
        let num_rows = usize::try_from(tensor.size()[0]).expect("a number of rows is not negative");
        Self { values: floats_mut(tensor), stride, width, num_rows }
    }

    #[inline]
    pub(super) fn row(&mut self, index: usize) -> &mut [f32] {
        &mut self.values[index * self.stride..][..self.width]
    }

    pub(super) fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// Takes off the first `num_rows` rows.
    fn split_off(&mut self, num_rows: usize) -> Self {
        let values = std::mem::take(&mut self.values);
        let (first, rest) = values.split_at_mut((num_rows * self.stride).min(values.len()));
        self.values = rest;
        self.num_rows -= num_rows;
        Self { values: first, stride: self.stride, width: self.width, num_rows }
    }
}

fn stride_and_width(tensor: &Tensor) -> (usize, usize) {
    let (stride, width) = (tensor.stride()[0], tensor.size()[1]);
    (usize::try_from(stride).unwrap_or(0), usize::try_from(width).unwrap_or(0))
}

/// Evaluates an expression compiled for the widest registers that the processor has.
///
/// The expression stands here once for each width, so that every closure in it has one place of use and is compiled for it. Results differ
/// between processors in the last bit at most, where sums are formed in another order.
macro_rules! with_wide_registers {
    ($work:expr) => {
        if $crate::ffi::has_avx512() {
            $crate::ffi::with_avx512(|| $work)
        } else if $crate::ffi::has_avx2() {
            $crate::ffi::with_avx2(|| $work)
        } else {
            $work
        }
    };
}

/// `by_rows!([RowsMut, …], |index, [row, …]| …)`: calls the closure with each row's index and that row of each of the outputs, which have
/// the same number of rows.
macro_rules! by_rows {
    ($outputs:expr, $work:expr) => {
        $crate::kernels::rows::by_parts($outputs, |part| {
            $crate::kernels::rows::with_wide_registers!(part.for_each($work));
        })
    };
}

/// `by_columns!(output, num_rows, |range, output| …)`: calls the closure with ranges of columns and the part of `output`, one value a
/// column, that belongs to them.
macro_rules! by_columns {
    ($output:expr, $num_rows:expr, $work:expr) => {
        $crate::kernels::rows::by_column_ranges($output, $num_rows, |range, output| {
            $crate::kernels::rows::with_wide_registers!(($work)(range, output));
        })
    };
}

pub(super) use {by_columns, by_rows, with_wide_registers};

/// Rows that one thread works on.
pub(super) struct Part<'a, const N: usize> {
    range: Range<usize>,
    outputs: [RowsMut<'a>; N],
}

impl<const N: usize> Part<'_, N> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the registers of the caller")]
    pub(super) fn for_each(mut self, work: impl Fn(usize, [&mut [f32]; N])) {
        for (local, index) in self.range.enumerate() {
            work(index, self.outputs.each_mut().map(|output| output.row(local)));
        }
    }
}

/// Calls `work` with parts of `outputs`, which have the same number of rows, on all threads.
pub(super) fn by_parts<const N: usize>(outputs: [RowsMut<'_>; N], work: impl Fn(Part<'_, N>) + Sync) {
    let num_rows = outputs[0].num_rows;
    assert!(outputs.iter().all(|output| output.num_rows == num_rows), "the outputs have different numbers of rows");
    let width = outputs.iter().map(|output| output.width).sum::<usize>();
    let num_parts = (num_rows * width / VALUES_A_PART).clamp(1, 4 * num_threads()).min(num_rows.max(1));
    let mut rest = outputs;
    let parts = ranges(num_rows, num_parts).map(|range| {
        let split = rest.each_mut().map(|output| output.split_off(range.len()));
        Part { range, outputs: split }
    });
    run_each(parts.collect(), &work);
}

/// Calls `work` with ranges of the columns of a matrix of `num_rows` rows, and the part of `output` that belongs to each.
pub(super) fn by_column_ranges(output: &mut [f32], num_rows: usize, work: impl Fn(Range<usize>, &mut [f32]) + Sync) {
    let num_parts = (num_rows * output.len() / VALUES_A_PART).clamp(1, num_threads());
    let (num_columns, mut rest) = (output.len(), output);
    let parts = ranges(num_columns, num_parts).map(|range| {
        let (first, others) = std::mem::take(&mut rest).split_at_mut(range.len());
        rest = others;
        (range, first)
    });
    run_each(parts.collect(), &|(range, output)| work(range, output));
}

/// Calls `work` with each of `parts`, on all threads.
pub(super) fn run_each<T: Send>(parts: Vec<T>, work: &(dyn Fn(T) + Sync)) {
    let parts: Vec<Mutex<Option<T>>> = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
    run_on_threads(parts.len(), &|index| {
        let taken = parts[index].lock().ok().and_then(|mut part| part.take());
        taken.into_iter().for_each(work);
    });
}

/// The sum of `values`, as [`dot`].
#[inline]
pub(super) fn sum(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().chain(rest).sum()
}

/// The largest of `values`; a value that is no number is passed over.
#[inline]
pub(super) fn maximum(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut largest = [f32::NEG_INFINITY; 16];
    for chunk in chunks {
        largest
            .iter_mut()
            .zip(chunk)
            .for_each(|(largest, value)| *largest = if *value > *largest { *value } else { *largest });
    }
    largest.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// `Σ left ⊙ right`, in sixteen sums side by side whatever the processor's width.
#[inline]
pub(super) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let (left, left_rest) = left.as_chunks::<16>();
    let (right, right_rest) = right.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    for (left, right) in left.iter().zip(right) {
        sums.iter_mut().zip(left.iter().zip(right)).for_each(|(sum, (left, right))| *sum += left * right);
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f32>() + rest
}

/// `Σ a ⊙ b ⊙ c`, as [`dot`].
#[inline]
pub(super) fn dot3(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest), (c, c_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>(), c.as_chunks::<16>());
    let mut sums = [0.0_f32; 16];
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        sums.iter_mut().zip(a.iter().zip(b).zip(c)).for_each(|(sum, ((a, b), c))| *sum += a * b * c);
    }
    let rest: f32 = a_rest.iter().zip(b_rest).zip(c_rest).map(|((a, b), c)| a * b * c).sum();
    sums.iter().sum::<f32>() + rest
}

/// `0..length` in `num_parts` ranges whose lengths differ by one at most.
fn ranges(length: usize, num_parts: usize) -> impl Iterator<Item = Range<usize>> {
    (0..num_parts).map(move |part| part * length / num_parts..(part + 1) * length / num_parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn every_row_and_column_is_visited_once() {
        let wide = Tensor::zeros([301, 70], (Kind::Float, Device::Cpu));
        let (mut left, mut right) = (wide.narrow(1, 0, 64), Tensor::zeros([301, 3], (Kind::Float, Device::Cpu)));
        by_rows!([RowsMut::of(&mut left), RowsMut::of(&mut right)], |index, [left, right]| {
            for value in left.iter_mut().chain(right) {
                *value += f32::from(u16::try_from(index).unwrap());
            }
        });
        let expected = Tensor::arange(301, (Kind::Float, Device::Cpu)).unsqueeze(1);
        assert_eq!(left, expected.expand([301, 64], false));
        assert_eq!(right, expected.expand([301, 3], false));
        assert_eq!(wide.narrow(1, 64, 6), Tensor::zeros([301, 6], (Kind::Float, Device::Cpu)));
        let mut counts = vec![0.0_f32; 1000];
        by_columns!(&mut counts, 1000, |range: Range<usize>, counts: &mut [f32]| {
            assert_eq!(range.len(), counts.len());
            for count in counts {
                *count += 1.0;
            }
        });
        assert_eq!(counts, vec![1.0; 1000]);
    }
}
