//! The memory of a tensor as a slice.

use tch::{Device, Kind, Tensor};

/// The values of `tensor` from its first to its last, with what lies between its rows.
///
/// # Shapes
/// `[rows, features]` with `features` side by side; a row may begin later than the one before it ends.
///
/// # Panics
/// If the tensor is not of f32 on the CPU with such rows.
pub(crate) fn floats(tensor: &Tensor) -> &[f32] {
    let length = length(tensor);
    // SAFETY: `length` has checked that so many f32 lie in the tensor's storage, which lives as long as the borrow. Nothing writes to
    // it meanwhile: writing needs `floats_mut`, whose callers hold no other view of the same values.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>().cast_const(), length) }
}

/// [`floats`], to be written to. The caller uses no other tensor that shares these values while the slice lives.
pub(crate) fn floats_mut(tensor: &mut Tensor) -> &mut [f32] {
    let length = length(tensor);
    // SAFETY: as of `floats`; the caller promises that no view of these values is used meanwhile.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), length) }
}

/// Number of f32 from the first value to the last.
fn length(tensor: &Tensor) -> usize {
    assert!(tensor.kind() == Kind::Float && tensor.device() == Device::Cpu, "expected f32 on the CPU");
    let (rows, features) = tensor.size2().expect("a tensor of rows");
    let stride = tensor.stride();
    assert!(
        (stride[1] == 1 || features <= 1) && (features <= stride[0] || rows <= 1),
        "expected rows side by side, found strides {stride:?}"
    );
    if rows == 0 || features == 0 {
        return 0;
    }
    usize::try_from((rows - 1) * stride[0] + features).expect("a length is not negative")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_wider_matrix_are_seen_with_what_lies_between_them() {
        let wide = Tensor::arange(12, (Kind::Float, Device::Cpu)).view([3, 4]);
        let mut part = wide.narrow(1, 1, 2);
        assert_eq!(floats(&part), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
        floats_mut(&mut part)[4] = -1.0;
        assert_eq!(wide.int64_value(&[1, 1]), -1);
        assert!(floats(&wide.narrow(0, 0, 0)).is_empty());
    }

    #[test]
    #[should_panic(expected = "side by side")]
    fn columns_are_refused() {
        floats(&Tensor::zeros([3, 4], (Kind::Float, Device::Cpu)).tr());
    }
}
