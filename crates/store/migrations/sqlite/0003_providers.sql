-- Providers of the gateway, their documents and rules, and the credentials that are shown to them. All of it only adds to what
-- was there.

ALTER TABLE change ADD COLUMN
    -- The name of the provider that changed; null: it was something else. The kind of such a change is project, because the
    -- program before refuses kinds that it does not know: it then forgets the project, which does no harm.
    provider TEXT;

-- Upstream APIs that the gateway calls.
CREATE TABLE provider (
    -- Order of making.
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Its project.
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    -- Identity within the project.
    name TEXT NOT NULL,
    -- Counts changes, from 1.
    version INTEGER NOT NULL,
    -- Where it is.
    base_url TEXT NOT NULL,
    -- Private ranges that it may lie in: a JSON list of texts.
    allowed_cidrs TEXT NOT NULL,
    -- Hosts beside that of the base URL: a JSON list of objects with base_url and credential.
    further_hosts TEXT NOT NULL,
    -- Its limits: a JSON object of numbers.
    limits TEXT NOT NULL,
    -- 1: cookies go up and come down; 0: neither.
    keep_cookies INTEGER NOT NULL CHECK (keep_cookies IN (0, 1)),
    -- 1: paths may hold a semicolon; 0: they may not.
    path_parameters INTEGER NOT NULL CHECK (path_parameters IN (0, 1)),
    -- The SHA-256 of its document, in hex.
    document_sha256 TEXT NOT NULL,
    -- application/json or application/yaml.
    document_media_type TEXT NOT NULL,
    -- How many bytes its document has.
    document_bytes INTEGER NOT NULL,
    -- When it was made, in milliseconds.
    created_at INTEGER NOT NULL,
    -- When it last changed, in milliseconds.
    updated_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX provider_by_name ON provider (project_id, name);
CREATE INDEX provider_by_project ON provider (project_id, ordinal);

-- The OpenAPI documents as they were given, in parts, so that no list reads them and no row of an export is too long for a line.
CREATE TABLE provider_document (
    -- The provider.
    provider_ordinal INTEGER NOT NULL REFERENCES provider (ordinal) ON DELETE CASCADE,
    -- Place of the part, from 0.
    position INTEGER NOT NULL,
    -- Its bytes.
    part BLOB NOT NULL,
    PRIMARY KEY (provider_ordinal, position)
) STRICT;

-- Who may do what at a provider.
CREATE TABLE provider_rule (
    -- The provider.
    provider_ordinal INTEGER NOT NULL REFERENCES provider (ordinal) ON DELETE CASCADE,
    -- Place in the order in which rules are asked, from 0.
    position INTEGER NOT NULL,
    -- Its name, which audit lines and refusals tell.
    name TEXT NOT NULL,
    -- The scope that it is for.
    scope TEXT NOT NULL,
    -- The methods that it covers: a JSON list, empty for all.
    methods TEXT NOT NULL,
    -- The patterns of paths that it covers: a JSON list, empty for all.
    paths TEXT NOT NULL,
    -- The operations that it covers: a JSON list, empty for all calls.
    operations TEXT NOT NULL,
    -- The name of the credential that it chooses; null: the default one.
    credential TEXT,
    -- 1: it covers WebSockets, too; 0: it does not.
    websocket INTEGER NOT NULL CHECK (websocket IN (0, 1)),
    PRIMARY KEY (provider_ordinal, position)
) STRICT, WITHOUT ROWID;

-- What providers are shown in the place of their callers.
CREATE TABLE credential (
    -- Order of making.
    ordinal INTEGER PRIMARY KEY,
    -- Identity, credential-….
    id TEXT NOT NULL UNIQUE,
    -- Its project.
    project_id TEXT NOT NULL,
    -- The name of its provider.
    provider TEXT NOT NULL,
    -- Its name at the provider.
    name TEXT NOT NULL,
    -- Counts values, from 1.
    version INTEGER NOT NULL,
    -- How it is injected.
    kind TEXT NOT NULL,
    -- Where it may be sent: a JSON list of authorities.
    hosts TEXT NOT NULL,
    -- Tells values apart.
    fingerprint TEXT NOT NULL,
    -- The value, sealed for project, provider, name, id, hosts and version.
    sealed TEXT NOT NULL,
    -- When it was first set, in milliseconds.
    created_at INTEGER NOT NULL,
    -- Who set it first: the kind of actor and its id.
    created_by TEXT NOT NULL,
    -- When it was last set, in milliseconds.
    updated_at INTEGER NOT NULL,
    -- When it was last injected, in milliseconds; null: never.
    last_used_at INTEGER,
    FOREIGN KEY (project_id, provider) REFERENCES provider (project_id, name) ON DELETE CASCADE
) STRICT;

CREATE UNIQUE INDEX credential_by_name ON credential (project_id, provider, name);
