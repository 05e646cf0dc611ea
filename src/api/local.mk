# src/api: sources and unit tests of this layer
