//! Tokens from outside, through the public door. One binary; its files are chapters.
#![cfg(test)]

mod hostile;
mod properties;
mod stytch;
mod support;
mod vectors;
