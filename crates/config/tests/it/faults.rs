//! What an operator is told, case by case.

use crate::place::{AS_TOKEN, GITHUB, HS_TOKEN, Place, REGISTRATION, SERVICE, SMALLEST, STANDARD};

/// A title, what to change in [`SMALLEST`], and what stands before and after it.
struct Case(&'static str, &'static [(&'static str, &'static str)], &'static str);

const FINGERPRINTS: &str = r#"tls_fingerprints = [
    "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55",
    "cert-sha256:DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09",
    "spki-sha256:nonsense",
    "spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
]
room ="#;

const OVER_HTTP: &str = r#"ca_file = "ca.pem"
tls_fingerprints = ["spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
proxy = "http://127.0.0.1:3128"
room ="#;

const CASES: &[Case] = &[
    Case("an empty table of everything", &[(SMALLEST, "[matrix]\n[[source]]\n")], ""),
    Case("nothing at all", &[(SMALLEST, "")], ""),
    Case(
        "not TOML, twice, and a wrong key before",
        &[("[matrix]", "[log]\nlvl = 1\n[matrix]"), ("room = ", "room "), ("name =", "name = =")],
        "",
    ),
    Case("slips in keys", &[("room", "rom"), ("provider", "providr")], "[serve]\n[log]\nfrmat = \"text\"\n"),
    Case("a key of nothing", &[], "[server]\nxyzzy_and_more = 1\n"),
    Case(
        "a table for another mode, and a digest that is none",
        &[],
        "[appservice]\nlisten = 1\nlister = 1\n[message]\ndigest = { behind = \"1h\", max_lines = 21, lines = 1 }\n",
    ),
    Case(
        "values that are nearly some",
        &[("room =", "mode = \"application\"\nroom ="), ("\"github\"\nsecret", "\"woodpecker\"\nsecret")],
        "units = [\"run\", \"stages\"]\nscheme = \"gitlab\"\n[message]\ntimeline = \"cards\"\n[store]\nurl = \"redis://:pw@h\"\n",
    ),
    Case(
        "values that are none",
        &[("\"github\"\nsecret", "\"gitub\"\nsecret")],
        "units = [\"runn\"]\n[message]\nformat = \"htlm\"\nnotify_on = [\"broken\"]\n[log]\nlevel = \"trace\"\n",
    ),
    Case(
        "values of a wrong type",
        &[("\"!abcdef\"", "7"), ("[\"github-secret\"]", "\"github-secret\"")],
        "units = 1\n[server]\nlisten = true\nmax_body_bytes = \"1\"\n[message]\nemoji = \"✅\"\n[store]\nretention = 72\n",
    ),
    Case("a section that is none", &[("[[source]]", "[source]")], ""),
    Case("numbers out of range", &[], "[server]\nmax_body_bytes = 67108865\n[store]\nretention = \"401d\"\n"),
    Case("a retention too short", &[], "[store]\nretention = \"59m\"\n"),
    Case(
        "a way to the homeserver that is none",
        &[(
            "room =",
            "ca_file = \"none.pem\"\nproxy = \"http://me:hunter2@proxy:3128\"\ntls_fingerprints = []\nroom =",
        )],
        "",
    ),
    Case(
        "a file without a certificate",
        &[("room =", "ca_file = \"github-secret\"\nproxy = \"socks5://proxy:1080\"\nroom =")],
        "",
    ),
    Case("fingerprints that are none, and too many", &[("room =", FINGERPRINTS)], ""),
    Case(
        "certificates without TLS",
        &[("https://matrix.example.org", "http://localhost"), ("room =", OVER_HTTP)],
        "",
    ),
    Case("an alias", &[("!abcdef", "#builds:example.org")], ""),
    Case("http to elsewhere", &[("https://", "http://")], ""),
    Case("a password in the homeserver's address", &[("https://", "https://bot:hunter2@")], ""),
    Case(
        "names that cannot stand in a path",
        &[("\"github\"\nprov", "\"Git Hub/\"\nprov")],
        "dedupe_scope = \"\"\n",
    ),
    Case("another provider's scheme", &[], "scheme = \"standard-webhooks\"\n"),
    Case("a provider that does not sign by itself", &[("\"github\"\nsecret", "\"gitlab\"\nsecret")], ""),
    Case(
        "another provider's scheme where one has to be named",
        &[("\"github\"\nsecret", "\"gitlab\"\nsecret")],
        "scheme = \"github\"\n",
    ),
    Case(
        "a token where nothing says from where it may come",
        &[("\"github\"\nsecret", "\"gitlab\"\nsecret")],
        "scheme = \"gitlab-token\"\n",
    ),
    Case(
        "a token that may come from anywhere",
        &[("\"github\"\nsecret", "\"gitlab\"\nsecret")],
        "scheme = \"gitlab-token\"\nallow_any_address = true\n",
    ),
    Case(
        "a token that may come from anywhere and from somewhere",
        &[("\"github\"\nsecret", "\"gitlab\"\nsecret")],
        "scheme = \"gitlab-token\"\nallow_any_address = true\nallow_from = [\"192.0.2.0/24\"]\n",
    ),
    Case("a signature that may come from anywhere anyway", &[], "allow_any_address = true\n"),
    Case(
        "a token in the path that is short",
        &[("\"github\"\nsecret", "\"xcode-cloud\"\nsecret"), ("github-secret", "public-not")],
        "scheme = \"path-token\"\nallow_from = [\"192.0.2.0/24\"]\n",
    ),
    Case("hmac without its form", &[("\"github\"\nsecret", "\"jenkins\"\nsecret")], "scheme = \"hmac\"\n"),
    Case("the form of an hmac for another scheme", &[], "[source.hmac]\nheader = \"X-Signature\"\n"),
    Case(
        "a form that is none",
        &[("\"github\"\nsecret", "\"jenkins\"\nsecret")],
        "scheme = \"hmac\"\n[source.hmac]\nheader = \"Content-Length\"\nencoding = \"base32\"\nseparator = \".\"\n",
    ),
    Case("no map of the fields", &[("\"github\"\nsecret", "\"generic\"\nsecret")], "scheme = \"github\"\n"),
    Case(
        "a map that is none",
        &[("\"github\"\nsecret", "\"generic\"\nsecret")],
        "scheme = \"github\"\n[source.fields]\nworkflow = \"plan\"\nstate = [\"/a\", 7]\nbrunch = \"/b\"\n\
         repo = { const = \"a\" }\n[source.states]\nOK = \"green\"\n",
    ),
    Case("a map for a provider that needs none", &[], "[source.fields]\nworkflow = \"/plan\"\n"),
    Case("everybody's builds", &[("\"github\"\nsecret", "\"travis\"\nsecret"), ("github-secret", "rsa")], ""),
    Case(
        "everybody's builds by a pattern",
        &[("\"github\"\nsecret", "\"travis\"\nsecret"), ("github-secret", "rsa")],
        "only = { repos = [\"*/rocket\", \"acme/*\", \"**\", \"rocket\"] }\n",
    ),
    Case(
        "everybody's builds by a choice",
        &[("\"github\"\nsecret", "\"travis\"\nsecret"), ("github-secret", "rsa")],
        "only = { repos = [\"{acme/rocket,*/*}\"] }\n",
    ),
    Case(
        "a key that is no public one",
        &[("\"github\"\nsecret", "\"travis\"\nsecret")],
        "only = { repos = [\"a/b\"] }\n",
    ),
    Case(
        "what is said",
        &[],
        "only = { states = [\"broken\"], branches = [\"\"], repos = [\"{a\"], forks = \"no\", changes = 1, branch = [] }\n",
    ),
    Case(
        "machines",
        &[],
        "[[node]]\nname = \" mac\"\n[[node]]\nname = \"mac-01\"\n[[node]]\nname = \"mac-01\"\nrunners = [\"!x\"]\n[[node]]\nrunner = []\n",
    ),
    Case(
        "a secret token where a signing token has to be",
        &[("\"github\"\nsecret", "\"gitlab\"\nsecret")],
        "scheme = \"standard-webhooks\"\n",
    ),
    Case(
        "one name twice, one secret twice",
        &[],
        "[[source]]\nname = \"github\"\nprovider = \"github\"\nsecret_files = [\"github-secret\"]\n",
    ),
    Case(
        "one provider twice",
        &[],
        "[[source]]\nname = \"second\"\nprovider = \"github\"\nsecret_files = [\"standard-secret\"]\n",
    ),
    Case(
        "one provider twice on purpose",
        &[],
        "[[source]]\nname = \"second\"\nprovider = \"github\"\nsecret_files = [\"standard-secret\"]\ndedupe_scope = \"github\"\n",
    ),
    Case(
        "one scope of which the one says changes alone",
        &[],
        "[[source]]\nname = \"second\"\nprovider = \"github\"\nsecret_files = [\"standard-secret\"]\ndedupe_scope = \"github\"\n\
         only = { changes = true }\n",
    ),
    Case(
        "one scope of which one says other changes",
        &[],
        "only = { changes = true }\n\
         [[source]]\nname = \"second\"\nprovider = \"github\"\nsecret_files = [\"standard-secret\"]\ndedupe_scope = \"github\"\n\
         only = { changes = true, states = [\"failed\"] }\n",
    ),
    Case("a branch by its reference", &[], "only = { branches = [\"refs/heads/main\"] }\n"),
    Case(
        "a branch of what does not tell whose it is",
        &[],
        "units = [\"run\", \"job\", \"check\"]\nonly = { branches = [\"main\"] }\n",
    ),
    Case(
        "the same secret in two files",
        &[],
        "[[source]]\nname = \"second\"\nprovider = \"standard\"\nsecret_files = [\"standard-secret\"]\n\
         [[source]]\nname = \"third\"\nprovider = \"standard\"\nsecret_files = [\"standard-copy\"]\n",
    ),
    Case(
        "the same key as text and in base64",
        &[("github-secret", "key-text")],
        "[[source]]\nname = \"second\"\nprovider = \"standard\"\nsecret_files = [\"key-base64\"]\n",
    ),
    Case("the access token as a secret", &[("github-secret", "matrix-token")], ""),
    Case(
        "tokens that no header can carry",
        &[("\"matrix-token\"", "\"umlaut\"")],
        "[server]\nadmin_token_file = \"control\"\n",
    ),
    Case("a secret that is none of its scheme", &[("provider = \"github\"", "provider = \"standard\"")], ""),
    Case(
        "files that do not do",
        &[(
            "[\"github-secret\"]",
            "[\"none\", \"empty\", \"folder\", \"blank\", \"bom\", \"long\", \"public\"]",
        )],
        "",
    ),
    Case("no files", &[("[\"github-secret\"]", "[]")], ""),
    Case(
        "networks",
        &[],
        "allow_from = [\"0.0.0.0/0\", \"10.0.0.7/8\", \"10.0.0.7\", \"office\"]\n[server]\ntrusted_proxies = [\"::/0\"]\n",
    ),
    Case(
        "addresses",
        &[],
        "[server]\nlisten = \"localhost:8787\"\nadmin_listen = \"8788\"\nadmin_hosts = [\"http://a\"]\npath = \"/ci/\"\n",
    ),
    Case("two listeners on one address", &[], "[server]\nlisten = \"127.0.0.1:8788\"\n"),
    Case("two listeners on one port, of any address", &[], "[server]\nlisten = \"0.0.0.0:8788\"\n"),
    Case(
        "two listeners on one port of two addresses",
        &[],
        "[server]\nlisten = \"10.0.0.7:8788\"\nadmin_listen = \"127.0.0.1:8788\"\n",
    ),
    Case(
        "an admin listener on any address",
        &[],
        "[server]\nlisten = \"[::1]:9000\"\nadmin_listen = \"[::]:9000\"\n",
    ),
    Case("an admin listener beyond loopback", &[], "[server]\nadmin_listen = \"10.0.0.7:8788\"\n"),
    Case("a store below the root", &[], "[store]\nurl = \"sqlite:ROOT/data/a.db\"\n"),
    Case("a store below the root by a link", &[], "[store]\nurl = \"sqlite:LINK/a.db\"\n"),
    Case("no store", &[], "[store]\nurl = \"postgres://u:hunter2@h/\"\n"),
    Case("memory without an admin token", &[], "[store]\nurl = \"memory:\"\n"),
    Case(
        "memory with an admin token",
        &[],
        "[store]\nurl = \"memory:\"\n[server]\nadmin_token_file = \"standard-secret\"\n",
    ),
    Case("emoji", &[], "[message]\nemoji = { failed = \"no\", runing = \"🔨\", queued = \"✅✅\" }\n"),
    Case("outcomes and a node", &[], "node = \" mac\"\n[message]\nquiet_outcomes = [\"\", \"ok\"]\n"),
    Case("an application service without a registration", &[(SMALLEST, SERVICE), (REGISTRATION_KEY, "")], ""),
    Case("an application service without its table", &[(SMALLEST, SERVICE), (APPSERVICE, "")], ""),
    Case(
        "an application service that has a bot's token too",
        &[(SMALLEST, SERVICE), ("[appservice]", "access_token_file = \"none\"\n[appservice]")],
        "",
    ),
    Case(
        "an application service of wrong values",
        &[
            (SMALLEST, SERVICE),
            (REGISTRATION_KEY, "registration_fle = 1\nlisten = 1\nper_node_senders = 1\nmax_ghosts = 0\n"),
        ],
        "",
    ),
    Case(
        "an application service at an address that is taken",
        &[
            (SMALLEST, SERVICE),
            ("[appservice]", "[appservice]\nlisten = \"127.0.0.1:8788\"\nmax_ghosts = 10001"),
        ],
        "",
    ),
    Case(
        "an application service beyond loopback",
        &[(SMALLEST, SERVICE), ("[appservice]", "[appservice]\nlisten = \"0.0.0.0:8789\"")],
        "",
    ),
    Case("a registration that is not there", &[(SMALLEST, SERVICE), ("registration.yaml", "none.yaml")], ""),
    Case("a registration for all to read", &[(SMALLEST, SERVICE), ("registration.yaml", "public.yaml")], ""),
    Case("a registration that is none", &[(SMALLEST, SERVICE), ("registration.yaml", "blank")], ""),
    Case(
        "a registration that lacks something",
        &[(SMALLEST, SERVICE), ("registration.yaml", "torn.yaml")],
        "",
    ),
    Case("a registration with one token", &[(SMALLEST, SERVICE), ("registration.yaml", "same.yaml")], ""),
    Case(
        "a registration with a source's secret",
        &[(SMALLEST, SERVICE), ("registration.yaml", "shared.yaml")],
        "",
    ),
    Case("a registration with short tokens", &[(SMALLEST, SERVICE), ("registration.yaml", "short.yaml")], ""),
    Case("a registration that is too long", &[(SMALLEST, SERVICE), ("registration.yaml", "long.yaml")], ""),
    Case(
        "routes",
        &[],
        "[[route]]\n[[route]]\nroom = \"!a\"\n[[route]]\nsource = [\"githb\", 1]\nrepo = []\nworkflow = \"{a\"\n\
         branch = \"refs/heads/main\"\nstate = \"broken\"\nnode = 7\nroom = \"#a:h\"\nrom = 1\n[[route]]\nsource = \"slack\"\n",
    ),
    Case("a route that is none", &[], "[route]\nbranch = \"main\"\nroom = \"!a\"\n"),
    Case(
        "a route to which nothing comes",
        &[],
        "[[route]]\nbranch = [\"main\", \"release/*\"]\nroom = \"!a\"\n\
         [[route]]\nbranch = \"release/*\"\nnode = \"mac-07\"\nroom = \"!b\"\n",
    ),
    Case("a node of nothing visible", &[], "node = \"\\u200b\"\n"),
];

const REGISTRATION_KEY: &str = "registration_file = \"registration.yaml\"\n";
const APPSERVICE: &str = "[appservice]\nregistration_file = \"registration.yaml\"\n";

fn registrations(place: &Place) {
    let of = |name: &str, from: &str, to: &str| place.write(name, REGISTRATION.replacen(from, to, 1), 0o440);
    of("torn.yaml", "\"id\"", "\"other\"");
    of("same.yaml", AS_TOKEN, HS_TOKEN);
    of("shared.yaml", HS_TOKEN, GITHUB);
    of("short.yaml", HS_TOKEN, "short");
    of("long.yaml", "{", &format!("{{{}", " ".repeat(16 * 1024)));
    place.write("public.yaml", REGISTRATION, 0o444);
}

fn place() -> Place {
    let place = Place::new();
    place.write("standard-copy", &STANDARD[6..], 0o400);
    place.write("key-text", "0123456789abcdef0123456789abcdef", 0o400);
    place.write("key-base64", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", 0o400);
    registrations(&place);
    place.write("empty", "\n", 0o400);
    place.write("blank", "two words", 0o400);
    place.write("umlaut", "0123456789abcdefü", 0o400);
    place.write("control", "0123456789abcdef\u{1}", 0o400);
    place.write("bom", "\u{FEFF}0123456789abcdef", 0o400);
    place.write("long", "x".repeat(4097), 0o400);
    place.write("public", "0123456789abcdef", 0o444);
    place.write("public-not", "0123456789abcdef", 0o400);
    place.write("rsa", include_str!("public-key.pem"), 0o444);
    std::fs::create_dir(place.at("folder")).unwrap();
    place
}

#[test]
fn every_fault_is_told_with_its_line_and_a_hint() {
    let place = place();
    let outside = tempfile::tempdir().unwrap();
    let link = outside.path().join("link");
    std::os::unix::fs::symlink(place.path(), &link).unwrap();
    let mut told = String::new();
    for Case(title, changes, after) in CASES {
        let toml = changes.iter().fold(SMALLEST.to_owned(), |toml, (from, to)| {
            assert!(toml.contains(from), "{title}: {from}");
            toml.replacen(from, to, 1)
        });
        let toml = (toml + after)
            .replace("ROOT", &place.path().display().to_string())
            .replace("LINK", &link.display().to_string());
        let printed = place.printed(&toml);
        assert!(!printed.contains("hunter2"), "{printed}");
        told += &format!("== {title}\n{printed}\n");
    }
    insta::assert_snapshot!(told);
}
