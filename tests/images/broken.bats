#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Broken and hostile sources: each is refused with a word that helps, and leaves nothing.
# shellcheck disable=SC2154,SC2030,SC2031,SC2317 # variables of images.bash; each test is a subshell

setup() {
    load images
    common_setup
}

# refused STATUS TEXT SOURCE [OPTION…]
refused() {
    local status_wanted=$1 text=$2
    shift 2
    run -"$status_wanted" import "$1" bad:1 "${@:2}"
    [[ $output == *"$text"* ]] || {
        echo "expected '$text' in: $output"
        return 1
    }
    [[ ! -d $store ]] || [[ -z $(store_files) && $(ls -A "$store/staging") == .lock ]]
}

arch_name() {
    case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
    esac
}

make_layout() {
    archives tar layer.tar "dir bin" "file bin/hello hello" "file which one"
    archives layout layout 1 "$(arch_name)" layer.tar
}

layer_blob() {
    local manifest digest
    manifest=$(jq -r '.manifests[0].digest' layout/index.json)
    digest=$(jq -r '.layers[0].digest' "layout/blobs/sha256/${manifest#sha256:}")
    printf 'layout/blobs/sha256/%s' "${digest#sha256:}"
}

@test "what is not there, empty, or no image at all" {
    refused 3 "cannot open nowhere" nowhere
    refused 3 "lading pull" docker.io/library/debian:12
    : >empty
    refused 5 "empty is empty" empty
    mkdir bare
    refused 5 "the directory bare is empty" bare
    head -c 100000 /dev/urandom >noise
    refused 5 "no archive that lading reads" noise
    printf 'hello, world\n' >text
    refused 5 "no archive that lading reads" text
    refused 2 "neither a file nor a directory" /dev/null
    mkfifo fifo
    refused 2 "neither a file nor a directory" fifo
}

@test "a malformed name is shown with the spot" {
    mkdir root
    run -2 import root 'Bad Name:1'
    [[ $output == *"^"* ]]
    run -2 import root '../../etc:1'
    run -2 import root "atse@sha256:$(printf '0%.0s' {1..64})"
    [[ $output == *"digest"* ]]
}

@test "a squashfs file that is cut short or scribbled over" {
    mkdir root
    head -c 2000000 /dev/urandom >root/content
    mksquashfs root good.sqsh -quiet -no-progress
    head -c 50 good.sqsh >header
    refused 5 "ends within its squashfs header" header
    head -c 1000000 good.sqsh >short
    refused 5 "cut short: it has 1000000 of" short
    cp good.sqsh scribbled
    # Over the tables at the end, which bytes_used (offset 40) is the end of.
    end=$(od -An -tu8 -j40 -N8 good.sqsh)
    head -c 300 /dev/zero | dd of=scribbled bs=1 seek=$((end - 300)) conv=notrunc status=none
    refused 5 "scribbled is damaged" scribbled
    cp good.sqsh version
    printf '\x03' | dd of=version bs=1 seek=28 conv=notrunc status=none
    refused 5 "squashfs version 3.0" version
}

# scribble FILE OFFSET [BYTES]: a number that leads nowhere.
scribble() {
    head -c "${3:-8}" <(printf '\xff\xff\xff\xff\xff\xff\xff\x7f') |
        dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "a squashfs file whose header points anywhere" {
    mkdir root
    printf 'hello' >root/file
    mksquashfs root good.sqsh -quiet -no-progress
    # Its sizes, the root's inode, and the tables of ids, attributes, inodes, directories,
    # fragments and exports, by turns; the last one is not read.
    for offset in 32 40 48 64 72 80; do
        cp good.sqsh wild.sqsh
        scribble wild.sqsh $offset
        run timeout 20 "$LADING_BIN/lading" import --store "$store" wild.sqsh bad:1
        [[ $status -eq 5 && -z $(store_files) ]] || {
            echo "offset $offset: status $status: $output"
            return 1
        }
    done
}

@test "a SIF whose header or descriptors point anywhere, or that is cut short" {
    mkdir root
    mksquashfs root root.sqsh -quiet -no-progress
    archives sif good.sif root.sqsh definition=x
    # Number and place of the descriptors, then place and size of the definition and the root.
    for offset in 88 96 $((4096 + 17)) $((4096 + 25)) $((4096 + 585 + 17)) $((4096 + 585 + 25)); do
        cp good.sif wild.sif
        scribble wild.sif $offset
        refused 5 "wild.sif is a damaged SIF" wild.sif
    done
    head -c 100 good.sif >short.sif
    refused 5 "short.sif is a damaged SIF" short.sif
    head -c 33000 good.sif >short.sif
    refused 5 "short.sif is a damaged SIF" short.sif
    archives sif version.sif root.sqsh
    printf '99' | dd of=version.sif bs=1 seek=42 conv=notrunc status=none
    refused 5 "another version" version.sif
}

@test "a SIF that lading does not open, or without a root that it could" {
    mkdir root
    mksquashfs root root.sqsh -quiet -no-progress
    archives sif encrypted.sif root.sqsh fs=5
    refused 5 "encrypted.sif is encrypted" encrypted.sif
    archives sif ext3.sif root.sqsh fs=2
    refused 5 "ext3" ext3.sif
    head -c 4096 /dev/urandom >noise
    archives sif noise.sif noise
    refused 5 "not a squashfs file" noise.sif
    archives sif json.sif root.sqsh 'labels={"a":'
    refused 5 "the SIF's labels is not valid JSON" json.sif
}

@test "an archive that is cut short, in any compression" {
    mkdir root
    head -c 300000 /dev/urandom >root/content
    tar -C root -cf whole.tar .
    gzip -k whole.tar
    xz -k whole.tar
    zstd -q whole.tar
    for file in whole.tar whole.tar.gz whole.tar.xz whole.tar.zst; do
        head -c 150000 "$file" >short
        refused 5 "short is damaged" short
    done
}

@test "members that would leave the root, and links to nothing" {
    archives tar up.tar "file ../../etc/cron.d/evil x"
    refused 5 "points upwards" up.tar
    archives tar link.tar "file a x" "hard b nothing"
    refused 5 "'b' in the image is a hard link to 'nothing', which is not there" link.tar
    archives tar outside.tar "file a x" "hard b ../../etc/passwd"
    refused 5 "points upwards" outside.tar
    archives tar host.tar "file a x" "hard b /etc/passwd"
    refused 5 "which is not there" host.tar
    archives tar dirlink.tar "dir a" "hard b a"
    refused 5 "which is a directory" dirlink.tar
    archives tar loop.tar "link a b" "link b a" "file a/c x"
    refused 5 "too many symbolic links" loop.tar
    archives tar absolute.tar "file /etc/inside x" "link evil /etc" "file evil/also x"
    import absolute.tar good:1
    same "$(names_in good:1)" ".
etc
etc/also
etc/inside
evil"
}

@test "bombs: sizes and depths beyond all reason" {
    archives tar huge.tar "zeros huge 900000000000000"
    refused 5 "more than 512 GiB" huge.tar
    archives tar deep.tar "file $(printf 'a/%.0s' {1..300})f x"
    refused 5 "more than 256 components" deep.tar
    archives tar long.tar "file $(printf 'a%.0s' {1..300}) x"
    refused 5 "a name longer than 255 bytes" long.tar
}

@test "holes and zeros that only the reader would pay for" {
    mkdir root
    truncate -s 500G root/hole
    tar -C root --sparse -cf sparse.tar .
    refused 5 "says that it holds more than 8 GiB" sparse.tar
    # A file that is large only in name, closed to others so that it must be copied.
    cp /dev/null large.sqsh
    mkdir small
    mksquashfs small large.sqsh -quiet -no-progress -noappend
    truncate -s 400G large.sqsh
    chmod 600 large.sqsh
    import large.sqsh good:1
    [[ $(du -sm "$store" | cut -f1) -lt 10 ]]
}

@test "more members than any image has, in an archive of some KiB" {
    python3 -c 'import sys, tarfile
header = tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT) * 100000
for _ in range(81): sys.stdout.buffer.write(header)' | zstd -q >many.tar.zst
    refused 5 "more than 8000000 members" many.tar.zst
}

@test "a device in an archive is left out" {
    archives tar odd.tar "file a x" "device null" "hard b a"
    import odd.tar good:1
    same "$(names_in good:1)" ".
a
b"
}

@test "a layer that does not match its digest" {
    make_layout
    printf 'x' | dd of="$(layer_blob)" bs=1 seek=20 conv=notrunc status=none
    refused 5 "is damaged" layout
}

@test "a layer whose digest is wrong although it unpacks" {
    make_layout
    local word size
    size=$(stat -c %s "$(layer_blob)")
    for word in HELLO jelly cello world other words match again; do
        archives tar other.tar "dir bin" "file bin/hello $word" "file which one"
        python3 -c 'import gzip, sys
sys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read(), mtime=0))' <other.tar >other.gz
        [[ $(stat -c %s other.gz) -ne $size ]] || break
    done
    cp other.gz "$(layer_blob)"
    refused 5 "is damaged: its digest is" layout
}

@test "a manifest or configuration that does not match its digest" {
    make_layout
    manifest=$(jq -r '.manifests[0].digest' layout/index.json)
    sed -i 's/amd64/AMD64/; s/layers/lAyers/' "layout/blobs/sha256/${manifest#sha256:}"
    refused 5 "${manifest#sha256:} is damaged: its digest is" layout
}

@test "a manifest that lies about sizes" {
    make_layout
    printf 'x' >>"$(layer_blob)"
    refused 5 "where its descriptor says" layout
    rm -r layout
    make_layout
    manifest=$(jq -r '.manifests[0].digest' layout/index.json)
    for size in 1 9000000000000000000 -1; do
        jq -c ".manifests[0].size = $size" layout/index.json >index
        cp index layout/index.json
        run -5 import layout bad:1
        [[ -z $(store_files) ]]
    done
    truncate -s 1T "layout/blobs/sha256/${manifest#sha256:}"
    jq -c ".manifests[0].size = $((1 << 40))" layout/index.json >index
    cp index layout/index.json
    refused 5 "more than the" layout
}

@test "a layout without one of its files, or with a link in their place" {
    make_layout
    blob=$(layer_blob)
    mv "$blob" aside
    refused 5 "the layout is not complete" layout
    ln -s /etc/passwd "$blob"
    refused 4 "no symbolic links" layout
    rm "$blob"
    mkfifo "$blob"
    refused 5 "is not a regular file" layout
}

@test "a layout of another version, of no version, or for signatures alone" {
    make_layout
    printf '{"imageLayoutVersion":"9.0.0"}' >layout/oci-layout
    refused 5 "version '9.0.0' is not known" layout
    printf 'no json' >layout/oci-layout
    refused 5 "oci-layout is not valid JSON" layout
    printf '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout
    printf '{"manifests":[]}' >layout/index.json
    refused 5 "no Linux image" layout
}

@test "a docker archive without its layers" {
    printf '[{"Config":"c.json","RepoTags":["a:1"],"Layers":["layer.tar"]}]' >manifest.json
    printf '{"architecture":"amd64","rootfs":{"diff_ids":["sha256:%064d"]}}' 0 >c.json
    tar -cf saved.tar manifest.json c.json
    refused 5 "has no member 'layer.tar'" saved.tar
    archives tar layer.tar "file a b"
    tar -cf saved.tar manifest.json c.json layer.tar
    refused 5 "layer layer.tar is damaged: its digest is" saved.tar
}

@test "a file that the importing user may not read" {
    [[ $EUID -eq 0 ]] || skip "needs root: becomes another user"
    # bats keeps its own directories closed to other users.
    local open
    open=$(mktemp -d /tmp/lading-open.XXXXXX)
    chmod 755 "$open"
    cd "$open"
    mkdir -p root own
    printf 'x' >root/secret
    chmod 600 root/secret
    chown 12345 own
    run setpriv --reuid 12345 --regid 12345 --clear-groups \
        "$(command -v lading)" import root bad:1 --store "$open/own/store"
    cd "$work"
    rm -rf "$open"
    [[ $status -eq 4 ]]
    [[ $output == *"cannot read root/secret"* ]]
}

@test "the child that reads what is imported is nobody and holds nothing else" {
    [[ $EUID -eq 0 ]] || skip "needs root: gives it up"
    mkdir root
    head -c 30000000 /dev/urandom >root/content
    tar -C root -cf root.tar .
    lading import root.tar atse:1 --store "$store" &
    local importer=$! reader
    # Another one indexes: it has a file of the store to read from, and one to write to.
    reading() {
        for reader in $(pgrep -P "$importer"); do
            readlink "/proc/$reader"/fd/* | grep -q root.tar || continue
            [[ $(stat -c %u "/proc/$reader") == 65534 ]] && return
        done
        return 1
    }
    wait_until reading
    kill -STOP "$reader"
    status=$(cat "/proc/$reader/status")
    descriptors=$(readlink "/proc/$reader"/fd/*)
    for indexer in $(pgrep -P "$importer" -u 65534); do
        [[ $indexer == "$reader" ]] || held=$(readlink "/proc/$indexer"/fd/*)
    done
    kill -CONT "$reader"
    wait "$importer"
    [[ $(grep -cv -e /dev/null -e "$store/staging" -e socket: <<<"$held") -eq 0 ]]
    grep -q '^NoNewPrivs:[[:space:]]*1$' <<<"$status"
    grep -q '^CapPrm:[[:space:]]*0*$' <<<"$status"
    grep -q '^CapBnd:[[:space:]]*0*$' <<<"$status"
    grep -q '^Groups:[[:space:]]*$' <<<"$status"
    [[ $(grep -cv -e /dev/null -e root.tar -e socket: <<<"$descriptors") -eq 0 ]]
}
