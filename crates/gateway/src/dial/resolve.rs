//! Where the addresses of a name come from.

use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Finds all addresses of a name.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All of them, the preferred one first.
    ///
    /// # Errors
    /// When the name cannot be looked up.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver, with its hosts file, search list and order of addresses (RFC 6724).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        // The port is the caller's to add.
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}
