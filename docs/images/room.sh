#!/usr/bin/env bash
# Takes docs/images/room.png: the demo's room in Nheko, a real client, under a virtual X server.
#
# On Debian: apt-get install nheko xvfb xdotool imagemagick dbus-x11 fonts-noto-color-emoji fonts-dejavu-core
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

picture=docs/images/room.png
width=900 height=1240

for program in nheko Xvfb xdotool import dbus-run-session python3; do
    command -v "$program" >/dev/null || { echo "$program is missing; see the head of $0" >&2; exit 1; }
done

scratch=$(mktemp -d)
demo='' screen='' client=''
clean_up() {
    [ -z "$client" ] || kill -- "-$client" || true # with the bus that it has started
    [ -z "$screen" ] || kill "$screen" || true
    [ -z "$demo" ] || echo >&3 || true
    wait
    rm -rf "$scratch"
}
trap clean_up EXIT

# wait_for SECONDS COMMAND…, as long as the demo runs
wait_for() {
    for _ in $(seq $(($1 * 5))); do
        if "${@:2}" >/dev/null 2>&1; then return 0; fi
        kill -0 "$demo" || return 1
        sleep 0.2
    done
    echo "waited $1 s for: ${*:2}" >&2
    return 1
}

# said NAME: what the demo says of it, in a line `  NAME  VALUE`.
said() { sed -n "s/^  $1  *//p" "$scratch/demo"; }

# The demo ends when it reads a line.
mkfifo "$scratch/end"
cargo xtask demo --keep <"$scratch/end" >"$scratch/demo" & demo=$!
exec 3>"$scratch/end"
wait_for 900 grep -q '^  room  ' "$scratch/demo"

Xvfb -displayfd 4 -screen 0 "${width}x${height}x24" -nolisten tcp 4>"$scratch/display" 2>/dev/null & screen=$!
wait_for 10 test -s "$scratch/display"

export HOME=$scratch XDG_RUNTIME_DIR=$scratch DISPLAY
DISPLAY=:$(cat "$scratch/display")
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME/.config/nheko"
# A new device each time: Nheko's keys of an earlier one are gone. With a smaller font it draws the underline of a
# link through its text.
python3 - "$(said homeserver)" "$(said user)" "$(said password)" >"$HOME/.config/nheko/nheko.conf" <<'PYTHON'
import json, sys, urllib.request

homeserver, user, password = sys.argv[1:]
login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": password}
request = urllib.request.Request(homeserver + "/_matrix/client/v3/login", json.dumps(login).encode(), method="POST")
with urllib.request.urlopen(request) as answer:
    session = json.load(answer)
print(f"""[General]
run_without_secure_secrets_service=true
[auth]
access_token={session["access_token"]}
device_id={session["device_id"]}
home_server={homeserver}
user_id={session["user_id"]}
[user]
theme=light
font_size=11
""")
PYTHON

export QT_QPA_PLATFORM=xcb QT_QUICK_BACKEND=software LIBGL_ALWAYS_SOFTWARE=1
setsid dbus-run-session -- nheko >"$scratch/nheko" 2>&1 & client=$!
wait_for 30 grep -q 'initial sync completed' "$scratch/nheko"
sleep 4
window=$(xdotool search --onlyvisible --name nheko | tail -n 1)
xdotool windowfocus "$window" windowmove "$window" 0 0 windowsize "$window" "$width" "$height"
sleep 2
# Cancel, in the corner of the dialogue that sets up encryption; no key closes it.
xdotool mousemove $((width - 67)) $((height - 39)) sleep 0.5 mousedown 1 sleep 0.1 mouseup 1 sleep 2
# The room, by the quick switcher.
xdotool key ctrl+k sleep 2 type --delay 50 "$(said room)"
xdotool sleep 1 key Return sleep 3
import -window root "$picture"
echo "$picture"
