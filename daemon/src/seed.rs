//! Seed files: bytes in, tokens out; pure.
