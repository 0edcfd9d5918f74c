#!/bin/sh
# Upgrades a node by restart where there is no systemd: starts the supervisor, upgrades, and goes back.
#
#   supervise.sh start             starts the supervisor, and waits until its node serves
#   supervise.sh upgrade VERSION   replaces the node's program
#   supervise.sh rollback          goes back to the release before
#   supervise.sh status            tells how the node is doing
#   supervise.sh renew             starts the supervisor's own program file anew, after an upgrade of straddle
#   supervise.sh stop              stops the node, then the supervisor
set -eu

state=${SHOP_STATE:-/var/lib/shop}
program=${SHOP_PROGRAM:-"/srv/shop/releases/{version}/server"}
listen=${SHOP_LISTEN:-0.0.0.0:7000}
admin=${SHOP_ADMIN:-127.0.0.1:7001}
straddle=${STRADDLE:-straddle}
number=$state/supervisor.pid

# Whether the process that was written down is there, and a supervisor: its number may be another one's by now.
runs() {
    [ -e "$number" ] && tr '\0' ' ' 2>/dev/null <"/proc/$(cat "$number")/cmdline" | grep -q ' supervise '
}

case ${1-} in
start)
    mkdir -p "$state"
    if runs; then
        echo "a supervisor runs already, as process $(cat "$number"): $0 stop ends it" >&2
        exit 1
    fi
    nohup "$straddle" supervise --state "$state" --listen "$listen" --admin "$admin" --json -- "$program" \
        >"$state/supervisor.log" 2>&1 &
    echo $! >"$number"
    # The first line of its log that says "ready"; or its end.
    until grep -q '"event":"ready"\|"event":"adopted"' "$state/supervisor.log"; do
        kill -0 "$(cat "$number")" 2>/dev/null || { cat "$state/supervisor.log" >&2; exit 1; }
        sleep 1
    done
    "$straddle" node status "$admin"
    ;;
upgrade) "$straddle" node upgrade "$admin" "$2" ;;
rollback) "$straddle" node rollback "$admin" ;;
status) "$straddle" node status "$admin" ;;
renew) kill -USR2 "$(cat "$number")" ;;
stop)
    kill "$(cat "$number")"
    while kill -0 "$(cat "$number")" 2>/dev/null; do sleep 1; done
    rm "$number"
    ;;
*)
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
