//! The table of every key.

use super::{Form, Key, Standing, Table};

const SOCKET: &str = "an address with port, \"127.0.0.1:8787\" or \"[::1]:8787\"";
const FILE: &str = "a file's name, looked up beside gateway.toml";
const NETWORKS: &str = "a list of networks, \"address/prefix length\"";
const STATES: &str = "a list of queued, running, succeeded, failed";
const GLOBS: &str = "a list of names and patterns: * stops at a slash, ** does not";
const GLOB: &str = "a name or pattern, or a list of them: * stops at a slash, ** does not";
const EMOJI: &str = "one emoji";
const ROOM: &str = "a room's id, which begins with \"!\"";
const FLAG: &str = "true or false";
const POINTER: &str = "a JSON pointer (RFC 6901), a list of them, or { constant = \"…\" }";

const fn key(name: &'static str, kind: &'static str, standing: Standing, about: &'static str) -> Key {
    Key { name, kind, standing, about, more: "" }
}

const fn needed(name: &'static str, kind: &'static str, example: &'static str, about: &'static str) -> Key {
    key(name, kind, Standing::Needed(example), about)
}

const fn default(name: &'static str, kind: &'static str, value: &'static str, about: &'static str) -> Key {
    key(name, kind, Standing::Default(value), about)
}

const fn absent(name: &'static str, kind: &'static str, example: &'static str, about: &'static str) -> Key {
    key(name, kind, Standing::Absent(example), about)
}

impl Key {
    const fn more(self, more: &'static str) -> Self {
        Self { more, ..self }
    }
}

/// Every table, in the order in which they are told.
pub const TABLES: &[Table] = &[
    Table { path: "server", form: Form::Once, about: "", keys: SERVER },
    Table { path: "store", form: Form::Once, about: "", keys: STORE },
    Table { path: "matrix", form: Form::Once, about: "", keys: MATRIX },
    Table {
        path: "appservice",
        form: Form::Wanted,
        about: "each machine speaks for itself, for mode = \"appservice\" alone",
        keys: APPSERVICE,
    },
    Table { path: "message", form: Form::Once, about: "", keys: MESSAGE },
    Table { path: "source", form: Form::Many, about: "one for each sender", keys: SOURCE },
    Table {
        path: "source.hmac",
        form: Form::Wanted,
        about: "how it signs, for scheme = \"hmac\" alone",
        keys: HMAC,
    },
    Table {
        path: "source.fields",
        form: Form::Wanted,
        about: "where the fields are in its bodies, for provider = \"generic\" alone",
        keys: FIELDS,
    },
    Table {
        path: "source.states",
        form: Form::Wanted,
        about: "what a word of its means here, whatever the provider",
        keys: WORDS,
    },
    Table {
        path: "route",
        form: Form::Any,
        about: "what is said in another room: the first that fits wins",
        keys: ROUTE,
    },
    Table { path: "node", form: Form::Any, about: "the pool: one for each machine", keys: NODE },
    Table { path: "log", form: Form::Once, about: "to stderr", keys: LOG },
];

const SERVER: &[Key] = &[
    default("listen", SOCKET, "\"127.0.0.1:8787\"", "where the CI systems post, by way of a TLS proxy"),
    default(
        "path",
        "a path of letters, digits, \"-\", \".\", \"_\", \"~\" and \"/\"",
        "\"/hooks/matrix/build-status\"",
        "what stands before a source's name",
    ),
    default("admin_listen", SOCKET, "\"127.0.0.1:8788\"", "where you ask")
        .more(
            "the command line asks there too, where it can read gateway.toml; `--admin-url` and `MESHHOOK_ADMIN_URL` \
             go before it. Keep it on loopback: the admin token goes there in clear text, so that any other address is \
             warned about.",
        ),
    absent("admin_token_file", FILE, "\"admin-token\"", "else the gateway makes one beside its store"),
    default(
        "admin_hosts",
        "a list of host names or addresses, without port",
        "[]",
        "names, besides loopback's, under which admin_listen answers",
    )
    .more("needed where a proxy stands before `admin_listen`. Under no other name is it answered, so that no page in a \
           browser gets there by a name of its own (DNS rebinding)."),
    default(
        "trusted_proxies",
        NETWORKS,
        "[\"127.0.0.1/32\", \"::1/128\"]",
        "whose X-Forwarded-For is believed",
    )
    .more("who posts is the last address there that is no trusted proxy's; docs/configuration.md has more, under *Behind a \
           proxy*."),
    default("max_body_bytes", "a whole number, 1024 to 67108864", "4194304", "the largest body that is taken"),
];

const STORE: &[Key] = &[
    default(
        "url",
        "\"sqlite:\" and an absolute path, or \"memory:\"",
        "\"sqlite:/var/lib/meshhook/meshhook.db\"",
        "an absolute path, not in the config root; \"memory:\" forgets",
    )
    .more("the gateway makes the folder, where it may, for its own user alone. `\"memory:\"` is for trying things: a \
           restart forgets what is owed to the room, and what was said already."),
    default(
        "retention",
        "a length of time from \"1h\" to \"400d\"",
        "\"3d\"",
        "how long a settled delivery can be looked up, and how old a body may be",
    )
    .more("where a scheme signs no time, the newest one in the body has to be younger than this; what is older is \
           *stale*. A captured request is good for nothing afterwards, and a duplicate before."),
];

const MATRIX: &[Key] = &[
    needed(
        "homeserver",
        "an https address, or http on loopback",
        "\"https://matrix.example.org\"",
        "the homeserver's address; http only on loopback",
    ),
    needed("room", ROOM, "\"!abcdef\"", "the room's id, not its alias")
        .more("an alias may come to mean another room. A client's room settings show the id; from room version 12 on it \
               has no `:server`. The bot has to be a member."),
    default(
        "mode",
        "\"bot\" or \"appservice\"",
        "\"bot\"",
        "an account with an access token; or \"appservice\", with [appservice]",
    ),
    needed("access_token_file", FILE, "\"matrix-token\"", "the file with the bot's access token")
        .more("only for `mode = \"bot\"`: an application service's token is in its registration."),
    absent("ca_file", FILE, "\"ca.pem\"", "believe this private authority alone, in place of the public ones")
        .more("certificates in PEM. The server's name has to fit all the same."),
    absent(
        "tls_fingerprints",
        "a list of one or two pins, \"cert-sha256:…\" or \"spki-sha256:…\"",
        "[\"spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"]",
        "pins; two while it is renewed",
    )
    .more("besides a good chain and name, the certificate or its public key has to be one of these; \
           docs/configuration.md has more, under *Which homeserver is believed*."),
    absent(
        "proxy",
        "an http address with a port",
        "\"http://proxy.example.org:3128\"",
        "it gets a CONNECT; the environment's proxies are never used",
    ),
    default(
        "encrypted_room",
        "\"hold\" or \"plain\"",
        "\"hold\"",
        "or \"plain\": written to, in clear text",
    )
    .more("what is held is not lost: once the setting is \"plain\", it is sent."),
];

const APPSERVICE: &[Key] = &[
    default("listen", SOCKET, "\"127.0.0.1:8789\"", "where the homeserver tells what happens")
        .more(
            "the registration's `url` has to lead there, from the homeserver's host. Its token comes in clear text: any \
             address but loopback's is warned about, and wants a TLS proxy or a tunnel before it.",
        ),
    needed(
        "registration_file",
        FILE,
        "\"registration.yaml\"",
        "the registration, which the homeserver has a copy of",
    )
    .more("`meshhook registration new` makes it. Both of its tokens are secrets: its mode is 0440 or stricter."),
    default("per_node_senders", FLAG, "true", "each listed machine is a user of its own; false: one for all"),
    default("max_ghosts", "a whole number, 1 to 10000", "200", "how many machines may be users")
        .more("homeservers keep a user for ever. For a machine beyond them the sender speaks, and names it."),
];

const MESSAGE: &[Key] = &[
    default("format", "\"html\" or \"plain\"", "\"html\"", "or \"plain\""),
    default(
        "timeline",
        "\"lines\", \"card\" or \"thread\"",
        "\"lines\"",
        "a message a state; \"card\" edits one a run, \"thread\" keeps a run together",
    ),
    default("notify_on", STATES, "[\"failed\"]", "queued, running, succeeded, failed").more(
        "messages of these states are `m.text`, all others `m.notice`, which notifies nobody. Nobody is ever \
               mentioned.",
    ),
    default(
        "quiet_outcomes",
        "a list of the providers' own words",
        "[\"cancelled\", \"skipped\"]",
        "they do not notify, and are no changes",
    ),
    key(
        "digest",
        "a table in one line",
        Standing::Inline(DIGEST),
        "what waited so long shares a message, up to so many lines",
    ),
    key("emoji", "a table in one line", Standing::Inline(EMOJIS), "what a message begins with"),
];

const DIGEST: &[Key] = &[
    default(
        "behind",
        "a length of time from \"1s\" to \"10m\"",
        "\"5s\"",
        "how long the oldest has to have waited",
    ),
    default("max_lines", "a whole number, 1 to 20", "20", "how many lines share a message at most"),
];

const EMOJIS: &[Key] = &[
    default("queued", EMOJI, "\"🕓\"", "before a build that waits"),
    default("running", EMOJI, "\"🔨\"", "before a build that runs"),
    default("succeeded", EMOJI, "\"✅\"", "before a build that succeeded"),
    default("failed", EMOJI, "\"❌\"", "before a build that failed"),
    default("warned", EMOJI, "\"⚠️\"", "before a build that succeeded with a word like UNSTABLE"),
];

const SOURCE: &[Key] = &[
    needed(
        "name",
        "1 to 32 of a-z, 0-9, \"-\" and \"_\"",
        "\"github\"",
        "the last part of the address that it posts to",
    ),
    needed("provider", "a CI system's name", "\"github\"", "see docs/providers")
        .more("`\"standard\"` is our own format, for a step of a build; `\"generic\"` any JSON, by a map of its fields."),
    key(
        "scheme",
        "a scheme's name",
        Standing::Depends("\"github\"", "the provider's own, where it has one"),
        "how it signs; needed where its page says so",
    )
    .more("a provider's page has those that its senders can use. `bearer`, `basic`, `gitlab-token`, `buildkite-token` and \
           `path-token` prove only that the sender has the token; all others prove the body."),
    needed(
        "secret_files",
        "a list of files' names, looked up beside gateway.toml",
        "[\"github-secret\"]",
        "two while the secret is changed",
    )
    .more("all in the list are good, so that a secret is changed without a gap: put the new one beside the old, \
           change it at the sender, take the old one out. Two sources never share one, nor does anything else: \
           who holds the one could speak for the other."),
    default(
        "allow_from",
        NETWORKS,
        "[]",
        "networks; needed where a scheme proves no body: bearer, basic, path-token, …",
    ),
    absent(
        "allow_any_address",
        FLAG,
        "true",
        "instead, for such a scheme: whoever has the token, from wherever",
    ),
    absent("node", "a machine's name", "\"mac-01\"", "its machine, where its bodies name none"),
    key(
        "units",
        "a list of run, job, stage, check, suite, status, deployment",
        Standing::Depends("[\"run\"]", "what the provider's page says"),
        "as its provider has it; run, job, stage, check, suite, status, deployment",
    )
    .more("what else is read but not said is answered *ignored*; a job still tells its run's machine."),
    key("only", "a table in one line", Standing::Inline(ONLY), "what of it is said"),
    absent("room", ROOM, "\"!ghijkl\"", "another room than [matrix] has"),
    key(
        "dedupe_scope",
        "as a source's name",
        Standing::Depends("\"github\"", "the source's name"),
        "the source's name; one name for two sources: a run they share is said once",
    ),
];

const ONLY: &[Key] = &[
    default("states", STATES, "[]", "said in these states only; empty: in all"),
    default("branches", GLOBS, "[]", "said of these branches only; empty: of all").more(
        "without `refs/heads/`. A fork's branch is `owner:branch`, and fits no pattern without a colon.",
    ),
    default("workflows", GLOBS, "[]", "said of these workflows only; empty: of all"),
    default("repos", GLOBS, "[]", "said of these repositories only; empty: of all")
        .more("needed for Travis CI, with the owner in full: it signs for all of its users with one key."),
    default("forks", "\"show\" or \"hide\"", "\"show\"", "or \"hide\": what comes from a fork is not said"),
    default("changes", FLAG, "false", "said only where it ends otherwise than the last time on its branch"),
];

const HMAC: &[Key] = &[
    needed("header", "a header's name", "\"X-Signature\"", "the header with the signature"),
    default("prefix", "a text", "\"\"", "what stands before the signature, like \"sha256=\""),
    default("encoding", "\"hex\" or \"base64\"", "\"hex\"", "or \"base64\""),
    default("hash", "\"sha256\" or \"sha512\"", "\"sha256\"", "or \"sha512\""),
    absent("timestamp_header", "a header's name", "\"X-Timestamp\"", "where the time is signed: <time><separator><body>")
        .more("a signed time may be five minutes off. Without one, map `finished_at` in `[source.fields]`: else a mark \
               of 400 days is all that stands against a captured request."),
    default("separator", "a text", "\".\"", "what stands between the time and the body"),
];

const FIELDS: &[Key] = &[
    needed("workflow", POINTER, "\"/plan/name\"", "what is built"),
    needed("state", POINTER, "\"/build/result\"", "a word for queued, running, succeeded or failed").more(
        "words that are none of our own format's are told in `[source.states]`; any other is answered 422.",
    ),
    needed("run_id", POINTER, "\"/build/number\"", "what keeps this run apart from every other"),
    absent("outcome", POINTER, "\"/build/outcome\"", "the sender's own word for the end"),
    absent("job", POINTER, "\"/job/name\"", "a part of the run"),
    absent("branch", POINTER, "[\"/branch/name\", \"/plan/branch\"]", "the first that finds something"),
    absent("commit", POINTER, "\"/revision\"", "its hash"),
    absent("run_url", POINTER, "\"/build/url\"", "where to look at it"),
    absent("mesh_node_id", POINTER, "\"/agent/name\"", "the machine"),
    absent(
        "attempt",
        POINTER,
        "\"/build/attempt\"",
        "which round under the same id; without it a run ends once",
    ),
    absent("repo", POINTER, "{ constant = \"acme/rocket\" }", "a text that is always the same"),
    absent("actor", POINTER, "\"/user\"", "who set it off"),
    absent("title", POINTER, "\"/message\"", "what it is about"),
    absent("started_at", POINTER, "\"/build/started\"", "RFC 3339, or seconds or milliseconds since 1970"),
    absent("finished_at", POINTER, "\"/build/finished\"", "the same"),
    absent("correlation_id", POINTER, "\"/id\"", "1 to 64 of A-Z, a-z, 0-9, \".\", \"_\", \"-\""),
];

const WORDS: &[Key] = &[key(
    "UNSTABLE",
    "queued, running, succeeded, failed, or ignored",
    Standing::Word("\"failed\""),
    "any word, in whatever case; \"ignored\" says nothing",
)
.more("it stands for any word of the sender's; one with blanks goes into double quotes.")];

const ROUTE: &[Key] = &[
    absent("source", "a source's name, or a list of them", "\"github\"", "of this source, or one of a list")
        .more("one condition is needed, and all that are there have to fit. docs/operating.md has more, under *Several rooms*."),
    absent("repo", GLOB, "\"acme/*\"", "of these repositories"),
    absent("workflow", GLOB, "[\"iOS*\", \"Release\"]", "of these workflows"),
    absent("branch", GLOB, "[\"main\", \"release/*\"]", "on these branches")
        .more("without `refs/heads/`. A fork's branch is `owner:branch`, and fits no pattern without a colon."),
    absent("state", "queued, running, succeeded, failed, or a list of them", "\"failed\"", "in these states"),
    absent("node", GLOB, "\"mac-0[1-4]\"", "on these machines, as the body or its source names them").more(
        "by the name that `[[node]]` gives a machine, not its runner's. The room is settled before anything is looked up: \
         of a run whose machine only its jobs tell, it fits the jobs and not the run.",
    ),
    needed("room", ROOM, "\"!mnopqr\"", "the room that it leads to").more(
        "for a bot, mind that its token can then write into each of its rooms. What is under way when a route is changed \
         stays where it is, and what was said is never said again in another room.",
    ),
];

const NODE: &[Key] = &[
    needed("name", "a machine's name", "\"mac-07\"", "as it is shown"),
    default("runners", GLOBS, "[]", "what its runners are called, besides that: [\"mac-07-runner-*\"]")
        .more("with at least one machine listed, other names are shown and are no machines of the pool."),
];

const LOG: &[Key] = &[
    default("format", "\"text\" or \"json\"", "\"text\"", "or \"json\""),
    default("level", "\"error\", \"warn\", \"info\" or \"debug\"", "\"info\"", "error, warn, info, debug"),
];
