//! How much a description can be wrong without anybody noticing: every fact of it is changed, one
//! at a time, and each change must be told at its line.
