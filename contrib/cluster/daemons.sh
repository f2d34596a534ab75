# shellcheck shell=bash disable=SC2034,SC2154 # the variables are shared between the parts
# Starts the daemons, each when what it needs is there, and says what failed.

# started DAEMON SECONDS LOG COMMAND…: waits until the command succeeds.
started() {
    local daemon=$1 seconds=$2 log=$3
    shift 3
    wait_for "$seconds" "$@" >/dev/null 2>&1 && return 0
    fail "$daemon did not come up in $seconds s; the end of $log:" \
        "$(tail -n 8 "$log" 2>/dev/null || echo '(no log)')" \
        "look further with: cluster logs; take the rest down with: cluster down"
}

# launch NAME LOG COMMAND…: a daemon that stays in the foreground, left behind.
launch() {
    local name=$1 log=$2
    shift 2
    (
        exec 9>&-
        enter "$name" setsid "$@"
    ) </dev/null >>"$log" 2>&1 &
}

# Each host has its own, as real ones do: a credential that reaches several nodes
# is a replay to a munged that they share. It returns when its socket is there.
start_munged() {
    local name=$1 log=$state/log/$1.munged.log
    : >>"$log"
    # --force: the log is in a directory that Slurm's user may write.
    inside "$name" munged --force --num-threads=2 --key-file="$state/private/munge.key" \
        --socket=/run/munge/munge.socket.2 --pid-file=/run/munge/munged.pid \
        --seed-file=/run/munge/munged.seed --log-file="$log" </dev/null 2>>"$log" ||
        fail "munged on $name did not start; the end of $log:" "$(tail -n 3 "$log")"
}

munge_answers() { inside login munge -n >/dev/null 2>&1; }

start_mariadb() {
    local log=$state/log/mariadb.log
    if [[ ! -d $state/db/mysql ]]; then
        rm -rf "$state/db.new"
        mkdir -m 700 "$state/db.new"
        chown slurm: "$state/db.new"
        inside head mariadb-install-db --no-defaults --user=slurm --datadir="$state/db.new" \
            --auth-root-authentication-method=socket --skip-test-db --skip-name-resolve \
            >"$state/log/mariadb-install.log" 2>&1 ||
            fail "the database could not be made" "see $state/log/mariadb-install.log"
        mv "$state/db.new" "$state/db"
    fi
    launch head "$log" mariadbd --defaults-file="$state/etc/mariadb.cnf"
}

mariadb_answers() { [[ -S $state/run/mysqld/mysqld.sock ]]; }

# slurm_daemon NAME DAEMON…: Slurm's daemons read their configuration, say what
# is wrong with it, and go to the background.
slurm_daemon() {
    local name=$1 log=$state/log/$1.start.log
    shift
    inside "$name" "$@" </dev/null >>"$log" 2>&1 ||
        fail "$1 on $name refused to start:" "$(tail -n 5 "$log")" "see also: cluster logs $name"
}

accounting() { inside login sacctmgr -Qi "$@"; }

# Before it listens sacctmgr would wait on its own, for longer.
slurmdbd_listens() { [[ -n $(inside head ss -Hltn 'sport = :6819') ]]; }

slurmd_listens() { [[ -n $(inside "$1" ss -Hltn 'sport = :6818') ]]; }

accounting_answers() { accounting -n show cluster; }

add_accounts() {
    local log=$state/log/sacctmgr.log
    # What an earlier `up` has added is not an error.
    {
        accounting add account science Description=science Organization=lading
        accounting add user alice,bob Account=science
    } >>"$log" 2>&1 || grep -qi 'already' "$log" || fail "accounts could not be added:" "$(tail -n 3 "$log")"
}

controller_answers() { inside login scontrol ping | grep -q 'is UP'; }

# Nodes that are ready for jobs, busy ones too.
ready_nodes() {
    inside login sinfo -h -N -o '%N %T' 2>/dev/null |
        awk '$2 ~ /^(idle|mixed|allocated|completing)$/ { print $1 }' | sort -u
}

all_nodes_ready() { [[ $(ready_nodes | wc -l) -eq $nodes ]]; }

node_is_idle() { [[ $(inside login sinfo -h -N -n "$1" -o %T) == idle ]]; }

start_slurmd() {
    inside "$1" munge -n >/dev/null 2>&1 || start_munged "$1"
    slurm_daemon "$1" slurmd -N "$1"
}

start_database() {
    start_mariadb
    started mariadbd 20 "$state/log/mariadb.log" mariadb_answers
    slurm_daemon head slurmdbd
}

start_node() {
    mkdir -p "$state/spool/$1"
    make_cgroups "$1"
    hold "$1"
}

slurmd_settled() { slurmd_listens n1 || ! inside n1 pgrep -x slurmd >/dev/null; }

# What Slurm's plugin makes of a machine's cgroups shows only when a slurmd starts: if
# one does not, the cluster goes without.
settle_cgroups() {
    local log=$state/log/n1.start.log
    [[ $cgroup_wanted == auto && $cgroup_mode != none ]] || return 0
    start_munged n1
    if inside n1 slurmd -N n1 </dev/null >>"$log" 2>&1; then
        wait_for 10 slurmd_settled || true
    fi
    if slurmd_listens n1; then
        inside n1 pkill -KILL -x slurmd
        wait_for 5 slurmd_gone || fail "slurmd on n1 would not die"
    else
        cgroup_reason="Slurm $version does not start with cgroup/$cgroup_mode here: $(grep -hm1 -oE '(fatal|error): [^.]*' "$state/log/n1.log" "$log" || echo 'see cluster logs n1')"
        cgroup_mode=none
        say "cgroups none, proctrack/linuxproc: $cgroup_reason"
        write_settings
        write_slurm_conf
        write_cgroup_conf
    fi
}

slurmd_gone() { ! inside n1 pgrep -x slurmd >/dev/null; }

# The slow part is the database's first start: everything else is made meanwhile.
start_all() {
    local name database
    hold head
    await_held head
    start_database 9>&- &
    database=$!
    connect_login
    hold login
    for name in $(node_names); do start_node "$name"; done
    start_munged head
    await_held login
    start_munged login
    for name in $(node_names); do
        await_held "$name"
        connect_node "$name"
    done
    settle_cgroups
    wait "$database" || exit 1
    started slurmdbd 30 "$state/log/slurmdbd.log" slurmdbd_listens
    started slurmdbd 10 "$state/log/slurmdbd.log" accounting_answers
    accounting add cluster lading >>"$state/log/sacctmgr.log" 2>&1 || true
    slurm_daemon head slurmctld
    started slurmctld 20 "$state/log/slurmctld.log" controller_answers
    for name in $(node_names); do start_slurmd "$name"; done
    add_accounts
    started "$nodes nodes" 30 "$state/log/n1.log" all_nodes_ready
}
