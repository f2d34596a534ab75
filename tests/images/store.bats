#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# What is in the store is whole, whatever happens to those who fill it.
# shellcheck disable=SC2154,SC2030,SC2031,SC2317 # variables of images.bash; each test is a subshell

setup() {
    load images
    common_setup
}

teardown() {
    if mountpoint -q "$BATS_TEST_TMPDIR/small"; then
        umount -l "$BATS_TEST_TMPDIR/small"
    fi
}

make_source() {
    mkdir -p "$1/bin"
    printf '%s' "$2" >"$1/which"
    head -c "${3:-1000}" /dev/urandom >"$1/bin/content"
}

# What is left without a tag goes.
collect() { lading gc --store "$store" --older-than 0 --without-slurm "$@"; }

# check_store NAME WHICH…: every file of the store is named by its digest, each image is one of the
# given, and nothing else lies about.
check_store() {
    local name=$1 blob
    shift
    # By `|| return`: where a test asks `check_store || …`, nothing else ends the function.
    for blob in "$store"/blobs/sha256/*; do
        [[ $(sha256sum <"$blob") == "${blob##*/}  -" ]] || return
        [[ -s $store/indexes/sha256/${blob##*/} ]] || return
    done
    [[ -n $(content_of "$name" which) && " $* " == *" $(content_of "$name" which) "* ]] || return
    # Blob, index, document, tag and the tag's history.
    [[ $(store_files | wc -l) -eq 5 ]] || return
    [[ $(ls -A "$store/staging") == .lock ]]
}

@test "the store is readable by all and writable by its owner alone" {
    umask 077
    make_source one 1
    import one group/atse:1
    [[ -z $(find "$store" -path "$store/staging" -prune -o -type d -not -perm 755 -print) ]]
    [[ -z $(find "$store" -path "$store/staging" -prune -o -type f -not -perm 444 -print) ]]
    # Whoever could open a lock could hold it for ever.
    [[ $(stat -c %a "$store/staging") == 700 ]]
}

# Everything by which an import changes the store, or learns what to change.
readonly calls="mkdirat openat2 flock memfd_create socketpair fchmod fsync renameat unlinkat"

# at_every_call WHAT: WHAT happens to an import of `new` at each of these calls in turn.  After each
# the store must have the old image or the new one, whole, and after the next import nothing else.
at_every_call() {
    local call number hits=0
    make_source old 1
    make_source new 2
    import old atse:1
    for call in $calls; do
        for ((number = 1; ; number++)); do
            run strace -o trace -e "trace=$call" -e "inject=$call:$1:when=$number" \
                lading import new atse:1 --store "$store"
            [[ $(content_of atse:1 which) == [12] ]]
            import old atse:1
            collect >/dev/null
            check_store atse:1 1 || {
                echo "after $call $number:"
                store_files
                return 1
            }
            grep -qE 'INJECTED|KILL' trace || break
            hits=$((hits + 1))
        done
    done
    echo "$hits calls"
    ((hits >= 40))
}

@test "an import that is killed at any of its steps leaves the old image or the new, and no litter after the next" {
    command -v strace >/dev/null || skip "needs strace"
    at_every_call signal=KILL
}

@test "an import that finds the disk full at any of its steps leaves the old image or the new, and no litter after the next" {
    command -v strace >/dev/null || skip "needs strace"
    at_every_call error=ENOSPC
}

@test "an import that is killed while it reads and packs leaves no process and no litter after the next" {
    make_source old 1
    make_source new 2 30000000
    import old atse:1
    lading import new atse:1 --store "$store" &
    local importer=$!
    packing() { compgen -G "$store/staging/*/image.squashfs" >/dev/null; }
    wait_until packing
    local children
    children=$(pgrep -P "$importer")
    kill -KILL "$importer"
    wait "$importer" || true
    ended() { ! ps -o pid= -p "${children//$'\n'/,}" >/dev/null; }
    wait_until ended
    [[ $(content_of atse:1 which) == 1 ]]
    import old atse:1
    check_store atse:1 1
}

@test "a gc that is killed at any of its steps takes nothing that has a tag, and the next one ends its work" {
    command -v strace >/dev/null || skip "needs strace"
    local call number hits=0
    make_source old 1
    make_source new 2
    for call in openat2 flock fchmod fsync renameat unlinkat; do
        for ((number = 1; ; number++)); do
            import new atse:1
            import old atse:1
            run strace -o trace -e "trace=$call" -e "inject=$call:signal=KILL:when=$number" \
                lading gc --store "$store" --older-than 0 --without-slurm
            [[ $(content_of atse:1 which) == 1 ]]
            collect >/dev/null
            check_store atse:1 1
            grep -qE 'KILL' trace || break
            hits=$((hits + 1))
        done
    done
    echo "$hits calls"
    ((hits >= 10))
}

@test "a full disk is an error that says so, and the old image stays" {
    [[ $EUID -eq 0 ]] || skip "needs root: mounts a small tmpfs"
    mkdir small
    mount -t tmpfs -o size=4m none small
    store=$work/small/store
    make_source old 1
    make_source new 2 9000000
    import old atse:1
    run -8 import new atse:1
    [[ $output == *"file system is full"*"free space"* ]]
    check_store atse:1 1
}

@test "imports of the same name at once leave one of the images, whole" {
    local i pids=()
    for i in 1 2 3 4; do
        make_source "source$i" "$i" 300000
        lading import "source$i" atse:1 --store "$store" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i"
    done
    collect
    check_store atse:1 1 2 3 4
}

@test "whoever looks an image up while its tag moves gets the old one or the new one" {
    make_source one 1
    make_source two 2
    import one atse:1
    (for _ in 1 2 3 4 5; do import two atse:1 && import one atse:1; done) >moved &
    local mover=$!
    while kill -0 "$mover" 2>/dev/null; do
        lading inspect atse:1 --store "$store" --json >seen
    done
    wait "$mover"
    [[ $(wc -l <moved) -eq 10 ]]
}

@test "an import that works is not swept by another one" {
    make_source slow 1 20000000
    make_source fast 2
    lading import slow slow:1 --store "$store" &
    local importer=$!
    packing() { compgen -G "$store/staging/*/image.squashfs" >/dev/null; }
    wait_until packing
    kill -STOP "$importer"
    import fast fast:1
    kill -CONT "$importer"
    wait "$importer"
    [[ $(content_of slow:1 which) == 1 ]]
    [[ $(content_of fast:1 which) == 2 ]]
}

@test "rm removes the tag, and gc the image that has none left" {
    make_source one 1
    import one group/atse:1
    import one group/atse:2
    import one other
    local digest
    digest=$(digest_of other)
    [[ $(store_files | wc -l) -eq 9 ]]
    run -0 lading rm group/atse:1 --store "$store"
    [[ $output == "removed the tag group/atse:1 from $store; 'lading gc' removes images without a tag" ]]
    [[ $(content_of group/atse:2 which) == 1 ]]
    lading rm group/atse:2 --store "$store"
    [[ ! -e $store/tags/group ]]
    collect
    [[ $(content_of other which) == 1 ]]
    lading rm other --store "$store"
    [[ $(content_of "other@$digest" which) == 1 ]]
    collect
    [[ -z $(store_files) ]]
    run -3 lading rm other --store "$store"
    [[ $output == *"no image other:latest"* ]]
}

@test "an import over a tag leaves the old image for the jobs that wait for it" {
    make_source one 1
    make_source two 2
    import one atse:1
    local old
    old=$(digest_of atse:1)
    import two atse:1
    [[ $(content_of atse:1 which) == 2 ]]
    [[ $(content_of "atse@$old" which) == 1 ]]
}

@test "rm by digest removes the image with all of its tags, and no other" {
    make_source one 1
    make_source two 2
    import one atse:1
    import one atse:2
    import two atse:3
    lading rm "atse@$(digest_of atse:1)" --store "$store"
    [[ $(content_of atse:3 which) == 2 ]]
    [[ $(lading images --store "$store" --json | jq length) -eq 1 ]]
    collect
    check_store atse:3 2
}

@test "a step that has the image open keeps it when it is removed" {
    make_source one 1
    import one atse:1
    exec 8<"$(blob_of atse:1)"
    lading rm "atse@$(digest_of atse:1)" --store "$store"
    [[ -z $(find "$store/blobs" -type f) ]]
    [[ $(sqfscat /proc/self/fd/8 which <&8) == 1 ]]
    exec 8<&-
}

@test "an image is found by its digest, and a mistyped name is answered with the nearest" {
    make_source one 1
    import one group/atse:1.2.4
    run -0 lading inspect "group/atse@$(digest_of group/atse:1.2.4)" --store "$store"
    [[ $output == *"digest"* ]]
    run -3 lading inspect group/atse:1.2.3 --store "$store"
    [[ $output == *"no image group/atse:1.2.3"*"did you mean group/atse:1.2.4?"* ]]
    run -3 lading inspect atse:1.2.4 --store "$store"
    [[ $output == *"did you mean group/atse:1.2.4?"* ]]
}

@test "the configured stores are listed in order, and the first that may be written to is filled" {
    [[ $EUID -eq 0 ]] || skip "needs root: acts as two users"
    mkdir "$work/site" "$work/own"
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$work" "$work/.." 2>/dev/null || true
    chown 12345 "$work/own"
    printf '{"stores": [{"path": "%s"}, {"path": "%s"}]}' "$work/site" "$work/own" >config.json
    make_source one 1
    lading --config config.json import one shared:1
    as_user() { setpriv --reuid 12345 --regid 12345 --clear-groups "$@"; }
    as_user test -x "$work" || skip "the test directory is closed to other users"
    as_user "$(command -v lading)" --config config.json import one mine:1
    run -0 lading --config config.json images
    [[ ${lines[0]} == NAME*TAG*DIGEST*SIZE*AGE*ARCH*LIBC ]]
    [[ ${lines[1]} == shared* && ${lines[2]} == mine* ]]
    [[ $(stat -c %u "$work"/own/tags/mine/:1) == 12345 ]]
    printf '{"stores": [{"path": "%s"}]}' "$work/site" >config.json
    run -4 as_user "$(command -v lading)" --config config.json import one mine:1
    [[ $output == *"may not write"*"--store"* ]]
    run -4 as_user "$(command -v lading)" --config config.json rm shared:1
}

@test "without a store to look at the error says how to name one" {
    run -3 lading --config "$work/none.json" images
    [[ $output == *"cannot open $work/none.json"* ]]
    printf '{"stores": []}' >config.json
    run -2 lading --config config.json images
    [[ $output == *"--store"*"config.json"* ]]
    run -3 lading images --store "$work/nowhere"
    [[ $output == *"cannot open the image store"* ]]
}

@test "the same bytes cannot get other labels behind another tag's back" {
    archives tar root.tar "file a b"
    import root.tar atse:1 --label version=1
    run -4 import root.tar atse:2 --label version=2
    [[ $output == *"atse:1, with other labels"* ]]
    import root.tar atse:1 --label version=3
    [[ $(lading inspect atse:1 --store "$store" --json | jq -r .config.labels.version) == 3 ]]
}
