//! Sets of records that must share a split.

/// Records in disjoint components, each named by its first record.
#[derive(Debug)]
pub(super) struct Components {
    parents: Vec<u32>,
}

impl Components {
    /// Each of the records alone.
    pub(super) fn new(num_records: usize) -> Self {
        Self { parents: (0..).take(num_records).collect() }
    }

    /// The first record of the component of `record`, halving the path on the way.
    pub(super) fn first(&mut self, record: u32) -> u32 {
        let mut place = record as usize;
        while self.parents[place] as usize != place {
            self.parents[place] = self.parents[self.parents[place] as usize];
            place = self.parents[place] as usize;
        }
        self.parents[place]
    }

    /// Joins two components.
    pub(super) fn join(&mut self, left: u32, right: u32) {
        let (left, right) = (self.first(left), self.first(right));
        self.parents[left.max(right) as usize] = left.min(right);
    }
}
