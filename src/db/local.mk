# src/db: sources and unit tests of this layer
EXTRA_DIST += tests/lib/with-pg
