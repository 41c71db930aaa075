//! Answers of a run that has not come to its end, so that the next one goes on from there.
//!
//! They stand in the folder `OUT.partial` beside the predictions: what they are made from, and one file a rank, to which a line is added for each
//! batch. A line that a kill has cut off does not count.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use medinjection_fr::provenance::{AtomicFile, Lineage, write_json};

use crate::comm::Communicator;
use crate::{Error, Result};

const LINEAGE_FILE: &str = "lineage.json";

/// Lines of the predictions file by the index of their question.
pub(super) type Answers = BTreeMap<usize, String>;

/// The folder of answers of one predictions file.
#[derive(Debug)]
pub(super) struct Answered {
    folder: PathBuf,
    /// This rank's file.
    file: File,
    path: PathBuf,
    /// Held by rank 0, so that no other program writes the same predictions.
    _lock: Option<File>,
}

impl Answered {
    /// The answers that are there already, the same on each rank, and the folder for further ones. What was made from something else than
    /// `lineage` is refused, or thrown away where `force` is given.
    ///
    /// # Errors
    /// [`Error::Library`] if the folder cannot be read or written, or was made from something else; [`Error::Environment`] if another
    /// program works in it. The same verdict on every rank.
    pub(super) fn open(
        out: &Path,
        (lineage, force): (Option<&Lineage>, bool),
        comm: &dyn Communicator,
    ) -> Result<(Self, Answers)> {
        let mut name = out.as_os_str().to_owned();
        name.push(".partial");
        let folder = PathBuf::from(name);
        let gathered = lineage.map(|lineage| gather(&folder, lineage, force)).transpose();
        let (lock, answers) = comm.agree(gathered)?.unzip();
        let packed = serde_json::to_vec(&answers.unwrap_or_default()).map_err(|error| Error::format(&folder, error));
        let packed = comm.broadcast_bytes(comm.agree(packed)?)?;
        let answers = comm.agree(serde_json::from_slice(&packed).map_err(|error| Error::format(&folder, error)))?;
        let path = folder.join(format!("rank-{}.jsonl", comm.rank()));
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = comm.agree(file.map_err(|error| medinjection_fr::Error::io(&path)(error).into()))?;
        Ok((Self { folder, file, path, _lock: lock }, answers))
    }

    /// Adds the answers of a batch.
    ///
    /// # Errors
    /// [`Error::Library`] if they cannot be written.
    pub(super) fn add(&mut self, batch: &[(usize, String)]) -> Result<()> {
        let mut line = serde_json::to_vec(batch).map_err(|error| Error::format(&self.path, error))?;
        line.push(b'\n');
        Ok(self.file.write_all(&line).map_err(medinjection_fr::Error::io(&self.path))?)
    }

    /// Leaves the folder for the next run, unless there is nothing in it to go on from; on rank 0, once all ranks have ended.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be read or removed.
    pub(super) fn leave(self) -> Result<()> {
        if list(&self.folder)?.iter().any(|path| has_answers(path)) { Ok(()) } else { self.remove() }
    }

    /// Takes the folder away, once the predictions are written.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be removed.
    pub(super) fn remove(self) -> Result<()> {
        Ok(std::fs::remove_dir_all(&self.folder).map_err(medinjection_fr::Error::io(&self.folder))?)
    }
}

/// Puts all answers that are there into one file, so that each rank begins with an empty one.
fn gather(folder: &Path, lineage: &Lineage, force: bool) -> Result<(File, Answers)> {
    let lineage_path = folder.join(LINEAGE_FILE);
    let made_from = std::fs::read(&lineage_path).ok().map(|bytes| serde_json::from_slice::<Lineage>(&bytes).ok());
    std::fs::create_dir_all(folder).map_err(medinjection_fr::Error::io(folder))?;
    let lock = lock(folder)?;
    let files = list(folder)?;
    let is_other = made_from.as_ref().is_some_and(|found| found.as_ref() != Some(lineage));
    if is_other && files.iter().any(|path| has_answers(path)) && !force {
        let message = format!(
            "{}: a run that was ended early has left answers that were made from other inputs or settings; \
             repeat that run to complete it, or begin anew with --force",
            folder.display()
        );
        return Err(medinjection_fr::Error::Data(message).into());
    }
    let is_continued = made_from.flatten().as_ref() == Some(lineage);
    let (mut answers, mut batches) = (Answers::new(), Vec::new());
    if is_continued {
        for path in &files {
            read(path, &mut answers, &mut batches)?;
        }
    }
    let kept = folder.join("before.jsonl");
    let mut file = AtomicFile::create(&kept)?;
    file.write_all(&batches).map_err(medinjection_fr::Error::io(&kept))?;
    file.commit()?;
    for path in files.iter().filter(|path| **path != kept) {
        std::fs::remove_file(path).map_err(medinjection_fr::Error::io(path))?;
    }
    write_json(&lineage_path, lineage)?;
    Ok((lock, answers))
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(medinjection_fr::Error::io(&path))?;
    // A file system without locks holds nobody back.
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        let message = format!("{}: another program is making the same predictions", folder.display());
        return Err(Error::Environment(message));
    }
    Ok(file)
}

/// The files of answers in `folder`, by name.
fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(medinjection_fr::Error::io(folder))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(medinjection_fr::Error::io(folder)))
        .collect::<medinjection_fr::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort_unstable();
    Ok(paths)
}

fn has_answers(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| 0 < metadata.len())
}

/// Reads the batches of one file, and adds their lines to `batches`; a line that is not whole is passed over.
fn read(path: &Path, answers: &mut Answers, batches: &mut Vec<u8>) -> Result<()> {
    let bytes = std::fs::read(path).map_err(medinjection_fr::Error::io(path))?;
    for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        if let Ok(batch) = serde_json::from_slice::<Vec<(usize, String)>>(line) {
            answers.extend(batch);
            batches.extend_from_slice(line);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::Single;

    fn lineage(data: &str) -> Lineage {
        Lineage::new("predict", serde_json::json!({}), BTreeMap::from([("data".to_owned(), data.to_owned())]))
    }

    #[test]
    fn whole_batches_of_the_same_inputs_are_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.jsonl");
        let open = |data: &str, force| Answered::open(&out, (Some(&lineage(data)), force), &Single);
        let (mut answered, answers) = open("a", false).unwrap();
        assert!(answers.is_empty());
        answered.add(&[(4, "four\n".into()), (1, "one\n".into())]).unwrap();
        let message = open("a", false).unwrap_err().to_string();
        assert!(message.contains("another program"), "{message}");
        answered.file.write_all(b"[[2,\"cut o").unwrap();
        drop(answered);
        for _ in 0..2 {
            let (_, answers) = open("a", false).unwrap();
            assert_eq!(answers, Answers::from([(1, "one\n".into()), (4, "four\n".into())]));
        }
        let message = open("b", false).unwrap_err().to_string();
        assert!(message.contains("out.jsonl.partial") && message.contains("--force"), "{message}");
        let (answered, answers) = open("b", true).unwrap();
        assert!(answers.is_empty());
        drop(answered);
        // Nothing was answered, so nothing is lost.
        let (answered, _) = open("c", false).unwrap();
        answered.remove().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
