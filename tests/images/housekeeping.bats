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

# overwrite FILE: other bytes in its place, as many.
overwrite() {
    local size
    size=$(stat -c %s "$1")
    chmod u+w "$1"
    head -c "$size" /dev/urandom >"$1"
}

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

@test "verify reads every image again, and says that it is whole" {
    image atse:1 one
    image atse:2 two
    lading rm atse:2 --store "$store"
    run -0 lading verify --store "$store"
    [[ $output == *"whole "*"atse:1"* && $output == *"(no tag)"* && $output == *"2 images are as imported" ]]
    run -0 lading verify atse:1 --store "$store"
    [[ $output == *"1 image is as imported" ]]
    run -0 lading verify --quiet --store "$store"
    [[ -z $output ]]
    run -3 lading verify atse:3 --store "$store"
    [[ $output == *"no image atse:3"* ]]
}

@test "verify finds bytes that have changed, and says of which image and what to do" {
    image atse:1 one
    image atse:2 two
    overwrite "$(blob_of atse:1)"
    run -5 lading verify --store "$store"
    [[ $output == *"damaged  atse:1 "*"has the digest sha256:"*"import the image again"* ]]
    [[ $output == *"whole "*"atse:2"* ]]
    lading verify atse:2 --store "$store"
    import source-one atse:1
    lading verify --store "$store"
}

@test "verify finds files that are cut short or gone, and damaged documents and indexes" {
    image atse:1 one
    local blob document index
    blob=$(blob_of atse:1)
    document=$(echo "$store"/images/sha256/*.json)
    index=$(echo "$store"/indexes/sha256/*)
    chmod u+w "$blob" "$document" "$index"
    cp "$index" index && : >"$index"
    run -5 lading verify --store "$store"
    [[ $output == *"$index"* ]]
    cp index "$index"
    truncate -s -1 "$blob"
    run -5 lading verify --store "$store"
    [[ $output == *"bytes where"*"were imported"* ]]
    rm "$blob"
    run -5 lading verify --store "$store"
    [[ $output == *"has no file of the image"* ]]
    echo '{}' >"$document"
    run -5 lading verify --store "$store"
    [[ $output == *"$document"* ]]
}

@test "verify finds tags that hold nothing or name what is not there, and files of no image" {
    image atse:1 one
    image atse:2 two
    chmod u+w "$store"/tags/atse/:*
    echo nonsense >"$store/tags/atse/:1"
    printf 'sha256:%064d\n' 0 >"$store/tags/atse/:2"
    echo litter >"$store/blobs/sha256/$(printf '%064d' 0)"
    run -5 lading verify --store "$store"
    [[ $output == *"the tag atse:1 holds no digest"*"the tag atse:2 names sha256:000"*"lading rm atse:2"* ]]
    [[ $output == *"1 files (7 B) belong to no image"* ]]
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

@test "check says how an image will be mounted, why, and what that costs" {
    [[ $EUID -eq 0 ]] || skip "needs root: owns a store as a user"
    archives tar root.tar "file a content"
    import root.tar atse:1
    printf '{"stores": [{"path": "%s"}]}' "$store" >config.json
    run -0 lading --config config.json check atse:1
    [[ $output == *"mount by the kernel, as only root could have written the image"* ]]
    chown 12345 "$store"
    run -0 lading --config config.json check atse:1
    [[ $output == *"mount by squashfuse, as others than root could have written the image: files take"* ]]
    printf '{"stores": [{"path": "%s", "mount": "kernel"}]}' "$store" >config.json
    run -0 lading --config config.json check atse:1
    [[ $output == *"mount by the kernel, as the site says"* ]]
    run -0 lading --config config.json check "$(blob_of atse:1)"
    [[ $output == *"mount by squashfuse, as it is a file of a user's"* ]]
}

@test "copy brings an image into another store, under another name too" {
    archives tar root.tar "file a content"
    import root.tar atse:1 --label team=a
    run -0 lading copy atse:1 --from "$store" --to "$work/site"
    [[ $output == "copied atse:1 to atse:1 sha256:"*" in $work/site" ]]
    lading copy atse:1 group/copy:2 --from "$store" --to "$work/site"
    original=$(listing_of atse:1)
    source_of=$(digest_of atse:1)
    store=$work/site
    same "$original" "$(listing_of group/copy:2)"
    [[ $(lading inspect atse:1 --store "$store" --json | jq -r .config.labels.team) == a ]]
    [[ $(lading inspect atse:1 --store "$store" --json | jq -r .source) == "atse:1@$source_of of $work/store" ]]
    lading verify --store "$store"
    run -3 lading copy atse:9 --from "$work/store" --to "$store"
}

@test "what a user's store says of an image's identity is not believed by the store that gets it" {
    [[ $EUID -eq 0 ]] || skip "needs root: acts as a user"
    archives tar root.tar "file a content"
    import root.tar atse:1
    # The user's own squashfs, not lading's, under the digest of an image that a site trusts.
    local trusted blob document
    trusted=$(printf 'sha256:%064d' 7)
    mkdir forged
    printf 'evil' >forged/which
    mksquashfs forged forged.sqsh -comp xz -quiet -no-progress
    blob=$(sha256sum <forged.sqsh)
    blob=${blob%% *}
    document=$(echo "$store"/images/sha256/*.json)
    jq --arg digest "$trusted" --arg blob "sha256:$blob" --argjson bytes "$(stat -c %s forged.sqsh)" \
        '.digest = $digest | .squashfs = {digest: $blob, bytes: $bytes}' "$document" \
        >"$store/images/sha256/${trusted#sha256:}.json"
    cp forged.sqsh "$store/blobs/sha256/$blob"
    chmod u+w "$store/tags/atse/:1"
    echo "$trusted" >"$store/tags/atse/:1"
    chown -R 12345:12345 "$store"
    lading copy atse:1 --from "$store" --to "$work/site"
    store=$work/site
    [[ $(content_of atse:1 which) == evil ]]
    # Neither the identity nor a byte of the file came along.
    [[ $(digest_of atse:1) != "$trusted" ]]
    run -3 lading inspect "atse@$trusted" --store "$store"
    [[ ! -e $store/blobs/sha256/$blob ]]
    run ! cmp -s "$work/forged.sqsh" "$(blob_of atse:1)"
    [[ $(digest_of atse:1) == "sha256:$(sha256sum <"$(blob_of atse:1)" | cut -d' ' -f1)" ]]
    # It says where it came from, as a claim.
    [[ $(lading inspect atse:1 --store "$store" --json | jq -r .source) == "atse:1@$trusted of "* ]]
}

@test "a damaged image is not copied" {
    image atse:1 one
    overwrite "$(blob_of atse:1)"
    run -5 lading copy atse:1 --from "$store" --to "$work/site"
    [[ $output == *"has the digest"* ]]
    [[ ! -e $work/site ]]
}
