//! Which rows make up each step, and which rank runs which of them when.

use crate::config::Order;
use crate::random::Stream;

/// Keys the stream that orders are drawn from, apart from all others of the same seed.
const ORDER: u64 = u64::from_le_bytes(*b"order\0\0\0");

/// Steps whose rows are sorted by length together, as transformers' length-grouped sampler does.
const MAX_STEPS_A_GROUP: usize = 50;

/// The global batches of one epoch, as indices of rows; the last may be smaller.
///
/// `lengths` are the rows' numbers of tokens. The result is independent of ranks and micro-batches.
#[must_use]
pub fn epoch_batches(
    lengths: &[usize],
    order: Order,
    global_batch_size: usize,
    (seed, epoch): (u64, u64),
) -> Vec<Vec<usize>> {
    let mut stream = Stream::new(&[ORDER, seed, epoch]);
    let mut rows: Vec<usize> = (0..lengths.len()).collect();
    if order != Order::File {
        stream.shuffle(&mut rows);
    }
    if order == Order::LengthGrouped {
        let steps_a_group = (rows.len() / (4 * global_batch_size)).clamp(1, MAX_STEPS_A_GROUP);
        for group in rows.chunks_mut(steps_a_group * global_batch_size) {
            group.sort_by_key(|row| std::cmp::Reverse(lengths[*row]));
        }
    }
    let mut batches: Vec<Vec<usize>> = rows.chunks(global_batch_size).map(<[usize]>::to_vec).collect();
    if order == Order::LengthGrouped {
        // Sorted groups would make the length of a step a function of its number; the smaller step stays last.
        let full = rows.len() / global_batch_size;
        stream.shuffle(&mut batches[..full]);
    }
    batches
}

/// Spreads a global batch over micro-steps and ranks: `[micro_step][rank]` lists positions in the batch.
///
/// Rows of similar length share a micro-step, longest first, dealt out to the ranks there and back, so that no rank
/// waits long for another. A smaller batch leaves some ranks fewer rows, or none.
#[must_use]
pub fn spread(lengths: &[usize], world_size: usize, micro_batch_size: usize) -> Vec<Vec<Vec<usize>>> {
    let mut positions: Vec<usize> = (0..lengths.len()).collect();
    positions.sort_by_key(|position| std::cmp::Reverse(lengths[*position]));
    let deal = |micro_step: &[usize]| {
        let mut ranks = vec![Vec::new(); world_size];
        for (index, position) in micro_step.iter().enumerate() {
            let (round, place) = (index / world_size, index % world_size);
            let rank = if round % 2 == 0 { place } else { world_size - 1 - place };
            ranks[rank].push(*position);
        }
        ranks
    };
    positions.chunks(world_size * micro_batch_size).map(deal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORDERS: [Order; 3] = [Order::LengthGrouped, Order::Shuffled, Order::File];

    proptest! {
        #[test]
        fn an_epoch_holds_every_row_once(lengths in prop::collection::vec(1usize..500, 1..300), batch in 1usize..40) {
            for order in ORDERS {
                let batches = epoch_batches(&lengths, order, batch, (1, 2));
                let (last, full) = batches.split_last().unwrap();
                prop_assert!(full.iter().all(|rows| rows.len() == batch) && last.len() <= batch);
                let mut rows = batches.concat();
                rows.sort_unstable();
                prop_assert_eq!(rows, (0..lengths.len()).collect::<Vec<_>>());
            }
        }

        #[test]
        fn every_row_of_a_step_runs_once(lengths in prop::collection::vec(1usize..500, 1..60), ranks in 1usize..5, micro in 1usize..6) {
            let micro_steps = spread(&lengths, ranks, micro);
            prop_assert_eq!(micro_steps.len(), lengths.len().div_ceil(ranks * micro));
            prop_assert!(micro_steps.iter().flatten().all(|rows| rows.len() <= micro));
            let mut rows = micro_steps.concat().concat();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..lengths.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_order_repeats_with_its_seed_and_changes_with_the_epoch() {
        let lengths: Vec<usize> = (0..64).map(|row| row % 13 + 1).collect();
        for order in ORDERS {
            let draw = |seed, epoch| epoch_batches(&lengths, order, 8, (seed, epoch));
            assert_eq!(draw(1, 0), draw(1, 0));
            assert_eq!(draw(1, 0) == draw(1, 1), order == Order::File);
            assert_eq!(draw(1, 0) == draw(2, 0), order == Order::File);
        }
    }

    #[test]
    fn grouping_by_length_narrows_the_steps() {
        let mut stream = Stream::new(&[5]);
        let lengths: Vec<usize> = (0..640).map(|_| stream.below(500)).collect();
        let spread_of = |order| -> usize {
            let widths = epoch_batches(&lengths, order, 16, (1, 0)).into_iter().map(|rows| {
                let lengths = rows.iter().map(|row| lengths[*row]);
                lengths.clone().max().unwrap() - lengths.min().unwrap()
            });
            widths.sum()
        };
        assert!(2 * spread_of(Order::LengthGrouped) < spread_of(Order::Shuffled));
    }

    #[test]
    fn ranks_get_about_the_same_number_of_tokens() {
        let lengths = [100, 90, 80, 70, 60, 50, 40, 30];
        let micro_steps = spread(&lengths, 2, 2);
        assert_eq!(micro_steps, [[vec![0, 3], vec![1, 2]], [vec![4, 7], vec![5, 6]]]);
    }
}
