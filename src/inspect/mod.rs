//! What a data set holds: in numbers ([`stats`]), and where one of its rows came from ([`trace`]).

mod stats;
mod trace;

pub use stats::{Quantiles, Stats, stats};
pub use trace::{Check, Group, Place, RejectedFor, Rejection, Related, RowKind, Trace, trace};
