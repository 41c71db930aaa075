//! How the Hub is reached: address, token, cache and patience. The environment is not read here.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use crate::{Error, Result};

/// A secret that the Hub knows a user by; it is in no message and in no `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token in `text`, without the white space around it.
    ///
    /// # Errors
    /// [`Error::Config`] if it is empty or has characters that no token has; the message does not repeat it.
    pub fn new(text: &str) -> Result<Self> {
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::config("token", "expected visible ASCII characters, found other ones or none"));
        }
        Ok(Self(token.to_owned()))
    }

    /// The secret itself, for a request's header.
    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(hidden)")
    }
}

/// How the Hub is reached.
///
/// ```
/// use medinjection_fr::hub::{Access, Token};
///
/// let access = Access::new("https://huggingface.co", "/tmp/cache")?.with_token(Token::new("hf_secret")?);
/// assert!(!format!("{access:?}").contains("secret"));
/// # Ok::<(), medinjection_fr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Access {
    pub(super) endpoint: Url,
    pub(super) token: Option<Token>,
    pub(super) cache: PathBuf,
    pub(super) offline: bool,
    pub(super) timeout: Duration,
    pub(super) first_delay: Duration,
}

impl Access {
    /// The Hub at `endpoint`, without a token, with the cache in the directory `cache`.
    ///
    /// # Errors
    /// [`Error::Config`] if `endpoint` is not an address of `http` or `https`, or holds a user name or a password.
    pub fn new(endpoint: &str, cache: impl Into<PathBuf>) -> Result<Self> {
        let wrong = |found: &str| {
            Error::config("endpoint", format!("expected an address such as https://huggingface.co, found {found}"))
        };
        let endpoint = Url::parse(endpoint.trim_end_matches('/')).map_err(|cause| wrong(&cause.to_string()))?;
        if !endpoint.username().is_empty() || endpoint.password().is_some() {
            return Err(wrong("one with a user name or a password; give a token instead"));
        }
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.query().is_some() || endpoint.fragment().is_some()
        {
            return Err(wrong(endpoint.as_str()));
        }
        Ok(Self {
            endpoint,
            token: None,
            cache: cache.into(),
            offline: false,
            timeout: Duration::from_secs(30),
            first_delay: Duration::from_secs(1),
        })
    }

    /// The same, known to the Hub by `token`.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// The same, without network: what is in the cache has to do.
    #[must_use]
    pub const fn offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// The same, giving a silent server up after `timeout` (30 seconds by default).
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same, waiting `delay` before the second attempt, and twice as long before each further one (1 second by default).
    #[must_use]
    pub const fn with_first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// The endpoint as messages name it, without a slash at its end.
    pub(super) fn endpoint_text(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }

    /// The address under the endpoint whose path has these segments, each of them encoded.
    pub(super) fn address<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut address = self.endpoint.clone();
        if let Ok(mut path) = address.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::new(" hf_secret\n").unwrap();
        assert_eq!(token.secret(), "hf_secret");
        let access = Access::new("http://localhost", "cache").unwrap().with_token(token);
        assert!(format!("{access:?}").contains("hidden") && !format!("{access:?}").contains("hf_secret"));
        let refusal = Token::new("hf secret").unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("secret"));
    }

    #[test]
    fn an_endpoint_is_an_address_without_secrets() {
        for wrong in ["huggingface.co", "ftp://x", "http://user:pass@x", "http://x?token=1", ""] {
            let refusal = Access::new(wrong, "cache").unwrap_err().to_string();
            assert!(refusal.starts_with("endpoint: expected an address") && !refusal.contains("pass@"), "{refusal}");
        }
    }

    #[test]
    fn addresses_are_encoded_and_keep_the_path_of_a_mirror() {
        let access = Access::new("https://mirror.example/hub/", "cache").unwrap();
        let address = access.address(["datasets", "a", "é #1.json"]);
        assert_eq!(address.as_str(), "https://mirror.example/hub/datasets/a/%C3%A9%20%231.json");
    }
}
