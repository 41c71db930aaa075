//! A world of one process.

use tch::Tensor;

use super::Communicator;
use crate::Result;

/// The only process of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Single;

impl Communicator for Single {
    fn rank(&self) -> usize {
        0
    }

    fn local_rank(&self) -> usize {
        0
    }

    fn world_size(&self) -> usize {
        1
    }

    fn barrier(&self) -> Result<()> {
        Ok(())
    }

    fn all_reduce_sum(&self, _values: &mut [f32]) -> Result<()> {
        Ok(())
    }

    fn all_reduce_sum_f64(&self, _values: &mut [f64]) -> Result<()> {
        Ok(())
    }

    fn all_reduce_sum_tensor(&self, _values: &mut Tensor) -> Result<()> {
        Ok(())
    }

    fn abandon(&self) {}

    fn gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        Ok(vec![bytes.to_vec()])
    }

    fn broadcast_bytes(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn a_lone_rank_agrees_with_itself() {
        let comm: &dyn Communicator = &Single;
        assert_eq!(comm.agree(Ok(3)).unwrap(), 3);
        let error = comm.agree::<()>(Err(Error::Environment("no room".into()))).unwrap_err();
        assert_eq!(error.to_string(), "no room");
    }
}
