//! What a data set holds: in numbers ([`stats`]), what stands in it more than once ([`overlaps`]), and where one of its rows
//! came from ([`trace`]); and what a source would give ([`preview`]).

mod overlaps;
mod preview;
mod stats;
mod trace;

pub use overlaps::{Overlaps, Pair, RowOf, SharedBetween, overlaps};
pub use preview::preview;
pub use stats::{Quantiles, Stats, stats};
pub use trace::{Check, Group, Place, RejectedFor, Rejection, Related, RowKind, Trace, trace};
