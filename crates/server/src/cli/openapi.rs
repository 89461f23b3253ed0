//! `countersign openapi`: the descriptions of the two APIs.

use clap::Args;

use super::printing::print;

/// Print an OpenAPI document.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign openapi > openapi.json
  countersign openapi --admin > admin.openapi.json")]
pub(crate) struct OpenapiArgs {
    /// The wire's document: what SDKs call. This is the default.
    #[arg(long, conflicts_with = "admin")]
    wire: bool,
    /// The admin API's document: what operators call.
    #[arg(long)]
    admin: bool,
}

impl OpenapiArgs {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let document = if self.admin {
            crate::openapi::admin_document()
        } else {
            crate::openapi::wire_document()
        };
        print(&format!("{}\n", document.to_pretty_json()?))
    }
}
