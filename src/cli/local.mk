# src/cli: sources and unit tests of this layer
