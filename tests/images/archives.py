#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the archives that the tests import, and lists what came of them.

  archives.py tar OUT [LINE…]      an archive of the given members, in this order:
                                     file PATH CONTENT | dir PATH | link PATH TARGET |
                                     hard PATH TARGET | fifo PATH | device PATH | zeros PATH BYTES
  archives.py layout DIR REFERENCE ARCH LAYER…   adds an image to an OCI layout
  archives.py sif OUT SQUASHFS [KEY=VALUE…]   a SIF with that root, laid out as apptainer 1.4.5 does:
                                     arch=02 | fs=1 | definition=TEXT | labels=JSON |
                                     metadata=JSON | oci=JSON
  archives.py list PATH            a directory, or a tar archive (`-`: standard input), one member
                                   a line: all that an image must keep of it
"""
import gzip
import hashlib
import io
import json
import os
import stat
import struct
import sys
import tarfile


def add_member(archive, line):
    kind, path, *rest = line.split(" ", 2)
    member = tarfile.TarInfo(path)
    member.mtime = 1000000000
    member.mode = 0o644
    content = b""
    if kind == "file":
        content = rest[0].encode() if rest else b""
    elif kind == "dir":
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    elif kind == "link":
        member.type, member.linkname = tarfile.SYMTYPE, rest[0]
    elif kind == "hard":
        member.type, member.linkname = tarfile.LNKTYPE, rest[0]
    elif kind == "fifo":
        member.type = tarfile.FIFOTYPE
    elif kind == "device":
        member.type, member.devmajor, member.devminor = tarfile.CHRTYPE, 1, 3
    elif kind == "zeros":
        # Only the header: what follows is for the reader to miss.
        member.size = int(rest[0])
        archive.fileobj.write(member.tobuf(tarfile.GNU_FORMAT))
        archive.offset += tarfile.BLOCKSIZE
        return
    else:
        raise SystemExit(f"unknown member: {line}")
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def make_tar(out, lines):
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for line in lines:
            add_member(archive, line)


def put_blob(layout, content):
    digest = hashlib.sha256(content).hexdigest()
    with open(f"{layout}/blobs/sha256/{digest}", "wb") as blob:
        blob.write(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def make_layout(layout, reference, architecture, layers):
    os.makedirs(f"{layout}/blobs/sha256", exist_ok=True)
    with open(f"{layout}/oci-layout", "w") as marker:
        json.dump({"imageLayoutVersion": "1.0.0"}, marker)
    kind = "application/vnd.oci.image."
    diff_ids, descriptors = [], []
    for layer in layers:
        content = open(layer, "rb").read()
        diff_ids.append("sha256:" + hashlib.sha256(content).hexdigest())
        packed = gzip.compress(content, mtime=0)
        descriptors.append({"mediaType": kind + "layer.v1.tar+gzip", **put_blob(layout, packed)})
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": ["PATH=/usr/bin", "GREETING=hello"], "Cmd": ["/bin/sh"],
                   "WorkingDir": "/work", "Labels": {"org.example.built-by": "a test"}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": "2023-01-01T00:00:00Z", "created_by": f"ADD {layer} in /"}
                    for layer in layers] + [{"created_by": "CMD /bin/sh", "empty_layer": True}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind + "manifest.v1+json",
        "config": {"mediaType": kind + "config.v1+json",
                   **put_blob(layout, json.dumps(config).encode())},
        "layers": descriptors,
    }
    descriptor = {"mediaType": kind + "manifest.v1+json",
                  **put_blob(layout, json.dumps(manifest).encode()),
                  "platform": {"os": "linux", "architecture": architecture}}
    if reference:
        descriptor["annotations"] = {"org.opencontainers.image.ref.name": reference}
    try:
        index = json.load(open(f"{layout}/index.json"))
    except FileNotFoundError:
        index = {"schemaVersion": 2, "manifests": []}
    index["manifests"].append(descriptor)
    with open(f"{layout}/index.json", "w") as file:
        json.dump(index, file)
    print(descriptor["digest"])


SIF_DESCRIPTORS = 48


def make_sif(out, squashfs, options):
    keys = {"arch": "02", "fs": "1", **dict(option.split("=", 1) for option in options)}
    partition = struct.pack("<II3s", int(keys["fs"]), 2, keys["arch"].encode())
    objects = [(kind, name, keys[key].encode(), b"", 1)
               for key, kind, name in (("definition", 0x4001, b""), ("labels", 0x4003, b""),
                                       ("metadata", 0x4006, b"inspect-metadata.json"),
                                       ("oci", 0x4006, b"oci-config.json")) if key in keys]
    objects.append((0x4004, b"", open(squashfs, "rb").read(), partition, 4096))
    table, data = b"", b""
    start = 4096 + 585 * SIF_DESCRIPTORS
    for number, (kind, name, content, extra, align) in enumerate(objects, 1):
        data += bytes(-(start + len(data)) % align)
        table += struct.pack("<iB3I7q128s384s", kind, 1, number, 0xf0000001, 0, start + len(data),
                             len(content), len(content), 1000000000, 1000000000, 0, 0, name, extra)
        data += content
    header = struct.pack("<32s10s3s3s16s8q", b"#!/usr/bin/env run-singularity\n", b"SIF_MAGIC",
                         b"01", keys["arch"].encode(), b"lading test sif.", 1000000000, 1000000000,
                         SIF_DESCRIPTORS - len(objects), SIF_DESCRIPTORS, 4096,
                         585 * SIF_DESCRIPTORS, start, len(data))
    with open(out, "wb") as file:
        file.write(header.ljust(4096, b"\0") + table.ljust(585 * SIF_DESCRIPTORS, b"\0") + data)


KEPT = ("user.", "security.capability")


def kept_xattrs(pairs):
    return {name: value.hex() for name, value in sorted(pairs) if name.startswith(KEPT)}


def list_directory(root):
    groups, members = {}, {}
    for directory, names, files in os.walk(root):
        for name in ["."] + names + files:
            path = os.path.normpath(os.path.join(directory, name))
            status = os.lstat(path)
            member = [stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid,
                      status.st_gid, int(status.st_mtime)]
            shown = os.path.relpath(path, root)
            if stat.S_ISLNK(status.st_mode):
                member.append(os.readlink(path))
            elif stat.S_ISREG(status.st_mode):
                member.append(hashlib.sha256(open(path, "rb").read()).hexdigest())
                groups.setdefault((status.st_dev, status.st_ino), set()).add(shown)
            if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
                member.append(kept_xattrs((n, os.getxattr(path, n)) for n in os.listxattr(path)))
            members[shown] = member
    return members, groups.values()


TAR_TYPES = {tarfile.REGTYPE: stat.S_IFREG, tarfile.DIRTYPE: stat.S_IFDIR,
             tarfile.SYMTYPE: stat.S_IFLNK, tarfile.FIFOTYPE: stat.S_IFIFO}


def list_tar(stream):
    groups, members = {}, {}
    prefix = "SCHILY.xattr."
    archive = tarfile.open(fileobj=stream, mode="r|*", errors="surrogateescape")
    for entry in archive:
        shown = os.path.normpath(entry.name)
        if entry.islnk():
            target = os.path.normpath(entry.linkname)
            groups[target].add(shown)
            members[shown] = members[target]
            continue
        member = [TAR_TYPES.get(entry.type, 0), entry.mode, entry.uid, entry.gid, int(entry.mtime)]
        if entry.issym():
            member.append(entry.linkname)
        elif entry.isreg():
            member.append(hashlib.sha256(archive.extractfile(entry).read()).hexdigest())
            groups[shown] = {shown}
        if entry.isreg() or entry.isdir():
            member.append(kept_xattrs(
                (name[len(prefix):], value.encode("utf-8", "surrogateescape"))
                for name, value in entry.pax_headers.items() if name.startswith(prefix)))
        members[shown] = member
    return members, groups.values()


def list_members(path):
    if path == "-":
        members, groups = list_tar(sys.stdin.buffer)
    elif os.path.isdir(path):
        members, groups = list_directory(path)
    else:
        members, groups = list_tar(open(path, "rb"))
    for name in sorted(members):
        kind, mode, *rest = members[name]
        print(ascii(name), oct(kind), oct(mode), *rest)
    for group in sorted(sorted(names) for names in groups if len(names) > 1):
        print("one file:", *map(ascii, group))


def main():
    command, *arguments = sys.argv[1:]
    if command == "tar":
        make_tar(arguments[0], arguments[1:])
    elif command == "layout":
        make_layout(*arguments[:3], arguments[3:])
    elif command == "sif":
        make_sif(arguments[0], arguments[1], arguments[2:])
    elif command == "list":
        list_members(*arguments)
    else:
        raise SystemExit(__doc__)


main()
