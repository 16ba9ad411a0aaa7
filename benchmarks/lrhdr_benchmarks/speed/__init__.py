"""`lrhdr-bench`: how fast each engine is at each resolution on this machine, and why."""
