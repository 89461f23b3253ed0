//! What every request passes through: `src/http`.

mod bad_bodies;
mod edge;
mod paths;
mod quirks;
mod socket;
mod tolerances;
