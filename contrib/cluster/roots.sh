# shellcheck shell=bash disable=SC2034,SC2154 # the variables are shared between the parts
# The roots of other Debian releases, and building lading inside them.

usage_root() {
    cat <<'END'
Usage: cluster root --suite SUITE

Makes the root of a Debian release (bookworm, trixie, sid) in
${LADING_CACHE:-/var/cache/lading}/roots/SUITE, with Slurm and all that building
and running lading needs; or adds to an existing one what it lacks.
END
}

usage_build() {
    cat <<'END'
Usage: cluster build --suite SUITE [--source DIR]

Builds the source tree inside the release's root, and installs it at /opt/lading
there. Then: cluster up --suite SUITE --install /opt/lading

  --source DIR  the source tree (the repository that this script is in)
END
}

readonly root_sections=(build run cluster mpi)

machine_suite() {
    # sid and testing both call themselves by the name of the release to come.
    if grep -qs '/sid$' /etc/debian_version; then
        printf sid
    else
        # shellcheck source=/dev/null
        (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-unknown}")
    fi
}

need_suite() {
    [[ $suite =~ ^(bookworm|trixie|sid)$ || $suite == "$(machine_suite)" ]] ||
        misused "--suite takes bookworm, trixie or sid, not '$suite'"
}

parse_suite() {
    local command=$1
    shift
    suite='' source_tree=$(readlink -f "$here/../..")
    while [[ $# -gt 0 ]]; do
        case $1 in
        --suite | --source) need_value "$1" $# ;;&
        --suite) suite=$2 ;;
        --source) source_tree=$(readlink -f "$2") ;;
        *) misused "$command does not know '$1'" "see: cluster $command --help" ;;
        esac
        shift 2
    done
    [[ -n $suite ]] || misused "$command needs --suite SUITE" "see: cluster $command --help"
    need_suite
    [[ $suite != "$(machine_suite)" ]] ||
        misused "$suite is this machine's own release, which needs no root" \
            "build here with cmake, install with: cmake --install BUILD --prefix PREFIX; then: cluster up --install PREFIX"
}

root_of() { printf '%s/roots/%s' "$cache" "$1"; }

# The Debian archive that this machine's apt is set up for.
debian_mirror() {
    local mirror
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 2>/dev/null | awk '$2 == "Debian" { print $1; exit }')
    [[ -n $mirror ]] || mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        grep -v '^ *#' | grep -oE 'https?://[^ ]*/debian/?( |$)' | head -n 1 | tr -d ' ')
    printf '%s' "${mirror:-http://deb.debian.org/debian}"
}

# How this machine's apt reaches its mirror, and what it believes of it.
apt_settings() { apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|ForceIPv4)' || true; }

# in_root ROOT COMMAND…: in namespaces of its own, with the source tree read-only
# at /src and this repository's contrib at /run/contrib. Nothing runs on
# afterwards, and nothing stays mounted.
in_root() {
    # shellcheck disable=SC2016
    local -r prepare='
        root=$1 source=$2 contrib=$3
        shift 3
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/tmp"
        mount -t tmpfs -o mode=755 tmpfs "$root/run"
        mkdir -p "$root/run/lock" "$root/run/contrib" "$root/src"
        mount --bind "$contrib" "$root/run/contrib"
        mount --bind "$source" "$root/src"
        mount -o remount,bind,ro "$root/src"
        cat /etc/resolv.conf >"$root/run/resolv.conf"
        mount --bind "$root/run/resolv.conf" "$root/etc/resolv.conf"
        exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${http_proxy:+http_proxy="$http_proxy"} "$@"'
    local directory=$1
    shift
    unshare --mount --ipc --pid --fork --kill-child -- \
        /bin/bash -euc "$prepare" bash "$directory" "$source_tree" "$here/.." "$@" </dev/null
}

# packages_stamp: changes when the root has to be looked at again.
packages_stamp() { sha256sum <"$here/../packages" | cut -c1-16; }

make_root() {
    [[ "$(cat "$(root_of "$suite")/.lading-root" 2>/dev/null)" == "$(packages_stamp)" ]] || refresh_root
}

refresh_root() {
    local target new log
    target=$(root_of "$suite")
    new=$target.new
    log=$cache/roots/$suite.log
    mkdir -p "$cache/roots"
    # One at a time; the second finds the first one's work.
    exec 7>"$cache/roots/$suite.lock"
    flock 7
    if [[ ! -e $target/.lading-root ]]; then
        say "making the root of $suite in $target (some minutes)"
        "$here/../packages-install" roots
        rm -rf --one-file-system "$new"
        bootstrap "$new" >"$log" 2>&1 7>&- || root_failed "debootstrap of $suite failed" "$log"
        install_into "$new" >>"$log" 2>&1 7>&- || root_failed "packages could not be installed in $new" "$log"
        packages_stamp >"$new/.lading-root"
        rm -rf --one-file-system "$target"
        mv -T "$new" "$target"
    else
        install_into "$target" >"$log" 2>&1 7>&- || root_failed "packages could not be installed in $target" "$log"
        packages_stamp >"$target/.lading-root"
    fi
    exec 7>&-
}

root_failed() { fail "$1; the end of $2:" "$(tail -n 6 "$2")"; }

# The machine's keyring will do: a stable release's point releases bring the keys
# of the releases after it, and sid is signed with those of all of them.
bootstrap() {
    local mirror proxy
    mirror=$(debian_mirror)
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    unshare --mount --pid --fork --kill-child -- \
        env ${proxy:+http_proxy="$proxy"} debootstrap --variant=minbase \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$suite" "$1" "$mirror"
    apt_settings >"$1/etc/apt/apt.conf.d/90machine"
    # Less to write, and nothing that a test would read.
    printf '%s\n' 'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/locale/*' \
        'path-exclude=/usr/share/doc/*' force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/lading"
}

install_into() {
    in_root "$1" /bin/bash -c 'apt-get -q update && /run/contrib/packages-install "$@"' bash "${root_sections[@]}"
    # Mount points that a host of the cluster needs.
    touch "$1/etc/hostname" "$1/etc/hosts" "$1/etc/resolv.conf" "$1/etc/subuid" "$1/etc/subgid"
    mkdir -p "$1/etc/slurm" "$1/home" "$1/mnt"
}

build_inside() {
    local target
    target=$(root_of "$suite")
    [[ -f $source_tree/CMakeLists.txt ]] || fail "there is no CMakeLists.txt in $source_tree" "give --source DIR"
    # A build directory for each source tree: another tree's objects may be newer than
    # this one's sources, and would be taken for up to date.
    # shellcheck disable=SC2016
    in_root "$target" /bin/bash -euc '
        build=/var/tmp/lading-build-$2
        cmake -S /src -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLADING_TESTS=OFF \
            -DCMAKE_INSTALL_PREFIX="$1" -DLADING_PLUGIN_DIR="$1/lib/slurm"
        cmake --build "$build" -- -k 0
        rm -rf "$1"
        cmake --install "$build"' bash /opt/lading "$(printf '%s' "$source_tree" | sha256sum | cut -c1-8)" ||
        fail "lading could not be built in the root of $suite (see above)" "the root is $target"
    say "installed in the root of $suite; use it with: cluster up --suite $suite --install /opt/lading"
}
