"""arXiv 2409.15820 repeated at small scale, with the project's own trainer and service."""
