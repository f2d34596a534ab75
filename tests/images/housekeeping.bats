#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# What is in a store, whether it is whole, what goes, and how an image comes into another one.
# shellcheck disable=SC2154,SC2030,SC2031 # variables of images.bash; each test is a subshell

setup() {
    load images
    common_setup
    # No Slurm answers here, whatever this machine has.
    export SLURM_CONF=$work/no-slurm.conf
}

# image NAME WORD: a small image that holds the word.
image() {
    mkdir -p "source-$2/bin"
    printf '%s' "$2" >"source-$2/which"
    import "source-$2" "$1" >/dev/null
}

gc() { lading gc --store "$store" "$@"; }

@test "gc removes what has no tag, frees its space, and leaves what has one" {
    image atse:1 old
    old=$(digest_of atse:1)
    image atse:1 new
    image other:1 other
    run -0 gc --older-than 0 --without-slurm
    [[ ${lines[0]} == "removed "*"${old:0:19}"*" atse:1 "*"without a tag since "* ]]
    [[ ${lines[1]} == "$store: freed "* ]]
    run -3 lading inspect "atse@$old" --store "$store"
    [[ $(content_of atse:1 which) == new && $(content_of other:1 which) == other ]]
    run -0 gc --older-than 0 --without-slurm
    [[ $output == "$store: freed 0 B" ]]
}

@test "gc keeps for a day what has just lost its tag" {
    image atse:1 old
    lading rm atse:1 --store "$store"
    run -0 gc --without-slurm
    [[ $output == "kept "*"without a tag for "*" only"* ]]
    gc --without-slurm --json | jq -e '.[0].images[0] | .removed == false and .name == "atse:1"'
    run -2 gc --older-than yesterday
    [[ $output == *"expected a number and one of s, m, h, d, w"* ]]
}

@test "gc --dry-run says what it would remove, and removes nothing" {
    image atse:1 old
    old=$(digest_of atse:1)
    lading rm atse:1 --store "$store"
    before=$(store_files)
    run -0 gc --older-than 0 --without-slurm --dry-run
    [[ $output == "would remove "*"${old:7:12}"*"would free "* ]]
    [[ $(store_files) == "$before" ]]
}

@test "where Slurm cannot be asked gc removes nothing, and says why and what to do" {
    image atse:1 old
    lading rm atse:1 --store "$store"
    before=$(store_files)
    run gc --older-than 0
    [[ $status -ne 0 ]]
    [[ $output == *"nothing was removed from $store: Slurm cannot be asked"*"--without-slurm"* ]]
    [[ $(store_files) == "$before" ]]
}

@test "gc leaves everything while a tag is damaged, because it may have named anything" {
    image atse:1 old
    image atse:2 new
    lading rm atse:1 --store "$store"
    chmod u+w "$store/tags/atse/:2"
    echo nonsense >"$store/tags/atse/:2"
    run -0 gc --older-than 0 --without-slurm
    [[ $output == *"the tag atse:2 is damaged"* ]]
    [[ $(find "$store/blobs" -type f | wc -l) -eq 2 ]]
}

@test "gc does not wait for, nor sweep, an import that is at work" {
    image atse:1 old
    lading rm atse:1 --store "$store"
    mkdir slow
    head -c 20000000 /dev/urandom >slow/content
    printf slow >slow/which
    lading import slow slow:1 --store "$store" &
    local importer=$!
    packing() { compgen -G "$store/staging/*/image.squashfs" >/dev/null; }
    wait_until packing
    kill -STOP "$importer"
    gc --older-than 0 --without-slurm
    kill -CONT "$importer"
    wait "$importer"
    [[ $(content_of slow:1 which) == slow ]]
}

@test "inspect shows layers, history, labels, environment, and what the ELF files say" {
    mkdir -p base/usr/bin
    cp "$(command -v sqfscat)" base/usr/bin/program
    tar -C base -cf base.tar .
    archives layout layout latest amd64 base.tar
    import layout atse:1
    run -0 lading inspect atse:1 --store "$store"
    [[ $output == *"ELF files     1 amd64"* ]]
    [[ $output == *"CPU           x86-64"* ]]
    [[ $output == *"environment   PATH=/usr/bin"*"GREETING=hello"* ]]
    [[ $output == *"labels        org.example.built-by=a test"* ]]
    [[ $output == *"layers        sha256:"*"application/vnd.oci.image.layer.v1.tar+gzip"* ]]
    [[ $output == *"history       2023-01-01  ADD base.tar in /"*"CMD /bin/sh"* ]]
    [[ $(wc -L <<<"$output") -le 140 ]]
    lading inspect atse:1 --store "$store" --json >json
    jq -e '.layers | length == 1' json
    jq -e '.history[1] == {"by": "CMD /bin/sh", "created": "", "empty": true}' json
    jq -e '.elf.files == 1 and .elf.architectures.amd64 == 1' json
}

@test "inspect prints no control characters of an image" {
    mkdir root
    printf 'x' >root/which
    import root atse:1 --label "note=$(printf '\033[31mred')"
    run -0 lading inspect atse:1 --store "$store"
    [[ $output == *"note="*"[31mred"* && $output != *$'\033'* ]]
    run -0 lading images --labels --store "$store"
    [[ $output == *"note="* && $output != *$'\033'* ]]
}

@test "images lists size, age and labels, and no jobs where Slurm cannot be asked" {
    mkdir root
    printf 'x' >root/which
    import root atse:1 --label team=a --label mpi=none
    run -0 lading images --store "$store"
    [[ ${lines[0]} =~ ^NAME\ +TAG\ +DIGEST\ +SIZE\ +AGE\ +ARCH\ +LIBC$ ]]
    [[ ${lines[1]} =~ ^atse\ +1\ +sha256:[0-9a-f]{12}\ .*\ seconds?$ ]]
    run -0 lading images --labels --store "$store"
    [[ ${lines[1]} == *"mpi=none team=a" ]]
}
