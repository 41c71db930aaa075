"""Brings the files of FrenchMedMCQA with `huggingface_hub`, from the Hub that HF_ENDPOINT names or from the cache, and prints their hashes.

Called by `tests/fetch.rs`, which compares both programs' caches. Exit code 77: there is no `huggingface_hub`.
"""

import hashlib
import sys
from pathlib import Path

try:
    from huggingface_hub import snapshot_download
except ImportError:
    sys.exit(77)

PATTERNS = ["train.json", "dev.json", "test.json"]

folder = Path(snapshot_download(sys.argv[1], repo_type="dataset", allow_patterns=PATTERNS))
for path in sorted(folder.rglob("*.json")):
    print(hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to(folder))
