# shellcheck shell=bash disable=SC2034,SC2154 # the variables are shared between the parts
# Which of the machine's cgroups the nodes' Slurm can use, and a subtree for each node.

# The mount points of the cgroup hierarchies: `path type`.
cgroup_hierarchies() {
    awk '$5 ~ "^/sys/fs/cgroup" {
        for (i = 7; $i != "-"; i++);
        if ($(i + 1) ~ /^cgroup2?$/) print $5, $(i + 1) }' /proc/self/mountinfo
}

has_plugin() { compgen -G "$root/usr/lib/*/slurm-wlm/$1.so" >/dev/null; }

# choose_cgroups WANTED: sets cgroup_mode (v1, v2, none) and the reason, in one line.
# Slurm's v2 plugin refuses a machine that has v1 hierarchies as well (`Hybrid mode is
# not supported`), its v1 plugin does not; so v1 goes first where its controllers are.
choose_cgroups() {
    local wanted=$1 kinds one missing=''
    kinds=$(cgroup_hierarchies | cut -d' ' -f2 | sort -u | tr '\n' ' ')
    for one in freezer memory cpuset devices cpuacct; do
        [[ -d /sys/fs/cgroup/$one ]] || missing+=" $one"
    done

    cgroup_mode=none cgroup_reason="this machine has no cgroups that Slurm $version knows"
    if [[ $wanted != auto ]]; then
        cgroup_mode=$wanted cgroup_reason='as asked for'
    elif [[ -z $missing ]] && has_plugin cgroup_v1; then
        cgroup_mode=v1 cgroup_reason='this machine has the v1 controllers'
    elif [[ $kinds == 'cgroup2 ' ]] && has_plugin cgroup_v2; then
        cgroup_mode=v2 cgroup_reason='this machine has v2 alone'
    fi
    if [[ $cgroup_mode == v1 && (-n $missing || $kinds != *'cgroup '*) ]]; then
        fail "cgroup v1 cannot be used: this machine lacks the controllers:$missing" \
            "leave --cgroup out to have what works here"
    fi
}

# Whether the nodes' cgroups can count and limit memory.
cgroups_account() {
    case $cgroup_mode in
    v1) return 0 ;;
    v2) grep -qw memory "$(used_hierarchies | head -n 1)/cgroup.controllers" ;;
    *) return 1 ;;
    esac
}

# The hierarchies that the mode uses.
used_hierarchies() {
    case $cgroup_mode in
    v1) cgroup_hierarchies | cut -d' ' -f1 ;;
    v2) cgroup_hierarchies | awk '$2 == "cgroup2" { print $1 }' ;;
    esac
}

make_cgroups() {
    local name=$1 top level file
    while read -r top; do
        for level in "$top/$cgroup_name" "$top/$cgroup_name/$name"; do
            mkdir -p "$level"
            # A v1 cpuset is empty, and takes no process, until it is filled.
            for file in cpuset.cpus cpuset.mems; do
                [[ $cgroup_mode != v1 || ! -e $level/$file ]] || cat "${level%/*}/$file" >"$level/$file"
            done
        done
        # The node passes its controllers down itself, once its processes are in a leaf.
        [[ $cgroup_mode != v2 ]] || pass_controllers_down "$top/$cgroup_name"
    done < <(used_hierarchies)
}

# The same is done by holder for the node's own cgroup.
pass_controllers_down() {
    sed 's/[^ ]*/+&/g' "$1/cgroup.controllers" >"$1/cgroup.subtree_control" 2>/dev/null || true
}

# join_cgroups NAME [LEAF]: moves this (sub)shell.
join_cgroups() {
    local top
    while read -r top; do
        printf '0\n' >"$top/$cgroup_name/$1${2:+/$2}/cgroup.procs"
    done < <(used_hierarchies)
}

# remove_cgroups NAME: the empty cgroups of a node, or of all with ''.
remove_cgroups() {
    local top under=$cgroup_name${1:+/$1}
    for top in /sys/fs/cgroup /sys/fs/cgroup/*; do
        [[ ! -d $top/$under ]] || find "$top/$under" -depth -type d -exec rmdir -- {} + 2>/dev/null || true
    done
}
