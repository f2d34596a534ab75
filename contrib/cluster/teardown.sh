# shellcheck shell=bash disable=SC2034,SC2154 # the variables are shared between the parts
# Takes everything down that carries the cluster's mark, however it was left.

# A process is the cluster's if `up` started it (the mark is in its environment),
# if it sees a cluster host's files (a user's command on the login node), or if it
# descends from such a process. Names and pid files prove nothing: another Slurm
# may run beside this one.
cluster_processes() {
    {
        grep -lzxF -- "$mark" /proc/[0-9]*/environ 2>/dev/null || true
        grep -lF -- "hostname-$identity " /proc/[0-9]*/mountinfo 2>/dev/null || true
    } | cut -d/ -f3 | sort -u
}

# with_descendants PID…: those, and all that descend from them.
with_descendants() {
    ps -e -o pid=,ppid= | awk -v roots="$*" '
        BEGIN { n = split(roots, root, " "); for (i = 1; i <= n; i++) ours[root[i]] = 1 }
        { parent[$1] = $2 }
        END {
            do {
                grown = 0
                for (pid in parent) if (!(pid in ours) && (parent[pid] in ours)) { ours[pid] = 1; grown = 1 }
            } while (grown)
            for (pid in ours) print pid
        }'
}

no_process_left() {
    local -a pids
    mapfile -t pids < <(cluster_processes)
    [[ ${#pids[@]} -gt 0 ]] || return 0
    mapfile -t pids < <(with_descendants "${pids[@]}")
    kill -KILL "${pids[@]}" 2>/dev/null || true
    return 1
}

refuse_from_within() {
    if grep -qzxF -- "$mark" /proc/$$/environ || grep -qF -- "hostname-$identity " /proc/$$/mountinfo; then
        fail "this shell belongs to the cluster itself, which would be killed" "run it outside of cluster exec"
    fi
}

no_cgroup_left() {
    remove_cgroups ''
    ! compgen -G "/sys/fs/cgroup/*/$cgroup_name" >/dev/null && [[ ! -d /sys/fs/cgroup/$cgroup_name ]]
}

# Loop devices whose file is in the cluster's directory, and which outlived their mounts.
detach_loops() {
    local device file
    while read -r device file; do
        [[ $file != "$state/"* ]] || losetup --detach "$device" 2>/dev/null || true
    done < <(losetup --list --noheadings --raw --output NAME,BACK-FILE 2>/dev/null)
}

# The cluster mounts nothing in the machine's own mount namespace: this is for what others did.
unmount_below() {
    local point
    while read -r point; do
        umount --lazy "$point" || true
    done < <(awk -v below="$1/" 'index($5 "/", below) == 1 { print $5 }' /proc/self/mountinfo | tac)
}

# Everything but the state directory.
stop_everything() {
    wait_for 15 no_process_left ||
        fail "these processes of the cluster would not die: $(cluster_processes | tr '\n' ' ')" \
            "see: cat /proc/PID/stack; then run cluster down again"
    ip link delete "$interface" 2>/dev/null || true
    ip link delete "${interface}p" 2>/dev/null || true
    wait_for 5 no_cgroup_left ||
        fail "cgroups named $cgroup_name could not be removed below /sys/fs/cgroup" \
            "see which processes their cgroup.procs list, then run cluster down again"
    unmount_below "$state"
    detach_loops
}

# A directory that `up` did not make or fill is not ours to remove.
claim_state() {
    local entry
    if [[ -d $state && ! -e $state_mark ]]; then
        for entry in "$state"/* "$state"/.[!.]*; do
            case ${entry##*/} in
            etc | store | '*' | '.[!.]*') ;;
            *) fail "$state holds something that is not a cluster's: ${entry##*/}" \
                "set LADING_CLUSTER_DIR to a directory that is empty or does not exist" ;;
            esac
        done
    fi
    mkdir -p "$state"
    : >"$state_mark"
}

remove_state() {
    if [[ -e $state_mark ]]; then
        # The mark goes last: a removal that is cut short can be repeated.
        find "$state" -xdev -mindepth 1 -maxdepth 1 ! -path "$state_mark" -exec rm -rf --one-file-system -- {} +
        rm -f "$state_mark"
    fi
    [[ ! -d $state ]] || rmdir "$state" 2>/dev/null || true
}
