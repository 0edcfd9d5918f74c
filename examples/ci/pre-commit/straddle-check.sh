#!/bin/sh
# Checks the protocols that a commit touches, as they are staged: not as they lie in the work tree.
#
# A protocol is touched when a file below the folder of its protocol.toml is added, changed or deleted. Where nothing is
# staged at all (`pre-commit run --all-files`), all protocols are checked. Protos that lie in no protocol are warned of:
# nobody has checked them.
#
# As a plain git hook, without pre-commit: copy this to .git/hooks/pre-commit, executable.
set -eu

command -v straddle > /dev/null || {
    echo 'straddle-check: there is no straddle on the path, so nothing can be checked' >&2
    exit 1
}
cd "$(git rev-parse --show-toplevel)"
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
trap 'exit 1' HUP INT TERM

# All that matters to a protocol, wherever it lies: a protocol.toml may name protos in other folders.
set -- '*.proto' '*.binpb' protocol.toml '*/protocol.toml' '*/step.toml' '*/straddle.lock'
git ls-files -z -- "$@" | git checkout-index -z --stdin --prefix="$staged/"

# The files that differ from the last commit, one a line, the deleted ones too.
differing() {
    git diff --cached --name-only --no-ext-diff -z "$@" | tr '\0' '\n'
}

folders=$(git ls-files -z -- protocol.toml '*/protocol.toml' | tr '\0' '\n' | sed 's|^protocol\.toml$|./&|; s|/protocol\.toml$||')
touched=''
outside=''
add() {
    # Each protocol once.
    printf '%s' "$touched" | grep -qxF -e "$1" || touched="$touched$1
"
}
if git diff --cached --quiet --no-ext-diff; then
    touched="$folders
"
else
    changed=$(differing --no-renames -- "$@")
    while IFS= read -r file; do
        [ -n "$file" ] || continue
        folder=$(dirname -- "$file")
        while [ "$folder" != . ] && [ ! -f "$staged/$folder/protocol.toml" ]; do
            folder=$(dirname -- "$folder")
        done
        if [ -f "$staged/$folder/protocol.toml" ]; then
            add "$folder"
        else
            outside="$outside  $file
"
        fi
    done <<LIST
$changed
LIST
fi

code=0
# A protocol whose manifest is deleted is checked by nobody from then on. One that moved is found where it is now.
gone=$(differing --find-renames --diff-filter=D -- protocol.toml '*/protocol.toml')
if [ -n "$gone" ]; then
    printf 'error: this commit takes protocols away, and callers and stored data of their versions may be around:\n%s\n' "$gone" >&2
    echo '  help: keep the folder, or commit with --no-verify if nobody has any of its versions' >&2
    code=1
fi
if [ -n "$outside" ]; then
    printf 'warning: these files lie in no protocol, so nothing was checked of them:\n%s' "$outside" >&2
    echo '  help: straddle check FOLDER --against git:TAG:FOLDER compares them with a release; straddle add takes them into a protocol' >&2
    # They may be those that a protocol.toml names.
    while IFS= read -r folder; do
        if [ -n "$folder" ] && grep -qE '^[[:space:]]*(\[[[:space:]]*)?protos' "$staged/$folder/protocol.toml"; then
            add "$folder"
        fi
    done <<LIST
$folders
LIST
fi

# Faults name files as they are called in the repository.
cd "$staged"
while IFS= read -r folder; do
    [ -n "$folder" ] || continue
    # 1 is something open or changed after it was published, 2 something that cannot be read: neither is committed.
    straddle check "$folder" || code=1
done <<LIST
$touched
LIST
exit "$code"
