//! Matrix products on libtorch's threads by the gemm library.
//!
//! libtorch computes them by MKL, which leaves half of the arithmetic of other vendors' processors unused: it never takes their registers
//! of 512 bits.

use gemm::Parallelism;
use tch::{Device, Kind, Tensor};

use super::simd::has_avx512;
use super::threads::{num_threads, run_on_threads};

/// Multiplications below which a second thread costs more than it saves.
const MULTIPLICATIONS_A_PART: usize = 1 << 18;

/// Rows and columns of a part are multiples of these, so that the library's tiles, 6 rows of 4 registers, are full.
const TILE: [usize; 2] = [6, 64];

/// Whether [`multiply`] is faster here than libtorch.
pub(crate) fn has_fast_products() -> bool {
    has_avx512() && !is_intel()
}

#[cfg(target_arch = "x86_64")]
fn is_intel() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).as_flattened() == b"GenuineIntel"
}

#[cfg(not(target_arch = "x86_64"))]
fn is_intel() -> bool {
    false
}

/// Writes `left · right` into `output`, or adds it to what is there. The caller uses no other tensor that shares the values of `output`
/// meanwhile.
///
/// # Shapes
/// `left: [m, k]`, `right: [k, n]`, `output: [m, n]`, in any order in memory
///
/// # Panics
/// If they are not of f32 on the CPU, or their shapes do not fit.
pub(crate) fn multiply(output: &mut Tensor, left: &Tensor, right: &Tensor, is_added: bool) {
    let (output, left, right) = (Matrix::of(output), Matrix::of(left), Matrix::of(right));
    let (m, k, n) = (left.rows, left.columns, right.columns);
    assert!(right.rows == k && output.rows == m && output.columns == n, "expected shapes of a product");
    let by_rows = n <= m;
    let (longer, tile) = if by_rows { (m, TILE[0]) } else { (n, TILE[1]) };
    let num_parts = (m * n * k / MULTIPLICATIONS_A_PART).clamp(1, num_threads()).min(longer.div_ceil(tile).max(1));
    let part_length = longer.div_ceil(num_parts).next_multiple_of(tile);
    run_on_threads(longer.div_ceil(part_length), &|part| {
        let start = part * part_length;
        let length = part_length.min(longer - start);
        let (rows, columns) = if by_rows { ((start, length), (0, n)) } else { ((0, m), (start, length)) };
        // SAFETY: the matrices lie inside their tensors' storages, which live through the call. The parts of the output are disjoint, and
        // nothing else writes to the storages: the caller promises it.
        unsafe {
            gemm::gemm(
                rows.1,
                columns.1,
                k,
                output.at(rows.0, columns.0).cast_mut(),
                output.column_stride,
                output.row_stride,
                is_added,
                left.at(rows.0, 0),
                left.column_stride,
                left.row_stride,
                right.at(0, columns.0),
                right.column_stride,
                right.row_stride,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    });
}

/// Where the values of a matrix lie.
struct Matrix {
    start: *const f32,
    rows: usize,
    columns: usize,
    row_stride: isize,
    column_stride: isize,
}

// SAFETY: only addresses; who uses them says why that is sound.
unsafe impl Sync for Matrix {}

impl Matrix {
    fn of(tensor: &Tensor) -> Self {
        assert!(tensor.kind() == Kind::Float && tensor.device() == Device::Cpu, "expected f32 on the CPU");
        let (size, stride) = (tensor.size(), tensor.stride());
        let whole = |number: i64| usize::try_from(number).expect("a size is not negative");
        let step = |number: i64| isize::try_from(number).expect("a stride fits into memory");
        assert!(size.len() == 2, "expected a matrix");
        Self {
            start: tensor.data_ptr().cast::<f32>().cast_const(),
            rows: whole(size[0]),
            columns: whole(size[1]),
            row_stride: step(stride[0]),
            column_stride: step(stride[1]),
        }
    }

    /// The address of a value inside the matrix.
    fn at(&self, row: usize, column: usize) -> *const f32 {
        let place = row.cast_signed() * self.row_stride + column.cast_signed() * self.column_stride;
        self.start.wrapping_offset(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_all_layouts_are_those_of_libtorch() {
        tch::manual_seed(5);
        let random = |rows: i64, columns: i64| Tensor::randn([rows, columns], (Kind::Float, Device::Cpu));
        for (m, k, n) in [(1, 1, 1), (7, 300, 5), (200, 64, 3), (3, 64, 700), (501, 33, 129)] {
            for (left, right) in [
                (random(m, k), random(k, n)),
                (random(k, m).tr(), random(n, k).tr()),
                (random(m, k + 5).narrow(1, 2, k), random(k, n + 3).narrow(1, 0, n)),
            ] {
                let earlier = random(m, n + 4).narrow(1, 1, n);
                let expected = left.to_kind(Kind::Double).matmul(&right.to_kind(Kind::Double));
                let close = |found: &Tensor, expected: Tensor| {
                    let difference = (found.to_kind(Kind::Double) - expected).abs().max().double_value(&[]);
                    assert!(difference < 1e-4, "{m} × {k} × {n}: {difference}");
                };
                let mut output = earlier.copy();
                multiply(&mut output, &left, &right, false);
                close(&output, expected.shallow_clone());
                let mut sum = earlier.narrow(1, 0, n);
                let expected = expected + &earlier;
                multiply(&mut sum, &left, &right, true);
                close(&sum, expected);
            }
        }
    }
}
