# src/sandbox: sources and unit tests of this layer
