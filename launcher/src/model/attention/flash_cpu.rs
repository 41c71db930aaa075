//! Attention by libtorch's kernel for the CPU, which never holds all scores of a sequence.

use tch::Tensor;

use super::sequences;
use crate::kernels::HeadLayout;

/// Writes what each token attends to into `attended`, and returns the log-sum-exp of each sequence's scores.
///
/// # Shapes
/// `packed: [tokens, (num_heads + 2 × num_kv_heads) × head_dim]`, `attended: [tokens, num_heads × head_dim]`
pub(super) fn forward(packed: &Tensor, heads: &HeadLayout<'_>, lengths: &[i64], attended: &mut Tensor) -> Vec<Tensor> {
    let whole = split(packed, heads);
    let one = |(start, length)| {
        let [q, k, v] = whole.each_ref().map(|tensor| part(tensor, start, length));
        let (output, log_sum) =
            Tensor::internal_scaled_dot_product_flash_attention_for_cpu::<Tensor>(&q, &k, &v, 0.0, true, None, None);
        part(&grouped(attended, heads), start, length).copy_(&output);
        log_sum
    };
    sequences(lengths).map(one).collect()
}

/// The gradient with regard to `packed` of `grad`, that with regard to `attended`.
///
/// # Shapes
/// As of [`forward`]; `grad` as `attended` → as `packed`
pub(super) fn backward(
    packed: &Tensor,
    heads: &HeadLayout<'_>,
    lengths: &[i64],
    (attended, log_sums, grad): (&Tensor, &[Tensor], &Tensor),
) -> Tensor {
    let result = Tensor::empty(packed.size(), (packed.kind(), packed.device()));
    let whole = split(packed, heads);
    let [q_result, k_result, v_result] = heads.split(&result);
    let (attended, grad) = (grouped(attended, heads), grouped(grad, heads));
    for ((start, length), log_sum) in sequences(lengths).zip(log_sums) {
        let [q, k, v] = whole.each_ref().map(|tensor| part(tensor, start, length));
        let (q_grad, k_grad, v_grad) = Tensor::internal_scaled_dot_product_flash_attention_for_cpu_backward::<Tensor>(
            &part(&grad, start, length),
            &q,
            &k,
            &v,
            &part(&attended, start, length),
            log_sum,
            0.0,
            true,
            None,
            None,
        );
        part(&grouped_heads(&q_result, heads), start, length).copy_(&q_grad);
        // Each key and value was read by all queries of its group.
        for (result, grad) in [(&k_result, k_grad), (&v_result, v_grad)] {
            let sum = grad.sum_dim_intlist(1i64, false, None);
            result.narrow(0, start, length).transpose(0, 1).copy_(&sum);
        }
    }
    result
}

/// Queries, keys and values by groups of heads that read the same key; keys and values are not copied for each query.
///
/// # Shapes
/// → `[tokens, num_kv_heads, group, head_dim]` each
fn split(packed: &Tensor, heads: &HeadLayout<'_>) -> [Tensor; 3] {
    let [q, k, v] = heads.split(packed);
    let group = heads.num_heads / heads.num_kv_heads;
    let expanded = |tensor: Tensor| tensor.unsqueeze(2).expand([-1, -1, group, -1], false);
    [grouped_heads(&q, heads), expanded(k), expanded(v)]
}

/// `[tokens, num_heads, head_dim]` → `[tokens, num_kv_heads, group, head_dim]`
fn grouped_heads(q: &Tensor, heads: &HeadLayout<'_>) -> Tensor {
    q.unflatten(1, [heads.num_kv_heads, heads.num_heads / heads.num_kv_heads])
}

/// `[tokens, num_heads × head_dim]` → `[tokens, num_kv_heads, group, head_dim]`
fn grouped(attended: &Tensor, heads: &HeadLayout<'_>) -> Tensor {
    attended.unflatten(1, [heads.num_kv_heads, heads.num_heads / heads.num_kv_heads, heads.head_dim])
}

/// One sequence as the kernel takes it: `[tokens, num_kv_heads, group, head_dim]` → `[num_kv_heads, group, length, head_dim]`
fn part(tensor: &Tensor, start: i64, length: i64) -> Tensor {
    tensor.narrow(0, start, length).permute([1, 2, 0, 3])
}
