# shellcheck shell=bash disable=SC2034,SC2154 # the variables are shared between the parts
# The hosts of the cluster: how their namespaces are made, joined by a network,
# and entered.
#
#   head    the cluster's switch (a bridge) and all of Slurm's central daemons
#   n1 n2…  a compute node each
#   login   where users' commands run: the machine's own network and processes,
#           with the cluster's /etc/hosts, /etc/passwd, /etc/slurm and /home
#
# The bridge and the daemons' ports are inside head's network namespace. All that
# the machine sees is one interface, which goes when that namespace goes.

# directories_to_show: what every host sees at the same absolute path.
directories_to_show() {
    printf '%s\n' "$state" "$source_tree"
    if [[ -z $root && -n $install ]]; then
        printf '%s\n' "$install"
    fi
}

# hold NAME: starts the host's first process, in new namespaces.
hold() {
    local name=$1
    local -a spaces=(--mount --uts) show
    [[ $name == login ]] || spaces+=(--ipc --net --pid --fork)
    mapfile -t show < <(directories_to_show)
    rm -f "$state/run/$name.pid"
    (
        if is_node "$name"; then
            # The cgroup namespace's root is where the process is when it is made.
            join_cgroups "$name"
            [[ $cgroup_mode == none ]] || spaces+=(--cgroup)
        fi
        exec setsid unshare "${spaces[@]}" -- "$here/holder" "$name" "$root" "$state" "$identity" "$cgroup_mode" "${show[@]}"
    ) </dev/null >"$state/log/$name.namespaces.log" 2>&1 9>&- &
}

holder_of() {
    local pid
    read -r pid 2>/dev/null <"$state/run/$1.pid" && [[ -d /proc/$pid ]] && printf '%s' "$pid"
}

is_held() { [[ -s $state/run/$1.pid ]]; }

await_held() {
    wait_for 10 is_held "$1" || fail "the namespaces of $1 were not ready in 10 s" \
        "$(tail -n 3 "$state/log/$1.namespaces.log")"
}

# enter NAME COMMAND…: replaces this process by the command in the host's namespaces.
enter() {
    local name=$1 pid
    local -a spaces=(--mount --uts)
    shift
    pid=$(holder_of "$name") || fail "$name is not running" "see: cluster status"
    [[ $name == login ]] || spaces+=(--ipc --net --pid)
    if is_node "$name" && [[ $cgroup_mode != none ]]; then spaces+=(--cgroup); fi
    exec nsenter --target "$pid" "${spaces[@]}" -- "$@"
}

declare -rA leaf=([v2]=init)

# inside NAME COMMAND…: as enter, and comes back. For the cluster's own daemons:
# on a node they belong to the node's cgroups.
inside() {
    (
        exec 9>&-
        if is_node "$1"; then join_cgroups "$1" "${leaf[$cgroup_mode]:-}"; fi
        enter "$@"
    )
}

# A subnet that no route of the machine touches, of the ranges that are set aside
# for benchmarks (198.18/15) and for private networks.
pick_subnet() {
    local start=$((16#${identity:0:4})) i candidate
    for ((i = 0; i < 500; i++)); do
        candidate=198.$((18 + (start + i) / 250 % 2)).$(((start + i) % 250 + 1))
        [[ $i -lt 250 ]] || candidate=10.213.$(((start + i) % 250 + 1))
        if [[ -z $(ip -4 route show table all root "$candidate.0/24") ]] &&
            ! ip -4 route show table all match "$candidate.0/24" | grep -qv '^default'; then
            subnet=$candidate
            return
        fi
    done
    fail "no free subnet of 198.18.0.0/15 or 10.213.0.0/16 was found on this machine" "see: ip route"
}

# reserve_network: sets subnet, and holds it by an address on the machine's interface.
reserve_network() {
    # Two clusters that come up at once must not pick the same subnet.
    exec 8>/run/lock/lading-cluster
    flock 8
    pick_subnet
    ip link add "$interface" type veth peer name "${interface}p"
    ip address add "$(address_of login)/24" dev "$interface"
    ip link set "$interface" up
    exec 8>&-
}

# A hardware address of its own for each host, the same after a restart: the others
# would send to the old one for half a minute. For a bridge without one, the kernel
# takes a port's, and another one's when that port goes.
hardware_address_of() {
    local last
    last=$(address_of "$1")
    printf '02:00:00:%02x:%02x:%02x' "${subnet%%.*}" "${subnet##*.}" "${last##*.}"
}

connect_login() {
    ip link set "${interface}p" netns "$(holder_of head)" name login
    inside head ip -batch - <<END
link set lo up
link add lan address $(hardware_address_of head) type bridge
address add $(address_of head)/24 dev lan
link set lan up
link set login master lan up
END
}

connect_node() {
    local name=$1
    # The kernel takes a dead namespace apart at its leisure: the old end may still be there.
    inside head ip link delete "$name" 2>/dev/null || true
    ip link add eth0 netns "$(holder_of "$name")" address "$(hardware_address_of "$name")" type veth peer name "$name" netns "$(holder_of head)"
    inside head ip link set "$name" master lan up
    inside "$name" ip -batch - <<END
link set lo up
address add $(address_of "$name")/24 dev eth0
link set eth0 up
END
}
