# shellcheck shell=bash disable=SC2034,SC2154 # the variables are shared between the parts
# The commands, as the user gives them.

usage_up() {
    cat <<'END'
Usage: cluster up [--nodes N] [--suite SUITE] [--install PREFIX] [--source DIR] [--cgroup MODE]

Brings the cluster up and waits until its nodes are idle. What an earlier run
left half-way is cleared first; a cluster that is up already is left as it is.

  --nodes N         compute nodes, n1 to nN (4)
  --suite SUITE     the Debian release whose Slurm runs: bookworm (22.05), trixie
                    (24.11), sid (26.05). Another than the machine's own runs from
                    a root, see `cluster root` (default: the machine's own)
  --install PREFIX  where lading is installed: writes plugstack.conf for it. With
                    a suite from a root, a path inside that root, see `cluster build`
  --source DIR      also shown to every host, at its path (the repository)
  --cgroup MODE     v1, v2, none, or auto: the best that works here (auto)

lading's configuration is etc/lading.json in the state directory; a minimal one is
written if it is not there.
END
}

usage_down() {
    cat <<'END'
Usage: cluster down

Kills the cluster's processes, and removes its interface, cgroups, loop devices
and state directory. Does nothing if there is none; also clears what a killed
`cluster up` left.
END
}

usage_status() {
    cat <<'END'
Usage: cluster status

Says which daemons and nodes are up. Exits 0 only when all are.
END
}

usage_exec() {
    cat <<'END'
Usage: cluster exec [--as USER] [--node NAME] [--chdir DIR] [--] COMMAND…

Runs a command on the login node, or on a compute node. Standard input, output,
terminal, environment and exit status pass through. Without --chdir it starts in
the working directory, if that is one which every host shows and the user may
write to; else in the user's home.

  --as USER    root, alice or bob (root)
  --node NAME  in the namespaces of n1, n2, …, or head
END
}

usage_restart_node() {
    cat <<'END'
Usage: cluster restart-node NAME

Kills the node and all its processes as a power cut would, starts it afresh with
an empty /tmp, and waits until it is idle. A drain is lifted, and said.
END
}

usage_logs() {
    cat <<'END'
Usage: cluster logs [--follow] [DAEMON]

Prints a log (slurmctld, slurmdbd, mariadb, munged, n1, …), or lists them all.
END
}

wants_help() {
    local argument
    for argument in "$@"; do
        [[ $argument != -- ]] || return 1
        [[ $argument != --help && $argument != -h ]] || return 0
    done
    return 1
}

parse_up() {
    nodes=4 suite=$(machine_suite) cgroup_wanted=auto install='' source_tree=$(readlink -f "$here/../..")
    while [[ $# -gt 0 ]]; do
        case $1 in
        --nodes | --suite | --install | --source | --cgroup) need_value "$1" $# ;;&
        --nodes) nodes=$2 ;;
        --suite) suite=$2 ;;
        --install) install=$2 ;;
        --source) source_tree=$2 ;;
        --cgroup) cgroup_wanted=$2 ;;
        *) misused "up does not know '$1'" "see: cluster up --help" ;;
        esac
        shift 2
    done
    [[ $nodes =~ ^[1-9][0-9]?$ && $nodes -le 64 ]] || misused "--nodes takes a number from 1 to 64, not '$nodes'"
    [[ $cgroup_wanted =~ ^(auto|v1|v2|none)$ ]] || misused "--cgroup takes auto, v1, v2 or none, not '$cgroup_wanted'"
    need_suite
    [[ -d $source_tree ]] || misused "--source: there is no directory $source_tree"
    source_tree=$(readlink -f "$source_tree")
}

locate_slurm() {
    if [[ $suite == "$(machine_suite)" ]]; then
        root=''
        "$here/../packages-install" cluster
        [[ -z $install ]] || install=$(readlink -m "$install")
    else
        make_root
        root=$(root_of "$suite")
    fi
    version=$(chroot "${root:-/}" slurmctld -V | awk '{ print $2 }')
    choose_cgroups "$cgroup_wanted"
    [[ -z $install ]] || find_plugin >/dev/null
}

command_up() {
    if wants_help "$@"; then usage_up && return; fi
    local began=${EPOCHREALTIME/[.,]/} wanted
    parse_up "$@"
    need_root
    refuse_from_within
    locate_slurm
    claim_state
    exec 9<"$state"
    flock --nonblock 9 || fail "another 'cluster up' is at work on $state" "wait for it, or end it with: cluster down"
    wanted="$suite $nodes $root $install"
    if (read_settings && [[ "$suite $nodes $root $install" == "$wanted" ]] && all_up >/dev/null); then
        say "is up already: see cluster status"
        return
    fi
    stop_everything
    # What a user put there stays; Slurm's and the database's memory of an earlier run
    # would only disagree with each other.
    rm -rf --one-file-system "$state"/{run,log,hosts,identity,private,spool,db,db.new}
    write_settings
    # From here on everything that is started carries the mark, this shell too.
    exec env "$mark" LADING_CLUSTER_BEGAN="$began" "$BASH" "$here/cluster" _bring-up
}

# The second half of `up`.
command_bring_up() {
    local began=$LADING_CLUSTER_BEGAN
    unset LADING_CLUSTER_BEGAN
    read_settings
    reserve_network
    write_settings
    write_configuration
    start_all
    say "up in $(elapsed_since "$began") s: Slurm $version ($suite), $nodes nodes, cgroups $cgroup_mode ($cgroup_reason)"
}

elapsed_since() {
    local tenths=$(((${EPOCHREALTIME/[.,]/} - $1) / 100000))
    printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

command_down() {
    if wants_help "$@"; then usage_down && return; fi
    [[ $# -eq 0 ]] || misused "down takes no arguments" "see: cluster down --help"
    need_root
    refuse_from_within
    stop_everything
    remove_state
}

# The state of each part, one a line: `name state`.
report() {
    local name ready
    printf 'munged %s\n' "$(up_if munge_answers)"
    printf 'slurmdbd %s\n' "$(up_if accounting_answers)"
    printf 'slurmctld %s\n' "$(up_if controller_answers)"
    ready=" $(ready_nodes | tr '\n' ' ')"
    for name in $(node_names); do
        # slurmctld takes its time to notice that a node is gone.
        if ! holder_of "$name" >/dev/null; then
            printf '%s down\n' "$name"
        elif ! slurmd_listens "$name"; then
            printf '%s slurmd is not running\n' "$name"
        elif [[ $ready == *" $name "* ]]; then
            printf '%s up\n' "$name"
        else
            printf '%s %s\n' "$name" "$(inside login sinfo -h -N -n "$name" -o '%T %E' 2>/dev/null || echo unknown)"
        fi
    done
}

up_if() { if "$@" >/dev/null 2>&1; then echo up; else echo down; fi; }

all_up() { [[ -z $(report | awk '$2 != "up"') ]]; }

command_status() {
    if wants_help "$@"; then usage_status && return; fi
    local result
    need_root
    need_cluster
    printf 'state     %s\n' "$state"
    printf 'slurm     %s (%s%s)\n' "$version" "$suite" "${root:+, root $root}"
    printf 'lading    %s\n' "${install:-not installed here}"
    printf 'cgroups   %s: %s\n' "$cgroup_mode" "$cgroup_reason"
    printf 'network   %s.0/24 on %s\n' "$subnet" "$interface"
    result=$(report)
    awk '{ name = $1; $1 = ""; printf "%-9s%s\n", name, $0 }' <<<"$result"
    ! awk '$2 != "up"' <<<"$result" | grep -q .
}

# Runs in the host's namespaces: becomes the user, in the right place.
# shellcheck disable=SC2016
readonly become='
    user=$1 directory=$2 asked=$3 PATH=$4
    shift 4
    entry=$(getent passwd "$user") || { echo "cluster: there is no user $user here" >&2; exit 1; }
    IFS=: read -r _ _ uid gid _ HOME SHELL <<<"$entry"
    export USER=$user LOGNAME=$user HOME SHELL PATH
    unset MAIL XDG_RUNTIME_DIR SUDO_USER SUDO_UID SUDO_GID SUDO_COMMAND
    as=()
    [[ $user == root ]] || as=(setpriv --reuid="$uid" --regid="$gid" --init-groups --)
    exec "${as[@]}" /bin/bash -c '\''
        { [[ -n $0 ]] && cd "$0" && { [[ -n $1 || -w . ]]; }; } 2>/dev/null || cd 2>/dev/null || cd /
        shift
        exec "$@"
    '\'' "$directory" "$asked" "$@"'

command_exec() {
    if wants_help "$@"; then usage_exec && return; fi
    local user=root name=login directory='' asked path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    while [[ ${1:-} == -* ]]; do
        case $1 in
        --as | --node | --chdir) need_value "$1" $# ;;&
        --as) user=$2 ;;
        --node) name=$2 ;;
        --chdir) directory=$2 ;;
        --) shift && break ;;
        *) misused "exec does not know '$1'" "see: cluster exec --help" ;;
        esac
        shift 2
    done
    [[ $# -gt 0 ]] || misused "exec needs a command" "see: cluster exec --help"
    need_root
    need_cluster
    [[ $name == login || $name == head ]] || need_node "$name"
    [[ -z $install ]] || path=$install/bin:$path
    asked=$directory
    if [[ -z $directory ]] && is_shown_everywhere "$PWD"; then directory=$PWD; fi
    if is_node "$name"; then join_cgroups "$name" "${leaf[$cgroup_mode]:-}"; fi
    enter "$name" /bin/bash -c "$become" bash "$user" "$directory" "$asked" "$path" "$@"
}

# A directory that is the same on the login node and on the compute nodes.
is_shown_everywhere() {
    local shown
    while read -r shown; do
        [[ $1/ != "$shown/"* ]] || return 0
    done < <(directories_to_show)
    return 1
}

command_restart_node() {
    if wants_help "$@"; then usage_restart_node && return; fi
    [[ $# -eq 1 ]] || misused "restart-node takes the name of one node" "see: cluster restart-node --help"
    need_root
    need_cluster
    need_node "$1"
    # The new holder carries the mark, as the first one did.
    exec env "$mark" "$BASH" "$here/cluster" _restart-node "$1"
}

command_restart_marked() {
    local name=$1 drained
    read_settings
    drained=$(inside login sinfo -h -N -n "$name" -o '%T %E' | awk '/^drain/ { $1 = ""; print }')
    kill_node "$name"
    rm -rf --one-file-system "$state/hosts/$name"
    start_node "$name"
    await_held "$name"
    connect_node "$name"
    start_slurmd "$name"
    # Slurm's view of a power cut: the node's jobs end now. Said only when a slurmd is
    # there again, since slurmctld would wait for the dead one's answer.
    inside login scontrol update NodeName="$name" State=DOWN Reason='cluster restart-node'
    # Refused where the new slurmd's registration has brought the node back already.
    inside login scontrol update NodeName="$name" State=RESUME 2>/dev/null || true
    [[ -z $drained ]] || say "$name was drained (${drained# }); it is back in service"
    started "$name" 30 "$state/log/$name.log" node_is_idle "$name"
}

# Process 1 of a PID namespace takes all the others with it: when it is gone, they are.
kill_node() {
    local pid
    if pid=$(holder_of "$1"); then
        kill -KILL "$pid"
        wait_for 15 is_gone "$pid" || fail "process $pid of $1 would not die" "see: cat /proc/$pid/stack"
    fi
    rm -f "$state/run/$1.pid"
    wait_for 5 no_node_cgroup_left "$1" || fail "the cgroups of $1 could not be removed" "see: cluster down"
}

is_gone() { [[ ! -d /proc/$1 ]]; }

no_node_cgroup_left() {
    remove_cgroups "$1"
    ! compgen -G "/sys/fs/cgroup/*/$cgroup_name/$1" >/dev/null
}

command_logs() {
    if wants_help "$@"; then usage_logs && return; fi
    local follow=() log
    if [[ ${1:-} == --follow ]]; then follow=(-F) && shift; fi
    need_cluster
    if [[ $# -eq 0 ]]; then
        ls -l "$state/log"
        return
    fi
    log=$state/log/$1.log
    [[ -r $log ]] || fail "there is no log of '$1' in $state/log" "see: cluster logs"
    exec tail -n +1 "${follow[@]}" "$log"
}

command_root() {
    if wants_help "$@"; then usage_root && return; fi
    parse_suite root "$@"
    need_root
    refresh_root
    say "root of $suite: $(root_of "$suite")"
}

command_build() {
    if wants_help "$@"; then usage_build && return; fi
    parse_suite build "$@"
    need_root
    make_root
    build_inside
}
