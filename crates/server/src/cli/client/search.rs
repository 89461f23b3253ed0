//! `countersign client search`: the wire's exact search.

use clap::Args;
use serde_json::{Map, Value, json};

use super::LIST_COLUMNS;
use crate::cli::calling::{Call, Connected};
use crate::cli::paging::{Page, PageArgs};
use crate::cli::printing::Output;
use crate::cli::project::add;

/// Search clients exactly, by id, name and scope.
///
/// Each filter may be repeated and matches clients with any of its values. Filters are joined by AND.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign client search --scope read:usage --scope write:usage
  countersign client search --any --name billing --client-id billing-2 --all --json")]
pub(super) struct SearchArgs {
    /// Clients with this id.
    #[arg(long = "client-id", value_name = "CLIENT_ID")]
    ids: Vec<String>,
    /// Clients with this name.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Clients with this scope.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ' ')]
    scopes: Vec<String>,
    /// Join the filters by OR.
    #[arg(long)]
    any: bool,
    #[command(flatten)]
    page: PageArgs,
}

impl SearchArgs {
    pub(super) async fn run(&self, connected: &Connected, output: Output) -> anyhow::Result<()> {
        let ask = async |page: Page| {
            let call = Call::post(&["v1", "m2m", "clients", "search"]);
            connected.send(call.json(self.body(page))).await
        };
        self.page.show(output, "/m2m_clients", LIST_COLUMNS, ask).await
    }

    fn body(&self, page: Page) -> Value {
        let filters = [
            ("client_id", &self.ids),
            ("client_name", &self.names),
            ("scopes", &self.scopes),
        ];
        let given = filters.into_iter().filter(|(_, values)| !values.is_empty());
        let operands: Vec<_> = given
            .map(|(name, values)| json!({ "filter_name": name, "filter_value": values }))
            .collect();
        let operator = if self.any { "OR" } else { "AND" };
        let mut body = Map::new();
        body.insert(
            "query".to_owned(),
            json!({ "operator": operator, "operands": operands }),
        );
        add(&mut body, "limit", page.limit);
        add(&mut body, "cursor", page.cursor);
        Value::Object(body)
    }
}
