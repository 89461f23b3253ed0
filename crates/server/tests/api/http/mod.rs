//! What every request passes through: `src/http`.

mod bad_bodies;
mod edge;
mod paths;
mod socket;
mod tolerances;
