#!/bin/sh
# Starts the gateway after what a test wants done first: the words lie beside its configuration's folder, "$2".
. "$2/../first.sh"
exec "$GATEWAY" "$@"
