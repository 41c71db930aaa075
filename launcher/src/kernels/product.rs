//! Matrix products, by the fastest way that the machine has.

use tch::{Kind, Tensor};

use super::is_fused;
use crate::ffi::{has_fast_products, multiply};

/// Rows whose length is a multiple of it would all begin in the same lines of the cache.
const ALIASED_FEATURES: i64 = 256;
/// What is left free between such rows.
const PADDING: i64 = 16;

/// A matrix of the kind and on the device of `like`, with nothing in it yet, whose rows may lie apart.
///
/// # Shapes
/// → `[rows, features]`
pub(crate) fn empty_rows(rows: i64, features: i64, like: &Tensor) -> Tensor {
    let padding = if is_fused(like) && features % ALIASED_FEATURES == 0 { PADDING } else { 0 };
    Tensor::empty([rows, features + padding], (like.kind(), like.device())).narrow(1, 0, features)
}

/// `weight` in another order in memory, by columns, where that makes `input · weightᵀ` of a few rows of input faster: such a product would spend
/// most of its time on bringing the weight into that order.
///
/// # Shapes
/// `weight: [out, in]` → the same
pub(crate) fn by_columns(weight: &Tensor) -> Tensor {
    if !(is_fused(weight) && has_fast_products()) {
        return weight.shallow_clone();
    }
    let mut columns = empty_rows(weight.size()[1], weight.size()[0], weight);
    columns.copy_(&weight.tr());
    columns.tr()
}

/// `left · right`.
///
/// # Shapes
/// `left: [m, k]`, `right: [k, n]` → `[m, n]`
pub fn product(left: &Tensor, right: &Tensor) -> Tensor {
    if !(is_fused(left) && has_fast_products()) {
        return left.matmul(right);
    }
    let mut output = empty_rows(left.size()[0], right.size()[1], left);
    multiply(&mut output, left, right, false);
    output
}

/// [`product`], written into `output`.
pub(crate) fn product_into(output: &mut Tensor, left: &Tensor, right: &Tensor) {
    if is_fused(left) && has_fast_products() {
        multiply(output, left, right, false);
    } else {
        let _ = left.mm_out(output, right);
    }
}

/// Adds `left · right` to `sum`, which is in f32 whatever their kind.
pub(crate) fn add_product(sum: &mut Tensor, left: &Tensor, right: &Tensor) {
    if is_fused(left) && has_fast_products() {
        multiply(sum, left, right, true);
    } else if left.kind() == Kind::Float {
        let _ = sum.addmm_(left, right);
    } else {
        *sum += left.matmul(right).to_kind(Kind::Float);
    }
}
