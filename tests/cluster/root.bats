#!/usr/bin/env bats
# What a task sees of its image and of the host.

load environment.bash

@test "a task runs in the image, not on the host" {
    run alice srun --container=$IMAGE cat /etc/hostname
    ended 0
    has "image-bookworm"
}

@test "the tasks of several nodes run in the image, each on its own node" {
    run alice srun -N4 --container=$IMAGE sh -c 'echo "$(hostname) $(cat /etc/hostname)"'
    ended 0
    for node in n1 n2 n3 n4; do has "$node image-bookworm"; done
}

@test "the image cannot be changed without --container-writable" {
    run alice srun --container=$IMAGE sh -c 'touch /usr/new || exit 3'
    ended 3
    has "Read-only file system"
}

@test "--container-writable lets the user change the image's files, for this step only" {
    run alice srun --container=$IMAGE --container-writable \
        sh -c 'echo changed >/etc/motd && mkdir /opt/mine && cat /etc/motd'
    ended 0
    has "changed"
    run alice srun --container=$IMAGE sh -c 'ls -d /opt/mine || cat /etc/motd'
    lacks "changed"
}

@test "the scratch space of a writable container is bounded" {
    run alice srun --container=$IMAGE --container-writable --mem=0 \
        sh -c 'dd if=/dev/zero of=/opt/fill bs=1M count=100000; df --output=size -B1M / | tail -n 1'
    has "No space left on device"
}

@test "/proc, /sys, /dev, /dev/shm and /tmp are there" {
    run alice srun --container=$IMAGE sh -c '
        test -r /proc/self/status && test -d /sys/class && test -c /dev/null &&
        echo x >/dev/shm/alice-$$ && rm /dev/shm/alice-$$ &&
        echo x >/tmp/alice-$$ && rm /tmp/alice-$$ && echo all there'
    ended 0
    has "all there"
}

@test "/sys is read-only" {
    run alice srun --container=$IMAGE sh -c 'grep " /sys " /proc/self/mounts'
    has " ro,"
}

@test "the home directory is there, and with --no-container-mount-home it is not" {
    run alice srun --container=$IMAGE sh -c 'echo hi >~/from-container && ls ~/from-container'
    ended 0
    run alice cat /home/alice/from-container
    has "hi"
    run alice srun --container=$IMAGE --no-container-mount-home --chdir=/tmp \
        sh -c 'ls /home/alice/from-container'
    [ "$status" -ne 0 ]
    alice rm -f /home/alice/from-container
}

@test "the job's working directory is entered" {
    alice mkdir -p /home/alice/work/sub
    run alice srun --container=$IMAGE --chdir=/home/alice/work/sub pwd
    ended 0
    has "/home/alice/work/sub"
}

@test "a working directory that the container lacks is replaced, with a word about it" {
    plugins=/usr/lib/$(uname -m)-linux-gnu/slurm-wlm
    run alice srun --container=$IMAGE --chdir="$plugins" pwd
    ended 0
    has "lading: the working directory $plugins is not in the container: using /"
}

@test "a working directory outside of home is bound" {
    project=$(admin mktemp -d /srv/lading-test.XXXXXX)
    admin chown alice "$project"
    run alice srun --container=$IMAGE --chdir="$project" sh -c 'touch here && pwd'
    admin ls "$project" >"$BATS_TEST_TMPDIR/made"
    admin rm -rf "$project"
    ended 0
    has "$project"
    grep -qx here "$BATS_TEST_TMPDIR/made"
}

@test "--container-workdir is entered, and must exist" {
    run alice srun --container=$IMAGE --container-workdir=/usr/share pwd
    ended 0
    has "/usr/share"
    run alice srun --container=$IMAGE --container-workdir=/no/such pwd
    ended 125
    has "/no/such"
}

@test "passwd and group know the job's user with all groups" {
    run alice srun --container=$IMAGE sh -c 'id -un; id -Gn; getent passwd alice'
    ended 0
    expected=$(alice id -Gn)
    has "alice"
    for group in $expected; do has "$group"; done
    has ":/home/alice:"
}

@test "names resolve in the container as on the node" {
    run alice srun --container=$IMAGE getent hosts n2
    ended 0
    run alice srun -w n3 --container=$IMAGE getent hosts n3
    ended 0
}

@test "an unpacked directory is an image too" {
    root=$(LADING_CACHE=${LADING_CACHE:-} "$repository/contrib/base-image")
    cp -a "$root/." "$LADING_CLUSTER_DIR/unpacked"
    run alice srun --container="$LADING_CLUSTER_DIR/unpacked" cat /etc/hostname
    ended 0
    has "image-bookworm"
}

no_squashfuse() { ! on_node n1 pgrep -x squashfuse_ll; }

@test "a squashfs file of the user's is mounted by squashfuse, running as the user" {
    blob=$(image_file)
    admin install -o alice "$blob" /home/alice/own.sqsh
    run alice srun -w n1 --container=/home/alice/own.sqsh sh -c '
        cat /etc/hostname; ps -e -o user=,comm= | grep squashfuse'
    alice rm -f /home/alice/own.sqsh
    ended 0
    has "image-bookworm"
    has "alice    squashfuse"
    wait_for 10 no_squashfuse
}

@test "an image in a store that only root writes is mounted by the kernel" {
    run alice srun --container=$IMAGE sh -c 'ps -e -o user=,comm= | grep squashfuse || echo none'
    ended 0
    has "none"
}
