# tests shared by layers: harness library, lint, system
