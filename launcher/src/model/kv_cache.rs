//! Keys and values of the tokens that a model has already read.

use tch::Tensor;

/// Keys and values of each block and sequence, so that a continuation need not read its beginning again.
#[derive(Debug)]
pub struct KvCache {
    /// `[layer][sequence]`; absent before the first tokens.
    entries: Vec<Vec<Option<Entry>>>,
    lengths: Vec<i64>,
}

#[derive(Debug)]
struct Entry {
    /// `[kv_heads, past, head_dim]`
    keys: Tensor,
    /// `[kv_heads, past, head_dim]`
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
        let entry = &mut self.entries[place.0][place.1];
        let (keys, values) = match entry.take() {
            // A copy: a view would keep the whole batch's keys alive.
            None => (keys.contiguous(), values.contiguous()),
            Some(past) => (Tensor::cat(&[&past.keys, keys], 1), Tensor::cat(&[&past.values, values], 1)),
        };
        *entry = Some(Entry { keys: keys.shallow_clone(), values: values.shallow_clone() });
        (keys, values)
    }

    /// Counts the new tokens, once all blocks have seen them.
    pub(super) fn advance(&mut self, lengths: &[i64]) {
        for (total, new) in self.lengths.iter_mut().zip(lengths) {
            *total += new;
        }
    }
}
