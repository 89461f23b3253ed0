-- An import under way, and which programs may use this schema. Both only add to what was there.

-- An import that has begun and not ended. It has one row then, and none otherwise; nobody serves a database that has one.
CREATE TABLE import (
    -- Always 1: there is one import at a time.
    ordinal BIGINT PRIMARY KEY CHECK (ordinal = 1),
    -- What the file holds: the SHA-256 that its end states. The import goes on with the same file alone.
    content TEXT NOT NULL,
    -- How many rows of the file are in the database.
    written BIGINT NOT NULL,
    -- When it began, in milliseconds.
    started_at BIGINT NOT NULL
);

-- Which programs may use this schema. It has one row.
CREATE TABLE compatibility (
    -- Always 1.
    ordinal BIGINT PRIMARY KEY CHECK (ordinal = 1),
    -- A program that knows fewer migrations than this refuses to start. A migration that takes something away raises it.
    oldest_program BIGINT NOT NULL
);

INSERT INTO compatibility (ordinal, oldest_program) VALUES (1, 1);
