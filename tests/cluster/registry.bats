#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# From a build with Podman to a job on four nodes, by way of a registry that only the login node asks.
# shellcheck disable=SC2154 # variables of environment.bash and registry.bash

load environment.bash
load ../images/registry.bash

# As in images.bash.
wait_until() { wait_for 30 "$@"; }

setup_file() {
    local config=$LADING_CLUSTER_DIR/etc/lading.json
    cp "$config" "$config.before"
    jq '.stores += [{"path": "~/.local/share/lading"}]' "$config.before" >"$config"
}

teardown_file() {
    mv "$LADING_CLUSTER_DIR/etc/lading.json.before" "$LADING_CLUSTER_DIR/etc/lading.json"
    admin rm -rf /home/alice/.local /home/alice/.config
}

setup() {
    work=$BATS_TEST_TMPDIR
    # The login node's end of the cluster's network: nodes could reach it, and must not.
    registry_address=$(admin getent hosts login | cut -d' ' -f1)
    start_registry "$work/registry"
    export HOME=$work/home
    speak_plainly "$HOME"
    admin mkdir -p /home/alice/.config/containers
    admin tee /home/alice/.config/containers/registries.conf <"$HOME/.config/containers/registries.conf" >/dev/null
}

teardown() {
    stop_registry
    admin rm -rf /home/alice/.local
}

# build NAME:TAG WORD: an image with a shell whose /etc/word is WORD, built by podman and pushed.
build() {
    mkdir -p "$work/context/bin"
    cp "$(command -v busybox)" "$work/context/bin/busybox"
    printf '%s\n' "$2" >"$work/context/word"
    printf '%s\n' 'FROM scratch' 'COPY bin /bin' 'COPY word /etc/word' \
        'RUN ["/bin/busybox", "--install", "/bin"]' 'LABEL org.example.word='"$2" >"$work/context/Containerfile"
    podman --runtime runc --root "$work/podman" build --quiet --network none --tag "built:$2" "$work/context" >/dev/null
    podman --root "$work/podman" push --quiet "built:$2" "docker://$registry/$1"
    podman --root "$work/podman" rmi --all --force >/dev/null
}

# Has anybody but the login node asked the registry for anything?
only_login_asked() {
    ! sed -nE 's/^([0-9.]+) - .*"(GET|HEAD) .*/\1/p' "$registry_log" | grep -vxF "$registry_address"
}

@test "what podman built and pushed is pulled by a user and runs by sbatch on four nodes" {
    build group/word:1 first
    run alice lading pull "$registry/group/word:1" word:1
    ended 0
    has "pulled word:1"
    run submit -N4 <<<'#!/bin/sh
srun --container=word:1 --ntasks-per-node=1 sh -c "echo \$SLURM_NODEID \$(cat /etc/word)" | sort'
    ended 0
    [[ $output == $'0 first\n1 first\n2 first\n3 first' ]]
    run submit --container=word:1 <<<'#!/bin/sh
cat /etc/word'
    ended 0
    has first
    nodes_are_idle
}

@test "an image of a registry is pulled once at submission, and no node asks the registry" {
    build group/word:1 first
    run submit --container="docker://$registry/group/word:1" <<<'#!/bin/sh
cat /etc/word'
    ended 0
    has first
    run alice srun -N4 --container="docker://$registry/group/word:1" cat /etc/word
    ended 0
    [[ $(grep -c '^first$' <<<"$output") -eq 4 ]]
    [[ $(fetched) -eq $(grep -c . <<<"$(jq -r '.config, .layers[] | .digest' <<<"$(manifest_of group/word:1)")") ]]
    only_login_asked
}

@test "an image that cannot be pulled ends sbatch, and nothing is queued" {
    run alice sbatch --container="docker://$registry/group/nothing:1" --wrap 'true'
    [[ $status -ne 0 ]]
    has "manifest unknown"
    has "nothing was submitted"
    [[ -z $(admin squeue --noheader --user alice) ]]
}

@test "within a job an image of a registry comes from a store, or not at all" {
    build group/word:1 first
    run submit <<<"#!/bin/sh
srun --container=docker://$registry/group/word:1 cat /etc/word"
    [[ $status -ne 0 ]]
    has "nodes fetch nothing"
    has "lading pull docker://$registry/group/word:1"
    run alice lading pull "$registry/group/word:1"
    ended 0
    run submit <<<"#!/bin/sh
srun --container=docker://$registry/group/word:1 cat /etc/word"
    ended 0
    has "first"
    only_login_asked
    wait_for 10 nodes_are_idle
}

@test "a tag that moves while the job waits changes nothing" {
    build group/word:1 first
    alice lading pull "$registry/group/word:1" word:1
    job=$(alice sbatch --parsable --hold --output /home/alice/pinned.out --container=word:1 --wrap 'cat /etc/word')
    build group/word:1 second
    alice lading pull "$registry/group/word:1" word:1
    [[ $(alice srun --container=word:1 cat /etc/word) == second ]]
    alice scontrol release "$job"
    wait_for 30 job_ended "$job"
    [[ $(alice cat /home/alice/pinned.out) == first ]]
    admin rm -f /home/alice/pinned.out
}

@test "within an allocation a name goes on to mean what it meant when the job was submitted" {
    build group/word:1 first
    alice lading pull "$registry/group/word:1" word:1
    build group/word:1 second
    run alice salloc --quiet -N1 --container=word:1 bash -c "srun cat /etc/word
        lading pull --quiet $registry/group/word:1 word:1
        srun cat /etc/word; srun --container=word:1 cat /etc/word"
    ended 0
    [[ $(grep -c '^first$' <<<"$output") -eq 3 ]]
    lacks second
}

job_ended() {
    [[ -z $(admin squeue --noheader --jobs "$1" 2>/dev/null) ]]
}

@test "with the site's cli_filter Slurm's own Container column has the digest" {
    local filtered=$LADING_CLUSTER_DIR/etc/filtered
    cp -r "$LADING_CLUSTER_DIR/etc" "$work/etc"
    sed "s|^local lading = .*|local lading = \"lading --config $LADING_CLUSTER_DIR/etc/lading.json\"|" \
        "$repository/contrib/slurm/cli_filter.lua" >"$work/etc/cli_filter.lua"
    echo 'CliFilterPlugins=cli_filter/lua' >>"$work/etc/slurm.conf"
    cp -r "$work/etc" "$filtered"
    digest=$(admin lading inspect --json --store "$LADING_CLUSTER_DIR/store" $IMAGE | jq -r .digest)
    run alice env SLURM_CONF="$filtered/slurm.conf" sbatch --parsable --wait --output /home/alice/column.out \
        --container=$IMAGE --container-env=WORD --export=ALL,WORD=x --wrap 'cat /etc/hostname; echo $WORD'
    rm -rf "$filtered"
    ended 0
    job=${output%%$'\n'*}
    wait_for 20 column_is "$job" "$IMAGE@$digest"
    [[ $(alice cat /home/alice/column.out) == $'image-bookworm\nx' ]]
    admin rm -f /home/alice/column.out
}

column_is() {
    [[ $(admin sacct --noheader --parsable2 --allocations --jobs "$1" --format Container) == "$2" ]]
}

@test "with the site's job_submit a batch job's Container column has the digest" {
    local etc=$LADING_CLUSTER_DIR/etc
    cp "$etc/slurm.conf" "$work/slurm.conf"
    cp "$repository/contrib/slurm/job_submit.lua" "$etc/"
    echo 'JobSubmitPlugins=lua' >>"$etc/slurm.conf"
    admin scontrol reconfigure
    digest=$(admin lading inspect --json --store "$LADING_CLUSTER_DIR/store" $IMAGE | jq -r .digest)
    run alice sbatch --parsable --wait --output /home/alice/column.out --container=$IMAGE --wrap 'cat /etc/hostname'
    cp "$work/slurm.conf" "$etc/slurm.conf"
    rm "$etc/job_submit.lua"
    admin scontrol reconfigure
    ended 0
    job=${output%%$'\n'*}
    wait_for 20 column_is "$job" "$IMAGE@$digest"
    [[ $(alice cat /home/alice/column.out) == image-bookworm ]]
    admin rm -f /home/alice/column.out
}
