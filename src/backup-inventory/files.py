"""Prints what is in the volumes of this host, a line of JSON for each entry. Reads only, follows nothing out of a volume, and holds
no more than a few dozen files at a time. DATA: {"volumes": [{"name", "node", "path"}]}. Python 3.9 and later."""

import collections
import concurrent.futures
import errno
import hashlib
import os
import resource
import stat
import sys
import threading

THREADS = 4
# How many files are open ahead of what is printed.
AHEAD = 64
CHUNK = 1 << 20
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not to wait for the other end, should a pipe have taken the file's place; access times stay as they are.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOATIME | os.O_CLOEXEC
TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}
# What opening it says when something else has taken its place: a symlink, a file, a socket.
REPLACED = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
buffers = threading.local()


def text(name):
    """What is not UTF-8 becomes lone surrogates, which JSON keeps."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def facts(path, info):
    """What an entry says of itself. Nanoseconds are words: as numbers they are too large for JavaScript."""
    found = {
        "path": path,
        "type": TYPES[stat.S_IFMT(info.st_mode)],
        "mode": f"{stat.S_IMODE(info.st_mode):04o}",
        "uid": info.st_uid,
        "gid": info.st_gid,
        "mtime": str(info.st_mtime_ns),
    }
    if found["type"] == "file":
        found["size"] = info.st_size
        if info.st_nlink > 1:
            found["links"] = info.st_nlink
    if found["type"] == "device":
        kind = "block" if stat.S_ISBLK(info.st_mode) else "character"
        found["target"] = f"{kind} {os.major(info.st_rdev)}:{os.minor(info.st_rdev)}"
    return found


def attributes(descriptor):
    """One hash of all extended attributes, access lists among them; None where there are none."""
    try:
        names = sorted(os.listxattr(descriptor))
        if not names:
            return None
        whole = hashlib.sha256()
        for name in names:
            value = os.getxattr(descriptor, name)
            whole.update(os.fsencode(name) + b"\0" + str(len(value)).encode() + b"\0" + value)
        return whole.hexdigest()
    except OSError:
        return None


def with_attributes(found, descriptor):
    xattrs = attributes(descriptor)
    if xattrs is not None:
        found["xattrs"] = xattrs
    return found


def fault(path, error):
    """An entry that could not be read: gone meanwhile, become something else meanwhile, or broken."""
    problem = "vanished" if error.errno == errno.ENOENT else "changed" if error.errno in REPLACED else "unreadable"
    return {"path": path, "type": "unknown", "problem": problem, "why": error.strerror}


def state(info):
    return info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def read(path, descriptor, before):
    """The facts and hash of a file that was opened before; closes it."""
    try:
        found = with_attributes(facts(path, before), descriptor)
        if not stat.S_ISREG(before.st_mode):
            return dict(found, problem="changed")
        if not hasattr(buffers, "view"):
            buffers.view = memoryview(bytearray(CHUNK))
        whole, size = hashlib.sha256(), 0
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            while True:
                count = file.readinto(buffers.view)
                if not count:
                    break
                whole.update(buffers.view[:count])
                size += count
        found["sha256"] = whole.hexdigest()
        if size != before.st_size or state(os.fstat(descriptor)) != state(before):
            found["problem"] = "changed"
        return found
    except OSError as error:
        return fault(path, error)
    finally:
        os.close(descriptor)


def names_in(folder):
    return iter(sorted(os.listdir(folder), key=os.fsencode))


def entries(root, names):
    """Every entry below an open folder, parents first, names in the order of their bytes: facts, or the open file still to be read.
    Each is looked up in its open parent, so that no symlink put in a folder's place leads elsewhere."""
    device = os.fstat(root).st_dev
    folders = [(root, "", names)]
    yield with_attributes(facts(".", os.fstat(root)), root)
    try:
        while folders:
            parent, prefix, names = folders[-1]
            name = next(names, None)
            if name is None:
                folders.pop()
                os.close(parent)
                continue
            path = prefix + text(name)
            try:
                info = os.stat(name, dir_fd=parent, follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode):
                    folder = os.open(name, FOLDER, dir_fd=parent)
                    folders.append((folder, path + "/", iter(())))
                    found = with_attributes(facts(path, os.fstat(folder)), folder)
                    if os.fstat(folder).st_dev == device:
                        folders[-1] = (folder, path + "/", names_in(folder))
                    else:
                        found["problem"] = "mounted"
                elif stat.S_ISREG(info.st_mode):
                    file = os.open(name, FILE, dir_fd=parent)
                    found = path, file, os.fstat(file)
                elif stat.S_ISLNK(info.st_mode):
                    found = dict(facts(path, info), target=text(os.readlink(name, dir_fd=parent)))
                else:
                    found = facts(path, info)
            except OSError as error:
                found = fault(path, error)
            yield found
    finally:
        for folder, _, _ in folders:
            os.close(folder)


def show(kind, what):
    sys.stdout.write(json.dumps({kind: what}, separators=(",", ":")) + "\n")


def walk(volume, pool):
    """Prints a volume's entries in order, while the files ahead are read; returns how many lines."""
    told = {"name": volume["name"], "node": volume["node"], "problem": ""}
    try:
        root = os.open(volume["path"], FOLDER)
        names = names_in(root)
    except OSError as error:
        show("volume", dict(told, problem=f"{volume['path']}: {error.strerror}"))
        return 1
    show("volume", told)
    ahead, count = collections.deque(), 1

    def print_next():
        one = ahead.popleft()
        show("entry", one if isinstance(one, dict) else one.result())

    for one in entries(root, names):
        ahead.append(one if isinstance(one, dict) else pool.submit(read, *one))
        count += 1
        if len(ahead) >= AHEAD:
            print_next()
    while ahead:
        print_next()
    return count


def main():
    # Whoever works on this host goes first.
    os.nice(10)
    # A folder stays open while what is in it is read: as many as its path is deep.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        count = sum(walk(volume, pool) for volume in DATA["volumes"])
    show("end", count)


main()
