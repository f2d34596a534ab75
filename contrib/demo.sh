#!/bin/bash
# From a fresh Debian machine to a batch job in its container, on a real Slurm cluster.
set -euo pipefail
cd "$(dirname -- "$(readlink -f -- "$0")")/.."

usage() {
    cat <<'END'
Usage: sudo contrib/demo.sh

Installs the Debian packages that are missing, builds lading, brings a Slurm cluster of four
nodes up on this machine (contrib/cluster/cluster), imports a Debian image, runs a batch job in
it on all four, and shows its output and its accounting record; then an MPI program that was built
on an older Debian runs on two of them with this machine's MPI. The cluster stays up for you to try
more. Run it again as often as you like.

Environment:
  LADING_CLUSTER_DIR  the cluster's state (/var/lib/lading-cluster)
  LADING_CACHE        Debian roots (/var/cache/lading)
END
}

readonly image=atse:1.2.4
readonly mpi_image=solver:11 mpi_program=/opt/matrix/bin/hello_c
readonly user=alice
state=$(readlink -m -- "${LADING_CLUSTER_DIR:-/var/lib/lading-cluster}")
readonly state
readonly build=$PWD/build/demo
readonly log=$PWD/build/demo.log

bold='' plain=''
if [[ -t 1 ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi
readonly bold plain

heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

# Shows a command as the user would type it, then runs it on the login node as alice.
as_user() {
    printf '\n[alice@login]$ %s\n' "$*"
    contrib/cluster/cluster exec --as "$user" --chdir "/home/$user" -- "$@"
}

# fail WHAT [WHAT NEXT]…
fail() {
    printf 'demo: %s\n' "$@" >&2
    exit 1
}

# Runs a step whose output matters only when it fails.
quietly() {
    local what=$1
    shift
    printf '   %s\n' "$what"
    "$@" >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        fail "'$*' failed: see above, and $log for the whole of it"
    }
}

# The users of the cluster load the plugin: it must lie where they can reach it, which a clone in
# root's home is not.
choose_prefix() {
    if setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$PWD/contrib"; then
        printf '%s' "$PWD/build/demo-install"
    else
        printf '%s' "${LADING_CACHE:-/var/cache/lading}/demo-install"
    fi
}

build_lading() {
    local prefix=$1
    quietly "packages" contrib/packages-install build run cluster roots mpi
    quietly "configure" cmake --preset release -B "$build" -DLADING_TESTS=OFF \
        -DCMAKE_INSTALL_PREFIX="$prefix" -DLADING_PLUGIN_DIR="$prefix/lib/slurm" \
        -DLADING_CONFIG_FILE="$state/etc/lading.json"
    quietly "build, a few minutes the first time" cmake --build "$build" --parallel "$(nproc)"
    quietly "install into $prefix" cmake --install "$build"
}

# Images need not carry Slurm. For srun within a batch script that runs in a container, this site
# shows its own to every container; that works because host and image are one Debian release.
write_configuration() {
    local prefix=$1 libraries
    libraries=/usr/lib/$(g++ -print-multiarch)
    cat >"$state/etc/lading.json.new" <<END
{
    "stores": [ { "path": "$state/store" } ],
    "inject": { "profiles": "$state/etc/profiles.d" },
    "mounts": { "add": [
        { "source": "/usr/bin/srun", "read_only": true },
        { "source": "$libraries/slurm-wlm", "read_only": true },
        { "source": "$libraries/libmunge.so.2", "read_only": true },
        { "source": "$prefix/lib/slurm", "read_only": true },
        { "source": "/etc/slurm", "read_only": true },
        { "source": "/etc/passwd", "read_only": true },
        { "source": "/run/munge" }
    ] }
}
END
    mv "$state/etc/lading.json.new" "$state/etc/lading.json"
}

# What this machine has of MPI and fabrics, for containers that need it.
write_profiles() {
    contrib/cluster/cluster exec -- rm -rf "$state/etc/profiles.d"
    contrib/cluster/cluster exec -- mkdir "$state/etc/profiles.d"
    contrib/cluster/cluster exec -- lading profile detect --output "$state/etc/profiles.d"
}

import_image() {
    local root suite
    # shellcheck source=/dev/null
    suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-bookworm}")
    printf '   a Debian root by debootstrap, a minute the first time\n'
    root=$(contrib/base-image "$suite" 2>"$log") || {
        tail -n 20 "$log" >&2
        fail "there is no image to import: see above"
    }
    contrib/cluster/cluster exec -- \
        lading import "$root" "$image" --label org.example.team=atse --label org.example.mpi=none
}

# The script that alice submits: who am I, where am I, in what.
write_job() {
    contrib/cluster/cluster exec --as "$user" --chdir "/home/$user" -- tee job.sh <<'END'
#!/bin/bash
echo "batch script on $(hostname), in $(. /etc/os-release && echo "$PRETTY_NAME")"
srun --label sh -c 'echo "$(hostname): image $(cat /etc/hostname), $(id -un) in $PWD," \
    "capabilities $(sed -n "s/^CapBnd:\t//p" /proc/self/status)"'
END
}

# slurmdbd hears of the record a moment after the job's end, and of the start of a job as short as
# this one, with its name and container, some seconds after that.
await_record() {
    local job=$1 deadline=$((SECONDS + 30))
    until contrib/cluster/cluster exec -- sacct -X -n -P -j "$job" -o Container,AdminComment |
        grep -q "^$image|.*\"lading\""; do
        [[ $SECONDS -lt $deadline ]] ||
            fail "the job ran, but its record did not reach slurmdbd within 30 s" \
                "look at: contrib/cluster/cluster logs"
        read -rt 0.2 <> <(:) || true
    done
}

run_job() {
    local job status=0
    heading "The job's script, /home/$user/job.sh"
    write_job
    heading "A batch job on four nodes, in its container"
    printf '\n[alice@login]$ sbatch --container=%s -N4 --wait -o job.out job.sh\n' "$image"
    job=$(contrib/cluster/cluster exec --as "$user" --chdir "/home/$user" -- \
        sbatch --parsable --container="$image" -N4 --wait -o job.out job.sh) || status=$?
    [[ -n $job ]] || fail "sbatch refused the job (status $status): see above"
    echo "Submitted batch job $job"
    as_user cat job.out
    [[ $status -eq 0 ]] || fail "job $job ended with status $status"
    heading "What accounting knows of it"
    await_record "$job"
    as_user sacct -j "$job" -X -o JobID,Container%12,NNodes,State,AdminComment%60
    as_user lading record "$job"
}

run_mpi() {
    local root
    heading "An MPI program that was built on Debian 11"
    printf '   its image by debootstrap, two minutes the first time\n'
    root=$(tests/matrix/images bullseye-mpich 2>"$log") || {
        tail -n 20 "$log" >&2
        fail "there is no image with MPI: see above"
    }
    contrib/cluster/cluster exec -- lading import "$root" "$mpi_image"
    as_user lading check "$mpi_image" "$mpi_program" ||
        fail "lading check says that it does not run here: see above"
    as_user srun -N2 -n2 --mpi=pmi2 --container="$mpi_image" "$mpi_program"
}

say_what_next() {
    local environment=''
    [[ -z ${LADING_CLUSTER_DIR:-} ]] || environment="LADING_CLUSTER_DIR=$LADING_CLUSTER_DIR "
    local alice="sudo ${environment}contrib/cluster/cluster exec --as $user --"
    heading "Next"
    cat <<END
The cluster is still up. Try:

  $alice srun --container=$image -N2 cat /etc/os-release
  $alice srun --container=$image --pty bash
  $alice srun --container=atse:1.2.5 true
  $alice srun --container=$image --container-mounts=/etc/slurm:/mnt:ro ls /mnt
  $alice lading images
  $alice lading check --verbose $mpi_image

Take it down, and leave nothing of it behind:

  sudo ${environment}contrib/cluster/cluster down
END
}

main() {
    case ${1:-} in
    '') ;;
    -h | --help) usage && return ;;
    *) usage >&2; fail "does not know '$1'" ;;
    esac
    [[ $EUID -eq 0 ]] || fail "packages and namespaces need root: sudo contrib/demo.sh"
    mkdir -p build
    local prefix
    prefix=$(choose_prefix)
    heading "Building lading"
    build_lading "$prefix"
    heading "A Slurm cluster on this machine"
    contrib/cluster/cluster up --install "$prefix"
    write_configuration "$prefix"
    heading "What this machine offers to containers"
    write_profiles
    heading "An image, $image"
    import_image
    run_job
    run_mpi
    say_what_next
}

main "$@"
