//! What a data set holds: in numbers ([`stats`]), what stands in it more than once ([`overlaps`]), and where one of its rows
//! came from ([`trace`]).

mod overlaps;
mod stats;
mod trace;

pub use overlaps::{Overlaps, Pair, RowOf, SharedBetween, overlaps};
pub use stats::{Quantiles, Stats, stats};
pub use trace::{Check, Group, Place, RejectedFor, Rejection, Related, RowKind, Trace, trace};
