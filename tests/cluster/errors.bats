#!/usr/bin/env bats
# When something is wrong: what the user reads, how the task ends, and that no node is drained.

load environment.bash

teardown() { nodes_are_idle_soon; }
nodes_are_idle_soon() { wait_for 20 nodes_are_idle || nodes_are_idle; }

@test "an unknown image is named, with the nearest one that exists" {
    run alice srun --container=atse:1.2.5 true
    ended 125
    has "no image atse:1.2.5"
    has "did you mean atse:1.2.4"
}

@test "the message comes once a node, not once a task" {
    run alice srun -N2 -n8 --overcommit --container=nosuch true
    ended 125
    [ "$(grep -c 'no image nosuch:latest' <<<"$output")" -eq 2 ]
}

@test "a job that asks for a container never runs on the bare host instead" {
    run alice srun --container=nosuch sh -c 'echo ran on $(hostname)'
    ended 125
    lacks "ran on"
}

@test "in a batch job the reason is in the job's output, and the job fails, once" {
    run submit --container=nosuch <<<'#!/bin/sh
echo ran'
    ended 125
    has "no image nosuch"
    lacks "ran"
}

@test "a file that is no squashfs is refused" {
    alice sh -c 'echo this is no image >/home/alice/bad.sqsh'
    run alice srun --container=/home/alice/bad.sqsh true
    ended 125
    has "/home/alice/bad.sqsh"
    alice rm -f /home/alice/bad.sqsh
}

@test "a truncated squashfs is refused" {
    blob=$(image_file)
    admin sh -c "head -c 1000000 '$blob' >/home/alice/short.sqsh"
    run alice srun --container=/home/alice/short.sqsh true
    ended 125
    has "short.sqsh"
    admin rm -f /home/alice/short.sqsh
}

@test "an image that the user may not read is refused" {
    admin sh -c 'echo hsqs >/home/bob/secret.sqsh; chmod 600 /home/bob/secret.sqsh'
    run alice srun --container=/home/bob/secret.sqsh true
    ended 125
    has "/home/bob/secret.sqsh"
    admin rm -f /home/bob/secret.sqsh
}

@test "a path that does not exist says so" {
    run alice srun --container=/no/such/image.sqsh true
    ended 125
    has "/no/such/image.sqsh"
    has "No such file"
}

@test "an image of another architecture is refused before it starts" {
    root=$LADING_CLUSTER_DIR/foreign
    mkdir -p "$root/bin"
    # A real ELF header of an aarch64 program.
    printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0\x01\0\0\0' >"$root/bin/sh"
    chmod 755 "$root/bin/sh"
    run alice srun --container="$root" sh
    ended 125
    has "built for arm64, this node is amd64"
}

@test "a missing mount source is named" {
    run alice srun --container=$IMAGE --container-mounts=/no/such/dir:/data true
    ended 125
    has "/no/such/dir"
}

@test "mounts over /proc, and sources that the user may not open, are refused" {
    run alice srun --container=$IMAGE --container-mounts=/home/alice:/proc true
    ended 125
    has "/proc"
    run alice srun --container=$IMAGE --container-mounts=/root:/data ls /data
    [ "$status" -ne 0 ]
}

@test "a malformed option is shown with a caret under the spot, before there is a job" {
    run alice srun --container=$IMAGE --container-mounts=/tmp:/data:rx true
    [ "$status" -ne 0 ]
    has "/tmp:/data:rx"
    has "^"
    run alice sbatch --container=$IMAGE --container-mounts=relative:/data --wrap true
    [ "$status" -ne 0 ]
    has "^"
    lacks "Submitted"
}

@test "a malformed image name is shown with a caret, before there is a job" {
    run alice srun --container='Bad Name' true
    [ "$status" -ne 0 ]
    has "^"
}

@test "container options without a container are refused" {
    run alice srun --container-workdir=/tmp true
    [ "$status" -ne 0 ]
    has "--container=IMAGE"
}

@test "a command that the host has and the image lacks is explained" {
    run alice srun --container=$IMAGE sinfo
    ended 125
    has "'sinfo' is not in the container"
    has "/usr/bin/sinfo"
}

@test "a script whose interpreter the image lacks is explained" {
    run submit --container=$IMAGE <<<'#!/usr/bin/tclsh
puts hi'
    ended 125
    has "/usr/bin/tclsh"
}

@test "a store that is not there on one node is named, with the node" {
    on_node n2 mount -t tmpfs none "$LADING_CLUSTER_DIR/store"
    run alice srun -N2 -w n1,n2 --container=$IMAGE cat /etc/hostname
    on_node n2 umount "$LADING_CLUSTER_DIR/store"
    ended 125
    has "image-bookworm"
    has "no image $IMAGE@sha256:"
    has " on n2 (looked in"
}

@test "a broken site configuration is the site's mistake, with its JSON path, and plain jobs run" {
    cp "$LADING_CLUSTER_DIR/etc/lading.json" "$BATS_TEST_TMPDIR/lading.json"
    echo '{ "stores": [ { "path": 5 } ] }' >"$LADING_CLUSTER_DIR/etc/lading.json"
    run alice srun --container=$IMAGE true
    with=$status said=$output
    run alice srun hostname
    cp "$BATS_TEST_TMPDIR/lading.json" "$LADING_CLUSTER_DIR/etc/lading.json"
    ended 0
    [ "$with" -eq 125 ]
    [[ $said == *'lading.json: $.stores[0].path: expected a string, found a number'* ]]
}

@test "a configuration that others than root can write is refused" {
    chmod o+w "$LADING_CLUSTER_DIR/etc/lading.json"
    run alice srun --container=$IMAGE true
    chmod o-w "$LADING_CLUSTER_DIR/etc/lading.json"
    ended 125
    has "can be written by others"
}

@test "no free loop device is explained" {
    on_node n1 mount --bind /dev/null /dev/loop-control
    run alice srun -w n1 --container=$IMAGE true
    on_node n1 umount /dev/loop-control
    ended 125
    has "loop device"
}

@test "a full scratch space at start is explained" {
    cp "$LADING_CLUSTER_DIR/etc/lading.json" "$BATS_TEST_TMPDIR/lading.json"
    python3 - "$LADING_CLUSTER_DIR/etc/lading.json" <<'PY'
import json, sys
path = sys.argv[1]
config = json.load(open(path))
config["writable"] = {"size": "4K"}
json.dump(config, open(path, "w"))
PY
    run alice srun --container=$IMAGE true
    cp "$BATS_TEST_TMPDIR/lading.json" "$LADING_CLUSTER_DIR/etc/lading.json"
    ended 125
    has "scratch space"
}

@test "a missing helper program is explained, and the job does not run on the host" {
    helper=${LADING_BIN%/bin}/libexec/lading/lading-step
    on_node n1 mount --bind /dev/null "$helper"
    run alice srun -w n1 --container=$IMAGE hostname
    on_node n1 umount "$helper"
    ended 125
    has "lading-step"
}
