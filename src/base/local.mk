# src/base: sources and unit tests of this layer
