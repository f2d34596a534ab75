# SPDX-License-Identifier: BSD-3-Clause
# What the tests of images share.  The command under test comes from $LADING_BIN.

# bats calls setup() before each test; files add what they need after common_setup.
common_setup() {
    bats_require_minimum_version 1.5.0
    [[ -n ${LADING_BIN:-} ]] && PATH=$LADING_BIN:$PATH
    command -v lading >/dev/null || {
        echo "there is no lading: set LADING_BIN to the directory that holds it" >&2
        return 1
    }
    tests=$BATS_TEST_DIRNAME
    work=$BATS_TEST_TMPDIR
    store=$work/store
    cd "$work" || return
}

archives() {
    python3 "$tests/archives.py" "$@"
}

# A root with one of everything that an image may hold.
make_root() {
    local root=$1
    mkdir -p "$root"/{bin,etc,usr/bin,usr/lib/x86_64-linux-gnu,empty,tmp,private}
    ln -s usr/lib "$root/lib"
    printf '#!/bin/sh\necho hello\n' >"$root/bin/hello"
    chmod 4755 "$root/bin/hello"
    chmod 1777 "$root/tmp"
    chmod 700 "$root/private"
    printf 'secret' >"$root/private/shadow"
    chmod 600 "$root/private/shadow"
    ln "$root/bin/hello" "$root/usr/bin/hello-again"
    ln -s /absolute/nowhere "$root/etc/dangling"
    : >"$root/etc/nothing"
    mkfifo "$root/etc/fifo"
    printf 'x' >"$root/etc/$(printf 'n%.0s' {1..200})"
    mkdir -p "$root/deep/$(printf 'd%.0s' {1..120})/$(printf 'e%.0s' {1..120})"
    printf 'y' >"$root/deep/$(printf 'd%.0s' {1..120})/$(printf 'e%.0s' {1..120})/file"
    printf 'z' >"$root/etc/gr"$'\xc3\xbc'"n and"$'\n'"newline"
    printf 'w' >"$root/etc/latin-"$'\xe9'
    head -c 3000000 /dev/urandom >"$root/usr/lib/large"
    truncate -s 5M "$root/usr/lib/sparse"
    setfattr -n user.note -v 'of a test' "$root/etc/nothing"
    setfattr -n user.note -v 'of a directory' "$root/empty"
    touch -d @1234567890 "$root/etc/nothing" "$root/empty"
    if [[ $EUID -eq 0 ]]; then
        chown 12345:54321 "$root/etc/nothing"
        chown -h 3000000:2147483648 "$root/etc/dangling"
    fi
}

# The files of the store that images and tags are made of, for comparing.
store_files() {
    (cd "$store" && find . -mindepth 1 -not -name .lock -not -type d | sort)
}

# listing_of NAME: what is in the stored image.
listing_of() {
    sqfs2tar -s -r . "$(blob_of "$1")" | archives list -
}

blob_of() {
    local digest
    digest=$(lading inspect "$1" --store "$store" --json | jq -r .squashfs.digest)
    printf '%s/blobs/sha256/%s' "$store" "${digest#sha256:}"
}

digest_of() {
    lading inspect "$1" --store "$store" --json | jq -r .digest
}

import() {
    lading import --store "$store" "$@"
}

# names_in NAME: the paths of the stored image, one a line.
names_in() {
    listing_of "$1" | sed -n "s/^'\(.*\)' 0o.*/\1/p"
}

# content_of NAME PATH
content_of() {
    sqfscat "$(blob_of "$1")" "$2"
}

same() {
    diff <(printf '%s\n' "$1") <(printf '%s\n' "$2") | cut -c1-200 | head -20
    [[ $1 == "$2" ]]
}

# wait_until COMMAND…: until it succeeds.  The clock is bash's own.
wait_until() {
    local end=$((SECONDS + 30))
    until "$@"; do
        ((SECONDS < end)) || {
            echo "this did not become true in 30 s: $*" >&2
            return 1
        }
        read -r -t 0.01 <> <(:) || :
    done
}
