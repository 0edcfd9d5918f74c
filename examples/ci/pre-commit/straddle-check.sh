#!/bin/sh
# Checks the protocol of each file that is named: the nearest folder above it that has a protocol.toml.
#
# As a plain git hook, without pre-commit, put this into .git/hooks/pre-commit:
#
#     git diff --cached --name-only --diff-filter=d -z | xargs -0 scripts/straddle-check.sh
set -eu

folders=''
for file in "$@"; do
    folder=$(dirname "$file")
    while [ "$folder" != . ] && [ "$folder" != / ] && [ ! -f "$folder/protocol.toml" ]; do
        folder=$(dirname "$folder")
    done
    [ -f "$folder/protocol.toml" ] || continue
    # One protocol a line, each once.
    printf '%s' "$folders" | grep -qxF "$folder" || folders="$folders$folder
"
done

code=0
while IFS= read -r folder; do
    [ -n "$folder" ] || continue
    # 1 is something open or changed after it was published, 2 something that cannot be read: neither is committed.
    straddle check "$folder" || code=1
done <<EOF
$folders
EOF
exit "$code"
