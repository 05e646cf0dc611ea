# src/ext: sources and unit tests of this layer
