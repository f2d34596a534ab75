#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# From a registry into a store: Debian's docker-registry on loopback, and the tools that push to it.
# shellcheck disable=SC2154,SC2030,SC2031,SC2317 # variables of images.bash; each test is a subshell

setup() {
    load images
    load registry
    common_setup
    start_registry "$work/registry"
    export HOME=$work/home
    speak_plainly "$HOME"
}

teardown() {
    stop_registry
}

# A listing without attributes and without the root itself.
members() {
    sed "s/ {.*}\$//; /^'\.' /d"
}

# two_images: base:1 has one layer, app:1 has the same one and another.
two_images() {
    archives tar low.tar 'dir etc' 'dir usr' 'file etc/base of the base'
    archives tar high.tar 'dir etc' 'file etc/app of the app'
    archives layout layout base amd64 low.tar >/dev/null
    archives layout layout app amd64 low.tar high.tar >/dev/null
    push layout:base group/base:1
    push layout:app group/app:1
}

# a_large_image NAME: one whose fetching takes a while.
a_large_image() {
    mkdir -p large/etc large/usr
    head -c 60000000 /dev/urandom >large/etc/random
    tar -C large -cf large.tar etc usr
    archives layout large-layout x amd64 large.tar >/dev/null
    push large-layout:x "$1"
}

nothing_is_left() {
    [[ -z $(find "$store/layers/incoming" "$store/layers/locks" "$store/staging" -mindepth 1 \
        -not -name .lock) ]]
}

@test "what podman built and pushed is pulled as it was built, under the registry's digest" {
    make_root root
    tar -C root -cf root.tar .
    printf 'FROM scratch\nADD root.tar /\nENV GREETING=hello\nLABEL org.supercontainers.mpi=mpich\n' >Containerfile
    podman --runtime runc --root "$work/podman" build --quiet --tag built . >/dev/null
    podman --root "$work/podman" push --quiet --tls-verify=false built "docker://$registry/group/atse:1.2.4"
    run -0 --separate-stderr pull "$registry/group/atse:1.2.4" atse:1.2.4
    [[ $output == "pulled atse:1.2.4 sha256:"*" into $store" ]]
    [[ $(digest_of atse:1.2.4) == "sha256:$(manifest_of group/atse:1.2.4 | sha256sum | cut -d' ' -f1)" ]]
    # Tar as made here keeps no attributes, and no podman the time of the root itself.
    same "$(archives list root | members)" "$(listing_of atse:1.2.4 | members)"
    lading inspect atse:1.2.4 --store "$store" --json >json
    [[ $(jq -r '.config.labels["org.supercontainers.mpi"]' json) == mpich ]]
    jq -e '.config.environment | index("GREETING=hello")' json
    nothing_is_left
}

@test "without a name of its own a pulled image has that of the registry" {
    two_images
    run -0 --separate-stderr pull "docker://$registry/group/base:1"
    digest_of "${registry/:/-}/group/base:1"
    run -0 --separate-stderr pull --quiet "$registry/group/base:1"
    [[ $output == "${registry/:/-}/group/base:1@sha256:"* ]]
    [[ ${output##*@} == "$(digest_of "${registry/:/-}/group/base:1")" ]]
}

@test "the same manifest gives the same bytes in every store" {
    two_images
    pull "$registry/group/app:1" app:1
    first=$(sha256sum <"$(blob_of app:1)")
    store=$work/other
    pull "$registry/group/app:1" app:1
    [[ $(sha256sum <"$(blob_of app:1)") == "$first" ]]
}

@test "a docker manifest keeps its identity" {
    two_images
    push layout:app group/docker:1 --format v2s2
    manifest_of group/docker:1 | jq -e '.mediaType == "application/vnd.docker.distribution.manifest.v2+json"'
    pull "$registry/group/docker:1" docker:1
    [[ $(digest_of docker:1) == "sha256:$(manifest_of group/docker:1 | sha256sum | cut -d' ' -f1)" ]]
    [[ $(content_of docker:1 etc/app) == "of the app" ]]
}

@test "layers that are not compressed are taken as they are" {
    two_images
    push layout:app group/plain:1 --dest-decompress
    pull "$registry/group/plain:1" plain:1
    [[ $(content_of plain:1 etc/app) == "of the app" ]]
}

@test "out of an index comes this machine's architecture, or the one that is asked for" {
    for architecture in amd64 arm64; do
        archives tar "$architecture.tar" 'dir etc' "file etc/architecture $architecture"
        archives layout layout "$architecture" "$architecture" "$architecture.tar" >/dev/null
        push "layout:$architecture" "group/multi:$architecture"
    done
    jq '.mediaType = "application/vnd.oci.image.index.v1+json" | del(.manifests[].annotations)' layout/index.json |
        put_manifest group/multi:1 application/vnd.oci.image.index.v1+json
    pull "$registry/group/multi:1" multi:1
    [[ $(content_of multi:1 etc/architecture) == amd64 ]]
    pull --arch arm64 "$registry/group/multi:1" multi:arm64
    [[ $(content_of multi:arm64 etc/architecture) == arm64 ]]
    run -6 pull --arch s390x "$registry/group/multi:1" multi:s390x
    [[ $output == *"amd64, arm64"* ]]
}

@test "a layer that two images have is fetched once" {
    two_images
    pull "$registry/group/base:1" base:1
    [[ $(fetched) -eq 2 ]] # the layer and the configuration
    pull "$registry/group/app:1" app:1
    [[ $(fetched) -eq 4 ]] # its own layer and configuration
    [[ $(content_of app:1 etc/base) == "of the base" ]]
}

@test "what is there is not fetched again, and a tag that moved is" {
    two_images
    pull "$registry/group/base:1" atse:1
    before=$(fetched)
    run -0 --separate-stderr pull "$registry/group/base:1" atse:1
    [[ $output == "there is atse:1 "* ]]
    run -0 --separate-stderr pull "$registry/group/base:1" other:2
    [[ $(digest_of other:2) == "$(digest_of atse:1)" ]]
    [[ $(fetched) -eq $before ]]
    push layout:app group/base:1
    pull "$registry/group/base:1" atse:1
    [[ $(content_of atse:1 etc/app) == "of the app" ]]
}

@test "gc removes layers that no pull has used of late, and no image needs them" {
    two_images
    pull "$registry/group/base:1" base:1
    run -0 lading gc --store "$store" --without-slurm
    [[ $output == "$store: freed 0 B" ]]
    find "$store/layers/blobs" -type f -exec touch -d '2 days ago' {} +
    run -0 lading gc --store "$store" --without-slurm
    [[ $output == "removed 2 layers that no pull has used since"* ]]
    [[ -z $(find "$store/layers/blobs" -type f) && $(content_of base:1 etc/base) == "of the base" ]]
    pull "$registry/group/app:1" app:1
    [[ $(content_of app:1 etc/app) == "of the app" ]]
}

@test "an image is pulled by its digest" {
    two_images
    digest=sha256:$(manifest_of group/app:1 | sha256sum | cut -d' ' -f1)
    run -0 --separate-stderr pull --quiet "$registry/group/app@$digest" app:1
    [[ $output == "app:1@$digest" ]]
    run -0 --separate-stderr pull --quiet "$registry/group/app@$digest"
    [[ $output == "${registry/:/-}/group/app:"*"@$digest" ]]
}

@test "an image for some only needs their login, which is skopeo's and podman's" {
    stop_registry
    python3 -W ignore -c 'import crypt; print("alice:" + crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH)))' >htpasswd
    start_registry "$work/private" "$work/htpasswd"
    speak_plainly "$HOME"
    export XDG_RUNTIME_DIR=$work
    archives tar low.tar 'dir etc' 'file etc/base of the base'
    archives layout layout base amd64 low.tar >/dev/null
    push layout:base group/base:1 --dest-creds alice:secret
    run -4 pull "$registry/group/base:1" base:1
    [[ $output == *"skopeo login $registry"* ]]
    skopeo login --tls-verify=false --username alice --password secret "$registry"
    pull "$registry/group/base:1" base:1
    [[ $(content_of base:1 etc/base) == "of the base" ]]
}

@test "an unknown image, an unknown registry and one without TLS are told apart" {
    two_images
    run -3 pull "$registry/group/nothing:1"
    [[ $output == *"manifest unknown"*"check the name and the tag"* ]]
    run -3 pull "$registry/group/base:2"
    run -8 pull "127.0.0.1:1/group/base:1"
    [[ $output == *"127.0.0.1:1 does not answer"* ]]
    rm "$HOME/.config/containers/registries.conf"
    run -8 pull "$registry/group/base:1"
    [[ $output == *"speaks no TLS"* ]]
    [[ ! -e $store/tags ]] || [[ -z $(find "$store/tags" -type f) ]]
}

@test "a pull that is killed leaves no half, and the next one mends it" {
    a_large_image group/large:1
    pull "$registry/group/large:1" large:1 2>/dev/null &
    pid=$!
    wait_until compgen -G "$store/layers/incoming/*/fetch/oci-put-blob*"
    kill -KILL "$pid"
    run wait "$pid"
    [[ ! -e $store/tags/large ]]
    [[ -z $(find "$store/blobs" "$store/images" -type f) ]]
    run -0 --separate-stderr pull "$registry/group/large:1" large:1
    cmp <(content_of large:1 etc/random) large/etc/random
    nothing_is_left
}

@test "a registry that breaks off is asked again, and a half layer is never used" {
    a_large_image group/large:1
    blob=$(manifest_of group/large:1 | jq -r '.layers[0].digest')
    file=$work/registry/data/docker/registry/v2/blobs/sha256/${blob:7:2}/${blob:7}/data
    cp "$file" saved
    truncate -s 1000000 "$file"
    run ! pull "$registry/group/large:1" large:1
    [[ ! -e $store/tags/large && -z $(find "$store/layers/blobs" -type f -size +900k) ]]
    cp saved "$file"
    printf 'X' | dd of="$file" bs=1 seek=5000 conv=notrunc status=none
    run ! pull "$registry/group/large:1" large:1
    [[ ! -e $store/tags/large && -z $(find "$store/layers/blobs" -type f -size +900k) ]]
    nothing_is_left
    cp saved "$file"
    pull "$registry/group/large:1" large:1
}

@test "a store that is full says so, and is as before" {
    a_large_image group/large:1
    mkdir small
    mount -t tmpfs -o size=70M tmpfs small
    store=$work/small/store
    run pull "$registry/group/large:1" large:1
    left=$(find "$store" -type f -size +1M -not -path '*/layers/blobs/*')
    tags=$(find "$store/tags" -type f)
    umount "$work/small"
    [[ $status -eq 8 && $output == *"full"* && -z $left && -z $tags ]]
}

@test "a manifest that lies about a layer's size is refused" {
    two_images
    manifest_of group/base:1 | jq -c '.layers[0].size += 1' |
        put_manifest group/base:lie application/vnd.oci.image.manifest.v1+json
    run ! pull "$registry/group/base:lie" lie:1
    [[ ! -e $store/tags/lie ]]
    nothing_is_left
}

@test "a chart, a signature or docker's first format is refused before anything is fetched" {
    two_images
    manifest_of group/base:1 | jq -c '.layers[0].mediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"' |
        put_manifest group/base:chart application/vnd.oci.image.manifest.v1+json
    run -5 pull "$registry/group/base:chart" chart:1
    [[ $output == *"no plain file system layer"* && $(fetched) -eq 0 ]]
}

@test "twenty users who pull the same image at once fetch it once" {
    a_large_image group/large:1
    mkdir -m 1777 shared stores
    jq -n --arg shared "$work/shared" '{stores: [], shared_layers: $shared}' >lading.json
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "${work%/*}"
    pids=()
    for user in {1..20}; do
        setpriv --reuid=$((20000 + user)) --regid=$((20000 + user)) --clear-groups \
            "$(command -v lading)" --config "$work/lading.json" pull --quiet \
            --store "$work/stores/$user" "$registry/group/large:1" large:1 >"out.$user" 2>"err.$user" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || grep -h '^lading: cannot' err.*
    done
    [[ $(sort -u out.* | wc -l) -eq 1 && $(cat out.* | wc -l) -eq 20 ]]
    layer=$(manifest_of group/large:1 | jq -r '.layers[0].digest')
    [[ $(fetched "${layer#sha256:}") -eq 1 ]]
    grep -l 'waiting for somebody' err.*
    store=$work/stores/7
    cmp <(content_of large:1 etc/random) large/etc/random
}

@test "what somebody else put among the shared layers is never used unless it is the layer" {
    two_images
    mkdir -m 1777 shared
    jq -n --arg shared "$work/shared" '{stores: [], shared_layers: $shared}' >lading.json
    layer=$(manifest_of group/base:1 | jq -r '.layers[0].digest')
    size=$(manifest_of group/base:1 | jq -r '.layers[0].size')
    mkdir -m 1777 -p shared/blobs/sha256
    head -c "$size" /dev/urandom >"shared/blobs/sha256/${layer#sha256:}"
    run -0 --separate-stderr lading --config lading.json pull --store "$store" "$registry/group/base:1" base:1
    [[ $(content_of base:1 etc/base) == "of the base" ]]
}

@test "a layer that needs a login is not shared" {
    stop_registry
    python3 -W ignore -c 'import crypt; print("alice:" + crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH)))' >htpasswd
    start_registry "$work/private" "$work/htpasswd"
    speak_plainly "$HOME"
    export XDG_RUNTIME_DIR=$work
    archives tar low.tar 'dir etc' 'file etc/base of the base'
    archives layout layout base amd64 low.tar >/dev/null
    push layout:base group/base:1 --dest-creds alice:secret
    skopeo login --tls-verify=false --username alice --password secret "$registry"
    mkdir -m 1777 shared
    jq -n --arg shared "$work/shared" '{stores: [], shared_layers: $shared}' >lading.json
    run -0 --separate-stderr lading --config lading.json pull --store "$store" "$registry/group/base:1" base:1
    [[ -z $(find shared -type f) ]]
}

@test "the site decides from which registries a store takes images, and from whom" {
    two_images
    policy() {
        jq -n --arg store "$store" --argjson rules "$1" '{stores: [{path: $store, "import": $rules}]}' >lading.json
    }
    policy '{"registries": ["registry.example.org"]}'
    run -4 lading --config lading.json pull "$registry/group/base:1" base:1
    [[ $output == *"takes no images of $registry/group/base"*"registry.example.org"* ]]
    policy "{\"registries\": [\"$registry/group\"], \"files\": false}"
    lading --config lading.json pull "$registry/group/base:1" base:1
    run -4 lading --config lading.json import layout:base base:2
    for path in "$store/" "$work/./store" "$work/other/../store"; do
        mkdir -p other
        run -4 lading --config lading.json import layout:base base:2 --store "$path"
    done
    ln -s store link
    run -4 lading --config lading.json import layout:base base:2 --store "$work/link"
    run -4 lading --config lading.json copy base:1 base:2 --from "$store" --to "$store"
    policy '{"users": ["nobody"]}'
    run -4 lading --config lading.json pull "$registry/group/app:1" app:1
    [[ $output == *"root may not put images into"* ]]
    SUDO_UID=65534 lading --config lading.json pull "$registry/group/app:1" app:1
    policy '{"users": ["root"]}'
    SUDO_UID=65534 run -4 lading --config lading.json pull "$registry/group/app:1" app:2
}

@test "an image whose signature the site's policy does not accept is not pulled" {
    two_images
    printf '{"default": [{"type": "reject"}]}' >policy.json
    jq -n --arg store "$store" --arg policy "$work/policy.json" \
        '{stores: [{path: $store, "import": {signatures: $policy}}]}' >lading.json
    run -4 lading --config lading.json pull "$registry/group/base:1" base:1
    [[ $output == *"policy"* && $(fetched) -eq 0 ]]
}

@test "on a terminal one line shows how far a pull is, and elsewhere no line is written over" {
    a_large_image group/large:1
    script -qec "lading pull --store $store $registry/group/large:1 large:1" typescript
    grep -q $'\r' typescript
    grep -qE '(fetching|packing).* [0-9.]+ [kM]B' typescript
    pull "$registry/group/large:1" large:2 2>err
    run ! grep -q $'\r' err
}
