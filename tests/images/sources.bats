#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Every kind of source, made by the tools that people make them with.
# shellcheck disable=SC2154,SC2030,SC2031,SC2317 # variables of images.bash; each test is a subshell

setup() {
    load images
    common_setup
}

@test "a directory is imported with owners, modes, times, links, names and attributes as they are" {
    make_root root
    run -0 import root atse:1.2.4
    [[ $output == "imported atse:1.2.4 sha256:"*" MB) into $store" ]]
    same "$(archives list root)" "$(listing_of atse:1.2.4)"
}

@test "the same source gives the same bytes, whenever and wherever it is imported" {
    make_root root
    import root one:1
    first=$(digest_of one:1)
    store=$work/other
    import root two:1
    [[ $(digest_of two:1) == "$first" ]]
}

@test "a tar archive is told by its content, whatever its name and compression" {
    make_root root
    tar -C root --xattrs --sort=name -cf image.zip .
    gzip -k <image.zip >a.tar
    xz -T1 -k <image.zip >b.sqsh
    zstd -q <image.zip >c
    bzip2 -k <image.zip >d.txt
    import image.zip plain:1
    same "$(archives list root)" "$(listing_of plain:1)"
    for file in a.tar b.sqsh c d.txt; do
        import "$file" "packed:$file"
        [[ $(digest_of "packed:$file") == "$(digest_of plain:1)" ]]
    done
}

@test "a squashfs file is packed anew, so that the kernel reads only what lading's packer wrote" {
    make_root root
    mksquashfs root image.bin -comp xz -quiet -no-progress
    import image.bin atse:1
    same "$(archives list root)" "$(listing_of atse:1)"
    run ! cmp -s image.bin "$(blob_of atse:1)"
}

@test "a squashfs file that only root may read is imported too" {
    [[ $EUID -eq 0 ]] || skip "needs root"
    make_root root
    mksquashfs root image.sqsh -quiet -no-progress
    chmod 600 image.sqsh
    chmod 700 .
    import image.sqsh atse:1
    same "$(archives list root)" "$(listing_of atse:1)"
}

make_umoci_image() {
    make_root root
    umoci init --layout layout
    umoci new --image layout:1.0
    umoci unpack --image layout:1.0 bundle
    cp -a root/. bundle/rootfs
    umoci repack --image layout:1.0 --refresh-bundle bundle
    printf 'new' >bundle/rootfs/etc/nothing
    rm bundle/rootfs/etc/dangling bundle/rootfs/bin/hello
    rm -r bundle/rootfs/private
    mkdir bundle/rootfs/private
    rm bundle/rootfs/etc/fifo
    mkdir bundle/rootfs/etc/fifo
    umoci repack --image layout:1.0 bundle
    umoci config --image layout:1.0 --config.env GREETING=hello --config.workingdir /srv \
        --config.label site=test --config.cmd /bin/hello --architecture arm64
    umoci unpack --image layout:1.0 unpacked
}

@test "an OCI layout gives what its own tools unpack, and keeps its digest, labels and environment" {
    [[ $EUID -eq 0 ]] || skip "needs root: umoci unpacks owners"
    make_umoci_image
    import layout atse:1.0
    same "$(archives list unpacked/rootfs)" "$(listing_of atse:1.0)"
    [[ $(digest_of atse:1.0) == "$(jq -r '.manifests[0].digest' layout/index.json)" ]]
    lading inspect atse:1.0 --store "$store" --json >document
    jq -e '.config.architecture == "arm64" and .config.workdir == "/srv" and
           .config.labels.site == "test" and (.config.environment | index("GREETING=hello")) and
           .config.command == ["/bin/hello"]' document
}

@test "OCI archives and docker archives of skopeo hold the same image, compressed or not" {
    [[ $EUID -eq 0 ]] || skip "needs root: umoci unpacks owners"
    make_umoci_image
    skopeo --override-arch arm64 copy oci:layout:1.0 oci-archive:oci.tar
    skopeo --override-arch arm64 copy oci:layout:1.0 docker-archive:docker.tar:atse:1.0
    gzip -k docker.tar
    gzip -k oci.tar
    import oci.tar oci:1
    import oci.tar.gz oci:gz
    import docker.tar docker:1
    import docker.tar.gz docker:gz
    for image in oci:1 oci:gz docker:1 docker:gz; do
        same "$(archives list unpacked/rootfs)" "$(listing_of "$image")"
        [[ $(lading inspect "$image" --store "$store" --json | jq -r .config.labels.site) == test ]]
    done
    [[ $(digest_of oci:1) == "$(tar -xOf oci.tar index.json | jq -r '.manifests[0].digest')" ]]
}

@test "what skopeo copies into a directory is the same image, with its digest" {
    [[ $EUID -eq 0 ]] || skip "needs root: umoci unpacks owners"
    make_umoci_image
    skopeo --override-arch arm64 copy oci:layout:1.0 dir:flat
    import flat flat:1
    same "$(archives list unpacked/rootfs)" "$(listing_of flat:1)"
    [[ $(digest_of flat:1) == "$(jq -r '.manifests[0].digest' layout/index.json)" ]]
    run -2 import flat:1.0 flat:2
    [[ $output == *"holds no images"* ]]
    printf 'x' >>"$(find flat -size +100k | head -n 1)"
    run -5 import flat flat:3
    [[ $output == *"where its descriptor says"* ]]
}

@test "what buildah pushes and podman saves is imported" {
    [[ $EUID -eq 0 ]] || skip "needs root"
    make_root root
    storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
    container=$(buildah "${storage[@]}" from scratch) || skip "buildah does not work on this machine"
    buildah "${storage[@]}" copy -q "$container" root /
    buildah "${storage[@]}" config --env GREETING=hello "$container"
    buildah "${storage[@]}" commit -q "$container" atse:1
    buildah "${storage[@]}" push -q atse:1 "oci:$work/layout:1"
    podman "${storage[@]}" save -q -o saved.tar atse:1
    buildah "${storage[@]}" rm "$container"
    import layout pushed:1
    import saved.tar saved:1
    same "$(listing_of pushed:1)" "$(listing_of saved:1)"
    [[ $(content_of saved:1 bin/hello) == "$(cat root/bin/hello)" ]]
    [[ $(content_of saved:1 private/shadow) == secret ]]
}

@test "of an image for several architectures this machine's is taken, or the one that is asked for" {
    archives tar amd.tar "file which amd64"
    archives tar arm.tar "file which arm64"
    archives tar ppc.tar "file which ppc64le"
    archives layout multi 1 amd64 amd.tar
    archives layout multi 1 arm64 arm.tar
    import multi native:1
    case $(uname -m) in
    x86_64) [[ $(content_of native:1 which) == amd64 ]] ;;
    aarch64) [[ $(content_of native:1 which) == arm64 ]] ;;
    esac
    import multi arm:1 --arch arm64
    [[ $(content_of arm:1 which) == arm64 ]]
    run -6 import multi ppc:1 --arch ppc64le
    [[ $output == *"not there for ppc64le"*"amd64, arm64"* ]]
}

@test "of several images the one behind the colon is taken, and the error names them all" {
    archives tar one.tar "file which one"
    archives tar two.tar "file which two"
    archives layout both 1.0 "$(arch_name)" one.tar
    archives layout both 2.0 "$(arch_name)" two.tar
    run -2 import both atse:1
    [[ $output == *"several images"*"1.0, 2.0"* ]]
    import both:2.0 atse:2
    [[ $(content_of atse:2 which) == two ]]
    run -3 import both:3.0 atse:3
    [[ $output == *"no image '3.0'"*"1.0, 2.0"* ]]
}

arch_name() {
    case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
    esac
}

@test "upper layers replace, hide and keep as the OCI specification says" {
    archives tar lower.tar "dir d" "file d/kept low" "file d/hidden low" "file replaced low" \
        "dir turned" "file turned/into low" "file opaque/low low" "file was-file low" \
        "file content low" "hard linked content" "link lib usr/lib" "dir usr/lib" \
        "file both low" "dir chosen" "file chosen/old low"
    archives tar upper.tar "file d/.wh.hidden" "file replaced up" "file turned up" \
        "file opaque/up up" "file opaque/.wh..wh..opq" "dir was-file" "file was-file/now up" \
        "file content up" "file lib/through up" "file .wh.both" "file both up" \
        "file chosen/new up" "file .wh.chosen" "device dev/null"
    archives layout layers 1 "$(arch_name)" lower.tar upper.tar
    import layers atse:1
    same "$(names_in atse:1)" ".
both
chosen
chosen/new
content
d
d/kept
dev
lib
linked
opaque
opaque/up
replaced
turned
usr
usr/lib
usr/lib/through
was-file
was-file/now"
    [[ $(content_of atse:1 linked) == low ]]
    [[ $(content_of atse:1 content) == up ]]
    [[ $(content_of atse:1 both) == up ]]
    [[ $(content_of atse:1 turned) == up ]]
}

@test "the image's libc and architecture are found in its files" {
    mkdir -p root/lib64 root/bin
    cp "$(ldconfig -p | awk '/libc\.so\.6 / { print $NF; exit }')" root/lib64/libc.so.6
    run -0 import root atse:1
    [[ $output == *"glibc $(getconf GNU_LIBC_VERSION | cut -d' ' -f2)"* ]]
    run -0 lading images --store "$store"
    [[ $output == *"$(arch_name)"*"glibc"* ]]
    mkdir -p alpine/lib
    : >alpine/lib/ld-musl-x86_64.so.1
    run -0 import alpine alpine:1
    [[ $output == *", musl)"* ]]
}

@test "labels can be added to what has none" {
    archives tar root.tar "file a b"
    import root.tar atse:1 --label version=1.2.4 --label "purpose=a test"
    lading inspect atse:1 --store "$store" --json | jq -e '.config.labels ==
        {"version": "1.2.4", "purpose": "a test"}'
    run -2 import root.tar atse:2 --label wrong
    [[ $output == *"NAME=VALUE"* ]]
}

@test "device nodes and other file systems stay outside, overlay's own attributes too" {
    [[ $EUID -eq 0 ]] || skip "needs root: makes device nodes and mounts"
    mkdir -p root/dev root/proc root/d
    mknod root/dev/null c 1 3
    printf 'x' >root/d/file
    setfattr -n trusted.overlay.opaque -v y root/d || skip "no trusted attributes here"
    mount -t tmpfs none root/proc
    touch root/proc/inside
    import root atse:1 || failed=yes
    umount root/proc
    [[ -z ${failed:-} ]]
    same "$(names_in atse:1)" ".
d
d/file
dev
proc"
    run ! grep -q overlay <(sqfs2tar "$(blob_of atse:1)")
}
