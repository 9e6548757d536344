"""Measurements that anyone can run, each beside its floor or a peer in the same run."""
