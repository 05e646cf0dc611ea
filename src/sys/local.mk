# src/sys: sources and unit tests of this layer
