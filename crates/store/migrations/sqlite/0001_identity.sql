-- The first schema: the installation, projects, clients, operators, usage, audit and the change feed.
--
-- Conventions:
--   ordinal   the order in which rows were made; lists page by it. AUTOINCREMENT where it must never be given twice,
--             because a cursor or a reader of the feed may still hold the number of a deleted row.
--   *_at      milliseconds since the Unix epoch, UTC.
--   *digest   core::digest::Digest as text, which names its own scheme.
--   sealed    core::seal::Sealed as text: AES-256-GCM under the master key, bound to its row.
-- An applied migration is never edited; what changes comes in a new file.

-- The installation itself. It has one row from the first start on.
CREATE TABLE installation (
    -- Always 1: there is one installation in a database.
    ordinal INTEGER PRIMARY KEY CHECK (ordinal = 1),
    -- A known text, sealed: it opens with the right master key and no other.
    check_sealed TEXT NOT NULL,
    -- When the installation was made, in milliseconds.
    created_at INTEGER NOT NULL
) STRICT;

-- The keys under which random secrets are digested.
CREATE TABLE pepper (
    -- Order of making; the last one makes new digests.
    ordinal INTEGER PRIMARY KEY,
    -- The name that digests call it by.
    id TEXT NOT NULL UNIQUE,
    -- Its bytes, sealed.
    sealed TEXT NOT NULL,
    -- When it was made, in milliseconds.
    created_at INTEGER NOT NULL
) STRICT;

-- The tenancy boundary. Projects are never deleted.
CREATE TABLE project (
    -- Order of making.
    ordinal INTEGER PRIMARY KEY,
    -- Identity, project-test-… or project-live-…; states the environment.
    id TEXT NOT NULL UNIQUE,
    -- Counts changes, from 1.
    version INTEGER NOT NULL,
    -- For people.
    name TEXT NOT NULL,
    -- How its tokens look: stytch, standard-rs256, standard-es256 or standard-eddsa.
    token_profile TEXT NOT NULL,
    -- iss of the standard profiles, fixed when the project is made.
    issuer TEXT NOT NULL,
    -- When it was made, in milliseconds.
    created_at INTEGER NOT NULL,
    -- When it last changed, in milliseconds.
    updated_at INTEGER NOT NULL
) STRICT;

-- The secrets with which backends manage the clients of a project. Revoked ones stay, for the audit's readers.
CREATE TABLE project_secret (
    -- Order of making.
    ordinal INTEGER PRIMARY KEY,
    -- Identity.
    id TEXT NOT NULL UNIQUE,
    -- Its project.
    project_id TEXT NOT NULL REFERENCES project (id),
    -- For people: where it is used.
    name TEXT NOT NULL,
    -- Counts the secrets of its owner, from 1.
    number INTEGER NOT NULL,
    -- What checks it.
    digest TEXT NOT NULL,
    -- Its last four characters, to tell secrets apart by eye.
    last_four TEXT NOT NULL,
    -- When it was made, in milliseconds.
    created_at INTEGER NOT NULL,
    -- When it last authenticated a request, in milliseconds; null: never.
    last_used_at INTEGER,
    -- When it stopped working, in milliseconds; null: it works.
    revoked_at INTEGER
) STRICT;

CREATE INDEX project_secret_by_project ON project_secret (project_id, ordinal);

-- The keys that sign tokens. A key's state follows from its four times and the clock.
CREATE TABLE signing_key (
    -- Order of making.
    ordinal INTEGER PRIMARY KEY,
    -- Key id, jwk-….
    kid TEXT NOT NULL UNIQUE,
    -- Its project.
    project_id TEXT NOT NULL REFERENCES project (id),
    -- What it signs: RS256, ES256 or EdDSA.
    algorithm TEXT NOT NULL,
    -- When it was first published, in milliseconds.
    announced_at INTEGER NOT NULL,
    -- When it starts to sign, in milliseconds.
    activate_at INTEGER NOT NULL,
    -- When it stops to sign, in milliseconds; null: no successor yet.
    retire_at INTEGER,
    -- When it leaves the key set, in milliseconds; null: no successor yet.
    drop_at INTEGER,
    -- The private key, PKCS#8, sealed.
    sealed TEXT NOT NULL,
    -- The self-signed certificate shown as x5c, DER; null: the key is not RSA.
    certificate BLOB
) STRICT;

CREATE INDEX signing_key_by_project ON signing_key (project_id, announced_at, ordinal);
CREATE INDEX signing_key_by_drop ON signing_key (drop_at) WHERE drop_at IS NOT NULL;

-- M2M clients.
CREATE TABLE client (
    -- Order of making.
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Its project.
    project_id TEXT NOT NULL REFERENCES project (id),
    -- Identity within the project.
    client_id TEXT NOT NULL,
    -- Counts changes, from 1.
    version INTEGER NOT NULL,
    -- For people; may be empty.
    name TEXT NOT NULL,
    -- For people; may be empty.
    description TEXT NOT NULL,
    -- active or inactive.
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    -- trusted_metadata: a JSON object.
    metadata TEXT NOT NULL,
    -- Another token profile than the project's; null: the project's.
    token_profile TEXT,
    -- Which of the client's secrets is the current one, counted from 1.
    secret_number INTEGER NOT NULL,
    -- What checks the current secret.
    secret_digest TEXT NOT NULL,
    -- The last four characters of the current secret.
    secret_last_four TEXT NOT NULL,
    -- When the current secret was made, in milliseconds.
    secret_created_at INTEGER NOT NULL,
    -- Which secret the client is moving to; null, like the next three: no rotation is open.
    next_secret_number INTEGER,
    -- What checks the next secret.
    next_secret_digest TEXT,
    -- The last four characters of the next secret.
    next_secret_last_four TEXT,
    -- When the next secret was made, in milliseconds.
    next_secret_created_at INTEGER,
    -- When the client was made, in milliseconds.
    created_at INTEGER NOT NULL,
    -- When the client last changed, in milliseconds.
    updated_at INTEGER NOT NULL,
    CHECK (
        (next_secret_number IS NULL) = (next_secret_digest IS NULL)
        AND (next_secret_number IS NULL) = (next_secret_last_four IS NULL)
        AND (next_secret_number IS NULL) = (next_secret_created_at IS NULL)
    )
) STRICT;

CREATE UNIQUE INDEX client_by_id ON client (project_id, client_id);
CREATE INDEX client_by_project ON client (project_id, ordinal);
CREATE INDEX client_by_name ON client (project_id, name, ordinal);

-- What each client may ask for.
CREATE TABLE client_scope (
    -- The client.
    client_ordinal INTEGER NOT NULL REFERENCES client (ordinal) ON DELETE CASCADE,
    -- Place in the client's list, from 0.
    position INTEGER NOT NULL,
    -- The client's project, repeated here so that a search by scope walks one index.
    project_id TEXT NOT NULL,
    -- The scope.
    scope TEXT NOT NULL,
    PRIMARY KEY (client_ordinal, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX client_scope_by_scope ON client_scope (project_id, scope, client_ordinal);

-- The people and scripts that administer the installation. Revoked ones stay, for the audit's readers.
CREATE TABLE operator (
    -- Order of making.
    ordinal INTEGER PRIMARY KEY,
    -- Identity, operator-….
    id TEXT NOT NULL UNIQUE,
    -- For people: who or what this is.
    name TEXT NOT NULL,
    -- admin or read-only.
    role TEXT NOT NULL,
    -- 1: sees every project and the installation itself; 0: sees the projects in operator_project.
    all_projects INTEGER NOT NULL CHECK (all_projects IN (0, 1)),
    -- Counts the operator's keys, from 1.
    key_number INTEGER NOT NULL,
    -- What checks the operator key; requests are matched by it.
    key_digest TEXT NOT NULL UNIQUE,
    -- The last four characters of the operator key.
    key_last_four TEXT NOT NULL,
    -- When the operator key was made, in milliseconds.
    key_created_at INTEGER NOT NULL,
    -- When the operator was made, in milliseconds.
    created_at INTEGER NOT NULL,
    -- When the key last authenticated a request, in milliseconds; null: never.
    last_used_at INTEGER,
    -- When the operator stopped working, in milliseconds; null: works.
    revoked_at INTEGER
) STRICT;

-- Which projects an operator sees that does not see all.
CREATE TABLE operator_project (
    -- The operator.
    operator_ordinal INTEGER NOT NULL REFERENCES operator (ordinal),
    -- Place in the operator's list, from 0.
    position INTEGER NOT NULL,
    -- The project.
    project_id TEXT NOT NULL REFERENCES project (id),
    PRIMARY KEY (operator_ordinal, position)
) STRICT, WITHOUT ROWID;

-- The use of each secret of a client.
CREATE TABLE usage_secret (
    -- The client.
    client_ordinal INTEGER NOT NULL REFERENCES client (ordinal) ON DELETE CASCADE,
    -- Which of its secrets, as client.secret_number counts them.
    secret_number INTEGER NOT NULL,
    -- The last token issued on it, in milliseconds.
    last_used_at INTEGER NOT NULL,
    -- From which address that token was asked for.
    address TEXT NOT NULL,
    -- With which user agent; may be empty.
    user_agent TEXT NOT NULL,
    -- Tokens issued on it, in all.
    tokens INTEGER NOT NULL,
    PRIMARY KEY (client_ordinal, secret_number)
) STRICT, WITHOUT ROWID;

-- What the token endpoint of a project did, minute by minute.
CREATE TABLE usage_minute (
    -- The project.
    project_id TEXT NOT NULL REFERENCES project (id),
    -- The minute: Unix time in seconds divided by 60.
    minute INTEGER NOT NULL,
    -- Tokens issued in it.
    issued INTEGER NOT NULL,
    -- Requests refused in it.
    refused INTEGER NOT NULL,
    PRIMARY KEY (project_id, minute)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_minute_by_minute ON usage_minute (minute);

-- Who changed what. Written in the transaction of the change; it refers to nothing, so that it outlives everything.
CREATE TABLE audit (
    -- Order of writing.
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Identity, event-…; also answers whether a transaction of unknown outcome was committed.
    id TEXT NOT NULL UNIQUE,
    -- When, in milliseconds.
    at INTEGER NOT NULL,
    -- Who: project_secret, operator, client or system.
    actor_kind TEXT NOT NULL,
    -- The actor's id; empty for the system.
    actor_id TEXT NOT NULL,
    -- What was done, a stable word such as client_created.
    action TEXT NOT NULL,
    -- In which project; null: the installation's own affair.
    project_id TEXT,
    -- To what: the id of a client, key, secret, operator or project.
    object TEXT NOT NULL,
    -- The object before, JSON without secrets; null: there was none.
    before TEXT,
    -- The object after, JSON without secrets; null: there is none.
    after TEXT,
    -- The request that caused it; empty for the system.
    request_id TEXT NOT NULL,
    -- The caller's address; null: there was none.
    address TEXT
) STRICT;

CREATE INDEX audit_by_project ON audit (project_id, ordinal);
CREATE INDEX audit_by_object ON audit (object, ordinal);
CREATE INDEX audit_by_actor ON audit (actor_id, ordinal);
CREATE INDEX audit_by_time ON audit (at, ordinal);

-- The change feed: which memory is old. Pruning keeps its newest victim, so the lowest ordinal says how far the feed
-- reaches back.
CREATE TABLE change (
    -- Order of commit, for there is one writer.
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    -- When, in milliseconds; for pruning alone.
    at INTEGER NOT NULL,
    -- What changed: client, project, operators or installation.
    kind TEXT NOT NULL,
    -- The project of a client or a project change; else null.
    project_id TEXT,
    -- The client of a client change; else null.
    client_id TEXT
) STRICT;
