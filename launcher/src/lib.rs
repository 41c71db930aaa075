//! Fine-tuning and evaluation of causal language models on libtorch, over MPI.
