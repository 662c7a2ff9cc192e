#!/bin/sh
# setup.sh - builds the Collector into build/interop and installs what requirements.txt names for $PYTHON.
# The second time it does nothing, in about a second.
set -eu

cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
binary=$root/build/interop/otelcol
python=${PYTHON:-python3}

if [ ! -x "$binary" ] || [ -n "$(find collector -type f -newer "$binary")" ]; then
    command -v go >/dev/null || {
        echo "setup.sh: the OpenTelemetry Collector is built from source: install Go 1.26 or newer" >&2
        exit 1
    }
    mkdir -p "${binary%/*}"
    # A Go older than go.mod asks for fetches that one itself, where GOTOOLCHAIN lets it.
    (cd collector && GOFLAGS= GOWORK=off go build -buildvcs=false -p 2 -ldflags '-s -w' -o "$binary" .)
    touch "$binary"
fi
"$python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
