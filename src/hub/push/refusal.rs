//! What a user reads when publishing could not be done, and can do about it.

use super::super::access::Access;
use super::super::trouble::Trouble;
use super::Destination;
use crate::Error;

/// The error for `trouble` with `what` of the repository.
pub(super) fn refused(trouble: Trouble, what: &str, destination: &Destination<'_>, access: &Access) -> Error {
    let repository = destination.repository;
    let summary = trouble.summary();
    let again = "the repository holds a whole version; run again, and only what is missing is sent";
    let advice = match trouble {
        Trouble::Local(error) => return error,
        Trouble::Refused(ref refusal) => match refusal.status() {
            401 => format!(
                "the token is not known: make one with write scope at {}/settings/tokens and set HF_TOKEN to it",
                access.endpoint_text()
            ),
            403 => format!(
                "the token may not write to {repository}: expected one with write scope, of a member of the owner"
            ),
            404 => format!("{repository} cannot be found, or the token may not see it"),
            409 => format!("something else is being written to {repository}; {again}"),
            412 => {
                format!("somebody changed {repository} meanwhile, and nothing was written; look at it, and run again")
            }
            _ => format!("the Hub did not do it; {again}"),
        },
        Trouble::Unreachable(_) => format!("check the network, or HF_ENDPOINT (now {})", access.endpoint_text()),
        Trouble::Interrupted(_) | Trouble::Unexpected(_) => again.to_owned(),
    };
    Error::Hub { place: format!("{repository}, {what}"), message: format!("{summary}; {advice}") }
}
