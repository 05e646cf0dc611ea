# src/proc: sources and unit tests of this layer
