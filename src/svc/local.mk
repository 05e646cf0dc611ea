# src/svc: sources and unit tests of this layer
