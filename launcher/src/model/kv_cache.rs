//! Keys and values of the tokens that a model has already read.

use tch::Tensor;

/// Room for further tokens, at least, where an entry has to grow; a quarter of it where that is more.
const MIN_SPARE: i64 = 64;

/// Keys and values of each block and sequence, so that a continuation need not read its beginning again.
#[derive(Debug)]
pub struct KvCache {
    /// `[layer][sequence]`; absent before the first tokens.
    entries: Vec<Vec<Option<Entry>>>,
    lengths: Vec<i64>,
}

/// The first tokens of each tensor are those that were read; the others are room.
#[derive(Debug)]
struct Entry {
    /// `[kv_heads, capacity, head_dim]`
    keys: Tensor,
    /// `[kv_heads, capacity, head_dim]`
    values: Tensor,
}

impl KvCache {
    /// An empty cache.
    #[must_use]
    pub fn new(num_layers: usize, num_sequences: usize) -> Self {
        let layer = || (0..num_sequences).map(|_| None).collect();
        Self { entries: (0..num_layers).map(|_| layer()).collect(), lengths: vec![0; num_sequences] }
    }

    /// Number of tokens that each sequence has in the cache.
    #[must_use]
    pub fn lengths(&self) -> &[i64] {
        &self.lengths
    }

    /// Forgets every sequence except those at `kept`, ascending indices; they move up in that order.
    pub fn keep(&mut self, kept: &[usize]) {
        for layer in &mut self.entries {
            let mut old = std::mem::take(layer);
            *layer = kept.iter().map(|&index| old[index].take()).collect();
        }
        self.lengths = kept.iter().map(|&index| self.lengths[index]).collect();
    }

    /// Adds the keys and values of a sequence's new tokens in one block, and gives those of all its tokens.
    ///
    /// # Shapes
    /// `keys`, `values`: `[kv_heads, new, head_dim]` → `[kv_heads, past + new, head_dim]`
    pub(super) fn extend(&mut self, place: (usize, usize), keys: &Tensor, values: &Tensor) -> (Tensor, Tensor) {
        let (past, new) = (self.lengths[place.1], keys.size()[1]);
        let entry = match self.entries[place.0][place.1].take() {
            // A copy: a view would keep the whole batch's keys alive.
            None => Entry { keys: keys.contiguous(), values: values.contiguous() },
            Some(entry) => {
                Entry { keys: extended(entry.keys, past, keys), values: extended(entry.values, past, values) }
            }
        };
        let all = [&entry.keys, &entry.values].map(|tensor| tensor.narrow(1, 0, past + new));
        self.entries[place.0][place.1] = Some(entry);
        all.into()
    }

    /// Counts the new tokens, once all blocks have seen them.
    pub(super) fn advance(&mut self, lengths: &[i64]) {
        for (total, new) in self.lengths.iter_mut().zip(lengths) {
            *total += new;
        }
    }
}

/// `tensor` with `new` after its first `past` tokens, in its own memory where that has room.
fn extended(tensor: Tensor, past: i64, new: &Tensor) -> Tensor {
    let total = past + new.size()[1];
    let tensor = if tensor.size()[1] < total {
        let mut shape = tensor.size();
        shape[1] = total + MIN_SPARE.max(total / 4);
        let larger = tensor.new_empty(&shape, (tensor.kind(), tensor.device()));
        larger.narrow(1, 0, past).copy_(&tensor.narrow(1, 0, past));
        larger
    } else {
        tensor
    };
    tensor.narrow(1, past, new.size()[1]).copy_(new);
    tensor
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn what_was_read_is_given_back_in_order_whatever_had_to_grow() {
        let options = (Kind::Float, Device::Cpu);
        let (mut cache, mut expected) = (KvCache::new(1, 2), Tensor::zeros([3, 0, 4], options));
        for new in [5, 1, 1, 80, 1, 200, 1] {
            let part = Tensor::randn([3, new, 4], options);
            expected = Tensor::cat(&[&expected, &part], 1);
            for sequence in [0, 1] {
                let (keys, values) = cache.extend((0, sequence), &part, &(&part * 2.0));
                assert_eq!((keys, values), (expected.shallow_clone(), &expected * 2.0));
            }
            cache.advance(&[new, new]);
        }
        cache.keep(&[1]);
        let (keys, _) = cache.extend((0, 0), &Tensor::ones([3, 1, 4], options), &Tensor::ones([3, 1, 4], options));
        assert_eq!(keys.narrow(1, 0, 289), expected);
    }
}
