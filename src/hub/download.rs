//! A file of the Hub into the cache: resumed where it was cut, and there only when its hash is right.

use std::io::Read;

use super::access::Access;
use super::cache::RepositoryCache;
use super::content::{ContentId, Hashes, hash_file};
use super::http::{Http, RemoteFile};
use super::observer::Observer;
use super::partial::Partial;
use super::retry::Patience;
use super::trouble::{Trouble, while_reading};

/// Where files come from and where they go.
#[derive(Debug)]
pub(super) struct Downloader<'a> {
    pub(super) access: &'a Access,
    pub(super) http: &'a Http<'a>,
    pub(super) cache: &'a RepositoryCache,
}

impl Downloader<'_> {
    /// Brings `file` into the cache, if it is not there, and gives its hashes and the bytes that came over the network.
    pub(super) fn download(
        &self,
        file: &RemoteFile,
        place: &str,
        observer: &mut dyn Observer,
    ) -> Result<(Hashes, u64), Trouble> {
        let lock = self.cache.lock(&file.id)?;
        if let Some(hashes) = cached(self.cache, &file.id)? {
            observer.arrived(&file.path, file.num_bytes);
            return Ok((hashes, 0));
        }
        let mut partial = Partial::open(self.cache.incomplete(&file.id, &lock), file.num_bytes)?;
        observer.arrived(&file.path, partial.num_bytes());
        let mut in_one_piece = partial.num_bytes() == 0;
        let mut num_transferred = 0;
        let mut patience = Patience::new(self.access);
        loop {
            let before = num_transferred;
            let attempt = self.attempt(file, &mut partial, &mut num_transferred, observer);
            match attempt {
                Ok(()) if partial.hashes().are_of(&file.id) => {
                    let hashes = partial.hashes();
                    partial.keep(&self.cache.blob(&file.id))?;
                    return Ok((hashes, num_transferred));
                }
                // One of the pieces is wrong, and nobody knows which.
                Ok(()) if !in_one_piece => {
                    observer.note(&format!("{place}: the pieces do not make the file; it comes again as a whole"));
                    observer.lost(&file.path, partial.num_bytes());
                    partial.restart()?;
                    in_one_piece = true;
                }
                Ok(()) => {
                    let (expected, found) = (file.id.digits(), partial.hashes().like(&file.id).to_owned());
                    partial.remove()?;
                    return Err(Trouble::Unexpected(format!("expected the checksum {expected}, found {found}")));
                }
                Err(trouble @ Trouble::Unexpected(_)) => {
                    partial.remove()?;
                    return Err(trouble);
                }
                Err(trouble) => {
                    in_one_piece &= partial.num_bytes() == 0;
                    if num_transferred > before {
                        patience.renew();
                    }
                    patience.wait(trouble, place, observer)?;
                }
            }
        }
    }

    /// Asks once for what is missing.
    fn attempt(
        &self,
        file: &RemoteFile,
        partial: &mut Partial,
        num_transferred: &mut u64,
        observer: &mut dyn Observer,
    ) -> Result<(), Trouble> {
        if partial.is_complete() {
            return Ok(());
        }
        let (num_bytes, first_byte) = (file.num_bytes, partial.num_bytes());
        let mut body = match self.http.get(file, first_byte) {
            Err(trouble) if trouble.is_range_refused() && first_byte > 0 => {
                observer.lost(&file.path, first_byte);
                partial.restart()?;
                return Err(Trouble::Interrupted("the server does not give the rest".to_owned()));
            }
            other => other?,
        };
        if !body.is_from_first_byte && first_byte > 0 {
            observer.lost(&file.path, first_byte);
            partial.restart()?;
        }
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = match body.response.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(while_reading(&error)),
            };
            if !partial.write(&buffer[..count])? {
                return Err(Trouble::Unexpected(format!("expected {num_bytes} bytes, found more")));
            }
            *num_transferred += count as u64;
            observer.arrived(&file.path, count as u64);
        }
        if partial.is_complete() {
            return Ok(());
        }
        Err(Trouble::Interrupted(format!("expected {num_bytes} bytes, found {}", partial.num_bytes())))
    }
}

/// The hashes of a content that is whole in the cache; one that is damaged is removed.
pub(super) fn cached(cache: &RepositoryCache, id: &ContentId) -> crate::Result<Option<Hashes>> {
    let blob = cache.blob(id);
    if !blob.is_file() {
        return Ok(None);
    }
    let hashes = hash_file(&blob)?;
    if hashes.are_of(id) {
        return Ok(Some(hashes));
    }
    std::fs::remove_file(&blob).map_err(crate::Error::io(&blob))?;
    Ok(None)
}
