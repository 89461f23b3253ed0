//! The objects of the wire (contract section 2). Strings are never null: two SDKs fail on one.

use countersign_core::client::{Client, ClientDraft, ClientPatch, ClientStatus};
use countersign_core::metadata::Metadata;
use countersign_core::scope::Scopes;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::json::strings;
use crate::problem::{ErrorType, Problem};

/// An M2M client.
#[derive(Debug, Serialize, ToSchema)]
pub struct M2MClient {
    /// Names the client within its project.
    #[schema(value_type = String, example = "m2m-client-test-d731954d-dab3-4a2b-bdee-07f3ad1be885")]
    pub client_id: String,
    /// For people; empty when never set.
    #[schema(example = "billing-worker")]
    pub client_name: String,
    /// For people; empty when never set.
    #[schema(example = "Reads usage records every night.")]
    pub client_description: String,
    /// `inactive` clients get no tokens; tokens already out stay valid until they expire.
    #[schema(value_type = String, pattern = "^(active|inactive)$", example = "active")]
    pub status: ClientStatus,
    /// What the client may ask for.
    #[schema(value_type = Vec<String>, example = json!(["read:usage", "write:invoices"]))]
    pub scopes: Scopes,
    /// Last four characters of the current secret.
    #[schema(example = "x9Qz")]
    pub client_secret_last_four: String,
    /// Your own facts about the client.
    #[schema(value_type = Object, example = json!({"team": "billing"}))]
    pub trusted_metadata: Metadata,
    /// Last four characters of the next secret while a rotation is open, else null.
    pub next_client_secret_last_four: Option<String>,
}

/// An M2M client with the secret it was just given.
#[derive(Debug, Serialize, ToSchema)]
pub struct M2MClientWithSecret {
    /// The client.
    #[serde(flatten)]
    pub client: M2MClient,
    /// The secret. This is the only time it is shown.
    #[schema(value_type = String, example = "csk_…")]
    pub client_secret: Shown,
}

/// An M2M client with the secret it is moving to.
#[derive(Debug, Serialize, ToSchema)]
pub struct M2MClientWithNextSecret {
    /// The client.
    #[serde(flatten)]
    pub client: M2MClient,
    /// The next secret. This is the only time it is shown. Both secrets work until the rotation is completed or cancelled.
    #[schema(value_type = String, example = "csk_…")]
    pub next_client_secret: Shown,
}

/// A secret on its one way out. Only the answer's body may hold it.
#[derive(Debug)]
pub struct Shown(pub SecretString);

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl From<Client> for M2MClient {
    fn from(client: Client) -> Self {
        Self {
            client_id: client.client_id.into(),
            client_name: client.name,
            client_description: client.description,
            status: client.status,
            scopes: client.scopes,
            client_secret_last_four: client.secret.last_four,
            trusted_metadata: client.metadata,
            next_client_secret_last_four: client.next_secret.map(|next| next.last_four),
        }
    }
}

/// What an SDK sends to make a client. Everything may be left out.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateClient {
    /// Your own id, unique in the project: 1 to 128 characters of `A-Z a-z 0-9 . _ ~ : @ -`. Generated when absent.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    client_id: Option<String>,
    /// Your own secret: 8 to 255 characters, hard to guess. Generated when absent.
    #[schema(value_type = Option<String>, min_length = 8, max_length = 255)]
    client_secret: Option<SecretField>,
    /// For people.
    #[schema(max_length = 256, example = "billing-worker")]
    client_name: Option<String>,
    /// For people.
    #[schema(max_length = 1024)]
    client_description: Option<String>,
    /// What the client may ask for: at most 256, each an RFC 6749 scope-token of at most 128 characters, 4,096 bytes
    /// joined by spaces. The convention is `action:resource`.
    #[schema(max_items = 256, example = json!(["read:usage"]))]
    #[serde(default, deserialize_with = "strings")]
    scopes: Option<Vec<String>>,
    /// Your own facts: at most 20 keys and 4,096 bytes.
    #[schema(value_type = Option<Object>)]
    trusted_metadata: Option<Value>,
}

/// What an SDK sends to change a client. What is absent or null stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateClient {
    /// A new name; empty clears it.
    #[schema(max_length = 256)]
    client_name: Option<String>,
    /// A new description; empty clears it.
    #[schema(max_length = 1024)]
    client_description: Option<String>,
    /// `active` or `inactive`.
    #[schema(example = "inactive")]
    status: Option<String>,
    /// The whole new list. It holds for tokens issued from now on. An empty list clears, except beside an empty
    /// `trusted_metadata`, which is how the Java SDK sends "no change".
    #[schema(max_items = 256)]
    #[serde(default, deserialize_with = "strings")]
    scopes: Option<Vec<String>>,
    /// Merged key by key at the top level; a key with null is deleted.
    #[schema(value_type = Option<Object>)]
    trusted_metadata: Option<Value>,
}

/// A secret on its way in, which `Debug` does not show.
#[derive(Debug)]
pub struct SecretField(SecretString);

impl SecretField {
    /// What was sent.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// The secret itself.
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

impl<'de> Deserialize<'de> for SecretField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl CreateClient {
    /// Whether the caller brings a secret: judging and digesting it may be slow.
    pub fn imports_secret(&self) -> bool {
        self.client_secret.is_some()
    }
}

impl TryFrom<CreateClient> for ClientDraft {
    type Error = Problem;

    fn try_from(body: CreateClient) -> Result<Self, Problem> {
        Ok(Self {
            client_id: body.client_id,
            client_secret: body.client_secret.map(|secret| secret.0),
            name: body.client_name.unwrap_or_default(),
            description: body.client_description.unwrap_or_default(),
            scopes: body.scopes.unwrap_or_default(),
            metadata: body
                .trusted_metadata
                .map(members)
                .transpose()?
                .unwrap_or_default(),
            ..Self::default()
        })
    }
}

impl TryFrom<UpdateClient> for ClientPatch {
    type Error = Problem;

    fn try_from(body: UpdateClient) -> Result<Self, Problem> {
        Ok(Self {
            name: body.client_name,
            description: body.client_description,
            status: body.status,
            scopes: body.scopes,
            metadata: body.trusted_metadata.map(members).transpose()?,
        })
    }
}

/// The members of an object, which a PHP client writes as an empty array when it has none (wire contract 1.2).
fn members(metadata: Value) -> Result<Map<String, Value>, Problem> {
    match metadata {
        Value::Object(members) => Ok(members),
        Value::Array(items) if items.is_empty() => Ok(Map::new()),
        _ => Err(ErrorType::MetadataInvalidFormat.because("trusted_metadata must be a JSON object.")),
    }
}

macro_rules! answer {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $type:ty $(, $(#[$more_doc:meta])* $more:ident: $more_type:ty)* }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $name {
            /// Names this request in logs and in the audit.
            #[schema(example = "request-id-test-6c04db11-6a3a-4a2f-9e5e-0f4d0c7c3a55")]
            pub request_id: String,
            $(#[$field_doc])*
            pub $field: $type,
            $($(#[$more_doc])* pub $more: $more_type,)*
            /// The HTTP status.
            #[schema(example = 200)]
            pub status_code: u16,
        }
    };
}

answer! {
    /// One client.
    ClientAnswer { /// The client.
        m2m_client: M2MClient }
}
answer! {
    /// A client just made.
    CreatedClientAnswer { /// The client with its secret.
        m2m_client: M2MClientWithSecret }
}
answer! {
    /// A client whose rotation was just started.
    RotationStartedAnswer { /// The client with its next secret.
        m2m_client: M2MClientWithNextSecret }
}
answer! {
    /// What was deleted.
    DeletedClientAnswer { /// The id of the client that is no more.
        client_id: String }
}
answer! {
    /// A page of clients.
    SearchAnswer { /// The clients, in the order of their making.
        m2m_clients: Vec<M2MClient>, /// How many there are, and where to go on.
        results_metadata: ResultsMetadata }
}
answer! {
    /// The project that calls.
    WhoamiAnswer { /// Its id.
        project_id: String, /// Its name.
        name: String }
}

/// How many results there are, and where to go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultsMetadata {
    /// Clients that match the query, counted when its first page was asked for.
    #[schema(example = 1)]
    pub total: i64,
    /// Send it as `cursor` with the same query to get the next page; null on the last one.
    pub next_cursor: Option<String>,
}
