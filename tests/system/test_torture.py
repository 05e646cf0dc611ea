"""A sample of tests/torture: a few of every kind of failing call, and of the places where a worker is killed. `./dev torture` does them all."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "torture"))
import bd
import torture

# Two allocators in one process do not get on.
SANITIZED = b"__asan_init" in open(bd.BIN, "rb").read() if os.path.exists(bd.BIN) else False


@unittest.skipIf(SANITIZED, "a build with sanitizers has an allocator of its own")
class Sample(torture.Torture):
    options = torture.Options(seconds=9, seed=os.getpid(), lanes=2, ops=["sign-in", "booking", "payment"],
                              whats=["alloc", "all", "sendto", "recvfrom", "connect", "open"])

    def test_killed_at_every_call(self):
        import killed
        world, tried, dead = killed.sweep(self, self.options)
        self.assertEqual(world.findings, [])
        self.assertTrue(dead)


del torture.Torture

if __name__ == "__main__":
    bd.main()
