#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# What `lading check` says of images whose files are made here, of every kind that it knows: with
# real ELF files on both sides, and the loader's own word for it where it can be asked.
# may skip: the libraries here are made for x86-64
# shellcheck disable=SC2154,SC2030,SC2031,SC2317 # variables of images.bash; each test is a subshell

# An image: a glibc of 2.31 by its versions, and all libraries in one directory.
setup() {
    load images
    common_setup
    [[ $(uname -m) == x86_64 ]] || skip "the libraries here are made for x86-64"
    unset LD_LIBRARY_PATH
    root=$work/root
    host=$work/host
    loader=/lib64/ld-linux-x86-64.so.2
    mkdir -p "$root"/{usr/bin,usr/lib} "$host" profiles
    ln -s usr/lib "$root/lib64"
    ln -s usr/lib "$root/lib"
    make_glibc 2.31
    jq -n --arg profiles "$work/profiles" --arg store "$store" \
        '{stores: [{path: $store}], inject: {profiles: $profiles, cdi: []}}' >lading.json
}

# make_glibc MINOR [VERSION]: as far as its versions go; nothing can run with it.
make_glibc() {
    printf 'GLIBC_2.2.5 { global: _exit; puts; local: *; };\nGLIBC_%s { %s } GLIBC_2.2.5;\n' \
        "$1" 'global: newest;' >libc.map
    [[ -z ${2:-} ]] || printf '%s { global: patched; } GLIBC_%s;\n' "$2" "$1" >>libc.map
    library "$root/usr/lib/libc.so.6" '_exit puts newest patched' -nostdlib \
        -Wl,--version-script=libc.map
    printf 'GLIBC_2.2.5 { global: rtld; local: *; };\n' >ld.map
    library "$root$loader" rtld -nostdlib -Wl,--version-script=ld.map
}

# library FILE FUNCTIONS [GCC'S…]: its soname is its name.
library() {
    local file=$1 name
    for name in $2; do
        printf 'int %s(void) { return 0; }\n' "$name"
    done >library.c
    shift 2
    gcc -shared -fPIC -fno-builtin -Wl,-soname,"${file##*/}" -o "$file" library.c "$@"
}

# versioned FILE 'VERSION:FUNCTION…' [GCC'S…]
versioned() {
    local file=$1 pair functions=
    for pair in $2; do
        functions+=" ${pair#*:}"
        printf '%s { global: %s; };\n' "${pair%%:*}" "${pair#*:}"
    done >versions.map
    shift 2
    library "$file" "$functions" -Wl,--version-script=versions.map "$@"
}

# using FILE FUNCTIONS CALLS [GCC'S…]: a library whose functions call others.
using() {
    local file=$1 name
    {
        # shellcheck disable=SC2086 # words
        printf 'int %s();\n' $3
        for name in $2; do
            printf 'int %s(void) { return 0' "$name"
            # shellcheck disable=SC2086
            printf ' + %s()' $3
            printf '; }\n'
        done
    } >library.c
    shift 3
    gcc -std=gnu11 -shared -fPIC -fno-builtin -Wl,-soname,"${file##*/}" -o "$file" library.c "$@"
}

# program PATH CALLS [GCC'S…]: in the image, linked with its glibc.
program() {
    local path=$1 calls="$2 _exit"
    shift 2
    {
        # shellcheck disable=SC2086 # words
        printf 'int %s();\n' $calls
        printf 'void _start(void) {\n'
        # shellcheck disable=SC2086
        printf '    %s(0);\n' $calls
        printf '}\n'
    } >program.c
    gcc -std=gnu11 -nostdlib -fno-builtin -Wl,--allow-shlib-undefined -o "$root$path" program.c "$@" \
        "$root/usr/lib/libc.so.6"
}

# profile NAME PROVIDES LIBRARY [SONAME]: one of the host's.
profile() {
    jq -n --arg provides "$2" --arg path "$3" --arg name "${4:-}" \
        '{kind: "mpi", provides: $provides,
          libraries: [{path: $path} + if $name == "" then {} else {names: [$name]} end]}' \
        >"profiles/$1.json"
}

# The commonest of all: MPICH on both sides.
mpich() {
    library "$root/usr/lib/libmpich.so.12" 'MPI_Init MPI_Finalize'
    library "$host/libmpich.so.12" 'MPI_Init MPI_Finalize'
    profile mpich mpich "$host/libmpich.so.12"
}

check() { lading --config "$work/lading.json" check "$@"; }

# judged STATUS VERDICT [CHECK'S…]: exactly so.
judged() {
    local status=$1 verdict=$2
    shift 2
    run "-$status" --separate-stderr check --json "$@"
    json=$output
    jq -r '.findings[] | "\(.need): \(.verdict) \(.reason) [\(.remedy)]"' <<<"$json"
    same "$(jq -r .verdict <<<"$json")" "$verdict"
}

# of NEED KEY: of the last judgement.
of() { jq -r --arg need "$1" '.findings[] | select(.need == $need) | .'"$2" <<<"$json"; }

# because NEED REASON: word for word.
because() { same "$(of "$1" reason)" "$2"; }

nothing_injected() { jq -e '.files == [] and .kept == []' <<<"$json"; }

# Each file of the host's and where the container has it.
injected() {
    jq -r '.files[] | .source as $source | .targets[] | "\($source) \(.)"' <<<"$json"
}

# loads PROGRAM < lines of injected(): with them in place, says this machine's loader, which
# brings its own libc.
loads() {
    local source target
    rm -rf "$work/with"
    cp -a "$root" "$work/with"
    rm -f "$work/with/usr/lib/libc.so.6" "$work/with$loader"
    while read -r source target; do
        cp --remove-destination "$source" "$work/with$target"
    done
    LD_BIND_NOW=1 "$loader" --library-path "$work/with/usr/lib" "$work/with$1"
}

@test "NATIVE: a program without MPI needs nothing of the host" {
    mpich
    rm "$root/usr/lib/libmpich.so.12"
    program /usr/bin/app puts
    judged 0 NATIVE "$root" /usr/bin/app
    nothing_injected
    [[ -z $(of MPI verdict) ]]
    run -0 check "$root" /usr/bin/app
    [[ $output == *"It runs; it needs nothing of this host's libraries."* ]]
}

@test "OK: an MPICH program gets the host's MPICH in the place of the image's" {
    mpich
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    [[ $(of MPI wants) == "MPICH (libmpich.so.12)" && $(of libc verdict) == NATIVE ]]
    loads /usr/bin/app < <(injected)
    run -0 check "$root" /usr/bin/app
    [[ $output == *"It runs with this host's libraries."* ]]
    [[ $output == *"It gets 1 of this host's files and keeps 0 of its own"* ]]
}

@test "OK: a program without an MPI in its image gets the host's beside the image's libc" {
    mpich
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    rm "$root/usr/lib/libmpich.so.12"
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    loads /usr/bin/app < <(injected)
}

@test "OK: an image's dependency that has what the host's MPI asks of it is kept" {
    versioned "$host/libdep.so.1" 'DEP_1.0:dep_one'
    using "$host/libmpich.so.12" MPI_Init dep_one "$host/libdep.so.1" -Wl,-rpath,"$host"
    profile mpich mpich "$host/libmpich.so.12"
    versioned "$root/usr/lib/libdep.so.1" 'DEP_1.0:dep_one DEP_2.0:dep_two'
    library "$root/usr/lib/libmpich.so.12" MPI_Init
    program /usr/bin/app 'MPI_Init dep_two' "$root/usr/lib/libmpich.so.12" \
        "$root/usr/lib/libdep.so.1"
    judged 0 OK "$root" /usr/bin/app
    same "$(jq -c '.kept[] | [.soname, .path, .reason]' <<<"$json")" \
        '["libdep.so.1","/usr/lib/libdep.so.1","the image'\''s own has all that libmpich.so.12 asks of it"]'
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    loads /usr/bin/app < <(injected)
    # The other way round it would not be found by the loader.
    run ! loads /usr/bin/app <<<"$host/libdep.so.1 /usr/lib/libdep.so.1"
    [[ $output == *"DEP_2.0"*"not found"* ]]
}

@test "OK: an image's dependency that is too old for the host's MPI is replaced, with the reason" {
    versioned "$host/libdep.so.1" 'DEP_1.0:dep_one DEP_2.0:dep_two'
    using "$host/libmpich.so.12" MPI_Init dep_two "$host/libdep.so.1" -Wl,-rpath,"$host"
    profile mpich mpich "$host/libmpich.so.12"
    versioned "$root/usr/lib/libdep.so.1" 'DEP_1.0:dep_one'
    library "$root/usr/lib/libmpich.so.12" MPI_Init
    program /usr/bin/app 'MPI_Init dep_one' "$root/usr/lib/libmpich.so.12" \
        "$root/usr/lib/libdep.so.1"
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libdep.so.1 /usr/lib/libdep.so.1
$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    [[ $(jq -r '.files[] | select(.soname == "libdep.so.1").reason' <<<"$json") == \
        "libmpich.so.12 needs DEP_2.0, which the image's libdep.so.1 lacks" ]]
    loads /usr/bin/app < <(injected)
}

@test "CONFLICT: a dependency of which both sides need a copy of their own" {
    versioned "$host/libdep.so.1" 'DEP_1.0:dep_one DEP_2.0:dep_two'
    using "$host/libmpich.so.12" MPI_Init dep_two "$host/libdep.so.1" -Wl,-rpath,"$host"
    profile mpich mpich "$host/libmpich.so.12"
    versioned "$root/usr/lib/libdep.so.1" 'DEP_1.0:dep_one DEP_IMAGE:dep_image'
    library "$root/usr/lib/libmpich.so.12" MPI_Init
    program /usr/bin/app 'MPI_Init dep_image' "$root/usr/lib/libmpich.so.12" \
        "$root/usr/lib/libdep.so.1"
    judged 9 CONFLICT "$root" /usr/bin/app
    nothing_injected
    because MPI \
        "/usr/bin/app needs DEP_IMAGE of libdep.so.1, which the host's $host/libdep.so.1 lacks"
    [[ $(of MPI remedy) == *"--container-inject=none" ]]
    # The loader refuses both ways.
    run ! loads /usr/bin/app <<<"$host/libdep.so.1 /usr/lib/libdep.so.1"
    [[ $output == *"DEP_IMAGE"*"not found"* ]]
    run ! loads /usr/bin/app <<<"$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    [[ $output == *"DEP_2.0"*"not found"* ]]
    # Who insists on the host's MPI is refused.
    judged 6 CONFLICT --inject mpi "$root" /usr/bin/app
    judged 6 CONFLICT --label org.supercontainers.mpi=mpich "$root" /usr/bin/app
    run -9 check "$root" /usr/bin/app
    [[ $output == *"It starts, without this host's libraries."* ]]
}

@test "CONFLICT: a dependency that the program's RPATH finds counts like any other" {
    versioned "$host/libdep.so.1" 'DEP_1.0:dep_one DEP_2.0:dep_two'
    using "$host/libmpich.so.12" MPI_Init dep_two "$host/libdep.so.1" -Wl,-rpath,"$host"
    profile mpich mpich "$host/libmpich.so.12"
    library "$root/usr/lib/libmpich.so.12" MPI_Init
    mkdir -p "$root/opt/lib"
    versioned "$root/opt/lib/libdep.so.1" 'DEP_1.0:dep_one DEP_IMAGE:dep_image'
    program /usr/bin/app 'MPI_Init dep_image' "$root/usr/lib/libmpich.so.12" \
        "$root/opt/lib/libdep.so.1" -Wl,-rpath,/opt/lib -Wl,--disable-new-dtags
    judged 9 CONFLICT "$root" /usr/bin/app
    because MPI \
        "/usr/bin/app needs DEP_IMAGE of libdep.so.1, which the host's $host/libdep.so.1 lacks"
    rm "$root/usr/lib/libmpich.so.12"
    judged 6 CONFLICT "$root" /usr/bin/app
}

@test "CONFLICT: so does one that its RUNPATH finds, for it is loaded first" {
    versioned "$host/libdep.so.1" 'DEP_1.0:dep_one DEP_2.0:dep_two'
    using "$host/libmpich.so.12" MPI_Init dep_two "$host/libdep.so.1" -Wl,-rpath,"$host"
    profile mpich mpich "$host/libmpich.so.12"
    library "$root/usr/lib/libmpich.so.12" MPI_Init
    mkdir -p "$root/opt/lib"
    versioned "$root/opt/lib/libdep.so.1" 'DEP_1.0:dep_one DEP_IMAGE:dep_image'
    program /usr/bin/app 'MPI_Init dep_image' "$root/usr/lib/libmpich.so.12" \
        "$root/opt/lib/libdep.so.1" -Wl,-rpath,/opt/lib -Wl,--enable-new-dtags
    judged 9 CONFLICT "$root" /usr/bin/app
}

@test "NO_ARCH: a program for another architecture" {
    mpich
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    # e_machine of AArch64
    printf '\267' | dd of="$root/usr/bin/app" bs=1 seek=18 conv=notrunc status=none
    judged 6 NO_ARCH "$root" /usr/bin/app
    because CPU "/usr/bin/app is built for arm64, this node is amd64"
}

@test "a program that is not in the image is an error" {
    mpich
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    run -3 --separate-stderr check "$root" /usr/bin/ap
    [[ $stderr == *"/usr/bin/ap is not in the image"* ]]
    run -3 --separate-stderr check "$root" /usr/bin/app ap
}

@test "OK_GLIBC: a host's MPI that asks for a newer glibc brings it along" {
    mpich
    using "$host/libmpich.so.12" MPI_Init pthread_create # GLIBC_2.34
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    judged 0 OK_GLIBC "$root" /usr/bin/app
    [[ $(of MPI verdict) == OK_GLIBC && $(of libc verdict) == OK_GLIBC ]]
    [[ $(of MPI reason) == "the host's libmpich.so.12 needs GLIBC_2.34, the image's glibc is 2.31: using the host's "* ]]
    jq -e '.libc.loaders == ["/usr/lib/ld-linux-x86-64.so.2"] and
           .libc.libraries["libc.so.6"] != null' <<<"$json"
    run -0 check "$root" /usr/bin/app
    [[ $output == *"It runs with this host's libraries and this host's C library."* ]]
}

@test "OK: a glibc that has what the host's MPI asks for stays" {
    make_glibc 2.34
    mpich
    using "$host/libmpich.so.12" MPI_Init pthread_create
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    judged 0 OK "$root" /usr/bin/app
    jq -e '.libc.version == "" and .libc.libraries == {}' <<<"$json"
    [[ $(of libc wants) == "glibc 2.34" ]]
}

@test "NO_GLIBC: neither glibc has what both sides need" {
    make_glibc 2.31 GLIBC_2.31_PATCHED
    mpich
    using "$host/libmpich.so.12" MPI_Init pthread_create
    program /usr/bin/app 'MPI_Init patched' "$root/usr/lib/libmpich.so.12"
    judged 9 NO_GLIBC "$root" /usr/bin/app
    nothing_injected
    [[ $(of MPI reason) == "the host's libmpich.so.12 needs GLIBC_2.34, the image's glibc is 2.31; and /usr/bin/app needs GLIBC_2.31_PATCHED of libc.so.6, the host's glibc "*" has none" ]]
    run ! loads /usr/bin/app </dev/null # this machine's glibc
    [[ $output == *"GLIBC_2.31_PATCHED"*"not found"* ]]
    judged 6 NO_GLIBC --inject mpi "$root" /usr/bin/app
}

@test "UNPROVEN: a program that loads its MPI by name at run time" {
    mpich
    library "$root/usr/lib/libdl.so.2" dlopen -nostdlib
    program /usr/bin/app dlopen "$root/usr/lib/libdl.so.2"
    judged 0 UNPROVEN "$root" /usr/bin/app
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    because MPI "no file of the image names it: it is loaded at run time, if at all"
    run -0 check "$root" /usr/bin/app
    [[ $output == *"It runs with this host's libraries, as far as can be seen without starting it."* ]]
}

@test "UNPROVEN: an image without any MPI, of which the host's is demanded" {
    mpich
    rm "$root/usr/lib/libmpich.so.12"
    program /usr/bin/app puts
    judged 0 UNPROVEN --inject mpi "$root" /usr/bin/app
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    [[ $(of MPI wants) == *"by --container-inject" ]]
    judged 0 UNPROVEN --label org.supercontainers.mpi=mpich "$root" /usr/bin/app
    [[ $(of MPI wants) == *"by label" ]]
}

@test "UNPROVEN: so it is where the host's glibc comes along" {
    mpich
    using "$host/libmpich.so.12" MPI_Init pthread_create
    library "$root/usr/lib/libdl.so.2" dlopen -nostdlib
    program /usr/bin/app dlopen "$root/usr/lib/libdl.so.2"
    judged 0 UNPROVEN "$root" /usr/bin/app
    [[ $(of MPI reason) == *"using the host's "*"; no file of the image names it"* ]]
    [[ $(of libc verdict) == OK_GLIBC ]]
}

@test "UNPROVEN: so it is where only another program of the image uses MPI" {
    mpich
    library "$root/usr/lib/libdl.so.2" dlopen -nostdlib
    program /usr/bin/app dlopen "$root/usr/lib/libdl.so.2"
    program /usr/bin/other MPI_Init "$root/usr/lib/libmpich.so.12"
    judged 0 UNPROVEN "$root" /usr/bin/app
    because MPI "/usr/bin/app names no library of it: it is loaded at run time, if at all"
    judged 0 OK "$root" /usr/bin/other
    judged 0 OK "$root"
}

@test "OK: what another program of the image needs and the host's library lacks is a note" {
    mpich
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    library "$root/usr/lib/libmpich.so.12" 'MPI_Init MPI_Finalize MPI_Session_init'
    program /usr/bin/other 'MPI_Init MPI_Session_init' "$root/usr/lib/libmpich.so.12"
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    same "$(of MPI note)" "these of the image's files will not work: /usr/bin/other"
    loads /usr/bin/app < <(injected)
    run ! loads /usr/bin/other < <(injected)
    [[ $output == *"undefined symbol: MPI_Session_init"* ]]
    # Of the other program the verdict is another.
    judged 9 NO_SYMBOL "$root" /usr/bin/other
    run -0 check "$root" /usr/bin/app
    [[ $output == *"note:   these of the image's files will not work: /usr/bin/other"* ]]
    [[ $output == *"It runs with this host's libraries."* ]]
}

@test "DEGRADED: in the image as a whole, some programs need what the host's library lacks" {
    mpich
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    library "$root/usr/lib/libmpich.so.12" 'MPI_Init MPI_Finalize MPI_Session_init'
    program /usr/bin/other 'MPI_Init MPI_Session_init' "$root/usr/lib/libmpich.so.12"
    judged 0 DEGRADED "$root"
    because MPI "these of the image's files will not work: /usr/bin/other"
    run -0 check "$root"
    [[ $output == *"It runs with this host's libraries; some programs of the image do not."* ]]
}

@test "a library that neither the image nor the site has is named, and the program does not start" {
    mpich
    library "$root/usr/lib/libsolver.so.3" solve -nostdlib
    program /usr/bin/app 'MPI_Init solve' "$root/usr/lib/libmpich.so.12" \
        "$root/usr/lib/libsolver.so.3"
    judged 0 OK "$root" /usr/bin/app
    mkdir "$root/opt"
    mv "$root/usr/lib/libsolver.so.3" "$root/opt"
    judged 6 MISSING "$root" /usr/bin/app
    because library \
        "/usr/bin/app needs libsolver.so.3, which the image has in /opt alone, where it does not look"
    rm "$root/opt/libsolver.so.3"
    judged 6 MISSING "$root" /usr/bin/app
    because library \
        "/usr/bin/app needs libsolver.so.3, which neither the image nor a profile of this site's has"
    run -6 check "$root" /usr/bin/app
    [[ $output == *"It does not start: /usr/bin/app needs libsolver.so.3"* ]]
    run ! loads /usr/bin/app < <(injected)
    [[ $output == *"libsolver.so.3: cannot open shared object file"* ]]
}

@test "a library of the image's without any versions does not serve a host's MPI that asks for one" {
    versioned "$host/libdep.so.1" 'DEP_1.0:dep_one'
    using "$host/libmpich.so.12" MPI_Init dep_one "$host/libdep.so.1" -Wl,-rpath,"$host"
    profile mpich mpich "$host/libmpich.so.12"
    library "$root/usr/lib/libmpich.so.12" MPI_Init
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    library "$root/usr/lib/libdep.so.1" dep_one -nostdlib # no DT_VERSYM
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libdep.so.1 /usr/lib/libdep.so.1
$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    loads /usr/bin/app < <(injected)
    # The image's own ends in the loader.
    run ! loads /usr/bin/app <<<"$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    [[ $output == *"Inconsistency detected by ld.so"* ]]
    # With the table, but no version in it, ld.so only warns.
    using "$root/usr/lib/libdep.so.1" dep_one exit
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    run -0 loads /usr/bin/app < <(injected)
    [[ $output == *"no version information available"* ]]
}

@test "NO_SYMBOL: a program of a newer MPI than the host's starts with its own" {
    mpich
    library "$root/usr/lib/libmpich.so.12" 'MPI_Init MPI_Session_init'
    program /usr/bin/app 'MPI_Init MPI_Session_init' "$root/usr/lib/libmpich.so.12"
    judged 9 NO_SYMBOL "$root" /usr/bin/app
    nothing_injected
    because MPI \
        "/usr/bin/app needs the symbol MPI_Session_init, which the host's $host/libmpich.so.12 lacks"
    [[ $(of MPI speed) == *"the image's own MPI is used"* ]]
    run ! loads /usr/bin/app <<<"$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    [[ $output == *"undefined symbol: MPI_Session_init"* ]]
}

@test "NO_SYMBOL: a program of a newer MPI than the host's is refused where its image has none" {
    mpich
    library "$root/usr/lib/libmpich.so.12" 'MPI_Init MPI_Session_init'
    program /usr/bin/app 'MPI_Init MPI_Session_init' "$root/usr/lib/libmpich.so.12"
    rm "$root/usr/lib/libmpich.so.12"
    judged 6 NO_SYMBOL "$root" /usr/bin/app
    because MPI \
        "/usr/bin/app needs the symbol MPI_Session_init, which the host's $host/libmpich.so.12 lacks"
    run -6 check "$root" /usr/bin/app
    [[ $output == *"It does not start: /usr/bin/app needs the symbol MPI_Session_init"* ]]
}

@test "NO_SYMBOL: a library that the program needs counts as the program does" {
    mpich
    library "$root/usr/lib/libmpich.so.12" 'MPI_Init MPI_Session_init'
    using "$root/usr/lib/libsolver.so" solve MPI_Session_init -nostdlib \
        "$root/usr/lib/libmpich.so.12"
    program /usr/bin/app 'MPI_Init solve' "$root/usr/lib/libmpich.so.12" \
        "$root/usr/lib/libsolver.so"
    judged 9 NO_SYMBOL "$root" /usr/bin/app
    because MPI \
        "/usr/lib/libsolver.so needs the symbol MPI_Session_init, which the host's $host/libmpich.so.12 lacks"
}

@test "MISSING: a site without any MPI lets the image use its own" {
    mpich
    rm profiles/mpich.json
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    judged 0 MISSING "$root" /usr/bin/app
    nothing_injected
    [[ $(of MPI reason) == "this site has no profile of MPICH" && $(of MPI offers) == nothing ]]
    run -0 check "$root" /usr/bin/app
    [[ $output == *"It runs with what it has itself."* ]]
    [[ $output == *"This site has no profiles: 'lading profile detect' writes some."* ]]
    judged 6 MISSING --inject mpi "$root" /usr/bin/app
}

@test "MISSING: a program does not start where neither its image nor the site has an MPI" {
    mpich
    rm profiles/mpich.json
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    rm "$root/usr/lib/libmpich.so.12"
    judged 6 MISSING "$root" /usr/bin/app
    [[ $(of MPI remedy) == *"ask the administrator for a profile" ]]
    run -6 check "$root" /usr/bin/app
    [[ $output == *"It does not start: this site has no profile of MPICH."* ]]
}

@test "MISSING: a profile's library that this node has not got is named" {
    mpich
    rm "$host/libmpich.so.12"
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    judged 0 MISSING "$root" /usr/bin/app
    because MPI "this node has no $host/libmpich.so.12, which profile mpich names"
}

@test "TRANSLATE: an Open MPI image on a site with MPICH" {
    mpich
    library "$root/usr/lib/libmpi.so.40" MPI_Init
    rm "$root/usr/lib/libmpich.so.12"
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpi.so.40"
    judged 9 TRANSLATE "$root" /usr/bin/app
    nothing_injected
    because MPI "the image is built for Open MPI, this site offers MPICH"
    [[ $(of MPI wants) == "Open MPI (libmpi.so.40)" ]]
    judged 6 TRANSLATE --label org.supercontainers.mpi=openmpi "$root" /usr/bin/app
    rm "$root/usr/lib/libmpi.so.40"
    judged 6 TRANSLATE "$root" /usr/bin/app
    run -6 check "$root" /usr/bin/app
    [[ $output == *"It does not start: the image is built for Open MPI, this site offers MPICH."* ]]
}

@test "TRANSLATE: a program of the standard ABI on a site with MPICH" {
    mpich
    library "$root/usr/lib/libmpi_abi.so.1" MPI_Init
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpi_abi.so.1"
    judged 9 TRANSLATE "$root" /usr/bin/app
    because MPI "the image is built for the standard MPI ABI, this site offers MPICH"
    library "$host/libmpi_abi.so.1" MPI_Init
    profile abi mpi-abi "$host/libmpi_abi.so.1"
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libmpi_abi.so.1 /usr/lib/libmpi_abi.so.1"
    loads /usr/bin/app < <(injected)
}

@test "TRANSLATE: an Open MPI whose soname MPICH uses as well is told by its symbols" {
    mpich
    rm "$root/usr/lib/libmpich.so.12"
    profile mpich mpich "$host/libmpich.so.12" libmpi.so.12
    library "$root/usr/lib/libmpi.so.12" 'MPI_Init ompi_mpi_comm_world'
    program /usr/bin/app 'MPI_Init ompi_mpi_comm_world' "$root/usr/lib/libmpi.so.12"
    judged 9 TRANSLATE "$root" /usr/bin/app
    because MPI "the image is built for Open MPI, this site offers MPICH"
    # MPICH's own by that name gets the host's.
    library "$root/usr/lib/libmpi.so.12" MPI_Init
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpi.so.12"
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpi.so.12
$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    loads /usr/bin/app < <(injected)
}

@test "NO_ABI: an Open MPI of another interface version" {
    library "$host/libmpi.so.40" MPI_Init
    profile openmpi openmpi "$host/libmpi.so.40"
    library "$root/usr/lib/libmpi.so.20" MPI_Init
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpi.so.20"
    judged 9 NO_ABI "$root" /usr/bin/app
    nothing_injected
    because MPI "the image needs libmpi.so.20, the host's openmpi offers libmpi.so.40"
    judged 6 NO_ABI --inject mpi "$root" /usr/bin/app
    rm "$root/usr/lib/libmpi.so.20"
    judged 6 NO_ABI "$root" /usr/bin/app
    run ! loads /usr/bin/app <<<"$host/libmpi.so.40 /usr/lib/libmpi.so.40"
    [[ $output == *"libmpi.so.20"* ]]
}

@test "NO_LIBC: a program for musl" {
    mpich
    rm "$root"/usr/lib/l{d-linux,ibc.so}*
    library "$root/lib/ld-musl-x86_64.so.1" _exit -nostdlib
    library "$root/usr/lib/libc.so.6" _exit -nostdlib # to link with alone
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12" \
        -Wl,--dynamic-linker,/lib/ld-musl-x86_64.so.1 -Wl,--as-needed \
        "$root/lib/ld-musl-x86_64.so.1"
    rm "$root/usr/lib/libc.so.6"
    judged 9 NO_LIBC "$root" /usr/bin/app
    nothing_injected
    because MPI "the image's libc is musl, this host's libraries are made for glibc"
    [[ $(of libc wants) == musl ]]
    judged 6 NO_LIBC --label org.supercontainers.mpi=mpich "$root" /usr/bin/app
}

@test "NO_LIBC: a static program, in an image that has an MPI" {
    mpich
    printf 'void _start(void) { for (;;) {} }\n' >static.c
    gcc -nostdlib -static -o "$root/usr/bin/app" static.c
    judged 9 NO_LIBC "$root" /usr/bin/app
    nothing_injected
    because MPI "/usr/bin/app is linked statically: no library can be given to it"
    judged 6 NO_LIBC --inject mpi "$root" /usr/bin/app
    gcc -nostdlib -static-pie -fPIE -o "$root/usr/bin/app" static.c
    judged 9 NO_LIBC "$root" /usr/bin/app
}

@test "NO_LIBC: a program whose loader looks in places of its own" {
    library "$host/libdep.so.1" dep_one
    using "$host/libmpich.so.12" MPI_Init dep_one "$host/libdep.so.1" -Wl,-rpath,"$host"
    profile mpich mpich "$host/libmpich.so.12"
    mkdir -p "$root/nix/glibc/lib" "$root/nix/mpich/lib"
    cp "$root/usr/lib"/* "$root/nix/glibc/lib"
    library "$root/nix/mpich/lib/libmpich.so.12" MPI_Init
    program /usr/bin/app MPI_Init "$root/nix/mpich/lib/libmpich.so.12" \
        -Wl,--dynamic-linker,/nix/glibc/lib/ld-linux-x86-64.so.2 -Wl,-rpath,/nix/mpich/lib
    judged 9 NO_LIBC "$root" /usr/bin/app
    because MPI \
        "the program's loader is /nix/glibc/lib/ld-linux-x86-64.so.2, which would not find libdep.so.1"
    # Without further libraries it finds the host's where the image's was.
    library "$host/libmpich.so.12" MPI_Init
    judged 0 OK "$root" /usr/bin/app
    grep -xF "$host/libmpich.so.12 /nix/mpich/lib/libmpich.so.12" < <(injected)
}

@test "NO_ARCH: an image for another architecture is refused before its files are looked at" {
    mpich
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    tar -C "$root" -cf root.tar .
    archives layout layout 1 arm64 root.tar
    import layout:1 atse:arm --arch arm64
    run -6 --separate-stderr check --json atse:arm /usr/bin/app
    [[ -z $output && $stderr == *"image atse:arm is built for arm64, this node is amd64"* ]]
    [[ $stderr == *"use an image built for this node's architecture"* ]]
}

# at_level N: the program, marked as one that needs x86-64-vN.
at_level() {
    program /usr/bin/app MPI_Init -Wl,-z,"x86-64-v$1" "$root/usr/lib/libmpich.so.12"
}

# What this machine's loader says of its processor.
level_of_host() {
    "$loader" --help | sed -nE 's/^ *x86-64-v([2-4]) \(supported.*/\1/p' | sort -n | tail -1
}

@test "a program for as new a processor as this one is accepted" {
    mpich
    level=$(level_of_host)
    at_level "$level"
    judged 0 OK "$root" /usr/bin/app
    [[ $(of CPU wants) == "amd64 x86-64-v$level" && $(of CPU offers) == "amd64 x86-64-v$level" ]]
}

@test "NO_CPU: a program for a newer processor than the node's" {
    mpich
    at_level 3
    judged 6 NO_CPU --host-cpu x86-64-v2 "$root" /usr/bin/app
    because CPU "/usr/bin/app is built for x86-64-v3 (GNU_PROPERTY_X86_ISA_1_NEEDED)"
    [[ $(of CPU offers) == "amd64 x86-64-v2" ]]
    judged 0 OK --host-cpu x86-64-v3 "$root" /usr/bin/app
    run -2 --separate-stderr check --host-cpu haswell "$root" /usr/bin/app
    [[ $stderr == *"'haswell' is no level of a processor"* ]]
}

@test "a label that the image's files contradict is named, and the files decide" {
    mpich
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    judged 0 OK --label org.supercontainers.mpi=openmpi --label org.supercontainers.glibc=2.36 \
        "$root" /usr/bin/app
    because MPI "the label org.supercontainers.mpi says openmpi, the image's files say MPICH"
    because libc "the label org.supercontainers.glibc says 2.36, the image's libc says glibc 2.31"
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpich.so.12"
}

@test "a label of the command line holds over the image's own" {
    mpich
    rm "$root/usr/lib/libmpich.so.12"
    library "$host/libmpi.so.40" MPI_Init
    profile openmpi openmpi "$host/libmpi.so.40"
    program /usr/bin/app puts
    tar -C "$root" -cf root.tar .
    import root.tar atse:1 --label org.supercontainers.mpi=mpich
    judged 0 UNPROVEN atse:1 /usr/bin/app
    same "$(jq -c .profiles <<<"$json")" '["mpich"]'
    judged 0 UNPROVEN --label org.supercontainers.mpi=openmpi atse:1 /usr/bin/app
    same "$(jq -c .profiles <<<"$json")" '["openmpi"]'
    judged 0 NATIVE --label org.supercontainers.mpi=none atse:1 /usr/bin/app
}

@test "with --inject none an image gets nothing" {
    mpich
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    judged 0 NATIVE --inject none "$root" /usr/bin/app
    nothing_injected
    [[ -z $(of MPI verdict) ]]
    run -0 check --inject none "$root" /usr/bin/app
    [[ $output == *"as asked"* ]]
}

@test "the higher priority wins among a site's MPIs of one kind, unless only the lower one serves" {
    mpich
    library "$host/libother.so" MPI_Init -Wl,-soname,libmpich.so.12
    profile other mpich "$host/libother.so"
    jq '.priority = 10' profiles/other.json >other.json
    mv other.json profiles/other.json
    program /usr/bin/app MPI_Init "$root/usr/lib/libmpich.so.12"
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libother.so /usr/lib/libmpich.so.12"
    program /usr/bin/app 'MPI_Init MPI_Finalize' "$root/usr/lib/libmpich.so.12"
    judged 0 OK "$root" /usr/bin/app
    same "$(injected)" "$host/libmpich.so.12 /usr/lib/libmpich.so.12"
    loads /usr/bin/app < <(injected)
}

@test "people read a table of what the image needs, with the reason and the remedy" {
    mpich
    library "$root/usr/lib/libmpich.so.12" 'MPI_Init MPI_Session_init'
    program /usr/bin/app 'MPI_Init MPI_Session_init' "$root/usr/lib/libmpich.so.12"
    run -9 check "$root" /usr/bin/app
    [[ $output =~ NEED\ +IMAGE\ +THIS\ HOST\ +VERDICT ]]
    [[ $output =~ MPI\ +MPICH\ \(libmpich.so.12\)\ +mpich\ \([^\)]*/libmpich.so.12\)\ +NO_SYMBOL ]]
    [[ $output == *"why:    /usr/bin/app needs the symbol MPI_Session_init"* ]]
    [[ $output == *"remedy: rebuild the program against an MPI as old as the host's, or run with --container-inject=none"* ]]
    [[ $output == *"speed:  the image's own MPI is used: TCP between nodes"* ]]
}
