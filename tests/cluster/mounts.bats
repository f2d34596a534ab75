#!/usr/bin/env bats
# --container-mounts, and what the site adds and forbids.

load environment.bash

setup_file() {
    admin install -d -o alice "$LADING_CLUSTER_DIR/data"
    alice sh -c "echo host data >$LADING_CLUSTER_DIR/data/file"
    export DATA=$LADING_CLUSTER_DIR/data
}

# with_site JSON COMMAND…: runs with these keys added to the site's configuration.
with_site() {
    local keys=$1 config=$LADING_CLUSTER_DIR/etc/lading.json
    shift
    cp "$config" "$BATS_TEST_TMPDIR/lading.json"
    jq ". + $keys" "$BATS_TEST_TMPDIR/lading.json" >"$config"
    run "$@"
    cp "$BATS_TEST_TMPDIR/lading.json" "$config"
}

@test "a directory is bound where the image has none" {
    run alice srun --container=$IMAGE --container-mounts="$DATA:/new/place" cat /new/place/file
    ended 0
    has "host data"
}

@test "a bind is writable, and with :ro it is not" {
    run alice srun --container=$IMAGE --container-mounts="$DATA:/data" touch /data/written
    ended 0
    run alice srun --container=$IMAGE --container-mounts="$DATA:/data:ro" touch /data/refused
    ended 1
    has "Read-only file system"
}

@test "a single file is bound over the image's" {
    run alice srun --container=$IMAGE --container-mounts="$DATA/file:/etc/motd:ro" cat /etc/motd
    ended 0
    has "host data"
}

@test "several mounts, in one option and in repeated ones" {
    run alice srun --container=$IMAGE --container-mounts="$DATA:/a,$DATA:/b:ro" \
        --container-mounts="$DATA:/c" cat /a/file /b/file /c/file
    ended 0
    [ "$(grep -c 'host data' <<<"$output")" -eq 3 ]
}

@test "colons, commas, blanks and UTF-8 can stand in a path" {
    alice mkdir -p "$DATA/a:b,c d é"
    alice sh -c "echo odd >'$DATA/a:b,c d é/file'"
    run alice srun --container=$IMAGE --container-mounts="$DATA/a\\:b\\,c d é:/odd" cat /odd/file
    ended 0
    has "odd"
}

@test "a bound directory carries no set-user-id program and no device" {
    run alice srun --container=$IMAGE --container-mounts="$DATA:/data" grep " /data " /proc/self/mounts
    has "nosuid"
    has "nodev"
}

@test "nothing is made on the host for a mount point below a bound directory" {
    run alice srun --container=$IMAGE --container-mounts="$DATA:/data,/tmp:/data/new" true
    ended 125
    has "/data/new"
    run admin ls "$DATA"
    lacks "new"
}

@test "the site's mounts are there, read-only where it says so" {
    with_site "{\"mounts\":{\"add\":[{\"source\":\"$DATA\",\"target\":\"/site\",\"read_only\":true}]}}" \
        alice srun --container=$IMAGE sh -c 'cat /site/file; touch /site/new'
    has "host data"
    has "Read-only file system"
}

@test "a site's mount that is missing on a node is left out only if the site says so" {
    with_site '{"mounts":{"add":[{"source":"/no/such","required":false}]}}' \
        alice srun --container=$IMAGE true
    ended 0
    with_site '{"mounts":{"add":[{"source":"/no/such"}]}}' alice srun --container=$IMAGE true
    ended 125
    has "/no/such"
}

@test "what the site forbids cannot be bound, neither by a link nor by its parent" {
    alice ln -sfn "$DATA" /home/alice/link
    for source in "$DATA" "$DATA/file" /home/alice/link "$LADING_CLUSTER_DIR"; do
        with_site "{\"mounts\":{\"forbid_sources\":[\"$DATA\"]}}" \
            alice srun --container=$IMAGE --container-mounts="$source:/data" true
        ended 125
        has "forbid"
    done
    # /database is not below /data
    admin install -d -o alice "${DATA}base"
    with_site "{\"mounts\":{\"forbid_sources\":[\"$DATA\"]}}" \
        alice srun --container=$IMAGE --container-mounts="${DATA}base:/data" true
    ended 0
}

@test "a site can forbid targets, and all mounts of users" {
    with_site '{"mounts":{"forbid_targets":["/opt/site"]}}' \
        alice srun --container=$IMAGE --container-mounts="$DATA:/opt/site/x" true
    ended 125
    with_site '{"mounts":{"user":false}}' \
        alice srun --container=$IMAGE --container-mounts="$DATA:/x" true
    ended 125
}

@test "a site can switch off the home, writable containers and images by path" {
    with_site '{"mounts":{"home":false}}' alice srun --chdir=/tmp --container=$IMAGE ls -d /home/alice
    [ "$status" -ne 0 ]
    with_site '{"writable":{"allow":false}}' alice srun --container=$IMAGE --container-writable true
    ended 125
    with_site '{"image_files":{"allow":false}}' alice srun --container="$LADING_CLUSTER_DIR" true
    ended 125
}

@test "a site's environment and seccomp profile hold" {
    with_site '{"environment":{"set":{"SITE":"value"}},"seccomp":"none"}' \
        alice srun --container=$IMAGE sh -c 'echo "site $SITE"; grep ^Seccomp: /proc/self/status'
    ended 0
    has "site value"
    has "Seccomp:	0"
    profile=$LADING_CLUSTER_DIR/etc/profile.json
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' >"$profile"
    with_site "{\"seccomp\":\"$profile\"}" alice srun --container=$IMAGE mkdir /tmp/no
    has "not supported"
}

@test "a link of the image to /proc does not let a mount hide the node's processes" {
    local image=/home/alice/linked
    admin rm -rf "$image"
    alice mkdir -p "$image/proc" "$image/bin"
    alice cp "$LADING_TEST_TOOLS/read_neighbour" "$image/bin/true"
    alice ln -s proc "$image/innocent"
    run alice srun --container="$image" --container-mounts="$DATA:/innocent" /bin/true
    ended 125
    has "nothing may be mounted over /innocent (which is /proc)"
    admin rm -rf "$image"
}
