/**
 * The catalog's tables, one format for both kinds of archive (docs/formats.md has each column).
 *
 * Times are TEXT, RFC 3339 in UTC with milliseconds, so that they sort and people can read them. Digests are BLOBs of 32
 * octets. A unique-id is TEXT where all its octets are printable ASCII, else a BLOB of its octets.
 */

/** Written to PRAGMA application_id: "pkpr". */
export const APPLICATION_ID = 0x706b7072

/** Written to PRAGMA user_version. An archive with a higher number is refused. */
export const SCHEMA_VERSION = 2

/** Listed octets of a row whose size the server did not give in usable form. */
export const OCTETS_UNKNOWN = -1

/** The tables of version 1; migrations.ts leads them to the present one. */
export const CATALOG_SQL = `
CREATE TABLE archive (
  kind TEXT NOT NULL CHECK (kind IN ('sqlite', 'maildir')),
  created_at TEXT NOT NULL,
  -- maildir: nanosecond times of new/ and cur/ at the last clean end, to see whether its owner touched it since
  folders_at TEXT
) STRICT;

CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  host TEXT NOT NULL,
  user TEXT NOT NULL,
  -- receipts of former epochs belong to another maildrop that once stood under this name
  epoch INTEGER NOT NULL DEFAULT 1,
  capabilities TEXT,
  pipelining_failed_at TEXT,
  last_misled INTEGER NOT NULL DEFAULT 0,
  -- how listed octets compare with those that come: 'exact', '+2', 'lf', 'rounded' or 'estimate'
  size_model TEXT,
  -- 1: a session lists a part of the maildrop, the next one others
  shows_parts INTEGER,
  -- seconds between two logins, where the server was seen to enforce it
  login_delay_s INTEGER,
  last_login_at TEXT,
  expiry_warned INTEGER NOT NULL DEFAULT 0,
  -- the last listing that showed less than half of what should be there
  renumbered_at TEXT
) STRICT;

CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES account(id),
  started_at TEXT NOT NULL,
  ended_at TEXT,
  listed INTEGER NOT NULL DEFAULT 0,
  retrieved INTEGER NOT NULL DEFAULT 0,
  stored INTEGER NOT NULL DEFAULT 0,
  octets INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  -- 'done', or the code of the error that ended it; null while it runs, or if it was killed
  outcome TEXT,
  -- maildir: files may have been linked that the catalog does not know yet
  dirty INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  octets INTEGER NOT NULL,
  canonical BLOB NOT NULL,
  fingerprint BLOB NOT NULL,
  date TEXT,
  sender TEXT,
  recipients TEXT,
  subject TEXT,
  message_id TEXT,
  archived_at TEXT NOT NULL,
  verified_at TEXT,
  -- complete by its terminator, yet shorter than the server's size model allows: 1 once, 2 when retrieved once more
  short INTEGER NOT NULL DEFAULT 0,
  -- maildir: 1 if the owner removed the file
  removed INTEGER NOT NULL DEFAULT 0,
  -- 1: its octets are gone or wrong; the next sync retrieves it where a server still lists it
  wanted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX message_canonical ON message(canonical);
CREATE INDEX message_wanted ON message(id) WHERE wanted = 1;
CREATE INDEX message_short ON message(id) WHERE short = 1;
CREATE INDEX message_newest ON message(coalesce(date, archived_at), id);

CREATE TABLE receipt (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES account(id),
  epoch INTEGER NOT NULL,
  unique_id ANY,
  occurrence INTEGER NOT NULL,
  octets INTEGER NOT NULL,
  message INTEGER REFERENCES message(id),
  state TEXT NOT NULL
    CHECK (state IN ('stored', 'removed', 'delete sent', 'deleted', 'quarantined')),
  bound_by TEXT CHECK (bound_by IN ('digest', 'canonical', 'fingerprint', 'recount')),
  bound_at TEXT NOT NULL,
  first_listed INTEGER NOT NULL REFERENCES run(id),
  -- the first run whose complete listing did not show it; null while it is listed
  absent_since INTEGER REFERENCES run(id),
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  CHECK ((state = 'quarantined') = (message IS NULL))
) STRICT;
-- Rows without unique-id have no key: SQLite takes each null for another.
CREATE UNIQUE INDEX receipt_key ON receipt(account, epoch, unique_id, occurrence, octets);
CREATE INDEX receipt_message ON receipt(message);

CREATE VIEW mail AS
  SELECT lower(hex(digest)) AS digest, octets, date, sender, recipients, subject, message_id,
         archived_at, removed
  FROM message;
CREATE VIEW provenance AS
  SELECT account.name AS account, receipt.unique_id, receipt.occurrence, receipt.octets,
         receipt.state, receipt.bound_at, lower(hex(message.digest)) AS digest
  FROM receipt JOIN account ON account.id = receipt.account AND account.epoch = receipt.epoch
       LEFT JOIN message ON message.id = receipt.message;
`

/** Content beside the catalog: a sqlite archive only. */
export const CONTENT_SQL = `
CREATE TABLE content (
  message INTEGER PRIMARY KEY REFERENCES message(id),
  codec TEXT NOT NULL DEFAULT 'plain',
  -- the octets, or for a large message the series of pieces that holds them
  octets BLOB,
  series INTEGER UNIQUE,
  CHECK ((octets IS NULL) <> (series IS NULL))
) STRICT;

-- Pieces of a large message are committed while it arrives; a series that no content row names is staging.
CREATE TABLE piece (
  series INTEGER NOT NULL,
  position INTEGER NOT NULL,
  octets BLOB NOT NULL,
  PRIMARY KEY (series, position)
) STRICT;
`
