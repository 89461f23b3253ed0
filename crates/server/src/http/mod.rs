//! What every request passes through, and how bodies are read.

pub mod edge;
pub mod json;
pub mod params;
pub mod path;
pub mod request;
