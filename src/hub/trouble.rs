//! Why a request did not give what was asked for, whether asking again may help, and what a user can do about it.

use std::time::Duration;

use hf_hub::HFError;
use reqwest::header::HeaderMap;

use super::access::Access;
use crate::Error;

/// Longest text of a server that is repeated in a message.
const MAX_SERVER_TEXT: usize = 300;

/// A request that failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The Hub answered with an error.
    Refused(Refusal),
    /// No connection could be made.
    Unreachable(String),
    /// A connection was lost, or was silent for too long.
    Interrupted(String),
    /// The answer is not what it has to be; asking again would not change it.
    Unexpected(String),
    /// This machine could not do its part.
    Local(Error),
}

/// An answer with an error status.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    status: u16,
    code: String,
    message: String,
    retry_after: Option<Duration>,
}

impl Trouble {
    /// The trouble that an answer with an error status is.
    pub(super) fn from_status(status: u16, headers: &HeaderMap) -> Self {
        let header =
            |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Self::Refused(Refusal {
            status,
            code: header("x-error-code"),
            message: header("x-error-message"),
            retry_after: header("retry-after").trim().parse().ok().map(Duration::from_secs),
        })
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal.status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::Unreachable(_) | Self::Interrupted(_) => true,
            Self::Unexpected(_) | Self::Local(_) => false,
        }
    }

    /// Whether a server has no bytes where they were asked for.
    pub(super) const fn is_range_refused(&self) -> bool {
        matches!(self, Self::Refused(Refusal { status: 416, .. }))
    }

    /// How long the Hub asks to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// What happened, without advice.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.summary(),
            Self::Unreachable(cause) => format!("no connection: {cause}"),
            Self::Interrupted(cause) => format!("the connection was lost: {cause}"),
            Self::Unexpected(what) => what.clone(),
            Self::Local(error) => error.to_string(),
        }
    }

    /// The error that a user reads: `place` (source, repository, file), what happened and what to do.
    pub(super) fn explain(self, place: &str, repository: &str, access: &Access) -> Error {
        let advice = match &self {
            Self::Local(_) => String::new(),
            Self::Refused(refusal) => refusal.advice(repository, access),
            Self::Unreachable(_) => format!(
                "check the network, or HF_ENDPOINT (now {}); files that are in the cache are used without network",
                access.endpoint_text()
            ),
            Self::Interrupted(_) => "start again: what has arrived is kept".to_owned(),
            Self::Unexpected(_) => "nothing of it was kept".to_owned(),
        };
        match self {
            Self::Local(Error::Io { path, cause }) if cause.kind() == std::io::ErrorKind::StorageFull => {
                let message =
                    format!("no space left for {}: free some, or set HF_HUB_CACHE to another disk", path.display());
                Error::Hub { place: place.to_owned(), message }
            }
            Self::Local(error) => error,
            other => Error::Hub { place: place.to_owned(), message: format!("{}; {advice}", other.summary()) },
        }
    }
}

impl Refusal {
    /// The status of the answer.
    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    fn summary(&self) -> String {
        let mut text = format!("status {}", self.status);
        for part in [&self.code, &self.message] {
            let printable: String =
                part.chars().filter(|character| !character.is_control()).take(MAX_SERVER_TEXT).collect();
            if !printable.is_empty() {
                text.push_str(": ");
                text.push_str(&printable);
            }
        }
        text
    }

    fn advice(&self, repository: &str, access: &Access) -> String {
        let page = format!("{}/datasets/{repository}", access.endpoint_text());
        let token =
            if access.token.is_some() { "a token that may read it (the one in use may not)" } else { "your token" };
        match self.status {
            401 | 403 if self.code == "GatedRepo" => {
                format!("accept its conditions at {page}, then set HF_TOKEN to {token}")
            }
            401 | 403 => {
                format!("it does not exist, or is private or gated: look at {page}, then set HF_TOKEN to {token}")
            }
            404 => format!("look at {page} for what there is; --repository and --revision name another one"),
            429 => match self.retry_after {
                Some(delay) => {
                    format!("too many requests: try again in {} s; with HF_TOKEN more are allowed", delay.as_secs())
                }
                None => "too many requests: try again later; with HF_TOKEN more are allowed".to_owned(),
            },
            500.. => "the Hub has a fault: try again later; what has arrived is kept".to_owned(),
            _ => format!("look at {page}"),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Local(error)
    }
}

impl From<reqwest::Error> for Trouble {
    /// Addresses are left out: that of a redirect can hold a signature.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let cause = causes(&error);
        let is_malformed = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
            .any(<dyn std::error::Error + 'static>::is::<serde_json::Error>);
        if error.is_timeout() {
            Self::Interrupted("no answer in time".to_owned())
        } else if error.is_connect() {
            Self::Unreachable(cause)
        } else if is_malformed || error.is_builder() || error.is_redirect() {
            Self::Unexpected(cause)
        } else {
            Self::Interrupted(cause)
        }
    }
}

impl From<HFError> for Trouble {
    fn from(error: HFError) -> Self {
        let retry_after = match &error {
            HFError::RateLimited { retry_after, .. } => *retry_after,
            _ => None,
        };
        let context = match error {
            HFError::Request { source, .. } => return source.into(),
            HFError::Http { context }
            | HFError::AuthRequired { context }
            | HFError::Forbidden { context }
            | HFError::Conflict { context }
            | HFError::RateLimited { context, .. }
            | HFError::RepoNotFound { context: Some(context), .. }
            | HFError::RevisionNotFound { context: Some(context), .. }
            | HFError::EntryNotFound { context: Some(context), .. } => context,
            other => return Self::Unexpected(other.to_string()),
        };
        Self::Refused(Refusal {
            status: context.status.as_u16(),
            code: context.error_code.unwrap_or_default(),
            message: context.server_message.unwrap_or_default(),
            retry_after,
        })
    }
}

/// A failed reading of a body.
pub(super) fn while_reading(error: &std::io::Error) -> Trouble {
    Trouble::Interrupted(causes(error))
}

/// An error with all its causes, each said once.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&'static str, &str)]) -> Trouble {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Trouble::from_status(status, &headers)
    }

    fn explained(trouble: Trouble) -> String {
        let access = Access::new("https://huggingface.co", "cache").unwrap();
        trouble.explain("mediqal, A/B, x.json", "A/B", &access).to_string()
    }

    #[test]
    fn a_message_says_what_happened_and_what_to_do() {
        let gated = explained(refused(403, &[("x-error-code", "GatedRepo"), ("x-error-message", "Ask first")]));
        assert_eq!(
            gated,
            "mediqal, A/B, x.json: status 403: GatedRepo: Ask first; accept its conditions at \
             https://huggingface.co/datasets/A/B, then set HF_TOKEN to your token"
        );
        assert!(explained(refused(404, &[])).contains("--repository"));
        assert!(explained(refused(429, &[("retry-after", "7")])).contains("try again in 7 s"));
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let full = explained(Trouble::Local(Error::io("cache/x")(full)));
        assert!(full.contains("no space left for cache/x") && full.contains("HF_HUB_CACHE"), "{full}");
    }

    #[test]
    fn a_server_cannot_write_to_the_terminal() {
        let message = format!("\u{1b}[31m{}\n", "red".repeat(1000));
        let said = Trouble::Refused(Refusal { status: 500, message, ..Refusal::default() }).summary();
        assert!(
            said.starts_with("status 500: [31mred") && !said.contains(char::is_control) && said.len() < 400,
            "{said}"
        );
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(refused(status, &[]).is_transient(), "{status}");
        }
        for status in [400, 401, 403, 404, 410, 501] {
            assert!(!refused(status, &[]).is_transient(), "{status}");
        }
    }
}
