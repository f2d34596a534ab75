# shellcheck shell=bash disable=SC2034,SC2154 # the variables are shared between the parts
# Where a cluster keeps what, how its parts are named, and how it speaks.

state=$(readlink -m -- "${LADING_CLUSTER_DIR:-/var/lib/lading-cluster}")
readonly state
readonly cache=${LADING_CACHE:-/var/cache/lading}

# Everything that a cluster makes outside its directory carries a name that
# follows from the directory's path alone: `down` finds the remains of an `up`
# that was killed before it could write anything down.
identity=$(printf '%s' "$state" | sha256sum | cut -c1-8)
readonly identity
readonly interface=lading$identity    # the machine's end of the cluster's network
readonly cgroup_name=lading-$identity # in each cgroup hierarchy
# In the environment of all that `up` starts: see marked_processes.
readonly mark=LADING_CLUSTER_MARK=$state
readonly state_mark=$state/.lading-cluster # says that the directory is ours to remove
readonly settings=$state/run/settings

# The settings of a running cluster, as `up` wrote them down.
suite='' nodes=0 root='' install='' source_tree='' subnet='' version=''
cgroup_wanted=auto cgroup_mode='' cgroup_reason=''

say() { printf 'cluster: %s\n' "$*" >&2; }

# fail WHAT [WHAT NEXT]…
fail() {
    printf 'cluster: %s\n' "$@" >&2
    exit 1
}

misused() {
    printf 'cluster: %s\n' "$@" >&2
    exit 2
}

# need_value OPTION COUNT: the option has a value after it.
need_value() { [[ $2 -ge 2 ]] || misused "$1 needs a value"; }

need_root() { [[ $EUID -eq 0 ]] || fail "this needs root: namespaces, mounts and cgroups" "run it with sudo"; }

node_names() {
    local i
    for ((i = 1; i <= nodes; i++)); do printf 'n%d\n' "$i"; done
}

node_number() { printf '%s' "${1#n}"; }

is_node() { [[ $1 =~ ^n[1-9][0-9]*$ && $(node_number "$1") -le $nodes ]]; }

need_node() { is_node "$1" || fail "there is no node '$1'" "this cluster has: $(node_names | tr '\n' ' ')"; }

address_of() {
    case $1 in
    head) printf '%s.1' "$subnet" ;;
    login) printf '%s.254' "$subnet" ;;
    n*) printf '%s.%d' "$subnet" "$((10 + $(node_number "$1")))" ;;
    esac
}

write_settings() {
    mkdir -p "$state/run"
    declare -p suite nodes root install source_tree subnet version cgroup_wanted cgroup_mode cgroup_reason |
        sed 's/^declare -- //' >"$settings.new"
    mv "$settings.new" "$settings"
}

read_settings() {
    [[ -r $settings ]] || return 1
    # shellcheck source=/dev/null
    . "$settings"
}

need_cluster() {
    read_settings || fail "there is no cluster at $state" \
        "bring one up with: cluster up   (or set LADING_CLUSTER_DIR to where it is)"
}

# wait_for SECONDS COMMAND…: until the command succeeds, at most so long.
wait_for() {
    local deadline=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    until "$@"; do
        [[ ${EPOCHREALTIME/[.,]/} -lt $deadline ]] || return 1
        sleep 0.02
    done
}

# atomically FILE [MODE]: standard input becomes the file, whole or not at all.
atomically() {
    cat >"$1.new"
    chmod "${2:-644}" "$1.new"
    mv "$1.new" "$1"
}
